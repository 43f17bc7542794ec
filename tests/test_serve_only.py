"""A compiled version needs only `requirements/serve.txt`, and nothing of ours is unpickled."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from slipway import store
from slipway.inference.equality import equal
from tests.calls import fitted
from tests.conftest import HOME, PERSON, ROOT, serve

TRAINING_ONLY = ["pycaret", "sklearn", "scipy", "numba", "matplotlib"]

# Runs in every process of the server, before anything else.
HOOK = """
import os, sys
def hook(event, args):
    if event == "pickle.find_class":
        with open(os.environ["UNPICKLED"], "a") as out:
            out.write(f"{args[0]}.{args[1]}\\n")
sys.addaudithook(hook)
"""


@pytest.fixture(scope="module")
def serve_python() -> Path:
    """An interpreter beside which nothing but `requirements/serve.txt` is installed."""
    folder = HOME / "serve-only"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    subprocess.run(["bash", "scripts/install-packages", python, "requirements/serve.txt"], cwd=ROOT, check=True)
    return python


@pytest.mark.slow
def test_no_package_of_training_is_installed_to_serve(serve_python):
    ask = f"import importlib.util; print([name for name in {TRAINING_ONLY} if importlib.util.find_spec(name)])"

    found = subprocess.run([serve_python, "-c", ask], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"


@pytest.mark.slow
def test_a_compiled_version_is_served_without_training_packages_and_without_unpickling(serve_python, insurance):
    version = store.find(insurance)
    home = HOME / "serve-only-home"
    shutil.copytree(version.path, home / "models" / version.name / version.version)
    (home / "models" / version.name / "latest").write_text(version.version)
    hook = HOME / "hook"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(HOOK)
    unpickled = HOME / "unpickled"

    environment = {"BENTOML_HOME": str(home), "PYTHONPATH": str(hook), "UNPICKLED": str(unpickled)}
    with serve(python=serve_python, **environment) as server:
        answered = server.post("/predict", json={"records": [PERSON]}).json()
        explained = server.post("/explain", json={"record": PERSON})
        page = server.get("/ui/")

    own = fitted(insurance)
    assert answered["model"] == insurance
    assert equal(answered["predictions"][0], own.answer([PERSON])["predictions"][0], own.schema.target)
    assert explained.status_code == 200 and page.status_code == 200
    modules = unpickled.read_text().split() if unpickled.exists() else []
    assert [name for name in modules if name.split(".")[0] in ("slipway", *TRAINING_ONLY)] == []


@pytest.mark.slow
def test_the_hook_sees_what_is_unpickled(serve_python):
    hook = HOME / "hook-check"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(HOOK)
    out = HOME / "seen"
    environment = os.environ | {"PYTHONPATH": str(hook), "UNPICKLED": str(out)}

    ask = "import pickle, decimal; pickle.loads(pickle.dumps(decimal.Decimal(1)))"
    subprocess.run([serve_python, "-c", ask], env=environment, check=True)

    assert "decimal.Decimal" in out.read_text()


@pytest.mark.slow
def test_a_version_that_was_not_compiled_says_what_it_needs(serve_python, uncompiled):
    run = subprocess.run(
        [serve_python.with_name("bentoml"), "serve", "--arg", f"model={uncompiled}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert run.returncode == 1
    assert "requirements/train.txt" in run.stdout + run.stderr
    assert "Traceback" not in run.stdout + run.stderr


def test_the_card_and_the_metrics_say_how_the_gate_ended(insurance, uncompiled):
    compiled, native = (
        json.loads((store.find(tag).path / "metrics.json").read_text()) for tag in (insurance, uncompiled)
    )

    assert compiled["compiled"]["rows"] > 10_000 and compiled["compiled"]["largest"] <= 1e-5
    assert "free text" in native["compiled"]["reason"]
    assert "a compiled graph (ONNX)" in (store.find(insurance).path / "card.md").read_text()
    assert (
        "the fitted pipeline itself, since it was not compiled" in (store.find(uncompiled).path / "card.md").read_text()
    )


def test_a_compiled_version_is_loaded_without_pandas(insurance):
    ask = "import sys; from slipway.page import server; server._served.check_golden(); print('pandas' in sys.modules)"

    run = subprocess.run([sys.executable, "-c", ask], cwd=ROOT, capture_output=True, text=True, check=True)

    assert run.stdout.strip() == "False"
