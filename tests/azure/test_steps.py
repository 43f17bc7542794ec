"""Runs without `az`: what a run reports, where it stops, and what it never does after a failure."""

import copy
import itertools
import json
import socket
import subprocess
import sys
import threading

import pytest

from slipway.cli.deploy import run as steps
from slipway.cli.deploy.az import Az, AzMissingError, Call, CallError, remedy
from slipway.cli.deploy.compare import differences
from slipway.cli.deploy.config import WebApp
from slipway.cli.deploy.run import NotReadyError, RefusedError, StoppedError
from slipway.cli.deploy.webapp import actions
from slipway.cli.deploy.webapp.calls import Calls
from slipway.cli.deploy.webapp.content import PLACEHOLDER, PREVIOUS
from slipway.cli.deploy.webapp.state import Found, needed, site, wanted_stays
from tests.azure.conftest import ADDRESSES, ENTRA, NEW, OLD, config, main, written
from tests.azure.standin import SUBSCRIPTION
from tests.conftest import SLIPWAY

CALL = Call(("webapp", "start", "--name", "x"), "start x")
READY = itertools.repeat(200)


class Scripted(Az):
    """Stands in for `az` with a small Azure of its own: writing calls change it, reading ones show it.

    The writing call of number `fails` fails: before it did anything, or, if `late`, after
    (the answer got lost).
    """

    def __init__(self, config, fails: int | None = None, late: bool = False) -> None:
        super().__init__()
        self.config, self.fails, self.late = config, fails, late
        self.ran: list[Call] = []
        self.things: dict[str, object] = {}
        self.sites: dict[str | None, dict[str, dict]] = {}
        self.on_plan = ""

    @property
    def images(self) -> dict[str | None, str]:
        return {slot: site["web"]["linuxFxVersion"].removeprefix("DOCKER|") for slot, site in self.sites.items()}

    def has(self, slot: str | None, image: str, **settings: str) -> None:
        """There is this site, with nothing set but its image."""
        top = {"defaultHostName": f"{slot or 'app'}.example", "state": "Running", "serverFarmId": self.on_plan}
        web = {"linuxFxVersion": f"DOCKER|{image}" if image else ""}
        self.sites[slot] = {"top": top, "web": web, "identity": {}, "settings": settings, "auth": {}, "more": {}}

    def run(self, call: Call):
        fails = call.writes and self.fails == len([done for done in self.ran if done.writes])
        error = CallError(call, "(Conflict) another operation is in progress")
        if fails and not self.late:
            raise error
        answer = self.write(call) if call.writes else self.read(call)
        if fails:
            raise error
        self.ran.append(call)
        return answer

    def slot(self, call: Call) -> str | None:
        return self.config.staging if "--slot" in call.argv or "/slots/" in str(call.argv) else None

    def read(self, call: Call):
        line = " ".join(call.argv)
        if call.gives or line.startswith("acr show"):
            return {}
        if line.startswith("appservice plan show"):
            if "plan" not in self.things:
                raise CallError(call, "(ResourceNotFound) The plan was not found")
            return {"sku": {"name": self.things["plan"]}}
        if self.slot(call) not in self.sites:
            raise CallError(call, "(ResourceNotFound) The site was not found")
        site = self.sites[self.slot(call)]
        if line.startswith("webapp show"):
            return site["top"] | {"siteConfig": site["web"], "identity": {"userAssignedIdentities": site["identity"]}}
        if "appsettings list" in line:
            return [
                {"name": name, "value": value, "slotSetting": name == PREVIOUS}
                for name, value in site["settings"].items()
            ]
        if "deployment slot list" in line:
            return [{"name": slot} for slot in self.sites if slot]
        if "authsettingsV2" in line:
            return site["auth"]
        if "config/logs" in line:
            return {"properties": {"httpLogs": {"fileSystem": {"enabled": site["more"].get("log")}}}}
        allow = {"properties": {"allow": not site["more"].get("no passwords")}}
        return {"value": [allow, allow]}

    def write(self, call: Call):
        line, slot, calls = " ".join(call.argv), self.slot(call), Calls(self.config)
        given = dict(itertools.pairwise(call.argv))
        if line.startswith(("group", "identity create", "role")):
            self.things[call.does] = True
        elif line.startswith("appservice plan"):
            self.things["plan"] = given["--sku"]
        elif call == calls.make_app():
            self.has(None, PLACEHOLDER)
        elif call == calls.make_slot():
            self.has(slot, "")
        elif call == calls.swap():
            one, other = self.sites[None], self.sites[slot]
            for key in ("linuxFxVersion", "healthCheckPath"):
                one["web"][key], other["web"][key] = other["web"].get(key), one["web"].get(key)
            mark = other["settings"].pop(PREVIOUS)
            one["settings"], other["settings"] = other["settings"], one["settings"] | {PREVIOUS: mark}
        elif line.startswith("webapp config set"):
            self.configure(self.sites[slot], call, given)
        elif line.startswith("rest"):
            self.sites[slot]["auth"] = json.loads(given["--body"])
        elif line.startswith("webapp identity"):
            self.sites[slot]["identity"] = {given["--identities"]: {"clientId": "client"}}
        elif line.startswith("webapp config appsettings"):
            self.sites[slot]["settings"] |= json.loads(given.get("--settings", "{}"))
            name, _, value = given["--slot-settings"].partition("=")
            self.sites[slot]["settings"][name] = value
        elif line.startswith("webapp log"):
            self.sites[slot]["more"]["log"] = True
        elif line.startswith("webapp update"):
            self.sites[slot]["top"] |= {"httpsOnly": True, "clientAffinityEnabled": False}
            self.sites[slot]["more"]["no passwords"] = True
        else:
            self.sites[slot]["top"]["state"] = {"stop": "Stopped", "start": "Running"}[call.argv[1]]

    def configure(self, site, call: Call, given: dict[str, str]) -> None:
        if "--acr-identity" in given:
            site["web"] |= {"acrUseManagedIdentityCreds": True, "acrUserManagedIdentityId": "client"}
        site["web"] |= json.loads(given.get("--generic-configurations", "{}"))
        names = {"--always-on": "alwaysOn", "--ftps-state": "ftpsState", "--http20-enabled": "http20Enabled"}
        for option, name in (names | {"--min-tls-version": "minTlsVersion"}).items():
            if option in given:
                site["web"][name] = {"true": True}.get(given[option], given[option])


