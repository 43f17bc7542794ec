"""Send generated requests to three servers and compare each answer with the API's description: `make api-test`.

Schemathesis makes requests from `/docs.json`, valid ones and such as violate one line of it, and finds what is answered
otherwise than described: by status, content type, schema or header. The three models are trained in a store of their own
on few rows: insurance, diabetes, and a made one with dates, times and gaps.
"""

import argparse
import io
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import httpx

ROOT = Path(__file__).parent.parent
SCHEMATHESIS = ROOT / ".venv" / "api" / "bin" / "schemathesis"
BENTOML = Path(sys.executable).with_name("bentoml")
START_SECONDS = 120


def visits(path: Path) -> Path:
    """A table with a date, a date with time, a time of day, a category and gaps."""
    lines = ["day,seen,at,ward,weight,cost"]
    for i in range(240):
        day = f"202{i % 3}-{i % 12 + 1:02d}-{i % 28 + 1:02d}"
        seen = f"2024-0{i % 9 + 1}-1{i % 10}T{i % 24:02d}:{i % 60:02d}:00"
        weight = "" if i % 7 == 0 else f"{50 + i % 40}.5"
        lines.append(f"{day},{seen},{i % 24:02d}:{i * 7 % 60:02d},w{i % 5},{weight},{i % 24 * 3 + i % 5 * 10}.25")
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def train(*arguments: str) -> None:
    """`slipway train ARGUMENTS`, on few rows; in this process, which imports PyCaret once for all three."""
    from slipway.cli.main import main as slipway  # only now: BentoML reads where its store is when it is imported

    with redirect_stdout(io.StringIO()):
        code = slipway(["train", *arguments, "--folds", "2", "--limit-rows", "240"])
    if code:
        raise SystemExit(code)


@contextmanager
def served(model: str) -> Iterator[str]:
    """The address of a server of this model, stopped at the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(BENTOML), "serve", "--arg", f"model={model}", "--host", "127.0.0.1", "--port", str(port)]
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)  # noqa: S603
        try:
            address = f"http://127.0.0.1:{port}"
            _wait(server, address)
            yield address
        finally:
            server.terminate()
            server.wait(timeout=60)


def _wait(server: "subprocess.Popen[bytes]", address: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        try:
            httpx.get(f"{address}/readyz", timeout=5).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.3)
        else:
            return
    raise SystemExit(f"api_test: the server at {address} did not start within {START_SECONDS} s")


def check(address: str, seconds: int, examples: int) -> int:
    """Schemathesis with all its checks; its exit code."""
    options = ["--checks", "all", "--phases", "examples,coverage,fuzzing", "--continue-on-failure", "--no-color"]
    bounds = ["--max-examples", str(examples), *(["--max-time", str(seconds)] if seconds else [])]
    config = ["--config-file", str(ROOT / "scripts" / "schemathesis.toml")]
    with tempfile.TemporaryDirectory() as folder:  # where it keeps what it found, for its own next run
        command = [str(SCHEMATHESIS), *config, "run", f"{address}/docs.json", *options, *bounds]
        return subprocess.run(command, cwd=folder, check=False).returncode  # noqa: S603


def main() -> int:
    """Train, serve and check each model; 0 if nothing was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--examples", type=int, default=20, help="generated requests for each call and way (default: 20)"
    )
    parser.add_argument("--seconds", type=int, default=0, help="at least so long for each model (default: one pass)")
    parser.add_argument("--models", default="insurance,diabetes,visits", help="default: %(default)s")
    args = parser.parse_args()
    found = 0
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {"BENTOML_HOME": home, "BENTOML_DO_NOT_TRACK": "True"}
        made = visits(Path(home) / "visits.csv")
        how = {
            "insurance": ["insurance", "--include", "gbr"],
            "diabetes": ["diabetes", "--include", "lda"],
            "visits": ["--data", str(made), "--target", "cost", "--include", "lr"],
        }
        for model in args.models.split(","):
            train(*how[model])
            os.environ["SLIPWAY_REQUEST_LOG"] = str(Path(home) / "requests")
            with served(model) as address:
                print(f"\n{model}", flush=True)
                found |= check(address, args.seconds, args.examples)
    return found


if __name__ == "__main__":
    sys.exit(main())
