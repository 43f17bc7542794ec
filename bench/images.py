"""Measure Slipway's image beside others: `make bench-image`, or `python -m bench.images --rounds 3`.

Size on disk, seconds from `run` to ready, and memory after 200 requests, of the image of a compiled
model, of the same model served by its pipeline, and of two images that serve an empty Gradio page.
"""

import argparse
import datetime as dt
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import machine
from bench.report import Bar, figure, table
from bench.rounds import Measured, add, median, noise, rotated
from bench.servers import ROOT, free_port, get

OURS, NATIVE, GRADIO, BENTOML = "Slipway, compiled", "Slipway, PyCaret pipeline", "Gradio alone", "BentoML + Gradio"
REQUESTS = 200

PEERS = {
    GRADIO: """
import os, gradio
with gradio.Blocks() as page:
    pass
page.launch(server_name=os.environ["BENTOML_HOST"], server_port=int(os.environ["PORT"]), quiet=True)
""",
    BENTOML: (ROOT / "bench" / "peers" / "bentoml_gradio.py").read_text(encoding="utf-8"),
}
COMMANDS = {GRADIO: "python page.py", BENTOML: "bentoml serve --port $PORT page:Page"}
READY = {OURS: "/readyz", NATIVE: "/readyz", GRADIO: "/", BENTOML: "/readyz"}
PAGES = {OURS: "/ui/", NATIVE: "/ui/", GRADIO: "/", BENTOML: "/ui/"}

BARS = (
    Bar("MB on disk", "disk_mb", OURS, most=650),
    Bar("… ratio to the same model with its pipeline", "disk_mb", OURS, NATIVE, most=0.45),
    Bar("run to ready: ratio to BentoML + Gradio, empty page", "start_s", OURS, BENTOML, most=1.2),
    Bar("run to ready: ratio to Gradio alone, empty page", "start_s", OURS, GRADIO, most=1.2),
    Bar("run to ready: ratio to the same model with its pipeline", "start_s", OURS, NATIVE, most=1),
    Bar("memory: ratio to BentoML + Gradio, empty page", "memory_mb", OURS, BENTOML, most=1.3),
    Bar("memory: ratio to Gradio alone, empty page", "memory_mb", OURS, GRADIO, most=1.3),
    Bar("memory: ratio to the same model with its pipeline", "memory_mb", OURS, NATIVE, most=1),
)
COLUMNS = {"disk_mb": "on disk, MB", "start_s": "run to ready, s", "memory_mb": f"after {REQUESTS} requests, MB"}

# Of all processes of a container, in KiB, but for the one that asks. Proportional: pages that processes share are shared out among them.
MEMORY = """
import glob, os
total = 0
for path in glob.glob("/proc/[0-9]*/smaps_rollup"):
    if path.split("/")[2] != str(os.getpid()):
        try:
            total += sum(int(line.split()[1]) for line in open(path) if line.startswith("Pss:"))
        except OSError:
            pass
print(total)
"""


def native_twin(home: Path, model: str) -> None:
    """Copy a model's store to `home` without the compiled graph, so that its pipeline serves it."""
    from slipway import store

    version = store.find(model)
    for folder, entry in ((version.path, version.name), (version.pipeline.parent, f"{version.name}-pipeline")):
        shutil.copytree(folder, home / "models" / entry / version.version)
        (home / "models" / entry / "latest").write_text(version.version)
    twin = home / "models" / version.name / version.version
    (twin / store.GRAPH).unlink()
    metrics = json.loads((twin / "metrics.json").read_text()) | {"compiled": {"reason": "left out for the benchmark"}}
    (twin / "metrics.json").write_text(json.dumps(metrics))
    (twin / store.SUMS).write_text(store.sums(twin))


def build_ours(model: str, tag: str, **environment: str) -> str:
    """Build an image of ours and give its name."""
    command = [sys.executable, "-m", "deploy.image", model, "--tag", tag]
    subprocess.run(command, cwd=ROOT, env=os.environ | environment, check=True)  # noqa: S603
    return f"{model}:{tag}"


def build_peer(engine: str, name: str) -> str:
    """Build a peer's image, with the base image and the versions of ours, and give its name."""
    from slipway.service.image import BASE

    versions = machine.versions()
    packages = {GRADIO: ["gradio"], BENTOML: ["gradio", "bentoml"]}[name]
    image = f"bench-{'-'.join(packages)}:latest"
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "page.py").write_text(PEERS[name])
        (Path(folder) / "Containerfile").write_text(
            f"FROM {BASE}\nRUN python -m venv /venv && /venv/bin/pip install -q --no-cache-dir "
            f"{' '.join(f'{package}=={versions[package]}' for package in packages)}\n"
            "ENV PATH=/venv/bin:$PATH HOME=/tmp BENTOML_HOME=/tmp/bentoml BENTOML_DO_NOT_TRACK=True GRADIO_ANALYTICS_ENABLED=False\n"
            f"WORKDIR /app\nCOPY page.py .\nUSER 1034\nCMD {COMMANDS[name]}\n"
        )
        subprocess.run([engine, "build", "-t", image, "-f", f"{folder}/Containerfile", folder], check=True)  # noqa: S603
    return image