def unchecked(*_: object) -> None:
    """Stands in for the checks before the first writing call: what they read is not in the model."""


def applied(az: Scripted, probe=lambda url: next(READY)) -> list[str]:
    said: list[str] = []
    actions.apply(az.config, az, said.append, probe, unchecked)
    return said


EXAMPLE = WebApp(
    subscription=SUBSCRIPTION, resource_group="slipway", location="westeurope", registry="slipwayregistry", image=OLD,
    app="slipway-insurance", access="public",
)  # fmt: skip
WRITING = [call for call in needed(EXAMPLE, Found()) if call.writes]
WRITES = [pytest.param(number, id=f"{number} {call.does}"[:50]) for number, call in enumerate(WRITING)]


def ended(tmp_path) -> Scripted:
    """What there is after a first deployment that nothing interrupted."""
    az = Scripted(config(tmp_path))
    applied(az)
    return az


@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("number", WRITES)
def test_a_failure_of_any_writing_call_stops_there_and_the_next_apply_ends_as_if_it_had_not_been(
    tmp_path, number, late
):
    az = Scripted(config(tmp_path), fails=number, late=late)

    with pytest.raises(StoppedError) as stopped:
        applied(az)

    done = [call.does for call in az.ran if call.writes]
    assert len(done) == number and Calls(az.config).swap() not in az.ran
    assert f"done before:\n    {(chr(10) + '    ').join(done) or 'nothing'}\n" in str(stopped.value)
    swapping = number == len(WRITES) - 1
    assert ("not certain" if swapping else "not swapped: it runs what it ran before") in str(stopped.value)

    az.fails = None
    applied(az)
    whole = ended(tmp_path)
    assert (az.sites, az.things) == (whole.sites, whole.things) and az.images[None] == OLD


