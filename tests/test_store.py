"""The store: a version is saved completely or not at all, and a changed byte is noticed."""

import datetime as dt
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import bentoml
import pytest

from slipway import store
from slipway.errors import ModelDamagedError, ModelIncompatibleError, ModelMissingError, StoreError
from slipway.store import Summary
from slipway.store.listing import _age
from tests.conftest import ROOT

SUMMARY = Summary("regression", "Mean", "native", target="y", metric="R2", score=0.5, packages={})


def write(tag: str, folder: Path, pipeline: Path) -> Summary:
    (folder / "schema.json").write_text("{}")
    (folder / "more").mkdir()
    (folder / "more" / "a.json").write_text("{}")
    (pipeline / store.PIPELINE).write_bytes(b"a pipeline")
    return SUMMARY


def entries(name: str) -> list[str]:
    return sorted(str(model.tag) for model in bentoml.models.list() if model.tag.name.startswith(name))


def leftovers() -> list[Path]:
    work = Path(os.environ["BENTOML_HOME"]) / "tmp" / "slipway"
    return [path for path in work.iterdir() if path.name != "lock"] if work.exists() else []


def test_a_saved_version_is_found_by_name_and_by_tag():
    tag = store.save("kept", write)

    by_name, by_tag = store.find("kept"), store.find(tag)

    assert by_name == by_tag and by_name.tag == tag
    assert by_name.pipeline.read_bytes() == b"a pipeline"
    assert entries("kept") == sorted([tag, tag.replace("kept:", "kept-pipeline:")])
    assert not leftovers()


def test_the_sums_are_what_sha256sum_reads(tmp_path):
    version = store.find(store.save("sums", write))

    run = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=version.path, capture_output=True, text=True)

    assert run.returncode == 0
    assert run.stdout.splitlines() == ["model.yaml: OK", "more/a.json: OK", "schema.json: OK"]


def test_an_export_and_import_by_bentoml_keeps_a_version_whole(tmp_path):
    tag = store.save("travels", write)
    pipeline = tag.replace("travels:", "travels-pipeline:")
    files = [
        bentoml.models.export_model(entry, str(tmp_path / f"{i}.bentomodel")) for i, entry in enumerate((tag, pipeline))
    ]
    for entry in (tag, pipeline):
        bentoml.models.delete(entry)

    for file in files:
        bentoml.models.import_model(file)

    assert store.find(tag).pipeline.read_bytes() == b"a pipeline"


def test_an_error_while_writing_leaves_the_store_as_it_was():
    tag = store.save("steady", write)

    def fail(tag: str, folder: Path, pipeline: Path) -> Summary:
        write(tag, folder, pipeline)
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        store.save("steady", fail)

    assert store.find("steady").tag == tag
    assert len(entries("steady")) == 2 and not leftovers()


SAVE = """
from slipway import store
from slipway.store import Summary
def write(tag, folder, pipeline):
    (folder / "schema.json").write_text("{{}}")
    (pipeline / store.PIPELINE).write_bytes(b"a pipeline")
    {body}
    return {summary}
store.save("{name}", write)
"""


def script(name: str, body: str) -> list[str]:
    """A process that saves a version, doing `body` while it is half written."""
    return [sys.executable, "-c", SAVE.format(name=name, body=body, summary=SUMMARY)]


