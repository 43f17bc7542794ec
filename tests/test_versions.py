"""Which version a name means: promoted, rolled back, retired; and what is written down of it."""

import getpass
import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import bentoml
import pytest

from slipway import store
from slipway.cli.main import main
from slipway.errors import HistoryError, ModelDamagedError, ModelMissingError, RetiredError, StoreError
from slipway.store import Summary

SUMMARY = Summary("regression", "Mean", "native", target="y", metric="R2", score=0.5, packages={})


def write(tag: str, folder: Path, pipeline: Path) -> Summary:
    (folder / "schema.json").write_text("{}")
    (pipeline / store.PIPELINE).write_bytes(b"a pipeline")
    return SUMMARY


@pytest.fixture
def name(request: pytest.FixtureRequest) -> Iterator[str]:
    """Of a model that only this test has."""
    name = f"v{abs(hash(request.node.name)) % 10**12}"
    yield name
    for entry in (name, f"{name}-pipeline"):
        shutil.rmtree(_models() / entry, ignore_errors=True)


def _models() -> Path:
    return Path(os.environ["BENTOML_HOME"]) / "models"


def saved(name: str, count: int = 2) -> list[str]:
    """The tags of so many versions, oldest first."""
    return [store.save(name, write) for _ in range(count)]


def actions(name: str) -> list[tuple[str, str]]:
    return [(entry.action, f"{name}:{entry.version}") for entry in store.read_history(name).entries]


def test_without_a_promotion_a_name_means_its_newest_version(name):
    _, newest = saved(name)

    assert store.find(name).tag == newest
    assert not (_models() / name / store.HISTORY).exists()


def test_a_name_means_the_promoted_version_and_latest_the_newest(name):
    first, second = saved(name)

    change = store.promote(first, "a test")

    assert (f"{name}:{change.version}", f"{name}:{change.before}") == (first, second)
    assert store.find(name).tag == first
    assert store.find(f"{name}:latest").tag == second
    assert bentoml.models.get(name).tag.version == second.partition(":")[2]  # BentoML's own word is as it was


def test_a_later_version_is_not_served_by_itself(name):
    (first,) = saved(name, 1)
    store.promote(first, "a test")

    saved(name, 1)

    assert store.find(name).tag == first


def test_the_history_begins_with_what_was_in_use(name):
    first, second = saved(name)

    store.promote(first, "  smaller\n error ")

    was, entry = store.read_history(name).entries
    assert actions(name) == [("promoted", second), ("promoted", first)]
    assert was.why == "in use as the newest version when this history began"
    assert (entry.why, entry.who, entry.time.utcoffset().total_seconds()) == ("smaller error", getpass.getuser(), 0)


def test_a_rollback_goes_to_the_version_promoted_before_and_then_to_the_one_before_that(name):
    tags = saved(name, 3)
    for tag in tags:
        store.promote(tag, "a test")
    oldest, middle, newest = tags

    store.roll_back(name, "worse")
    assert store.find(name).tag == middle
    store.roll_back(name, "worse still")
    assert store.find(name).tag == oldest
    store.promote(newest, "mended")
    store.roll_back(name, "not mended")
    assert store.find(name).tag == oldest


def test_a_rollback_without_anything_before_is_refused(name):
    (only,) = saved(name, 1)

    with pytest.raises(StoreError, match=rf"no version of {name} was promoted before the one in use \(none\)"):
        store.roll_back(name, "a test")
    store.promote(only, "a test")
    with pytest.raises(StoreError, match=rf"before the one in use \({only}\); take one into use by its tag"):
        store.roll_back(name, "a test")
    with pytest.raises(StoreError, match=f"'{only}' names a version; a rollback takes the one"):
        store.roll_back(only, "a test")

    assert store.find(name).tag == only and len(actions(name)) == 1


