"""Runs without `az`: what a run says, where it stops, and what it never does after a failure."""

import itertools
import subprocess
import sys

import pytest

from deploy import steps
from deploy.az import Az, AzMissingError, Call, CallError, remedy
from deploy.config import read
from deploy.state import Found, needed, site, wanted_stays
from deploy.steps import NotReadyError, RefusedError, StoppedError
from deploy.webapp import PLACEHOLDER, Calls
from tests.azure.conftest import ADDRESSES, ENTRA, NEW, OLD, config
from tests.conftest import ROOT

CALL = Call(("webapp", "start", "--name", "x"), "start x")
READY = itertools.repeat(200)


class Scripted(Az):
    """Stands in for `az`: knows only which of app and slot there are and what they run; one call may fail."""

    def __init__(self, config, fails: int | None = None) -> None:
        super().__init__()
        self.config, self.fails = config, fails
        self.images: dict[str | None, str] = {}
        self.ran: list[Call] = []
        self.on_plan = ""

    def run(self, call: Call):
        if self.fails is not None and len([done for done in self.ran if done.writes]) == self.fails and call.writes:
            raise CallError(call, "(Conflict) another operation is in progress")
        self.ran.append(call)
        slot = self.config.slot if "--slot" in call.argv or "/slots/" in str(call.argv) else None
        match call.argv[:3]:
            case ("webapp", "show", _):
                return self.show(call, slot)
            case ("webapp", "config", "appsettings") if not call.writes:
                return []
            case ("appservice", "plan", "show"):
                raise CallError(call, "(ResourceNotFound) The plan was not found")
            case ("webapp", "create", _):
                self.images[None] = PLACEHOLDER
            case ("webapp", "deployment", "slot") if "create" in call.argv:
                self.images[slot] = ""
            case ("webapp", "deployment", "slot"):
                self.images = {None: self.images[slot], slot: self.images[None]}
            case ("webapp", "config", "set") if self.config.image in str(call.argv):
                self.images[slot] = self.config.image
        return {}

    def show(self, call: Call, slot: str | None) -> dict[str, object]:
        if slot not in self.images:
            raise CallError(call, "(ResourceNotFound) The site was not found")
        web = {"linuxFxVersion": f"DOCKER|{self.images[slot]}"}
        return {
            "defaultHostName": f"{slot or 'app'}.example",
            "state": "Running",
            "siteConfig": web,
            "serverFarmId": self.on_plan,
        }


def applied(az: Scripted, probe=lambda url: next(READY)) -> list[str]:
    said: list[str] = []
    steps.apply(az.config, az, said.append, probe)
    return said


EXAMPLE = read(ROOT / "deploy" / "azure.yaml")
WRITING = [call for call in needed(EXAMPLE, Found()) if call.writes]
WRITES = [pytest.param(number, id=f"{number} {call.does}"[:50]) for number, call in enumerate(WRITING)]


@pytest.mark.parametrize("number", WRITES)
def test_a_failure_of_any_writing_call_stops_there_and_the_next_apply_ends_well(tmp_path, number):
    az = Scripted(config(tmp_path), fails=number)

    with pytest.raises(StoppedError) as stopped:
        applied(az)

    done = [call.does for call in az.ran if call.writes]
    assert len(done) == number and Calls(az.config).swap() not in az.ran
    assert f"done before:\n    {(chr(10) + '    ').join(done) or 'nothing'}\n" in str(stopped.value)
    swapping = number == len(WRITES) - 1
    assert ("not certain" if swapping else "not swapped: it runs what it ran before") in str(stopped.value)

    az.fails = None
    applied(az)
    assert az.images[None] == OLD


def test_progress_is_a_line_for_each_call_with_the_seconds_since_the_start(tmp_path):
    said = applied(Scripted(config(tmp_path, access="public")))

    assert said[0].startswith("access: public: EVERYBODY")
    assert said[1] == "[   0 s] read what there is"
    assert [line[9:] for line in said if "swap" in line][-1] == "swap staging and production"
    assert said[-1] == f"[   0 s] production runs {OLD.partition('@')[2]}: https://app.example/"


def test_production_that_runs_another_image_after_the_swap_is_a_failure(tmp_path):
    az = Scripted(config(tmp_path))
    really = az.run

    def no_swap(call: Call):
        return {} if call == Calls(az.config).swap() else really(call)

    az.run = no_swap
    with pytest.raises(StoppedError, match=f"production runs {PLACEHOLDER}, expected {OLD}"):
        applied(az)


