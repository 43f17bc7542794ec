"""What is deployed on every push: the workflows of GitHub and the pipeline of Azure, as far as they can be read."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
AZURE = ROOT / "azure-pipelines.yml"
BIN = Path(sys.executable).parent


def linted(path: Path) -> bool:
    """Whether the linters of `make lint`, which takes the files as they are, take one."""
    lines = (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
    name = "azure-pipelines" if path.name == AZURE.name else "github-workflows"
    (options,) = (re.findall(rf"--builtin-schema vendor\.{name}.*?(?= \S+\.yml)", line)[0] for line in lines if name in line)  # fmt: skip
    commands = [[BIN / "check-jsonschema", *options.split(), path]]
    commands += [[BIN / "actionlint", "-no-color", path]] if name == "github-workflows" else []
    return all(subprocess.run(command, capture_output=True, cwd=path.parent).returncode == 0 for command in commands)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("deploy.yml", "needs: image", "needs: picture"),
        ("deploy.yml", "steps.push.outputs.digest", "steps.pushed.outputs.digest"),
        ("deploy.yml", "id-token: write", "id-token: admin"),
        ("deploy.yml", "timeout-minutes: 60", "timeout-minuts: 60"),
        ("deploy.yml", 'run: make image MODEL="$DEPLOY_MODEL"', "run: echo ${{ github.event.pull_request.title }}"),
        ("ci.yml", "runs-on: ubuntu-latest", "runs-on: ubuntu-newest"),
        ("azure-pipelines.yml", "lockBehavior: sequential", "lockBehavior: sometimes"),
        ("azure-pipelines.yml", "timeoutInMinutes", "timeoutInMinuts"),
        ("azure-pipelines.yml", "- bash: make setup", "- bush: make setup"),
    ],
)
def test_the_linters_refuse_a_mistake(tmp_path, name, right, wrong):
    path = ROOT / name if name == AZURE.name else ROOT / ".github" / "workflows" / name
    text = path.read_text(encoding="utf-8")
    assert right in text
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    # It is also linted by what is beside it: deploy.yml calls ci.yml.
    for other in WORKFLOWS:
        (folder / other.name).write_bytes(other.read_bytes())
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    copy = folder / name
    copy.write_text(text.replace(right, wrong), encoding="utf-8")

    assert not linted(copy)


def workflow(name: str) -> dict:
    """A workflow; `on` is a truth value to YAML 1.1."""
    found = yaml.safe_load((ROOT / ".github" / "workflows" / name).read_text(encoding="utf-8"))
    return {"on" if key is True else key: value for key, value in found.items()}


def github_steps() -> list[dict]:
    return [step for path in WORKFLOWS for job in workflow(path.name)["jobs"].values() for step in job.get("steps", [])]


def azure_steps(node: object) -> list[dict]:
    """Each step of a pipeline, wherever it stands."""
    if isinstance(node, list):
        return [step for one in node for step in azure_steps(one)]
    if not isinstance(node, dict):
        return []
    own = node["steps"] if "steps" in node else []
    return own + [step for key, one in node.items() if key != "steps" for step in azure_steps(one)]


def scripts() -> list[str]:
    """What both run in a shell."""
    steps = azure_steps(yaml.safe_load(AZURE.read_text(encoding="utf-8")))
    azure = [step.get("bash") or step.get("inputs", {}).get("inlineScript") for step in steps]
    return [step["run"] for step in github_steps() if "run" in step] + [script for script in azure if script]


def test_each_action_is_pinned_to_a_commit_with_its_version_beside_it():
    uses = [line for path in WORKFLOWS for line in path.read_text(encoding="utf-8").splitlines() if "uses:" in line]

    assert len(uses) > 10
    for line in uses:
        assert re.search(r"uses: (\./\.github/workflows/ci\.yml|[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$", line), (
            line
        )


def test_no_expression_is_put_into_a_shell_and_each_script_is_one_line():
    assert len(scripts()) > 20
    for script in scripts():
        assert not re.search(r"\$\{\{|\$\(|\$\[", script) and "\n" not in script.strip(), script


def test_nothing_is_a_stored_secret():
    for path in [*WORKFLOWS, AZURE]:
        assert not re.search(r"secrets\.|creds:|client-secret|password", path.read_text(encoding="utf-8"), re.I), path


def test_a_job_may_do_what_it_does_and_no_more():
    found = workflow("deploy.yml")
    rights = {name: job["permissions"] for name, job in found["jobs"].items()}

    assert found["permissions"] == {} and workflow("ci.yml")["permissions"] == {"contents": "read"}
    assert rights == {
        "test": {"contents": "read"},
        "image": {"contents": "read", "id-token": "write", "pull-requests": "write"},
        "apply": {"contents": "read", "id-token": "write"},
    }
    assert all(step["with"]["persist-credentials"] is False for step in github_steps() if "checkout" in str(step))


def test_apply_waits_for_an_approval_and_never_overlaps_another_apply():
    github = workflow("deploy.yml")["jobs"]["apply"]
    azure = yaml.safe_load(AZURE.read_text(encoding="utf-8"))
    (deployment,) = azure["stages"][-1]["jobs"]

    assert github["environment"] == "production" and github["if"] == "github.event_name == 'push'"
    assert github["concurrency"] == {"group": "production", "cancel-in-progress": False}
    assert deployment["environment"] == "production" and azure["lockBehavior"] == "sequential"
    assert "refs/heads/main" in azure["stages"][-1]["condition"]


def test_what_github_runs_before_a_deployment_are_the_targets_of_the_gate():
    gate = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    targets = set(re.findall(r"^[a-z-]+(?=:)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    words = {word for line in gate.splitlines() if not line.startswith("#") for word in re.findall(r"[a-z-]+", line)}
    tested = {target for target in words & targets if target in ("lint", "test", "docs") or target.endswith("-test")}

    ran = {word for script in scripts() for word in script.split() if word in targets}

    assert len(tested) > 7 and tested <= ran


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "scripts" / "pipeline").glob("*[!.py]")))
def test_each_script_is_one_that_a_step_or_another_script_runs_and_that_stops_at_a_failure(name):
    text = (ROOT / "scripts" / "pipeline" / name).read_text(encoding="utf-8")
    callers = [*scripts(), *(path.read_text(encoding="utf-8") for path in (ROOT / "scripts" / "pipeline").iterdir())]

    subprocess.run(["bash", "-n", ROOT / "scripts" / "pipeline" / name], check=True)
    assert "set -euo pipefail" in text and "set -x" not in text
    assert any(f"bash scripts/pipeline/{name}" in caller for caller in callers)


def test_an_image_is_built_from_the_whole_history():
    github = workflow("deploy.yml")["jobs"]["image"]["steps"]
    (stage,) = (one for one in yaml.safe_load(AZURE.read_text(encoding="utf-8"))["stages"] if one["stage"] == "image")

    depths = [step["with"].get("fetch-depth") for step in github if "checkout" in step.get("uses", "")]
    depths += [step["fetchDepth"] for step in azure_steps(stage) if step.get("checkout") == "self"]

    assert depths == [0, "0"]
