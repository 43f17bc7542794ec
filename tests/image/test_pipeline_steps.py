"""The steps of both pipelines from the model to `apply`, in order: a real image, a real registry, the real `az`.

Azure is the stand-in of tests/azure, which cannot pull or start an image; what is asked beside it is in internet.py. The
services' own steps (checkout, Python, log-in) are taken as done, and their expressions come from a table here. What the stage
`test` runs are the targets of .ci/run.
"""

import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from deploy.engine import call
from tests.azure import conftest as azure_tests
from tests.azure.standin import Azure
from tests.conftest import HOME, ROOT
from tests.image.conftest import MEASURED, SANDBOX
from tests.image.internet import REGISTRY, internet, real_registry
from tests.test_pipelines import AZURE, azure_steps, workflow
from tests.test_plan_comment import Service

pytestmark = pytest.mark.image

az = azure_tests.az
ALLOWED = {"actions/checkout", "actions/setup-python", "UsePythonVersion@0", "self"}
"""Steps of the services' own that nothing is to be done for."""
COMMENT = {
    "${{ !cancelled() && github.event_name == 'pull_request' && steps.push.outputs.digest != '' }}",
    "and(not(canceled()), eq(variables['Build.Reason'], 'PullRequest'), ne(variables['push.digest'], ''))",
}
"""On a pull request both are true once an image was pushed."""


@dataclass
class Runner:
    """A clone on a machine of one of the two services: what a step's shell has, and what was run and said."""

    clone: Path
    azure: Azure
    service: Service
    environment: dict[str, str]
    login: dict[str, str]
    """What a step has in addition once it is logged in to Azure."""
    ran: list[str] = field(default_factory=list)
    said: str = ""

    def run(self, script: str, given: dict[str, str], logged_in: bool) -> str:
        """What a step printed; one that fails fails the test."""
        environment = self.environment | (self.login if logged_in else {}) | given
        self.ran.append(script)
        run = subprocess.run(["bash", "-e", "-c", script], cwd=self.clone, env=environment, capture_output=True, text=True, timeout=900)  # fmt: skip
        assert run.returncode == 0, f"{script}\n{run.stdout[-3000:]}\n{run.stderr[-3000:]}"
        self.said += run.stdout + run.stderr
        return run.stdout


def cloned(folder: Path) -> Path:
    """A clone with the scripts as they are here, and with this environment, which no step makes again."""
    clone = folder / "clone"
    subprocess.run(["git", "clone", "-q", ROOT, clone], check=True)
    shutil.copytree(ROOT / "scripts", clone / "scripts", dirs_exist_ok=True)
    (clone / ".venv").symlink_to(ROOT / ".venv")
    return clone


@pytest.fixture(scope="module")
def storage() -> Iterator[int]:
    """The registry of both: the second has only what is new of an image pushed."""
    with real_registry(HOME / "pipelines") as port:
        yield port


@pytest.fixture
def runner(engine, image, az, storage, tmp_path) -> Iterator[Runner]:
    """`image` is not used itself: a step builds it again, from its layers."""
    if not SANDBOX:
        pytest.skip("it builds and pushes the image called latest: only with SLIPWAY_SANDBOX=1")
    clone, bin, home = cloned(tmp_path), tmp_path / "bin", tmp_path / "azure"
    bin.mkdir(), home.mkdir()
    key = tmp_path / "key.pem"
    call("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", str(key))
    azure, blobs = Azure(), tmp_path / "blobs"
    shutil.copytree(HOME / "bentoml" / "models" / "insurance", blobs / "insurance")
    own = {
        name: value for name, value in os.environ.items() if not re.match("SLIPWAY_REQUIRE|PYTEST|VIRTUAL_ENV", name)
    }
    own |= {"BENTOML_HOME": str(tmp_path / "bentoml"), "HOME": str(tmp_path), "CI": "true"}
    own |= {"CONTAINERS_CONF": os.environ["BUILDING"]}
    with (
        internet(tmp_path, azure, blobs, key, storage) as proxy,
        azure_tests.reachable(az, azure, home) as login,
        azure_tests.warmed(az, bin, **login),
        Service() as service,
    ):
        threading.Thread(target=service.serve_forever, daemon=True).start()
        azure.restore(({}, azure_tests.registry(azure)))
        (registry,) = azure.things.values()
        registry["properties"]["loginServer"] = REGISTRY
        trusted = (Path("/etc/ssl/certs/ca-certificates.crt"), home / "standin.pem", tmp_path / "internet.crt")
        (tmp_path / "trusted.pem").write_text("".join(file.read_text() for file in trusted))
        own |= dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"), str(tmp_path / "trusted.pem"))
        own |= {"HTTPS_PROXY": proxy, "NO_PROXY": "127.0.0.1", "PATH": f"{bin}:{os.environ['PATH']}"}
        login = {name: value for name, value in login.items() if name not in own} | {"DOCKER_COMMAND": engine}
        yield Runner(clone, azure, service, own, login)
        service.shutdown()


def committed(runner: Runner, **changes: object) -> None:
    """deploy/production.yaml, as docs/ci.md has it written."""
    written = azure_tests.written(runner.clone.parent, **changes)
    written.rename(runner.clone / "deploy" / "production.yaml")