def test_a_retired_version_is_not_served_by_its_tag_and_no_rollback_leads_to_it(name):
    first, second, third = saved(name, 3)
    for tag in (first, second, third):
        store.promote(tag, "a test")

    store.retire(second, "the wrong year")

    with pytest.raises(RetiredError, match=rf"model {second} is retired .*by {getpass.getuser()}: the wrong year\)"):
        store.find(second)
    assert store.open_version(second).tag == second  # a worker that starts again finds its own
    assert store.roll_back(name, "a test").version == first.partition(":")[2]
    store.promote(second, "the right year after all")
    assert store.find(second).tag == second


def test_what_is_in_use_and_the_only_version_cannot_be_retired(name):
    (first,) = saved(name, 1)
    with pytest.raises(StoreError, match=f"{first} is the only version of {name} that is not retired, and stays"):
        store.retire(first, "a test")
    (second,) = saved(name, 1)
    with pytest.raises(StoreError, match=f"{second} is in use, as the newest version, and cannot be retired"):
        store.retire(second, "a test")
    store.promote(first, "a test")
    with pytest.raises(StoreError, match=f"{first} is promoted and cannot be retired; take another into use first"):
        store.retire(first, "a test")
    with pytest.raises(StoreError, match=f"'{name}' names no version; name the one to retire"):
        store.retire(name, "a test")
    store.retire(second, "a test")
    with pytest.raises(StoreError, match=f"{second} is retired already"):
        store.retire(second, "a test")


def test_retiring_writes_down_what_stays_in_use(name):
    first, second = saved(name)

    store.retire(first, "a test")

    assert actions(name) == [("promoted", second), ("retired", first)]


def test_an_unknown_version_is_refused_with_the_nearest(name):
    _, second = saved(name)
    typo = second[:-1] + ("a" if second[-1] != "a" else "b")

    for change in (store.promote, store.retire):
        with pytest.raises(ModelMissingError, match=f"no model '{typo}' .*; did you mean '{second}'.*slipway models"):
            change(typo, "a test")
    with pytest.raises(ModelMissingError, match="no model 'never-trained'"):
        store.roll_back("never-trained", "a test")


def test_a_version_can_be_named_by_its_beginning(name):
    first, _ = saved(name)
    other = store.find(name).version
    length = next(n for n in range(1, 20) if first.partition(":")[2][:n] != other[:n])

    store.promote(first[: len(name) + 1 + length], "a test")

    assert store.find(name).tag == first


def test_a_damaged_version_is_not_taken_into_use(name):
    first, second = saved(name)
    (store.find(first).path / "schema.json").write_text("{ }")

    with pytest.raises(ModelDamagedError, match="schema.json is not what was saved"):
        store.promote(first, "a test")

    assert store.find(name).tag == second


def test_a_reason_is_asked_for(name):
    (first,) = saved(name, 1)

    for why in (" \n", "x" * 1001):
        with pytest.raises(StoreError, match="expected a reason of 1 to 1,000"):
            store.promote(first, why)


def test_a_promoted_version_that_was_deleted_is_not_replaced_in_silence(name):
    first, second = saved(name)
    store.promote(first, "a test")
    bentoml.models.delete(first)

    with pytest.raises(StoreError, match=f"{first}, the promoted version of {name}, is not in the BentoML model store"):
        store.find(name)
    store.promote(second, "the other is gone")

    assert store.find(name).tag == second


