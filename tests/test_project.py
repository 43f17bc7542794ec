"""The project itself: the promises of the README, the Makefile and the locks."""

import os
import re
import shutil
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

    assert named <= TARGETS and (
        named
        or page
        in (
            "docs/card.md",
            "docs/container-apps.md",
            "docs/index.md",
            "docs/operations.md",
            "docs/requests.md",
            "docs/tables.md",
            "docs/trust.md",
        )
    )


@pytest.mark.parametrize("page", PAGES)
def test_each_file_that_a_page_links_to_exists(page):
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (ROOT / page).read_text(encoding="utf-8"))

    assert all(((ROOT / page).parent / link).exists() for link in links)


def test_make_help_lists_every_target():
    lines = run("make", "--no-print-directory", "help").stdout.splitlines()

    assert {line.split()[1] for line in lines} == TARGETS


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        ("3.10", "too old"),
        ("3.9", "too old"),
        ("3.13", "for servers alone: .*"),
        ("3.14", "too new"),
        ("4.0", "too new"),
    ],
)
def test_a_python_that_does_not_fit_is_named_in_one_line(tmp_path, version, reason):
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\necho {version}\n")
    python.chmod(0o755)

    found = run("bash", "scripts/check-python", str(python))

    assert found.returncode == 1 and found.stdout == ""
    assert re.fullmatch(
        rf"slipway: Python {re.escape(version)} is {reason}; it needs 3\.11 or 3\.12: .*\n", found.stderr
    )


@pytest.mark.parametrize(
    ("first", "left"), [("import slipway.inference.onnx_engine", False), ("import onnxruntime", True)]
)
def test_onnx_runtime_reports_nothing_home(tmp_path, first, left):
    bare = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}

    subprocess.run([sys.executable, "-c", first], env=bare, cwd=tmp_path, check=True, timeout=60)

    # Without the switch it writes an identity of this machine, and a database of what is to be sent.
    assert bool(list(tmp_path.rglob("*onnxruntime*"))) == left


def test_bentoml_reports_nothing_home_though_it_asked_before_the_service_was_imported():
    ask = (
        "from bentoml._internal.utils.analytics.usage_stats import do_not_track\n"
        "before = do_not_track()\nimport slipway.service.app\nprint(before, do_not_track())"
    )
    bare = {key: value for key, value in os.environ.items() if key != "BENTOML_DO_NOT_TRACK"}

    run = subprocess.run([sys.executable, "-c", ask], env=bare, cwd=ROOT, capture_output=True, text=True, timeout=60)

    assert run.stdout.split() == ["False", "True"], run.stderr


def test_no_page_has_an_unfilled_placeholder():
    for page in PAGES:
        assert not re.search(r"^[A-Z]{6,}$", (ROOT / page).read_text(encoding="utf-8"), re.M), page


def test_a_missing_python_is_reported_in_one_line():
    found = run("bash", "scripts/check-python", "")

    assert found.returncode == 1 and found.stderr.startswith("slipway: there is no python3; install Python 3.11")


@pytest.fixture
def make(tmp_path):
    """`make TARGET` in a copy of the project, with a stand-in for Python; what it made anew is in `asked`."""
    folder, asked = tmp_path / "clone", tmp_path / "asked"
    folder.mkdir()
    shutil.copy(ROOT / "Makefile", folder)
    for part in ("scripts", "requirements"):
        shutil.copytree(ROOT / part, folder / part)
    python = tmp_path / "python"
    # Makes an environment whose programs do nothing.
    python.write_text(
        f"""#!/bin/sh
[ "$1" = -c ] && echo 3.11 && exit
echo "$@" >> {asked}
for last; do :; done
rm -rf "$last/"*; mkdir -p "$last/bin"
for name in pip uv python bentoml; do printf '#!/bin/sh\\n' > "$last/bin/$name"; chmod +x "$last/bin/$name"; done
"""
    )
    python.chmod(0o755)
    asked.touch()

    def make(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["make", "--no-print-directory", f"PYTHON={python}", *arguments]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)

    make.folder, make.asked = folder, asked
    return make


