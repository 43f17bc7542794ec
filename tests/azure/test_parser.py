"""Every command line, ours and the documentation's, given to the parser of the real `az`."""

import json
import subprocess

import pytest

from slipway.cli.deploy.config import SKUS, WITHOUT_SLOTS
from slipway.cli.deploy.containerapp.calls import Calls as ContainerCalls
from slipway.cli.deploy.containerapp.state import Found as AppsFound
from slipway.cli.deploy.containerapp.state import needed as apps_needed
from slipway.cli.deploy.webapp.calls import Calls
from slipway.cli.deploy.webapp.state import Found, needed
from tests.azure.conftest import ADDRESSES, ENTRA, config
from tests.azure.test_docs import az_lines
from tests.conftest import ROOT

pytestmark = pytest.mark.azure


def refusals(az, lines: list[list[str]]) -> dict[str, str]:
    """What the parser says against each line that it does not take; a line starts after `az`."""
    program = [az.with_name("python"), ROOT / "tests" / "azure" / "parser.py"]
    ran = subprocess.run(program, input=json.dumps(lines), capture_output=True, text=True, check=True, timeout=300)
    said = json.loads(ran.stdout)
    assert len(said) == len(lines) > 0
    return {" ".join(line): words for line, words in zip(lines, said, strict=True) if words}


def test_every_call_is_taken(logged_in, az, tmp_path):
    calls = {}
    for access in (ADDRESSES, ENTRA):
        chosen = config(tmp_path, access=access)
        site = Calls(chosen)
        reads = [
            site.read_site("staging"),
            site.read_settings(None),
            site.read_sign_in(None),
            site.read_plan(),
            site.read_registry(),
            site.read_passwords("staging"),
            site.read_logs(None),
            site.resize_plan(3),
            site.start(None),
        ]
        calls |= {call.argv: None for call in [*needed(chosen, Found()), *reads]}

    assert refusals(az, [list(argv) for argv in calls]) == {}


@pytest.mark.parametrize("access", [ADDRESSES, ENTRA], ids=["addresses", "entra"])
def test_every_call_with_all_settings_is_taken(logged_in, az, tmp_path, access):
    secrets = {"SLIPWAY_SESSION_SECRET": "https://kept.vault.azure.net/secrets/session"}
    every = {"secrets": secrets, "custom_domain": "ml.example.org", "settings": {"SLIPWAY_WORKERS": 2}}
    one = config(tmp_path, access=access, slot="none", instances=2, logs="log-analytics", **every)
    calls = [
        *needed(one, Found()),
        Calls(one).read_slots(),
        Calls(one).read_diagnostics(None),
        Calls(one).forget_previous(),
    ]
    staged = config(tmp_path, access=access, instances={"min": 1, "max": 3}, **every)
    calls += [*needed(staged, Found()), *Calls(staged).stage("sha256:x", ["A"], ["B"]), Calls(staged).read_scaling()]
    apps = config(tmp_path, access={"addresses": ["131.107.0.0/24"]}, target="containerapp", **every)
    site = ContainerCalls(apps)
    calls += [
        *apps_needed(apps, AppsFound()),
        site.read_app(),
        site.read_environment(),
        site.read_revisions(),
        site.read_sign_in(),
    ]
    calls += [site.identity(), site.secrets(), site.activate("a"), site.deactivate("a"), site.note("a"), *site.guards()]

    assert refusals(az, [list(argv) for argv in {call.argv: None for call in calls}]) == {}


def test_every_size_of_plan_that_a_config_may_name_is_taken(logged_in, az):
    plan = ("--resource-group", "g", "--name", "p")
    make = ["appservice", "plan", "create", *plan, "--is-linux", "--sku"]
    resize = ["appservice", "plan", "update", *plan, "--sku"]

    assert refusals(az, [[*line, sku] for sku in (*WITHOUT_SLOTS, *SKUS) for line in (make, resize)]) == {}


@pytest.mark.parametrize("page", ["azure.md", "container-apps.md"])
def test_every_az_line_of_a_page_is_taken(logged_in, az, page):
    assert refusals(az, az_lines(page)) == {}


def test_a_wrong_line_is_refused(logged_in, az):
    wrong = [
        ["webapp", "show", "--nme", "x", "--resource-group", "g"],
        ["webapp", "no-such-command"],
        ["appservice", "plan", "create", "--resource-group", "g", "--name", "p", "--sku", "P9V9"],
        [
            "webapp",
            "config",
            "container",
            "set",
            "--name",
            "a",
            "--resource-group",
            "g",
            "--docker-custom-image-name",
            "x",
        ],
    ]

    assert len(refusals(az, wrong)) == 4
