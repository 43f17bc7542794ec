"""The bento: what `bentoml build` includes, and that it can be served on its own."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import bentoml
import pytest
import yaml
from pathspec import PathSpec

from slipway.service.image import BASE, BASE_VARIABLE, STAGE
from tests.conftest import HOME, PERSON, ROOT, serve, trained

PINNED = f"python:3.11-slim@sha256:{'9f' * 32}"
"""No real one: nothing is pulled here."""
BENTOML = str(Path(sys.executable).with_name("bentoml"))


@pytest.fixture(scope="module")
def bento(insurance: str) -> bentoml.Bento:
    """A bento built by `bentoml build`, with no flags, on a base image that is pinned by its digest."""
    run = subprocess.run(
        [BENTOML, "build", "--output", "tag"],
        cwd=ROOT, env=os.environ | {BASE_VARIABLE: PINNED}, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    return bentoml.get(run.stdout.strip().splitlines()[-1].removeprefix("__tag__:"))


def test_a_bento_holds_what_serving_needs_and_nothing_else(bento):
    source = Path(bento.path_of("src"))

    files = {path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()}

    package = {path for path in files if path.startswith("slipway/")}
    parts = {path.split("/")[1] for path in package}
    assert files - package == {"service.py", "LICENSE", "bentofile.yaml"}
    assert parts == {"__init__.py", "errors.py", "i18n", "inference", "page", "schema", "service", "store", "tables"}
    assert not {f"slipway/tables/{name}.py" for name in ("columns", "readers", "reading")} & package
    assert {Path(path).suffix for path in package if path.count("/") > 1} == {
        ".py",
        ".js",
        ".css",
        ".html",
        ".po",
        ".svg",
    }


@pytest.mark.parametrize(
    "path", ["site/_downloads/9879d6/LICENSE", "examples/service.py", "build/lib/slipway/errors.py"]
)
def test_a_bento_takes_nothing_of_the_same_name_from_another_folder(path):
    said = yaml.safe_load((ROOT / "bentofile.yaml").read_text(encoding="utf-8"))
    included = PathSpec.from_lines("gitwildmatch", said["include"])  # as BentoML reads it

    assert not included.match_file(path)
    assert (
        included.match_file("LICENSE")
        and included.match_file("service.py")
        and included.match_file("slipway/errors.py")
    )


def test_a_bentos_requirements_are_the_locked_ones_without_an_index(bento):
    locked = Path(bento.path_of("env/python/requirements.txt")).read_text()

    wanted = (ROOT / "requirements" / "serve.txt").read_text()
    for pattern in (r"^[a-z0-9-]+==[^ ;\n]+", r"--hash=sha256:[0-9a-f]{64}"):
        assert set(re.findall(pattern, locked, re.M)) == set(re.findall(pattern, wanted, re.M)) != set()
    assert "://" not in locked


def test_each_stage_of_a_bentos_image_has_the_base_that_was_asked_for(bento):
    stages = re.findall(r"^FROM (\S+)", Path(bento.path_of("env/docker/Dockerfile")).read_text(), re.M)

    others = {name for name in stages if name != PINNED}
    assert stages.count(PINNED) == 2 and others == {STAGE}


@pytest.mark.parametrize("pinned", ["", "@sha256:" + "1a" * 32], ids=["by tag", "by digest"])
def test_renovate_finds_the_base_image_and_writes_its_digest_behind_the_tag(pinned):
    (manager,) = json.loads((ROOT / "renovate.json").read_text(encoding="utf-8"))["customManagers"]
    (pattern,), (file,) = manager["matchStrings"], manager["managerFilePatterns"]
    path = "slipway/service/image.py"
    assert re.search(file.strip("/"), path)
    text = (ROOT / path).read_text(encoding="utf-8").replace(f'"{BASE}"', f'"{BASE.partition("@")[0]}{pinned}"')

    (found,) = re.finditer(pattern.replace("(?<", "(?P<"), text)

    parts = found.groupdict()
    assert (parts["depName"], parts["currentValue"]) == ("python", "3.11-slim")
    assert parts["currentDigest"] == (pinned.removeprefix("@") or None)
    written = manager["autoReplaceStringTemplate"].replace("{{#if newDigest}}", "").replace("{{/if}}", "")
    for name, value in {"depName": "python", "newValue": "3.11-slim", "newDigest": "sha256:" + "2b" * 32}.items():
        written = written.replace(f"{{{{{{{name}}}}}}}", value)
    assert written == f'\nBASE = "python:3.11-slim@sha256:{"2b" * 32}"'
    assert text.replace(found[0], written).count("2b" * 32) == 1


@pytest.mark.slow
def test_a_bento_serves_the_version_it_was_built_with_when_a_newer_one_is_in_the_store(bento, insurance):
    newer = trained("insurance", "--include", "dummy", "--folds", "2")
    try:
        with serve(str(bento.tag)) as server:
            answer = server.post("/predict", json={"records": [PERSON]}).json()
            page = server.get("/ui/")
    finally:
        for tag in (newer, newer.replace(":", "-pipeline:")):
            bentoml.models.delete(tag)

    assert answer["model"] == insurance != newer
    assert page.status_code == 200 and "<gradio-app" in page.text


@pytest.mark.slow
def test_an_exported_bento_serves_where_the_store_is_empty(bento, insurance):
    archive = bento.export(str(HOME / "insurance.bento"))
    folder = HOME / "unpacked"
    folder.mkdir()
    subprocess.run(["tar", "-xf", archive, "-C", folder], check=True)

    with serve(".", cwd=folder, BENTOML_HOME=str(HOME / "empty")) as server:
        answer = server.post("/predict", json={"records": [PERSON]})

    assert answer.status_code == 200 and answer.json()["model"] == insurance


def test_a_misspelt_argument_is_refused(insurance):
    run = subprocess.run(
        [BENTOML, "serve", "--arg", "modle=insurance"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ,
    )

    assert run.returncode != 0
    assert "modle" in run.stdout + run.stderr