CHANGES = ({"image": NEW}, {"image": NEW, "access": {"addresses": ["131.107.0.7/32"]}, "sku": "P1V3"})


@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("changes", CHANGES, ids=["image", "all"])
def test_a_change_that_fails_anywhere_is_completed_by_the_next_apply(tmp_path, changes, late):
    def changed() -> Scripted:
        az = ended(tmp_path)
        az.sites[None]["top"]["state"] = "Stopped"
        az.sites["staging"]["more"].clear()
        az.sites["staging"]["web"]["acrUserManagedIdentityId"] = "another"
        az.config, az.ran = config(tmp_path, **changes), []
        return az

    whole = changed()
    applied(whole)
    for number in range(len([call for call in whole.ran if call.writes])):
        az = changed()
        az.fails, az.late = number, late
        with pytest.raises(StoppedError):
            applied(az)
        az.fails = None
        applied(az)
        assert (az.sites, az.things) == (whole.sites, whole.things), number
    assert whole.images == {None: NEW, "staging": OLD} and whole.sites[None]["top"]["state"] == "Running"
    before = copy.deepcopy((whole.sites, whole.things))
    whole.ran.clear()
    applied(whole)
    assert not any(call.writes for call in whole.ran) and (whole.sites, whole.things) == before


def test_a_plan_size_in_lower_case_is_the_same_size(tmp_path):
    az = ended(tmp_path)
    az.things["plan"] = "P0v3"
    az.ran.clear()

    applied(az)

    assert not any(call.writes for call in az.ran)


def rolled_back(az: Scripted) -> None:
    actions.rollback(az.config, az, lambda text: None, lambda url: 200)


def test_only_what_production_ran_before_is_a_way_back_and_only_once(tmp_path):
    az = ended(tmp_path)
    az.config = config(tmp_path, image=NEW)
    applied(az)

    rolled_back(az)

    assert az.images == {None: OLD, "staging": NEW}
    az.config = config(tmp_path, image=OLD)
    with pytest.raises(RefusedError, match="is not what production ran before"):
        rolled_back(az)


def test_an_image_that_was_staged_but_never_swapped_in_is_refused_by_rollback(tmp_path):
    az = ended(tmp_path)
    az.config = config(tmp_path, image=NEW, start_limit_seconds=10)
    with pytest.raises(StoppedError):
        actions.apply(az.config, az, lambda text: None, lambda url: interrupted(), unchecked)

    az.config, az.ran = config(tmp_path, image=OLD), []
    with pytest.raises(RefusedError, match="is not what production ran before"):
        rolled_back(az)
    assert az.images == {None: OLD, "staging": NEW} and not any(call.writes for call in az.ran)


def test_an_earlier_image_staged_again_with_other_settings_is_refused_by_rollback(tmp_path):
    az = ended(tmp_path)
    az.config = config(tmp_path, image=NEW)
    applied(az)
    az.config = config(tmp_path, image=OLD, port=8080)
    with pytest.raises(StoppedError):
        actions.apply(az.config, az, lambda text: None, lambda url: interrupted(), unchecked)

    az.config = config(tmp_path, image=NEW)
    assert az.images["staging"] == OLD
    with pytest.raises(RefusedError, match="is not what production ran before"):
        rolled_back(az)


def test_a_slot_staged_by_another_run_in_the_meantime_is_not_swapped_in(tmp_path):
    az = Scripted(config(tmp_path))

    def meanwhile(url: str) -> int:
        az.sites["staging"]["web"]["linuxFxVersion"] = f"DOCKER|{NEW}"
        return 200

    with pytest.raises(StoppedError, match=f"staging holds {NEW}, expected {OLD}: somebody else") as stopped:
        applied(az, meanwhile)

    assert Calls(az.config).swap() not in az.ran and "not swapped" in str(stopped.value)


def interrupted(*_: object) -> int:
    raise KeyboardInterrupt


