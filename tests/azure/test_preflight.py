"""What is refused before the first writing call: `plan` and `apply` say it, and nothing is made."""

import sys

import pytest
import yaml

from slipway.cli.deploy import preflight
from slipway.cli.deploy import run as steps
from slipway.cli.deploy.az import Az, Call
from slipway.cli.deploy.run import RefusedError
from tests.azure.conftest import NEW, OLD, config, main, written
from tests.azure.standin import Fault


@pytest.mark.azure
@pytest.mark.parametrize("action", ["plan", "apply"])
def test_missing_provider_role_and_image_are_all_named_before_anything_is_made(azure, deploy, action):
    azure.unregistered.add("Microsoft.Web")
    azure.denied.add("Microsoft.Authorization/*/Write")
    azure.images.clear()

    ended = deploy(action, slot="none")

    assert ended.code == 1 and azure.written() == []
    lines = ended.err.removeprefix("deploy: ").splitlines()
    assert lines[0].startswith(
        "provider Microsoft.Web: is NotRegistered, expected Registered: `az provider register --wait"
    )
    assert lines[1].startswith("role: your account may not Microsoft.Authorization/roleAssignments/write on /sub")
    assert lines[2].startswith("image: the registry slipwayregistry has no insurance@sha256:aaaa")
    assert lines[3:] == ["  nothing was changed"]


@pytest.mark.azure
def test_a_reader_plans_what_another_account_applies(deployed, warm_az, tmp_path, capsys):
    deployed.denied.update({"Microsoft.Authorization/*/Write", "Microsoft.Web/*/Write"})
    arguments = ["plan", "--config", str(written(tmp_path)), "--digest", NEW.partition("@")[2], "--az", str(warm_az)]

    refused, said = main(arguments), capsys.readouterr()
    assert refused == 1 and "role: your account may not Microsoft.Web/sites/write" in said.err

    assert main([*arguments, "--reader"]) == 0
    assert f"DOCKER|{NEW}" in capsys.readouterr().out and deployed.written() == []