def test_deleting_all_versions_deletes_the_history(name):
    (first,) = saved(name, 1)
    store.promote(first, "a test")

    bentoml.models.delete(first)

    assert not (_models() / name).exists()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "Expecting value"),
        (b"[]", "Input should be"),
        (b'{"entries": [{"action": "promoted"}]}', r"entries.0.version: Field required"),
        (b'{"format": 2}', "format 2 is later than this Slipway reads"),
        (b"\xff", "invalid start byte"),
        (
            b'{"entries": [{"action": "rolled_back", "version": "a", "time": "2026-01-01T00:00:00Z", "who": "", "why": ""}]}',
            "a rollback without a promotion before it",
        ),
    ],
    ids=["empty", "a list", "half an entry", "a later format", "no text", "an impossible order"],
)
def test_a_damaged_history_is_an_error_and_nothing_is_guessed(name, content, problem):
    (first,) = saved(name, 1)
    (_models() / name / store.HISTORY).write_bytes(content)

    for attempt in (lambda: store.find(name), lambda: store.promote(first, "a test")):
        with pytest.raises(
            HistoryError, match=rf"the history of model {name} .*{problem}.*take the file from a backup"
        ):
            attempt()
    assert any(f"the history of model {name}" in line for line in store.list_models())


def forked(work: Callable[[], object]) -> int:
    """The id of a process that does this work and ends; with 0 if it went well."""
    process = os.fork()
    if process:
        return process
    try:
        work()
    except BaseException as exc:
        os.write(2, f"{exc!r}\n".encode())
        os._exit(1)
    os._exit(0)


def exit_code(process: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def test_two_who_promote_at_once_lose_nothing_that_the_other_wrote(name):
    tags = saved(name)

    def promote_in_turn(order: list[str]) -> None:
        for tag in order * 10:
            try:
                store.promote(tag, "a race")
            except StoreError as exc:
                assert "promoted already" in str(exc), exc

    processes = [forked(lambda order=order: promote_in_turn(order)) for order in (tags, tags[::-1])]

    assert [exit_code(process) for process in processes] == [0, 0]
    entries = actions(name)
    changes = entries[1:] if entries[0] == entries[1] else entries
    assert 10 < len(changes) <= 41
    # Each was promoted while the other was in use: under the lock, each saw what the other had written.
    assert all(one != after for one, after in zip(changes, changes[1:], strict=False))


@pytest.mark.parametrize("at", ["fsync", "replace"])
def test_a_kill_while_the_history_is_written_leaves_it_as_it_was_and_unlocked(name, at, monkeypatch):
    first, second = saved(name)
    store.promote(first, "a test")
    before = (_models() / name / store.HISTORY).read_bytes()

    with monkeypatch.context() as patched:
        patched.setattr(os, at, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
        process = forked(lambda: store.promote(second, "killed"))

    assert exit_code(process) == -signal.SIGKILL
    assert (_models() / name / store.HISTORY).read_bytes() == before
    store.promote(second, "after the kill")
    assert store.find(name).tag == second


def test_the_commands_say_what_is_in_use(name, capsys):
    first, second = saved(name)

    assert main(["promote", first, "--why", "a test"]) == 0
    assert capsys.readouterr().out.startswith(
        f"{first} is in use, instead of {second}; a server that was started with the name"
    )
    assert main(["rollback", name, "--why", "a test"]) == 0
    assert capsys.readouterr().out.startswith(f"{second} is in use, instead of {first}")
    assert main(["retire", first, "--why", "a test"]) == 0
    assert capsys.readouterr().out == f"{first} is retired; in use is {second}\n"
    assert main(["models"]) == 0
    lines = {line.split()[0]: line.split()[-1] for line in capsys.readouterr().out.splitlines()}
    assert (lines[first], lines[second]) == ("retired", "promoted")


def test_a_refusal_is_one_line(name, capsys):
    (first,) = saved(name, 1)

    assert main(["retire", first, "--why", "a test"]) == 1

    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1
    assert captured.err.startswith(f"retire: {first} is the only version")


def test_the_history_file_is_what_the_documentation_says(name):
    (first,) = saved(name, 1)
    store.promote(first, "à la carte")

    content = json.loads((_models() / name / store.HISTORY).read_text(encoding="utf-8"))

    (entry,) = content["entries"]
    assert content["format"] == 1 and list(entry) == ["action", "version", "time", "who", "why"]
    assert entry["why"] == "à la carte" and entry["time"].endswith("Z")