def test_ctrl_c_says_what_was_done_and_which_line_starts_over(tmp_path, monkeypatch, capsys):
    file = written(tmp_path)
    monkeypatch.setattr("slipway.cli.deploy.command.Az", lambda program: Scripted(config(tmp_path)))

    monkeypatch.setattr(actions.apply, "__defaults__", (print, interrupted, unchecked))
    code = main(["apply", "--config", str(file), "--az", "/my/az"], interrupted)

    said = capsys.readouterr().err
    assert code == 1 and "stopped by Ctrl-C" in said and "\n    start staging\n" in said and "not swapped" in said
    assert said.endswith(f"  `slipway deploy apply --config {file} --az /my/az` starts over\n")


def test_ctrl_c_during_the_swap_says_that_it_may_continue(tmp_path):
    az = Scripted(config(tmp_path))
    really = az.write
    az.write = lambda call: interrupted() if call == Calls(az.config).swap() else really(call)

    with pytest.raises(steps.InterruptedRunError, match="a swap that has begun may go on in Azure"):
        applied(az)


def test_progress_is_a_line_for_each_call_with_the_seconds_since_the_start(tmp_path):
    said = applied(Scripted(config(tmp_path, access="public")))

    assert said[0].startswith("access: public: EVERYBODY")
    assert said[1] == "[   0 s] read the current state"
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


@pytest.mark.parametrize(
    "on_plan",
    [
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/slipway/providers/Microsoft.Web/serverfarms/elsewhere",
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/other/providers/Microsoft.Web/serverfarms/slipway-plan",
    ],
    ids=["name", "group"],
)
def test_an_app_on_another_plan_is_left_alone(tmp_path, on_plan):
    az = Scripted(config(tmp_path))
    az.on_plan = on_plan
    az.has(None, OLD)

    with pytest.raises(RefusedError, match="plan: found 'slipway-plan' .* but slipway-insurance runs on '/sub"):
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

    run.wait("staging", "s.example", 60, "az log")

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
        run.wait("staging", "s.example", 0.01, "az log")


def test_403_is_tolerated_for_a_while_and_then_means_the_address_rules(tmp_path, quick):
    run, _ = run_with(config(tmp_path, access=ADDRESSES), itertools.chain([403, 200], itertools.repeat(403)))

    run.wait("staging", "s.example", 60, "az log")

    with pytest.raises(NotReadyError, match="this machine's address is not in access.addresses"):
        run.wait("staging", "s.example", 60, "az log")


def test_occasional_403s_do_not_mean_the_address_rules(tmp_path, quick):
    answers = itertools.chain(*(itertools.repeat([403, 503], 40)), [200])
    run, _ = run_with(config(tmp_path, access=ADDRESSES), answers)

    run.wait("staging", "s.example", 60, "az log")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("Please run 'az login' to setup account.", "run `az login`"),
        ("AADSTS70043: The refresh token has expired", "run `az login`"),
        ("(AuthorizationFailed) The client 'x' does not have authorization to perform action", "your account lacks a role"),
        ("(Conflict) Cannot modify this site because another operation is in progress", "perhaps another deployment"),
        ("Webapp name 'x' already exists, names are globally unique", "choose another `app`"),
        ("(TooManyRequests) Please try again after '17' seconds.", "too many requests: wait 17 seconds, then"),
        ("Operation returned an invalid status 'Too Many Requests'", "wait a few minutes"),
        ("('Connection aborted.', RemoteDisconnected('Remote end closed connection'))", "the connection failed"),
        ("The resource with name 'r' could not be found in subscription 's'", "compare the names"),
        ("Operation cannot be completed without additional quota. Current Limit (PremiumV3 VMs): 0", "ask for quota"),
        ("(MissingSubscriptionRegistration) not registered to use namespace 'Microsoft.Web'", "az provider register"),
        ("(SubscriptionNotFound) The subscription 's' could not be found.", "run `az login`"),
        ("(BadRequest) The sku is not allowed", "put right what az says"),
    ],
)  # fmt: skip
def test_the_words_of_az_lead_to_what_to_do(words, says):
    assert says in remedy(words)


