"""The list of calls: as golden files, in their order, and what must never be in it.

After a change that is meant, `slipway deploy plan` makes the golden files anew: set
SLIPWAY_WRITE_GOLDEN and run these tests once.
"""

import os
import re
import shlex
import subprocess
from dataclasses import replace

import pytest

from slipway.cli.deploy.az import Call
from slipway.cli.deploy.command import offline_plan as plan
from slipway.cli.deploy.webapp.calls import Calls
from slipway.cli.deploy.webapp.content import PLACEHOLDER
from slipway.cli.deploy.webapp.state import Found, Site, needed, wanted_moves, wanted_stays
from tests.azure.conftest import ADDRESSES, ENTRA, NEW, OLD, config, main, written
from tests.conftest import ROOT, SLIPWAY

GOLDEN = ROOT / "tests" / "azure" / "golden"
FORMS = pytest.mark.parametrize(
    "access", [ADDRESSES, ENTRA, "public"], ids=["addresses", "entra", "public"]
)  # fmt: skip


def as_wanted(config) -> Found:
    """What there is when all is as the config says, with nothing in staging yet."""
    site = Site("app.example", "Running", config.image, wanted_stays(config), wanted_moves(config))
    return Found(config.sku, site, replace(site, image=PLACEHOLDER, moves={}))


@FORMS
def test_a_plan_is_the_golden_one(tmp_path, access, request):
    golden = GOLDEN / f"{request.node.callspec.id}.sh"
    printed = plan(config(tmp_path, access=access)) + "\n"
    if "SLIPWAY_WRITE_GOLDEN" in os.environ:
        golden.write_text(printed, encoding="utf-8")

    assert printed == golden.read_text(encoding="utf-8")


@FORMS
def test_a_plan_is_a_shell_script_with_the_very_arguments(tmp_path, access):
    chosen = config(tmp_path, access=access)
    show = 'az() { printf "%s\\n" "$@" END; }\n'

    ran = subprocess.run(["sh", "-c", show + plan(chosen)], capture_output=True, text=True, check=True)

    values: dict[str, str] = {}
    for call in needed(chosen, Found()):
        if call.gives:
            values[call.gives] = "\n".join([*call.argv, "END"])
    expected = [*(call for call in needed(chosen, Found()) if not call.gives)]
    assert ran.stdout == "".join("\n".join([*call.filled(values), "END"]) + "\n" for call in expected)


def test_plan_says_first_who_is_let_in(tmp_path, capsys):
    code = main(["plan", "--offline", "--config", str(written(tmp_path, access="public"))])

    first, second = capsys.readouterr().out.splitlines()[:2]
    assert code == 0 and second == ""
    assert first == "# access: public: EVERYBODY on the Internet can use the app and its staging slot"


def test_an_offline_plan_needs_no_az(tmp_path):
    command = [SLIPWAY, "deploy", "plan", "--offline", "--config", str(written(tmp_path)), "--az", "/nowhere"]

    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)

    assert ran.returncode == 0 and ran.stderr == ""
    assert ran.stdout == (GOLDEN / "addresses.sh").read_text(encoding="utf-8")


def test_a_config_with_mistakes_ends_with_code_2_and_a_line_for_each(tmp_path, capsys):
    code = main(["plan", "--config", str(written(tmp_path, access=None, sku="B1"))])

    printed = capsys.readouterr()
    assert code == 2 and printed.out == ""
    assert [re.sub(r".*yaml: (\w+):.*", r"\1", line) for line in printed.err.splitlines()] == ["access", "sku"]


@FORMS
def test_every_call_names_the_subscription_and_holds_no_password(tmp_path, access):
    chosen = config(tmp_path, access=access)

    for call in needed(chosen, Found()):
        assert call.argv[-2:] == ("--subscription", chosen.subscription)
        assert not re.search(r"password|secret|--admin-enabled|registry-user", " ".join(call.argv), re.I), call.argv


@FORMS
def test_the_rules_of_both_sites_come_before_the_image(tmp_path, access):
    chosen = config(tmp_path, access=access)
    calls = needed(chosen, Found())

    (image,) = (number for number, call in enumerate(calls) if any(OLD in word for word in call.argv))
    rules = [number for number, call in enumerate(calls) if "ipSecurityRestrictionsDefaultAction" in str(call.argv)]
    signs = [number for number, call in enumerate(calls) if "authsettingsV2" in str(call.argv)]
    assert len(rules) == len(signs) == 2 and max(rules + signs) < image
    # What lets fewer people in is set before what lets more in.
    assert all(sign < rule for sign, rule in zip(signs, rules, strict=True)) == (access == ENTRA)