@pytest.mark.parametrize(
    ("target", "environment", "lock"),
    [("setup", ".venv", "dev.txt"), (".venv/azure/ready-{sum}", ".venv/azure", "azure.txt")],
)
def test_an_environment_is_recreated_for_different_requirements_but_not_for_newer_files(
    make, target, environment, lock
):
    def run(says: bool = False) -> str:
        path = make.folder / "requirements" / lock
        total = subprocess.run(["cksum"], stdin=path.open(), capture_output=True, text=True, check=True).stdout
        done = make(target.format(sum=total.split()[0]))
        assert done.returncode == 0, done.stderr
        assert (f"→ {environment} was made for other requirements" in done.stdout) == says
        return make.asked.read_text().splitlines()[-1]

    assert run() == f"-m venv --clear {environment}"
    make.asked.write_text("nothing\n")
    for file in (make.folder / "requirements").iterdir():
        os.utime(file, (2**31, 2**31))
    assert run() == "nothing"
    with (make.folder / "requirements" / lock).open("a") as file:
        file.write("# other\n")
    assert run(says=True) == f"-m venv --clear {environment}"


@pytest.mark.parametrize("target", ["setup", "azure-test", "coverage"])
@pytest.mark.parametrize("link", [".venv", "its own"])
def test_an_environment_behind_a_symbolic_link_is_never_emptied(make, tmp_path, target, link):
    link = (
        {"setup": ".venv", "azure-test": ".venv/azure", "coverage": ".venv/coverage"}[target]
        if link != ".venv"
        else link
    )
    others = tmp_path / "others"
    for part in ("azure", "coverage"):
        (others / part).mkdir(parents=True)
        (others / part / "kept").touch()
    if link != ".venv":
        make("setup")
    (make.folder / link).symlink_to(others)
    if link == ".venv" and target != "setup":  # ready itself, but not what is in it
        total = subprocess.run(
            ["cksum"], stdin=(make.folder / "requirements/dev.txt").open(), capture_output=True, text=True, check=True
        ).stdout
        (others / f"ready-{total.split()[0]}").touch()
    make.asked.write_text("")

    done = make(target)

    assert done.returncode != 0 and make.asked.read_text() == ""
    assert (others / "azure/kept").exists() and (others / "coverage/kept").exists()
    lines = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert len(lines) == 1 and f"slipway: {link} is a symbolic link (to {others})" in lines[0], done.stderr


def test_an_environment_behind_a_symbolic_link_is_used_if_it_is_ready(make, tmp_path):
    make("setup")
    (make.folder / ".venv").rename(tmp_path / "elsewhere")
    (make.folder / ".venv").symlink_to(tmp_path / "elsewhere")
    make.asked.write_text("")

    assert make("setup").returncode == 0
    assert make.asked.read_text() == ""


def test_make_serve_listens_on_loopback_unless_a_host_is_given():
    def host(*arguments: str, **environment: str) -> str:
        return re.search(r"serve --host (\S+) --port", run("make", "-n", "serve", *arguments, **environment).stdout)[1]

    assert host() == host(HOST="my-machine") == "127.0.0.1"
    assert host("HOST=0.0.0.0") == "0.0.0.0"


@pytest.mark.parametrize("lock", sorted(path.name for path in (ROOT / "requirements").glob("*.txt")))
def test_a_lock_has_hashes_for_all_systems_and_no_address(lock):
    text = (ROOT / "requirements" / lock).read_text()
    packages = re.split(r"^(?=[a-z0-9])", text, flags=re.M)[1:]

    assert len(packages) > 0 and all("--hash=sha256:" in package for package in packages)
    assert "://" not in text and "--index-url" not in text.replace("--no-emit-index-url", "")
    if lock not in (
        "uv.txt",
        "audit.txt",
        "moto.txt",
        "helm.txt",
        "compose.txt",
    ):  # which need nothing more on one system than on another
        assert "sys_platform == 'win32'" in text


def test_both_locks_agree():
    def pins(lock: str) -> set[str]:
        return set(re.findall(r"^[a-z0-9-]+==[^ ;]+", (ROOT / "requirements" / lock).read_text(), re.M))

    assert pins("serve.txt") < pins("dev.txt")


def test_nothing_tracked_names_an_index_or_a_path_of_a_machine():
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    for name in files:
        path = Path(ROOT / name)
        if path.suffix not in (".png", ".txt", ".onnx", ".pkl"):
            assert (
                not re.search(r"/work/|/root/|--index-url https|pypi\.org/simple", path.read_text(encoding="utf-8"))
                or name == "tests/test_project.py"
            ), name