def program(folder, code: str):
    path = folder / "az"
    # As the real one: an argument that begins with @ is the content of a file.
    files = "sys.argv = [open(word[1:]).read() if word[:1] == '@' else word for word in sys.argv]"
    path.write_text(f"#!{sys.executable} -S\nimport sys\n{files}\n{code}\n")
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


def test_a_failing_call_is_reported_in_three_lines(tmp_path):
    az = program(tmp_path, "sys.exit('WARNING: a tip\\nERROR: (Conflict) In progress.\\nCode: Conflict')")

    with pytest.raises(CallError) as failed:
        az.run(CALL)

    first, second, third = str(failed.value).splitlines()
    assert first == "`az webapp start` failed (start x)"
    assert second == "  az says: (Conflict) In progress."
    assert third.startswith("  what to do: another operation is in progress")


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
    monkeypatch.setattr("slipway.cli.deploy.az.ONE_CALL_SECONDS", 0.2)

    with pytest.raises(CallError, match=r"no end after 0\.2 seconds"):
        program(tmp_path, "import time; time.sleep(60)").run(CALL)


@pytest.mark.parametrize("words", [
    "(ResourceNotFound) The Resource 'x' was not found.",
    "(ResourceGroupNotFound) Resource group 'g' could not be found.",
    "(ParentResourceNotFound) Failed to perform the request on a nested resource.",
    'Not Found({"error": {"code": "ResourceNotFound", "message": "x"}})',
    "Unable to find resource'slipway', in ResourceGroup 'g'.",
])  # fmt: skip
def test_what_is_not_there_is_found_to_be_nothing(tmp_path, words):
    assert program(tmp_path, f"sys.exit({'ERROR: ' + words!r})").find(CALL) is None


@pytest.mark.parametrize("words", [
    "(AuthorizationFailed) x",
    "(SubscriptionNotFound) The subscription 's' could not be found.",
    "The subscription 's' was not found",
    "(BadRequest) the body says ResourceNotFound",
    "Not Found(<html>a proxy's page: the host was not found</html>)",
])  # fmt: skip
def test_any_other_failure_is_one(tmp_path, words):
    with pytest.raises(CallError):
        program(tmp_path, f"sys.exit({'ERROR: ' + words!r})").find(CALL)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("print('<html>Log in</html>')", "<html>Log in</html> (no JSON, where JSON was expected)"),
        ("pass", "nothing, where JSON was expected"),
        ("print('null')", "nothing, where JSON was expected"),
    ],
    ids=["html", "empty", "null"],
)
def test_output_that_is_not_json_is_a_readable_failure(tmp_path, code, words):
    with pytest.raises(CallError) as failed:
        program(tmp_path, code).run(Call(("webapp", "show"), "read x", writes=False))

    assert failed.value.words == words


def test_a_writing_call_may_print_nothing(tmp_path):
    assert program(tmp_path, "pass").run(CALL) is None


def test_the_state_of_a_page_is_read_by_way_of_the_proxy(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        asked: list[bytes] = []

        def serve() -> None:
            line, _ = proxy.accept()
            with line:
                asked.append(line.recv(1000))
                line.sendall(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.getsockname()[1]}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("https_proxy", raising=False)

        assert steps.https_status("https://slot.example/readyz") == 0
        thread.join()

    assert asked[0].startswith(b"CONNECT slot.example:443 HTTP/1.")


def shown(**changes: object) -> dict[str, object]:
    """What `az webapp show` prints of a site that is as wanted, for callers from one range."""
    web = {
        "ipSecurityRestrictions": [
            {"ipAddress": "131.107.0.0/24", "action": "Allow"},
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
    given = {identity: {"clientId": "client"}}
    return top | {"identity": {"userAssignedIdentities": given}, "siteConfig": web | changes}


PASSWORDS = {"value": [{"name": name, "properties": {"allow": False}} for name in ("ftp", "scm")]}
LOGS = {"properties": {"httpLogs": {"fileSystem": {"enabled": True, "retentionInMb": 100}}}}


ONE = {"addresses": ["131.107.0.0/24"]}


def test_a_site_is_compared_by_what_the_config_says_and_no_more(tmp_path):
    chosen = config(tmp_path, access=ONE)

    found = site(chosen, shown(phpVersion="8"), [], {}, PASSWORDS, LOGS)

    assert differences(found.stays, wanted_stays(chosen)) == [] and found.digest == NEW.partition("@")[2]


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"ipSecurityRestrictions": []}, {"address rules"}),
        ({"ipSecurityRestrictions": None, "ipSecurityRestrictionsDefaultAction": None}, {"address rules", "other addresses"}),
        ({"scmIpSecurityRestrictionsUseMain": False}, {"Kudu has the same address rules"}),
        ({"acrUserManagedIdentityId": None}, {"pulls with the identity"}),
        ({"acrUserManagedIdentityId": "another"}, {"pulls with the identity"}),
        ({"ftpsState": "AllAllowed"}, {"FTP"}),
        ({"minTlsVersion": "1.0"}, {"least TLS"}),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)  # fmt: skip