def test_production_is_written_by_nothing_but_its_making_its_own_settings_and_the_swap(tmp_path):
    chosen = config(tmp_path)
    calls = Calls(chosen)

    on_the_app = [call for call in needed(chosen, Found()) if chosen.app in call.argv and "--slot" not in call.argv]

    own = [*calls.guards(None), *calls.pulling(None)]
    assert on_the_app == [calls.make_app(), *(call for call in own if call.argv[0] == "webapp")]
    assert needed(chosen, Found())[-1] == calls.swap()


def test_nothing_is_needed_where_all_is_as_wanted(tmp_path):
    chosen = config(tmp_path)

    assert needed(chosen, as_wanted(chosen)) == []


def test_a_new_digest_needs_staging_and_a_swap_only(tmp_path):
    calls = Calls(new := config(tmp_path, image=NEW))

    assert needed(new, as_wanted(old := config(tmp_path))) == [
        *calls.pull_right(),
        *calls.stage(old.digest),
        calls.swap(),
    ]


def test_an_image_from_another_registry_is_staged_after_the_right_to_pull_there(tmp_path):
    new = config(tmp_path, registry="otherregistry", image=OLD.replace("slipwayregistry", "otherregistry"))

    does = [call.argv[:3] for call in needed(new, as_wanted(config(tmp_path))) if call.writes]

    assert does[:3] == [
        ("identity", "create", "--resource-group"),
        ("role", "assignment", "create"),
        ("webapp", "stop", "--resource-group"),
    ]


@pytest.mark.parametrize("setting", [{"port": 8080}, {"health_path": "/livez"}, {"start_limit_seconds": 900}], ids=str)
def test_a_setting_that_moves_needs_staging_and_a_swap_only(tmp_path, setting):
    calls = Calls(new := config(tmp_path, **setting))

    todo = needed(new, as_wanted(config(tmp_path)))

    assert todo == [*calls.pull_right(), *calls.stage(new.digest), calls.swap()]


def test_access_is_changed_on_both_sites_without_a_swap(tmp_path):
    calls = Calls(new := config(tmp_path, access="public"))

    todo = needed(new, as_wanted(config(tmp_path)))

    assert todo == [*calls.guards(None), *calls.guards("staging")]


def test_access_is_changed_before_anything_that_needs_the_right_to_assign_roles(tmp_path):
    calls = Calls(new := config(tmp_path, access={"addresses": ["131.107.0.7/32"]}, image=NEW))

    todo = needed(new, as_wanted(old := config(tmp_path)))

    narrowing = [*calls.guards(None), *calls.guards("staging")]
    assert todo == [*narrowing, *calls.pull_right(), *calls.stage(old.digest), calls.swap()]


def test_sites_without_the_identity_get_it_after_it_was_made(tmp_path):
    calls = Calls(chosen := config(tmp_path))
    found = as_wanted(chosen)
    stays = found.staging.stays | {"pulls with the identity": False}

    todo = needed(chosen, replace(found, staging=replace(found.staging, stays=stays)))

    assert todo == [*calls.pull_right(), *calls.pulling("staging")]


def test_a_plan_of_another_size_is_resized_and_no_plan_that_is_there_is_made(tmp_path):
    calls = Calls(new := config(tmp_path, sku="P1V3", image=NEW, access="public"))

    todo = needed(new, as_wanted(config(tmp_path)))

    assert calls.resize_plan(1) in todo and calls.make_plan() not in todo and calls.make_group() not in todo
    assert needed(new, replace(as_wanted(new), sku="P0V3", workers=3)) == [calls.resize_plan(3)]


def test_stopped_production_is_started_after_the_swap(tmp_path):
    calls = Calls(new := config(tmp_path, image=NEW))
    found = as_wanted(old := config(tmp_path))
    stopped = replace(found, production=replace(found.production, state="Stopped"))

    assert needed(old, stopped) == [Calls(old).start(None)]
    assert needed(new, stopped)[-2:] == [calls.swap(), calls.start(None)]


def test_an_app_that_is_there_is_never_made_again(tmp_path):
    chosen = config(tmp_path)
    found = replace(as_wanted(chosen), staging=None)

    todo = needed(chosen, found)

    assert Calls(chosen).make_app() not in todo and Calls(chosen).make_slot() in todo


def test_a_line_shows_what_a_later_call_is_given_as_a_shell_variable():
    call = Call(("x", "--scope", "{REGISTRY_ID}", "--name", "a b"), "does")

    assert call.line() == "az x --scope \"$REGISTRY_ID\" --name 'a b'"
    assert call.filled({"REGISTRY_ID": "/r"}) == ["x", "--scope", "/r", "--name", "a b"]
    assert replace(call, gives="ID").line() == f"ID=$({call.line()})"
    assert shlex.split(call.line())[0] == "az"