def test_an_app_on_another_plan_is_left_alone(tmp_path):
    az = Scripted(config(tmp_path))
    az.images[None] = OLD
    az.on_plan = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/serverfarms/elsewhere"

    with pytest.raises(RefusedError, match="plan: found 'slipway-plan', but slipway-insurance runs on 'elsewhere'"):
        applied(az)

    assert not any(call.writes for call in az.ran)


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(steps, "POLL_SECONDS", 0.001)
    monkeypatch.setattr(steps, "GRACE_SECONDS", 0.02)


def run_with(config, statuses):
    said: list[str] = []
    answers = iter(statuses)
    return steps.Run(config, Az(), said.append, lambda url: next(answers)), said


def test_waiting_says_each_new_answer_once_and_ends_with_200(tmp_path, quick):
    run, said = run_with(config(tmp_path), [0, 0, 503, 503, 200])

    run.wait("s.example", 60)

    assert [line[9:] for line in said] == [
        "https://s.example/readyz answers nothing; waiting, at most 60 s",
        "https://s.example/readyz answers 503; waiting, at most 60 s",
        "https://s.example/readyz answers 200",
    ]


@pytest.mark.parametrize("status", [0, 302, 404, 503])
def test_waiting_ends_at_the_limit_with_the_last_answer(tmp_path, quick, status):
    run, _ = run_with(config(tmp_path), itertools.repeat(status))

    with pytest.raises(
        NotReadyError, match=rf"staging is not ready after 0 s: .* answers {status or 'nothing'}, expected 200"
    ):
        run.wait("s.example", 0.01)


def test_403_for_a_while_is_put_up_with_and_then_means_the_address_rules(tmp_path, quick):
    run, _ = run_with(config(tmp_path, access=ADDRESSES), itertools.chain([403, 200], itertools.repeat(403)))

    run.wait("s.example", 60)

    with pytest.raises(NotReadyError, match="this machine's address is not in access.addresses"):
        run.wait("s.example", 60)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("Please run 'az login' to setup account.", "run `az login`"),
        ("AADSTS70043: The refresh token has expired", "run `az login`"),
        ("(AuthorizationFailed) The client 'x' does not have authorization to perform action", "your account lacks a role"),
        ("(Conflict) Cannot modify this site because another operation is in progress", "perhaps another deployment"),
        ("Webapp name 'x' already exists, names are globally unique", "choose another `app`"),
        ("(TooManyRequests) Please try again after '17' seconds.", "Azure counts requests: wait 17 seconds, then"),
        ("Operation returned an invalid status 'Too Many Requests'", "wait a few minutes"),
        ("('Connection aborted.', RemoteDisconnected('Remote end closed connection'))", "the connection broke"),
        ("The resource with name 'r' could not be found in subscription 's'", "compare the names"),
        ("(BadRequest) The sku is not allowed", "put right what az says"),
    ],
)  # fmt: skip
def test_the_words_of_az_lead_to_what_to_do(words, says):
    assert says in remedy(words)


def program(folder, code: str):
    path = folder / "az"
    path.write_text(f"#!{sys.executable} -S\nimport sys\n{code}\n")
    path.chmod(0o755)
    return Az(str(path))


def test_arguments_reach_az_as_they_are_without_a_shell(tmp_path):
    az = program(tmp_path, "import json; print(json.dumps(sys.argv[1:]))")

    said = az.run(Call(("x", "$HOME; touch /tmp/x", "a b", '{"k": "v"}'), "does"))

    assert said == ["x", "$HOME; touch /tmp/x", "a b", '{"k": "v"}', "--only-show-errors", "--output", "json"]


def test_what_one_call_prints_is_handed_to_the_next(tmp_path):
    az = program(tmp_path, "print(sys.argv[2])")

    az.run(Call(("x", "abc"), "does", gives="NAME"))

    assert az.run(Call(("x", '"{NAME}"'), "does")) == "abc"


def test_nothing_where_a_value_was_expected_is_a_failure(tmp_path):
    with pytest.raises(CallError, match="az says: nothing, where a value was expected"):
        program(tmp_path, "").run(Call(("x",), "does", gives="NAME"))


def test_a_failing_call_is_told_in_three_lines(tmp_path):
    az = program(tmp_path, "sys.exit('WARNING: a tip\\nERROR: (Conflict) In progress.\\nCode: Conflict')")

    with pytest.raises(CallError) as failed:
        az.run(CALL)

    first, second, third = str(failed.value).splitlines()
    assert first == "`az webapp start` failed (start x)"
    assert second == "  az says: (Conflict) In progress."
    assert third.startswith("  what to do: something else is changing this")