def test_a_killed_training_leaves_no_half_version_and_the_next_one_sweeps_up():
    tag = store.save("killed", write)
    process = subprocess.Popen(
        script("killed", "print('here', flush=True); import time; time.sleep(60)"),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "here\n"

    process.send_signal(signal.SIGKILL)
    process.wait()

    assert store.find("killed").tag == tag and len(entries("killed")) == 2
    assert leftovers()
    newer = store.save("killed", write)
    assert store.find("killed").tag == newer and not leftovers()


def test_a_full_disk_leaves_the_old_latest_and_says_so():
    tag = store.save("full", write)

    def small_files_only() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    run = subprocess.run(
        script("full", "(pipeline / store.PIPELINE).write_bytes(bytes(10**6))"),
        cwd=ROOT,
        preexec_fn=small_files_only,
        capture_output=True,
        text=True,
    )

    assert re.search(
        r"StoreError: the version could not be saved to .*File too large; nothing was changed there", run.stderr
    )
    assert store.find("full").tag == tag and len(entries("full")) == 2 and not leftovers()


def test_a_store_that_cannot_be_written_says_so(monkeypatch):
    target = Path(os.environ["BENTOML_HOME"]) / "tmp" / "slipway"
    shutil.rmtree(target, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("in the way")

    with pytest.raises(StoreError, match="could not be saved to .*: File exists; nothing was changed there"):
        store.save("blocked", write)

    target.unlink()
    assert entries("blocked") == []


def test_a_pipeline_whose_version_never_came_is_swept_away():
    store.save("orphan", write)
    stray = Path(bentoml.models.get("orphan-pipeline").path).parent / "stray"
    shutil.copytree(bentoml.models.get("orphan-pipeline").path, stray)

    store.save("orphan", write)

    assert not stray.exists()


def test_two_trainings_at_once_both_arrive():
    first = subprocess.Popen(script("both", "import time; time.sleep(1)"), cwd=ROOT)
    second = subprocess.Popen(script("both", "pass"), cwd=ROOT)

    assert (first.wait(60), second.wait(60)) == (0, 0)

    assert len(entries("both")) == 4
    store.find("both")


def files_of(tag: str) -> list[Path]:
    version = store.find(tag)
    return sorted(
        path for folder in (version.path, version.pipeline.parent) for path in folder.rglob("*") if path.is_file()
    )


def test_a_flipped_byte_in_any_file_is_noticed(insurance, diabetes):
    for tag in (insurance, diabetes):
        for path in files_of(tag):
            original = path.read_bytes()
            for position in {0, len(original) // 2, len(original) - 1}:
                changed = bytearray(original)
                changed[position] ^= 1
                path.write_bytes(changed)
                with pytest.raises(ModelDamagedError, match=f"model {tag} is damaged: .*remove and retrain: `bentoml"):
                    store.find(tag)
            path.write_bytes(original)
        store.find(tag)


def test_a_missing_and_an_added_file_are_noticed():
    version = store.find(store.save("files", write))
    (version.path / "extra.txt").write_text("?")
    with pytest.raises(ModelDamagedError, match="extra.txt was not there when it was saved"):
        store.find("files")
    (version.path / "extra.txt").unlink()

    (version.path / "schema.json").unlink()

    with pytest.raises(ModelDamagedError, match="schema.json is missing"):
        store.find("files")


def test_a_missing_model_names_what_is_there_and_the_nearest():
    store.save("present", write)

    with pytest.raises(
        ModelMissingError, match=r"no model 'presnt' in the BentoML model store; did you mean 'present'\?"
    ):
        store.find("presnt")
    with pytest.raises(ModelMissingError, match="no model 'present:nope'"):
        store.find("present:nope")


def test_other_package_versions_are_named():
    made_with = {"python": "3.11.1", "scikit-learn": "1.2.3", "no-such-package": "2.0"}

    def write_with(tag: str, folder: Path, pipeline: Path) -> Summary:
        return replace(write(tag, folder, pipeline), packages=made_with)

    version = store.find(store.save("other", write_with))

    with pytest.raises(
        ModelIncompatibleError, match=r"scikit-learn 1\.2\.3 \(here 1\.4\.2\); no-such-package 2\.0 \(here not inst"
    ):
        store.check_compatible(version)


def test_the_listing_has_a_line_for_each_version_newest_first():
    first = store.save("listed", write)
    time.sleep(0.01)
    second = store.save("listed", write)

    heading, *lines = store.list_models()

    assert heading.split() == ["MODEL", "TASK", "TARGET", "ESTIMATOR", "METRIC", "ENGINE", "AGE", "STATUS"]
    assert [line.split()[0] for line in lines if line.startswith("listed")] == [second, first]
    assert re.search(rf"{second}\s+regression\s+y\s+Mean\s+R2 0\.5\s+native\s+\d+ s", "\n".join(lines))
    assert not any("-pipeline" in line for line in lines)


def test_the_listing_names_a_damaged_version_and_lists_the_others():
    kept, broken = store.save("whole", write), store.save("broken", write)
    (store.find(broken).path / "model.yaml").write_text("labels: [")

    try:
        lines = store.list_models()
    finally:
        shutil.rmtree(store.find(kept).path.parents[1] / "broken")

    assert f"{broken}  its model.yaml cannot be read" in lines
    assert any(line.startswith(kept) for line in lines)


@pytest.mark.parametrize(("age", "said"), [(5, "5 s"), (119, "1 min"), (7300, "2 h"), (200_000, "2 d")])
def test_an_age_has_one_unit(age, said):
    assert _age(dt.timedelta(seconds=age)) == said


def test_a_version_holds_data_and_no_code(insurance):
    version = store.find(insurance)

    suffixes = {path.suffix for path in version.path.rglob("*") if path.is_file() and path.name != store.SUMS}

    assert suffixes == {".json", ".csv", ".md", ".onnx", ".yaml"}
    assert json.loads((version.path / "schema.json").read_text())["name"] == "insurance"
