"""The messages when Azure refuses, is busy, throttles, or drops the connection.

Each kind of call is run alone by the real `az` against an existing deployment, with a fault on
whatever the call requests first; some whole runs are interrupted and repeated.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest

from slipway.cli.deploy.az import Az, CallError
from slipway.cli.deploy.webapp.calls import Calls
from slipway.cli.deploy.webapp.state import Found, needed
from tests.azure.conftest import ADDRESSES, NEW, OLD, config, first_run_of
from tests.azure.standin import Fault

pytestmark = pytest.mark.azure

FAULTS = pytest.mark.parametrize(
    ("status", "words", "advice"),
    [
        (403, "AuthorizationFailed", "your account lacks a role"),
        (409, "Conflict", "another operation is in progress"),
        (429, "TooManyRequests", "too many requests: wait 17 seconds"),
        (0, "Connection aborted", "the connection failed"),
    ],
    ids=["403", "409", "429", "dropped"],
)


def kinds(chosen) -> dict[str, object]:
    """One call of each kind: as its command is named, and whether it is for the slot."""
    calls = Calls(chosen)
    reads = [
        calls.read_site(None),
        calls.read_settings(None),
        calls.read_sign_in(None),
        calls.read_passwords(None),
        calls.read_logs(None),
        calls.resize_plan(3),
        calls.read_plan(),
        calls.read_registry(),
    ]
    found = {}
    for call in [*reads, *needed(chosen, Found())]:
        words = [word for word in call.argv[:4] if not word.startswith("-")]
        found.setdefault((" ".join(words), call.writes), call)
    return found


@FAULTS
def test_each_kind_of_call_fails_with_the_words_of_azure_and_what_to_do(
    azure, first, warm_az, tmp_path, status, words, advice
):
    first_run_of(azure, first, ADDRESSES)
    calls = kinds(config(tmp_path, image=NEW))
    azure.faults.append(Fault(r"GET|PUT|POST|PATCH", r"^/subscriptions/", status))
    before = azure.snapshot()

    def failure(call) -> CallError | None:
        az = Az(str(warm_az))
        az.values = {"PRINCIPAL_ID": "3" * 8, "ROLE": "AcrPull"}
        az.values["REGISTRY_ID"] = next(iter(azure.things.values()))["id"]
        try:
            az.run(call)
        except CallError as exc:
            return exc
        return None

    with ThreadPoolExecutor(6) as pool:
        failures = dict(zip(calls, pool.map(failure, calls.values()), strict=True))

    assert len(failures) > 18
    unexplained = {
        kind: str(exc) for kind, exc in failures.items() if not exc or words not in exc.words or advice not in str(exc)
    }
    assert unexplained == {}
    assert azure.snapshot() == before


@pytest.mark.parametrize(
    ("fault", "done"),
    [
        (Fault("POST", "/slots/staging/stop$", 403), "let the identity pull from the registry, and nothing else"),
        (Fault("PUT", "/slots/staging/config/appsettings$", 429), "stop staging"),
        (Fault("POST", "/slots/staging/slotsswap$", 0), "start staging"),
        (Fault("POST", "/slots/staging/slotsswap$", 409), "start staging"),
    ],
    ids=["403 at the stop", "429 at the settings", "dropped at the swap", "409 at the swap"],
)
def test_an_apply_that_fails_half_way_swaps_nothing_and_the_next_one_ends_well(deployed, deploy, fault, done):
    deployed.faults.append(fault)

    failed = deploy("apply", image=NEW)

    assert failed.code == 1 and failed.err.startswith("deploy: `az webapp ")
    assert f"done before:\n    {done}" in failed.err or f"\n    {done}" in failed.err
    assert deployed.site().image == OLD and failed.err.count("az says: ") == 1

    deployed.faults.clear()
    assert deploy("apply", image=NEW).code == 0
    assert deployed.site().image == NEW and deployed.site("staging").image == OLD


def test_a_role_that_may_not_be_given_stops_before_anything_costs_money(azure, deploy):
    azure.faults.append(Fault("PUT", "roleAssignments", 403))

    failed = deploy("apply")

    assert failed.code == 1 and "Role Based Access Control Administrator" in failed.err
    assert azure.sites == {} and not any("serverfarms" in path for path in azure.things)


def test_who_may_call_is_narrowed_though_no_role_may_be_given(deployed, deploy):
    deployed.faults.append(Fault("PUT", "roleAssignments|userAssignedIdentities", 403))
    one = {"addresses": ["131.107.0.9/32"]}

    failed = deploy("apply", image=NEW, access=one)

    assert failed.code == 1 and deployed.site().image == OLD
    for slot in (None, "staging"):
        first = deployed.site(slot).config["ipSecurityRestrictions"][0]
        assert (first["ipAddress"], first["action"]) == ("131.107.0.9/32", "Allow")


def test_a_read_that_fails_writes_nothing(deployed, deploy):
    deployed.faults.append(Fault("GET", "/sites/", 403))

    failed = deploy("apply", image=NEW)

    assert failed.code == 1 and "done before:\n    nothing\n" in failed.err and deployed.written() == []


def test_without_a_login_az_says_so_and_so_do_we(azure, az, deploy, monkeypatch, tmp_path):
    monkeypatch.setenv("AZURE_CONFIG_DIR", str(tmp_path / "empty"))

    failed = deploy("apply")

    assert failed.code == 1 and "what to do: run `az login`" in failed.err


def test_the_program_az_itself_without_the_warm_start_answers_the_same(deployed, az, warm_az, tmp_path):
    call = Calls(config(tmp_path)).read_site(None)

    assert Az(str(az)).run(call) == Az(str(warm_az)).run(call)