@pytest.mark.azure
def test_a_digest_beside_the_config_is_applied_and_not_written_into_it(
    deployed, warm_az, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(steps, "POLL_SECONDS", 0.05)
    file = written(tmp_path)
    before = file.read_bytes()
    arguments = ["--config", str(file), "--digest", NEW.partition("@")[2], "--az", str(warm_az)]

    assert main(["apply", *arguments], deployed.visit) == 0, capsys.readouterr().err
    assert deployed.site().image == NEW and file.read_bytes() == before
    assert main(["plan", *arguments]) == 0 and "nothing to do" in capsys.readouterr().out


@pytest.mark.parametrize("digest", ["latest", "sha256:abc", f"sha256:{'0' * 64}", ""])
def test_what_is_no_digest_is_refused(tmp_path, capsys, digest):
    file = written(tmp_path)

    assert main(["plan", "--offline", "--config", str(file), "--digest", digest]) == 2

    assert capsys.readouterr().err.startswith(
        f"{file}: image: found 'slipwayregistry.azurecr.io/insurance@{digest[:20]}"
    )


@pytest.mark.azure
def test_an_image_for_another_processor_is_refused(azure, deploy):
    azure.images[OLD.partition("@")[2]] = "arm64"

    ended = deploy("plan")

    assert ended.code == 1 and "is for arm64, expected amd64: build it with `--platform linux/amd64`" in ended.err


@pytest.mark.azure
def test_a_registry_that_is_away_is_said(azure, deploy):
    (registry,) = azure.things.values()
    registry["properties"]["loginServer"] = "127.0.0.1:9"

    ended = deploy("apply", image=NEW)

    assert ended.code == 1 and "image: the registry slipwayregistry could not be asked for insurance@" in ended.err
    assert azure.written() == []


@pytest.mark.azure
def test_plan_asks_and_prints_only_what_is_missing_and_writes_nothing(deployed, deploy):
    nothing = deploy("plan")
    assert nothing.code == 0 and nothing.out.endswith("# image and settings are up to date; nothing to do\n")
    assert "\naz " not in nothing.out

    ended = deploy("plan", image=NEW)

    assert ended.code == 0, ended.err
    assert "az webapp deployment slot swap" in ended.out and "az webapp create" not in ended.out
    assert deployed.written() == []


@pytest.mark.azure
def test_a_read_that_is_denied_is_a_message(azure, deploy):
    azure.faults.append(Fault("GET", "/providers$", 403))

    ended = deploy("plan")

    assert ended.code == 1 and "your account lacks a role" in ended.err and azure.written() == []


def fake_az(folder, version: str, helps: str) -> Az:
    path = folder / "az.cmd"
    script = (
        f"import json, sys\nprint({helps!r} if '--help' in sys.argv else json.dumps({{'azure-cli': {version!r}}}))\n"
    )
    path.write_text(f"#!{sys.executable} -S\n{script}")
    path.chmod(0o755)
    return Az(str(path))


CALLS = [Call(("webapp", "create", "--name", "x", "--acr-use-identity", "true"), "make it")]


def test_an_az_that_is_too_old_is_refused(tmp_path):
    az = fake_az(tmp_path, "2.45.0", "")

    with pytest.raises(RefusedError, match=r"\Aaz: found azure-cli 2\.45\.0; expected 2\.91\.0 or later: `az upgrade`"):
        preflight.check_before_writing(config(tmp_path), az, CALLS, lambda text: None)


def test_a_newer_az_that_lacks_an_option_is_refused(tmp_path):
    az = fake_az(tmp_path, "2.99.0", "  --name -n\n  --acr-use-identity-for-all")

    with pytest.raises(RefusedError, match=r"\Aaz: `az webapp create` has no option --acr-use-identity; "):
        preflight.check_before_writing(config(tmp_path), az, CALLS, lambda text: None)


def test_az_is_found_as_a_command_file(tmp_path, monkeypatch):
    # On Windows PATHEXT makes `which` find az.cmd by the name az; here the lookup itself is what is tested.
    fake_az(tmp_path, "2.91.0", "")
    monkeypatch.setattr("slipway.cli.deploy.az.shutil.which", lambda name: str(tmp_path / f"{name}.cmd"))

    assert Az("az").run(Call(("version",), "read", writes=False)) == {"azure-cli": "2.91.0"}


@pytest.mark.azure
@pytest.mark.parametrize("target", ["webapp", "containerapp"])
def test_init_reads_with_the_real_az_and_leaves_no_file_that_plan_would_refuse(
    azure, warm_az, tmp_path, capsys, target
):
    file = tmp_path / "mine.yaml"
    command = ["init", "--config", str(file), "--az", str(warm_az), "--target", target, "--address", "131.107.0.0/24"]

    code = main(command, azure.visit)

    said = capsys.readouterr()
    # The stand-in's registry has an address that no image of Azure's has.
    assert code == 2, said.err
    assert "image: found '127.0.0.1:" in said.err and not list(tmp_path.iterdir())
    assert "registry: slipwayregistry\nimage: insurance@sha256:aaaa" in said.out


def test_init_never_overwrites(tmp_path, capsys):
    file = tmp_path / "mine.yaml"
    file.write_text("mine")

    assert main(["init", "--config", str(file)]) == 2
    assert "is there already" in capsys.readouterr().err and file.read_text() == "mine"


def test_init_without_anybody_to_ask_says_so(tmp_path, capsys, monkeypatch):
    answers = {
        "account show": {"id": "1" * 8 + "-1111-1111-1111-" + "1" * 12, "name": "mine"},
        "acr list": [{"name": "slipwayregistry", "loginServer": "slipwayregistry.azurecr.io", "resourceGroup": "slipway", "location": "westeurope"}],
        "acr repository list": ["insurance"],
        "acr manifest list-metadata": [{"digest": OLD.partition("@")[2], "createdTime": "2026-11-27"}],
    }  # fmt: skip
    monkeypatch.setattr(Az, "run", lambda self, call: answers[" ".join(call.argv).split(" --")[0]])
    monkeypatch.setattr("sys.stdin", open("/dev/null"))
    file = tmp_path / "mine.yaml"

    assert main(["init", "--config", str(file), "--address", "131.107.0.0/24"]) == 2
    assert "target: nobody is there to be asked" in capsys.readouterr().err and not file.exists()
    assert main(["init", "--config", str(file), "--address", "192.168.1.0/24", "--target", "webapp"]) == 2
    assert "that range is private" in capsys.readouterr().err and not list(tmp_path.iterdir())
    for target in ("webapp", "containerapp"):
        assert main(["init", "--config", str(file), "--address", "131.107.0.0/24", "--target", target]) == 0
        assert yaml.safe_load(file.read_text())["image"] == OLD and yaml.safe_load(file.read_text())["target"] == target
        assert main(["plan", "--offline", "--config", str(file)]) == 0
        file.unlink()