def test_what_is_not_as_wanted_is_found(tmp_path, changes, names):
    chosen = config(tmp_path, access=ONE)

    found, wanted = site(chosen, shown(**changes), [], {}, PASSWORDS, LOGS).stays, wanted_stays(chosen)

    assert {name for name in wanted if found[name] != wanted[name]} == names


@pytest.mark.parametrize(
    ("passwords", "logs", "names"),
    [
        ({"value": [{"properties": {"allow": False}}, {"properties": {"allow": True}}]}, LOGS, {"publishing password"}),
        ({"value": []}, LOGS, {"publishing password"}),
        (PASSWORDS, {"properties": {"httpLogs": {"fileSystem": {"enabled": False}}}}, {"container log"}),
        (PASSWORDS, {}, {"container log"}),
    ],
    ids=["one is let in", "not said", "no log", "nothing"],
)
def test_passwords_and_the_log_are_compared_too(tmp_path, passwords, logs, names):
    chosen = config(tmp_path, access=ONE)

    found, wanted = site(chosen, shown(), [], {}, passwords, logs).stays, wanted_stays(chosen)

    assert {name for name in wanted if found[name] != wanted[name]} == names


def test_address_rules_are_compared_by_what_they_mean(tmp_path):
    chosen = config(tmp_path, access={"addresses": ["2606:2800::/32"]})
    texts = ("100.64.0.0/10", "2606:2800::0/32", "10.0.0.0/8")
    rules = [
        {"ipAddress": text, "action": "Allow", "priority": number}
        for text, number in zip(texts, (102, 100, 101), strict=True)
    ]

    found = site(chosen, shown(ipSecurityRestrictions=rules), [], {}, PASSWORDS, LOGS).stays

    assert found["address rules"] == wanted_stays(chosen)["address rules"]


def test_no_difference_shows_a_secret_that_somebody_typed_in(tmp_path):
    secrets = {"SLIPWAY_SESSION_SECRET": "https://kept.vault.azure.net/secrets/session"}
    chosen = config(tmp_path, access=ONE, secrets=secrets)
    typed = [{"name": "SLIPWAY_SESSION_SECRET", "value": "hunter2"}]

    found = site(chosen, shown(), typed, {}, PASSWORDS, LOGS).moves

    assert found["SLIPWAY_SESSION_SECRET"] == "a value set by hand"


def test_sign_in_that_was_switched_off_is_found(tmp_path):
    chosen = config(tmp_path, access=ENTRA)
    auth = {"properties": wanted_stays(chosen)["sign-in"] | {"httpSettings": {"requireHttps": True}}}
    off = {"properties": auth["properties"] | {"platform": {"enabled": False}}}

    assert site(chosen, shown(), [], auth, PASSWORDS, LOGS).stays["sign-in"] == wanted_stays(chosen)["sign-in"]
    assert site(chosen, shown(), [], off, PASSWORDS, LOGS).stays["sign-in"] != wanted_stays(chosen)["sign-in"]


def test_help_names_the_four_actions():
    ran = subprocess.run([SLIPWAY, "deploy", "--help"], capture_output=True, text=True, timeout=60)

    assert ran.returncode == 0 and all(f"\n{name} " in ran.stdout for name in ("plan", "apply", "rollback", "status"))
