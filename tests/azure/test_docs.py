"""The pages about Azure: what they say about each command is true."""

import json
import os
import re
import shlex
import subprocess

import pytest

from slipway.cli.main import build_parser
from tests.azure.conftest import NEW, main, written
from tests.conftest import ROOT

PAGES = ("azure.md", "container-apps.md", "ci.md")
BOTH = pytest.mark.parametrize("page", PAGES)
NOT_TRIED = "# not tried"


def lines(page: str) -> list[str]:
    """The command lines of a page: what is indented by four spaces."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return [line.strip() for line in re.findall(r"^ {4}(?: {3})?(\S.*)$", text, re.M)]


def az_lines(page: str) -> list[list[str]]:
    """The arguments of each `az` line of a page, after `az`."""
    inner = [re.sub(r"^\w+=\$\((.*)\)$", r"\1", line) for line in lines(page)]
    return [shlex.split(line, comments=True)[1:] for line in inner if line.startswith("az ")]


@BOTH
def test_each_line_is_one_that_a_test_looks_at_or_says_that_it_was_not_tried(page):
    ours = re.compile(r"(\w+=\$\()?az |slipway deploy |make |export PATH=")

    others = [line for line in lines(page) if not ours.match(line) and not line.endswith(NOT_TRIED)]

    assert lines(page) and others == []


def test_each_make_line_names_a_target():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))

    named = {line.split()[1] for page in PAGES for line in lines(page) if line.startswith("make ")}

    assert {"image", "push"} <= named
    assert named <= targets


def test_each_line_of_ours_is_taken_by_its_parser():
    found = [line.split()[1:] for page in PAGES for line in lines(page) if line.startswith("slipway deploy ")]

    parsed = [build_parser().parse_args(arguments) for arguments in found]

    assert [args.action for args in parsed] == [
        "init",
        "plan",
        "apply",
        "status",
        "rollback",
        "init",
        "init",
        "plan",
        "apply",
    ]


def test_the_line_for_the_shell_makes_python_and_az_those_of_the_repository(tmp_path):
    (line,) = (line for line in lines("azure.md") if line.startswith("export "))
    for program in (".venv/bin/python", ".venv/azure/bin/python", ".venv/azure/bin/az"):
        (tmp_path / program).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / program).touch(0o755)

    script = f"{line}\ncommand -v python; command -v az"
    found = subprocess.run(["sh", "-ec", script], cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    assert found.split() == [str(tmp_path / ".venv/bin/python"), str(tmp_path / ".venv/azure/bin/az")]


@BOTH
def test_each_link_leads_somewhere(page):
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")

    for link in re.findall(r"\]\(([^)]+)\)", text):
        file, _, heading = link.partition("#")
        assert (ROOT / "docs" / (file or page)).exists(), link
        headings = (
            re.findall(r"^#+ (.*)$", (ROOT / "docs" / (file or page)).read_text(encoding="utf-8"), re.M)
            if heading
            else []
        )
        names = {re.sub(r"[^\w -]", "", name).lower().replace(" ", "-") for name in headings}
        assert not heading or heading in names, link


@BOTH
def test_the_page_says_that_nothing_was_run_on_azure(page):
    assert re.search(r"\*\*Nothing .*run on Azure\.\*\*", (ROOT / "docs" / page).read_text(encoding="utf-8"))


@pytest.mark.azure
@pytest.mark.parametrize("page", ["azure.md", "ci.md"])
def test_each_az_line_that_says_nothing_else_is_run_by_the_real_az(azure, warm_az, tmp_path, page):
    (tmp_path / "az").symlink_to(warm_az)
    script = [line for line in lines(page) if re.match(r"(\w+=\$\()?az ", line) and not line.endswith(NOT_TRIED)]

    path = f"{tmp_path}:{os.environ['PATH']}"
    command = ["sh", "-ec", "\n".join(script)]
    ran = subprocess.run(command, cwd=tmp_path, env=os.environ | {"PATH": path}, capture_output=True, text=True)

    assert len(script) > 1 and ran.returncode == 0, ran.stderr


@pytest.mark.azure
@pytest.mark.parametrize("changes", [{}, {"target": "containerapp", "slot": None, "sku": None}], ids=["site", "app"])
def test_the_planners_role_allows_every_call_that_plan_makes(azure, first, warm_az, tmp_path, changes):
    """What is no GET is an action of its own, which `*/read` does not allow."""
    text = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    allowed = set(json.loads(re.findall(r"--role-definition '(.*)'$", text, re.M)[0])["Actions"])
    access = {"addresses": ["131.107.0.0/24"]}
    azure.restore(first(access, **changes).things)

    code = main(
        [
            "plan",
            "--reader",
            "--config",
            str(written(tmp_path, image=NEW, access=access, **changes)),
            "--az",
            str(warm_az),
        ]
    )

    asked = {request.path.lower() for request in azure.log if request.method not in ("GET", "HEAD")}
    site = re.compile(
        r".*/providers/microsoft\.web/sites/[^/]+(/slots)?(?(1)/[^/]+|)(/config)?(?(2)/[^/]+|)/(list|publishxml)"
    )
    actions = {site.sub(r"Microsoft.Web/sites\1\2/\3/action", path) for path in asked}
    assert code == 0 and actions <= allowed, actions - allowed
    assert not asked or not changes


def test_memory_is_the_same_figure_in_every_document():
    measured = (ROOT / "docs" / "image.md").read_text(encoding="utf-8")
    (memory,) = re.findall(r"^\*\*\d+ MB on disk, ready after [\d.]+ s, (\d+ MB) of memory\*\*", measured, re.M)

    for page in ("docs/operations.md", "docs/other-clouds.md", "docs/kubernetes.md", "deploy/chart/values.yaml"):
        text = (ROOT / page).read_text(encoding="utf-8")
        assert re.search(rf"\b{memory}\b", text), page