@contextmanager
def running(engine: str, name: str, image: str) -> Iterator[tuple[str, int, float]]:
    """The container's name, its port, and how long it took to be ready."""
    port = free_port()
    called = f"bench-{port}"
    # A sandbox has the machine's own network, where only loopback is to be listened on.
    sandbox = bool(os.environ.get("SLIPWAY_SANDBOX"))
    network = (
        ["-e", "BENTOML_HOST=127.0.0.1"]
        if sandbox
        else ["-e", "BENTOML_HOST=0.0.0.0", "-p", f"127.0.0.1:{port}:{port}"]
    )
    started = time.perf_counter()
    subprocess.run(  # noqa: S603
        [engine, "run", "--detach", "--name", called, "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL",  # noqa: S108
         "--security-opt", "no-new-privileges", "-e", f"PORT={port}", *network, image],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        while get(port, READY[name])[0] != 200:
            if time.perf_counter() - started > 120:
                logs = subprocess.run([engine, "logs", called], capture_output=True, text=True)  # noqa: S603
                raise SystemExit(f"bench: {name} is not ready after 120 s:\n{(logs.stdout + logs.stderr)[-2000:]}")
            time.sleep(0.05)
        yield called, port, time.perf_counter() - started
    finally:
        subprocess.run([engine, "rm", "--force", called], check=False, stdout=subprocess.DEVNULL)  # noqa: S603


def measure(engine: str, images: dict[str, str], rounds: int) -> Measured:
    """Every image in turn, `rounds` times."""
    from deploy.engine import call, inspect
    from slipway.schema.sampling import draw_records
    from slipway.store import find

    measured: Measured = {}
    record = draw_records(find("insurance").schema(), 1, seed=1)[0]
    for name, image in images.items():
        add(measured, "disk_mb", name, inspect(engine, image)["Size"] / 1e6)
    for number in range(rounds):
        noise(measured)
        for name in rotated(list(images), number):
            with running(engine, name, images[name]) as (container, port, seconds):
                add(measured, "start_s", name, seconds)
                while get(port, PAGES[name])[0] == 503:  # our page comes after the API
                    time.sleep(0.05)
                for _ in range(REQUESTS // 2):
                    assert get(port, PAGES[name])[0] == 200  # noqa: S101
                    status = post(port, {"records": [record]}) if name in (OURS, NATIVE) else get(port, PAGES[name])[0]
                    assert status == 200  # noqa: S101
                used = int(call(engine, "exec", container, "python", "-c", MEMORY))
                add(measured, "memory_mb", name, used * 1024 / 1e6)
                print(f"  round {number + 1}: {name}: ready {seconds:.1f} s, {used * 1024 / 1e6:.0f} MB", flush=True)
    return measured


def post(port: int, body: object) -> int:
    """Status of a `POST /predict`."""
    import httpx

    return httpx.post(f"http://127.0.0.1:{port}/predict", json=body, timeout=30).status_code


def render(measured: Measured) -> str:
    """The result as Markdown."""
    bars = []
    for bar in BARS:
        found, wanted, met = bar.judge(measured)
        bars.append([bar.text, figure(found), wanted, met])
    rows = [[name, *(figure(median(measured, measure, name)) for measure in COLUMNS)] for name in measured["start_s"]]
    about = [*machine.machine().items(), *machine.versions().items()]
    return (
        "\n\n".join(
            [
                f"# Images, {dt.date.today().isoformat()}, commit {machine.commit()}",
                f"Generated by `make bench-image`: medians of {len(measured['start_s'][OURS])} rounds, each image once in "
                "every round. Memory is the proportional set size of all the container's processes. All four run "
                "read-only and without privileges, on the same base image.",
                table(["bar", "measured", "target", ""], bars),
                table(["", *COLUMNS.values()], rows),
                table(["", ""], about),
            ]
        )
        + "\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.images", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as folder:
        home = Path(folder) / "home"
        os.environ["BENTOML_HOME"] = str(home)
        from bench.__main__ import trained
        from deploy.engine import backend, runs
        from slipway.errors import SlipwayError

        try:
            engine = runs(backend())
            trained("insurance")
            native_twin(Path(folder) / "native", "insurance")
            images = {
                OURS: build_ours("insurance", "bench"),
                NATIVE: build_ours("insurance", "bench-native", BENTOML_HOME=str(Path(folder) / "native")),
                **{name: build_peer(engine, name) for name in PEERS},
            }
            text = render(measure(engine, images, arguments.rounds))
        except SlipwayError as exc:
            sys.exit(f"bench: {exc}")
    (ROOT / "bench" / "results" / "images.md").write_text(text, encoding="utf-8")
    print(f"\n{text}\nwritten: bench/results/images.md")


if __name__ == "__main__":
    main()