def github_job(runner: Runner, name: str, values: dict[str, str]) -> dict[str, str]:
    """Run the steps of a job of deploy.yml. `values` is what its expressions stand for; the job's outputs come back."""
    found = workflow("deploy.yml")
    job, logged_in, file = found["jobs"][name], False, runner.clone.parent / "output"
    values = dict(values)

    def filled(texts: dict[str, str]) -> dict[str, str]:
        return {key: re.sub(r"\$\{\{ (.*?) \}\}", lambda one: values[one[1]], text) for key, text in texts.items()}

    for step in job["steps"]:
        used = step.get("uses", "").partition("@")[0]
        logged_in = logged_in or used == "azure/login"
        if used:
            assert used in ALLOWED | {"azure/login"}
            continue
        assert "if" not in step or step["if"] in COMMENT
        file.write_text("")
        agent = {"GITHUB_OUTPUT": str(file), "GITHUB_API_URL": runner.service.url, "GITHUB_REPOSITORY": "me/slipway"}
        runner.run(step["run"], agent | filled(found["env"]) | filled(step.get("env", {})), logged_in)
        for key, value in (line.split("=", 1) for line in file.read_text().splitlines()):
            values[f"steps.{step['id']}.outputs.{key}"] = value
    return filled(job.get("outputs", {}))


def azure_stage(runner: Runner, stage: dict, variables: dict[str, str]) -> dict[str, str]:
    """Run the steps of a stage of azure-pipelines.yml. Its output variables come back, as `push.digest`."""
    outputs: dict[str, str] = {}
    agent = {name.upper().replace(".", "_"): value for name, value in variables.items() if name != "System.AccessToken"}
    for step in azure_steps(stage):
        if {step.get("task"), step.get("checkout")} & ALLOWED:
            continue
        assert "bash" in step or step["task"] == "AzureCLI@2"
        assert "condition" not in step or step["condition"] in COMMENT
        known = variables | outputs
        given = {
            key: re.sub(r"\$\((.*?)\)", lambda one: known[one[1]], text)  # noqa: B023 (called at once)
            for key, text in step.get("env", {}).items()
        }
        said = runner.run(step.get("bash") or step["inputs"]["inlineScript"], agent | given, "task" in step)
        for key, value in re.findall(r"^##vso\[task\.setvariable variable=(\w+);isOutput=true\](.*)$", said, re.M):
            outputs[f"{step['name']}.{key}"] = value
    return outputs


def checked(runner: Runner, digest: str, expected: str) -> None:
    """After the plan: it is one comment with the digest that was pushed, and nothing was changed."""
    (comment,) = runner.service.comments
    assert re.fullmatch("sha256:[0-9a-f]{64}", digest)
    assert f"{REGISTRY}/insurance@{digest}" in comment["body"] and expected in comment["body"]
    assert runner.azure.written() == []


def label(name: str) -> str:
    """Of the image that was built last."""
    return call("podman", "image", "inspect", "insurance:latest", "--format", f'{{{{index .Config.Labels "{name}"}}}}').strip()  # fmt: skip


def test_the_steps_on_github_bring_the_promoted_version_signed_to_production(runner):
    committed(runner, slot="none", sku="B1")
    public = runner.clone / "deploy" / "signing.pub"
    call("openssl", "pkey", "-in", str(runner.clone.parent / "key.pem"), "-pubout", "-out", str(public))
    values = {
        "vars.DEPLOY_CONFIG || 'deploy/production.yaml'": "deploy/production.yaml",
        "vars.DEPLOY_MODEL || 'insurance'": "insurance",
        "vars.DEPLOY_TRAIN": "",
        "vars.DEPLOY_STORE": "slipwaystore/models",
        "vars.DEPLOY_SIGNING_KEY": "slipwayvault/signing",
        "github.token": "planted",
        "github.event.pull_request.number": "5",
    }

    digest = github_job(runner, "image", values)["digest"]
    checked(runner, digest, "az webapp create")
    github_job(runner, "apply", values | {"needs.image.outputs.digest": digest})

    assert runner.azure.site().image == f"{REGISTRY}/insurance@{digest}"
    promoted = (runner.clone.parent / "blobs" / "insurance" / "latest").read_text()
    assert label("slipway.model") == f"insurance:{promoted}" and "evaluating on folds" not in runner.said
    assert (
        "signed with" in runner.said and f"model       insurance:{promoted}" in runner.said
    )  # by the push, and by verify
    assert "PRIVATE KEY" not in runner.said and "planted" not in runner.said
    MEASURED.append(f"deploy.yml: {len(runner.ran)} steps ran one after the other")


def test_the_steps_in_azure_devops_train_and_bring_the_model_to_production(runner):
    committed(runner, target="containerapp", access={"addresses": ["131.107.0.0/24"]})
    found = yaml.safe_load(AZURE.read_text(encoding="utf-8"))
    stages = {stage["stage"]: stage for stage in found["stages"]}
    variables = found["variables"] | {
        "DEPLOY_TRAIN": "insurance --include lr --folds 2", "TF_BUILD": "True", "System.AccessToken": "planted",
        "System.CollectionUri": f"{runner.service.url}/org/", "System.TeamProject": "my team",
        "Build.Repository.ID": "r1", "System.PullRequest.PullRequestId": "5",
    }  # fmt: skip

    digest = azure_stage(runner, stages["image"], variables)["push.digest"]
    checked(runner, digest, "/containerApps/")
    (deployment,) = stages["apply"]["jobs"]
    assert deployment["variables"] == {"DIGEST": "$[ stageDependencies.image.image.outputs['push.digest'] ]"}
    azure_stage(runner, deployment, variables | {"DIGEST": digest})

    (container,) = runner.azure.apps.app()["properties"]["template"]["containers"]
    assert container["image"] == f"{REGISTRY}/insurance@{digest}" and runner.service.tokens == {"Bearer planted"}
    assert "evaluating on folds" in runner.said and "planted" not in runner.said
    MEASURED.append(f"azure-pipelines.yml: {len(runner.ran)} steps ran one after the other")
