"""The package: what its files hold, and that the installed wheel serves from an empty folder.

`make package-test` builds the wheel first; the tests of it are not among those of `make test`.
"""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email import message_from_string
from importlib.metadata import version as installed
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from slipway import store
from slipway.publish.train import check_python
from tests.conftest import HOME, PERSON, ROOT, free_port, running

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGE = ROOT / "slipway"
PARTS = ("serve", "train", "azure", "score", "database", "stores", "dask", "spark", "ray")
"""Of `requirements/`, of which the package reads its dependencies and extras."""


def requirements(name: str) -> list[Requirement]:
    lines = (ROOT / "requirements" / name).read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def test_the_package_shows_no_more_than_its_steps():
    entries = [path.name for path in PACKAGE.iterdir() if path.name != "__pycache__"]

    assert len(entries) <= 15, sorted(entries)


@pytest.mark.parametrize("part", PARTS)
def test_the_dependencies_of_the_package_are_ranges_that_the_lock_is_in(part):
    dynamic = PROJECT["tool"]["setuptools"]["dynamic"]
    read = dynamic["dependencies"] if part == "serve" else dynamic["optional-dependencies"][part]
    of = {"score": "train", "database": "train", "stores": "dev"}.get(part, part)
    lock = ROOT / "requirements" / f"{of}.txt"
    locked = dict(re.findall(r"^([a-z0-9.-]+)==([^ ;\n]+)", lock.read_text(), re.M))

    assert read["file"] == [f"requirements/{part}.in"]
    for needed in requirements(f"{part}.in"):
        assert needed.specifier and needed.specifier.contains(locked[canonicalize_name(needed.name)]), needed


def test_the_version_is_written_once():
    from slipway import __version__

    assert PROJECT["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "slipway.__version__"}
    assert "version" not in PROJECT["project"] and re.fullmatch(r"\d+\.\d+\.\d+", __version__)


def test_training_and_this_python_agree():
    assert sys.version_info[:2] in ((3, 11), (3, 12))
    check_python()
    assert installed("pandas").startswith("2.1.")  # from 2.2 on PyCaret 3.5.0 misaligns rows


def built(pattern: str) -> Path:
    (path,) = (ROOT / "dist").glob(pattern)
    return path


@pytest.mark.package
def test_the_wheel_holds_every_file_of_the_package_and_no_other():
    with zipfile.ZipFile(built("slipway_ml-*.whl")) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}

    tracked = subprocess.run(
        ["git", "ls-files", "slipway"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert names == set(tracked)


@pytest.mark.package
def test_the_wheel_says_what_it_is():
    path = built("slipway_ml-*.whl")
    with zipfile.ZipFile(path) as wheel:
        folder = next(name.partition("/")[0] for name in wheel.namelist() if ".dist-info/" in name)
        said = message_from_string(wheel.read(f"{folder}/METADATA").decode())
        commands = wheel.read(f"{folder}/entry_points.txt").decode()

    assert said["Name"] == "slipway-ml" and said["Requires-Python"] == "<3.14,>=3.11"
    assert set(said.get_all("Provides-Extra")) == {*PARTS} - {"serve"}
    assert len(said.get_all("Requires-Dist")) == sum(len(requirements(f"{part}.in")) for part in PARTS)
    assert "slipway = slipway.cli.main:main" in commands


@pytest.mark.package
def test_a_wheel_can_be_built_from_the_sdist():
    with tarfile.open(built("slipway_ml-*.tar.gz")) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}

    assert {"pyproject.toml", "README.md", "LICENSE", "slipway/cli/main.py"} <= names
    assert {f"requirements/{part}.in" for part in PARTS} <= names


def python(version: str) -> str | None:
    found = subprocess.run(["bash", "scripts/find-python", version], cwd=ROOT, capture_output=True, text=True)
    return found.stdout.strip() or None


@pytest.fixture(scope="module", params=["3.11", "3.12", "3.13"])
def environment(request) -> Path:
    """The folder of an environment with the locked packages of a server and the wheel, and nothing else."""
    interpreter = python(request.param)
    if interpreter is None:
        pytest.skip(f"no Python {request.param} here")
    folder = HOME / f"package-{request.param}"
    subprocess.run([interpreter, "-m", "venv", folder], check=True)
    install = ["bash", "scripts/install-packages", folder / "bin" / "python"]
    subprocess.run([*install, "requirements/serve.txt"], cwd=ROOT, check=True)
    subprocess.run([folder / "bin" / "pip", "install", "-q", "--no-deps", built("slipway_ml-*.whl")], check=True)
    return folder


@pytest.mark.package
def test_the_installed_package_serves_what_is_in_the_store_from_an_empty_folder(environment, insurance, tmp_path):
    version = store.find(insurance)
    home = tmp_path / "home"
    shutil.copytree(version.path, home / "models" / version.name / version.version)
    (home / "models" / version.name / "latest").write_text(version.version)
    empty = tmp_path / "empty"
    empty.mkdir()
    slipway, variables = str(environment / "bin" / "slipway"), {"BENTOML_HOME": str(home), "PATH": os.environ["PATH"]}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [slipway, *arguments], cwd=empty, env=variables, capture_output=True, text=True, timeout=120
        )

    assert re.fullmatch(r"slipway \d+\.\d+\.\d+\n", run("--version").stdout)
    assert run("models").stdout.splitlines()[1].startswith(f"{insurance} ")
    trained = run("train", "insurance")
    assert trained.returncode == 1 and trained.stderr.count("\n") == 1, trained.stderr

    port = free_port()
    command = [slipway, "serve", "insurance", "--port", str(port), "--workers", "2"]
    with running(command, port, cwd=empty, env=variables) as server:
        answer = server.post("/predict", json={"records": [PERSON]}).json()
        pages = [server.get(f"/ui/{language}/") for language in ("en", "zh")]

    assert answer["model"] == insurance
    assert answer["predictions"] == store.load_predictor(version).answer([PERSON])["predictions"]
    assert all(page.status_code == 200 and "<gradio-app" in page.text for page in pages)
    assert list(empty.iterdir()) == []
