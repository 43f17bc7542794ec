"""The project itself: what the README, the Makefile and the locks promise."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z-]+):.*##", MAKEFILE, re.M))


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, timeout=60)


PAGES = [
    "README.md",
    "README.zh-CN.md",
    "CONTRIBUTING.md",
    *sorted(f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")),
]


@pytest.mark.parametrize("page", PAGES)
def test_each_make_target_that_a_page_names_exists(page):
    named = set(re.findall(r"(?:^ {4}|`)make ([a-z-]+)", (ROOT / page).read_text(encoding="utf-8"), re.M))

    assert named <= TARGETS and (named or page == "docs/container-apps.md")


@pytest.mark.parametrize("page", PAGES)
def test_each_file_that_a_page_links_to_exists(page):
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (ROOT / page).read_text(encoding="utf-8"))

    assert all(((ROOT / page).parent / link).exists() for link in links)


def test_make_help_lists_every_target():
    lines = run("make", "--no-print-directory", "help").stdout.splitlines()

    assert {line.split()[1] for line in lines} == TARGETS


@pytest.mark.parametrize(
    ("version", "reason"), [("3.10", "too old"), ("3.9", "too old"), ("3.12", "too new"), ("4.0", "too new")]
)
def test_a_python_that_does_not_fit_is_named_in_one_line(tmp_path, version, reason):
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\necho {version}\n")
    python.chmod(0o755)

    found = run("bash", "scripts/check-python", str(python))

    assert found.returncode == 1 and found.stdout == ""
    assert re.fullmatch(rf"slipway: Python {re.escape(version)} is {reason}; it needs 3\.11, .*\n", found.stderr)


@pytest.mark.parametrize(("first", "left"), [("import slipway.compiled", False), ("import onnxruntime", True)])
def test_onnx_runtime_reports_nothing_home(tmp_path, first, left):
    bare = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}

    subprocess.run([sys.executable, "-c", first], env=bare, cwd=tmp_path, check=True, timeout=60)

    # Without the switch it writes an identity of this machine, and a database of what is to be sent.
    assert bool(list(tmp_path.rglob("*onnxruntime*"))) == left


def test_bentoml_reports_nothing_home_though_it_asked_before_the_service_was_imported():
    ask = (
        "from bentoml._internal.utils.analytics.usage_stats import do_not_track\n"
        "before = do_not_track()\nimport slipway.serving\nprint(before, do_not_track())"
    )
    bare = {key: value for key, value in os.environ.items() if key != "BENTOML_DO_NOT_TRACK"}

    run = subprocess.run([sys.executable, "-c", ask], env=bare, cwd=ROOT, capture_output=True, text=True, timeout=60)

    assert run.stdout.split() == ["False", "True"], run.stderr


def test_no_page_has_a_place_that_was_to_be_filled_in():
    for page in PAGES:
        assert not re.search(r"^[A-Z]{6,}$", (ROOT / page).read_text(encoding="utf-8"), re.M), page


def test_no_python_at_all_is_said_in_one_line():
    found = run("bash", "scripts/check-python", "")

    assert found.returncode == 1 and found.stderr.startswith("slipway: there is no python3; install Python 3.11")


@pytest.mark.parametrize("lock", ["serve.txt", "dev.txt", "uv.txt", "azure.txt"])
def test_a_lock_has_hashes_for_all_systems_and_no_address(lock):
    text = (ROOT / "requirements" / lock).read_text()
    packages = re.split(r"^(?=[a-z0-9])", text, flags=re.M)[1:]

    assert len(packages) > 0 and all("--hash=sha256:" in package for package in packages)
    assert "://" not in text and "--index-url" not in text.replace("--no-emit-index-url", "")
    if lock != "uv.txt":
        assert "sys_platform == 'win32'" in text


def test_both_locks_agree():
    def pins(lock: str) -> set[str]:
        return set(re.findall(r"^[a-z0-9-]+==[^ ;]+", (ROOT / "requirements" / lock).read_text(), re.M))

    assert pins("serve.txt") < pins("dev.txt")


def test_nothing_tracked_names_an_index_or_a_path_of_a_machine():
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    for name in files:
        path = Path(ROOT / name)
        if path.suffix not in (".png", ".txt"):
            assert (
                not re.search(r"/work/|/root/|--index-url https|pypi\.org/simple", path.read_text(encoding="utf-8"))
                or name == "tests/test_project.py"
            ), name
