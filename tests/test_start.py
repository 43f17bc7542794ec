"""How `bentoml serve` starts and stops: whatever keeps it from serving is reported in one line that says what to do."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from slipway import store
from tests.conftest import PERSON, ROOT, free_port, serve, workers_of
from tests.prepared import Prepared

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Start:
    """How a `bentoml serve` ended that was not to serve: exit code, and all it printed."""

    code: int | None
    output: str


def prepared(home: Path, *arguments: str, **environment: str) -> Start:
    """As `start`, but in a fork of a process that has imported everything."""
    log, port = home / "log", str(free_port())
    everything = os.environ | {"BENTOML_HOME": str(home)} | environment
    process = Prepared(["serve", *arguments, "--host", "127.0.0.1", "--port", port], ROOT, everything, log)
    try:
        code = process.wait(90)
    except subprocess.TimeoutExpired:
        process.kill()
        code = None
    return Start(code, log.read_text())


def start(home: Path, *arguments: str, port: int | None = None, **environment: str) -> Start:
    """`bentoml serve` until it ends by itself; after 90 s it is killed and its code is None."""
    command = [str(Path(sys.executable).with_name("bentoml")), "serve", *arguments]
    process = subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--port", str(port or free_port())],
        cwd=ROOT,
        env=os.environ | {"BENTOML_HOME": str(home)} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=90)
        code = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # its workers too
        process.stdout.close()  # a worker in a session of its own may hold the other end
        output, code = "", None
    return Start(code, output)


def copied(tag: str, home: Path) -> Path:
    """The folder of the version `tag` in a store of its own at `home`."""
    name, _, version = tag.partition(":")
    for entry in (name, f"{name}-pipeline"):
        folder = home / "models" / entry
        shutil.copytree(Path(os.environ["BENTOML_HOME"]) / "models" / entry / version, folder / version)
        (folder / "latest").write_text(version)
    return home / "models" / name / version


def sealed(folder: Path, file: str, change: Callable[[str], str]) -> None:
    """Change a file and make the sums anew, so that only what it says is wrong."""
    path = folder / file
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    (folder / store.SUMS).write_text(store.sums(folder), encoding="utf-8")


def other_answer(golden: str) -> str:
    changed = json.loads(golden)
    changed["predictions"][3]["prediction"] += 1000
    return json.dumps(changed)


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.fixture(scope="module")
def starts(insurance: str, uncompiled: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Start]:
    """Every start that is to fail, some of them from nothing."""
    homes = {}
    for case in ("missing", "damaged", "damaged graph", "incompatible", "other answers", "setting", "workers"):
        homes[case] = tmp_path_factory.mktemp("home")
        folder = copied(uncompiled if case == "incompatible" else insurance, homes[case])
        if case == "damaged":
            flip_a_bit(homes[case] / "models" / "insurance-pipeline" / folder.name / store.PIPELINE)
        if case == "damaged graph":
            flip_a_bit(folder / store.GRAPH)
        if case == "incompatible":
            sealed(folder, "model.yaml", lambda text: text.replace("scikit-learn: ", "scikit-learn: 0."))
        if case == "other answers":
            sealed(folder, "golden.json", other_answer)
    arguments = {"missing": ["--arg", "model=insurence"], "incompatible": ["--arg", "model=reviews"]}
    environments = {"setting": {"SLIPWAY_MAX_RECORDS": "ten"}, "workers": {"SLIPWAY_WORKERS": "0"}}

    def run(case: str) -> Start:
        how = start if case in ("missing", "damaged graph", "setting") else prepared
        return how(homes[case], *arguments.get(case, []), **environments.get(case, {}))

    return {case: run(case) for case in homes}


@pytest.mark.parametrize(
    ("case", "named"),
    [
        ("missing", ["no model 'insurence'", "did you mean 'insurance'?", "`slipway train insurence`"]),
        ("damaged", ["{tag} is damaged", "pipeline.pkl is not what was saved", "`bentoml models delete {tag}`"]),
        ("damaged graph", ["{tag} is damaged", "model.onnx is not what was saved", "`bentoml models delete {tag}`"]),
        ("incompatible", ["{tag} was made with other package versions", "scikit-learn 0.1", "`slipway train"]),
        (
            "other answers",
            ["{tag} no longer gives the answers", "1 of 32 golden rows differ", "row 3", "`slipway train"],
        ),
        ("setting", ["SLIPWAY_MAX_RECORDS is 'ten'", "a whole number of at least 1"]),
        ("workers", ["SLIPWAY_WORKERS is '0'", "a whole number of at least 1"]),
    ],
)
def test_a_start_that_cannot_serve_ends_with_one_line_that_says_what_to_do(starts, insurance, uncompiled, case, named):
    ended = starts[case]
    tag = uncompiled if case == "incompatible" else insurance

    assert ended.code == 1, ended.output
    lines = [line for line in ended.output.splitlines() if line.strip()]
    assert len(lines) == 1, ended.output
    for part in named:
        assert part.format(tag=tag) in lines[0]


def test_a_port_that_is_in_use_is_one_line(insurance):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        ended = start(Path(os.environ["BENTOML_HOME"]), port=port)

    assert ended.code == 1, ended.output
    lines = [line for line in ended.output.splitlines() if line.strip()]
    assert len(lines) == 1, ended.output
    assert f"nobody can listen on port {port} of 127.0.0.1: Address already in use" in lines[0]
    assert "`make serve PORT=3001`" in lines[0]


@pytest.mark.parametrize(
    ("workers", "fault", "named"),
    [
        (2, lambda folder: flip_a_bit(folder / store.GRAPH), "model.onnx is not what was saved"),
        (1, shutil.rmtree, "no model"),
    ],
    ids=["a byte of its graph", "its folder is gone"],
)
def test_a_model_damaged_while_served_ends_the_server_when_a_worker_starts_again(
    insurance, tmp_path, workers, fault, named
):
    folder = copied(insurance, tmp_path)
    with serve("--arg", f"model={insurance}", BENTOML_HOME=str(tmp_path), SLIPWAY_WORKERS=str(workers)) as server:
        said = server.get("/model").json(), server.get("/model/card").text
        fault(folder)
        assert (server.get("/model").json(), server.get("/model/card").text) == said
        before = len(server.log.read_text().splitlines())

        for worker in workers_of(server):
            worker.kill()
        code = server.process.wait(90)

        # The line of the last call may be written after its answer has arrived.
        lines = [line for line in server.log.read_text().splitlines()[before:] if "GET /model" not in line]
        lines = [line for line in lines if "was ended by SIGKILL; another takes its place" not in line]
        with pytest.raises(httpx.ConnectError):
            server.get("/livez")
    assert code == 1
    assert [line for line in lines if line.startswith("slipway:")] == lines and len(lines) == 1, lines
    assert named in lines[0]


def test_two_workers_answer_alike_and_a_sigterm_lets_them_finish(insurance):
    text = ",".join(PERSON) + "\n" + (",".join(map(str, PERSON.values())) + "\n") * 15_000
    with (
        serve("--arg", f"model={insurance}", SLIPWAY_WORKERS="2") as server,
        ThreadPoolExecutor(8) as pool,
        ExitStack() as stack,
    ):
        quick = [pool.submit(server.post, "/predict", json={"records": [PERSON]}) for _ in range(20)]
        answers = {future.result().text for future in quick}
        # A connection that no worker has accepted yet is no call under way: each has answered before.
        clients = [stack.enter_context(httpx.Client(base_url=server.url, timeout=60)) for _ in range(8)]
        assert {client.get("/readyz").status_code for client in clients} == {200}
        slow = [pool.submit(client.post, "/predict_csv", files={"file": ("a.csv", text)}) for client in clients]
        wait(slow, return_when=FIRST_COMPLETED)
        running = sum(not future.done() for future in slow)

        server.process.terminate()

        responses = [future.result() for future in slow]
        code = server.process.wait(60)
    assert len(answers) == 1 and insurance in answers.pop()
    assert all(f"insurance:{worker}] Service insurance initialized" in server.log.read_text() for worker in (1, 2))
    assert running > 0
    assert [response.status_code for response in responses] == [200] * 8
    assert {response.text.count("\n") for response in responses} == {15_001}
    assert code == 0


def test_a_server_that_nobody_asks_does_nothing(insurance_server):
    assert insurance_server.get("/ui/").status_code == 200
    workers = workers_of(insurance_server)

    def switches() -> int:
        return sum(sum(worker.num_ctx_switches()) for worker in workers)

    before = switches()
    time.sleep(2)

    # Gradio's queue alone would wake up 2,000 times for each of the two pages.
    assert workers and switches() - before < 400