def test_long_words_of_az_are_cut(tmp_path):
    with pytest.raises(CallError) as failed:
        program(tmp_path, "sys.exit('x' * 5000)").run(CALL)

    assert len(failed.value.words) == 400 and failed.value.words.endswith("x…")


def test_no_az_at_all_is_said_with_what_to_do():
    with pytest.raises(
        AzMissingError, match=r"'/nowhere/az' cannot be run \(No such file or directory\); install the Azure CLI"
    ):
        Az("/nowhere/az").run(CALL)


def test_a_call_without_end_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr("deploy.az.ONE_CALL_SECONDS", 0.2)

    with pytest.raises(CallError, match=r"no end after 0\.2 seconds"):
        program(tmp_path, "import time; time.sleep(60)").run(CALL)


def test_only_what_is_not_there_is_found_to_be_nothing(tmp_path):
    assert program(tmp_path, "sys.exit('(ResourceNotFound) x was not found')").find(CALL) is None
    with pytest.raises(CallError):
        program(tmp_path, "sys.exit('(AuthorizationFailed) x')").find(CALL)


def shown(**changes: object) -> dict[str, object]:
    """What `az webapp show` prints of a site that is as wanted, for callers from one range."""
    web = {
        "ipSecurityRestrictions": [
            {"ipAddress": "203.0.113.0/24", "action": "Allow"},
            {"ipAddress": "10.0.0.0/8", "action": "Allow"},
            {"ipAddress": "100.64.0.0/10", "action": "Allow"},
            {"ipAddress": "Any", "action": "Deny"},
        ],
        "ipSecurityRestrictionsDefaultAction": "Deny",
        "scmIpSecurityRestrictionsUseMain": True,
        "acrUseManagedIdentityCreds": True,
        "acrUserManagedIdentityId": "client",
        "alwaysOn": True,
        "ftpsState": "Disabled",
        "http20Enabled": True,
        "minTlsVersion": "1.2",
        "linuxFxVersion": f"DOCKER|{NEW}",
    }
    identity = "/subscriptions/11111111-1111-1111-1111-111111111111/resourcegroups/SLIPWAY/providers/Microsoft.ManagedIdentity/userAssignedIdentities/slipway-pull"
    top = {"defaultHostName": "a", "state": "Running", "httpsOnly": True, "clientAffinityEnabled": False}
    return top | {"identity": {"userAssignedIdentities": {identity: {}}}, "siteConfig": web | changes}


ONE = {"addresses": ["203.0.113.0/24"]}


def test_a_site_is_compared_by_what_the_config_says_and_no_more(tmp_path):
    chosen = config(tmp_path, access=ONE)

    found = site(chosen, shown(phpVersion="8"), [], {})

    assert found.stays == wanted_stays(chosen) and found.digest == NEW.partition("@")[2]


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"ipSecurityRestrictions": []}, {"address rules"}),
        ({"ipSecurityRestrictions": None, "ipSecurityRestrictionsDefaultAction": None}, {"address rules", "other addresses"}),
        ({"scmIpSecurityRestrictionsUseMain": False}, {"Kudu has the same address rules"}),
        ({"acrUserManagedIdentityId": None}, {"pulls with the identity"}),
        ({"ftpsState": "AllAllowed"}, {"FTP"}),
        ({"minTlsVersion": "1.0"}, {"least TLS"}),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)  # fmt: skip
def test_what_is_not_as_wanted_is_found(tmp_path, changes, names):
    chosen = config(tmp_path, access=ONE)

    found, wanted = site(chosen, shown(**changes), [], {}).stays, wanted_stays(chosen)

    assert {name for name in wanted if found[name] != wanted[name]} == names


def test_sign_in_that_was_switched_off_is_found(tmp_path):
    chosen = config(tmp_path, access=ENTRA)
    auth = {"properties": wanted_stays(chosen)["sign-in"] | {"httpSettings": {"requireHttps": True}}}
    off = {"properties": auth["properties"] | {"platform": {"enabled": False}}}

    assert site(chosen, shown(), [], auth).stays["sign-in"] == wanted_stays(chosen)["sign-in"]
    assert site(chosen, shown(), [], off).stays["sign-in"] != wanted_stays(chosen)["sign-in"]


def test_help_names_the_four_actions():
    ran = subprocess.run([sys.executable, "-m", "deploy", "--help"], capture_output=True, text=True, timeout=60)

    assert ran.returncode == 0 and all(f"\n{name} " in ran.stdout for name in ("plan", "apply", "rollback", "status"))
