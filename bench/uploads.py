"""What uploads of 25 MB take in memory and time, one of a kind and four at once: `python -m bench.uploads`.

The worst files that are known, and ordinary ones, to a server with one worker and the settings that it has by default. Memory is
that of all its processes at its peak, with shared pages counted once. Each measurement has a helper that has answered nothing yet. Where a memory cgroup can be
made, the server runs in one with the limit of deploy/kubernetes.yaml. Ends with 1 if something is above its bound. Needs a version of insurance in
the store.
"""

import argparse
import gzip
import http.client
import io
import json
import os
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from bench.heavy import JSON, RECORD
from bench.report import table
from bench.servers import SLIPWAY, Server, serve
from slipway.service.helper import NAME

SIZE = 25 * 1024 * 1024 - 100_000
MOST_MORE, MOST_SECONDS, MOST_IN_ALL = 600, 3.0, 2048
"""MB that an upload takes, seconds until it is refused for its size, MiB of the server with four of them."""
AT_ONCE = 4
HEADER = ",".join(RECORD)
ROW = ",".join(map(str, RECORD.values()))
FORM = "multipart/form-data; boundary=x-x-x"


def filled(start: str, piece: str) -> bytes:
    """A start, and a piece again and again until it is long enough."""
    return (start + piece * (SIZE // len(piece)))[:SIZE].encode()


def wide_rows() -> bytes:
    return filled(",".join(f"c{number}" for number in range(9000)) + "\n", "1\n")


def different_cells() -> bytes:
    """As many different cells as are allowed, packed: 200,000 rows of 25 columns."""
    lines = [HEADER + "," + ",".join(f"c{number}" for number in range(19))]
    lines += [ROW + "," + ",".join(f"{row:x}{number:x}" for number in range(19)) for row in range(200_000)]
    return gzip.compress("\n".join(lines).encode(), 1)


def workbook(rows: int, columns: int, text: str = "", far: str = "") -> bytes:
    """A workbook of one sheet, which is small until it is unpacked."""
    cell = f'<c t="inlineStr"><is><t>{text}</t></is></c>' if text else "<c><v>1</v></c>"
    sheet = (
        '<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    )
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr(
            "[Content_Types].xml",
            '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
        )
        archive.writestr(
            "_rels/.rels",
            '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            f'<Relationship Id="r1" Type="{relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/workbook.xml",
            f'<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="{relations}">'
            '<sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>',
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            f'<Relationship Id="r1" Type="{relations}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/worksheets/sheet1.xml",
            sheet + ("<row>" + cell * columns + "</row>") * rows + far + "</sheetData></worksheet>",
        )
    return out.getvalue()


def records(count: int, fill: str = "") -> str:
    record = json.dumps(RECORD | ({"sex": fill} if fill else {}))
    return "[" + ",".join([record] * count) + "]"


FILES: dict[str, Callable[[], bytes]] = {
    "200,000 ordinary rows": lambda: "\n".join([HEADER, *[ROW] * 200_000]).encode(),
    "200,000 rows of 25 different cells, packed": different_cells,
    "13 million lines of 1": lambda: filled(HEADER + "\n", "1\n"),
    "25 million empty lines": lambda: filled(HEADER + "\n", "\n"),
    "a header and 25 MB of commas": lambda: filled(HEADER + "\n", ","),
    "25 million columns": lambda: filled("", ",") + b"\n1\n",
    "8 million cells": lambda: filled("", ",".join(["ab"] * 30) + "\n"),
    "9,000 columns and short rows": wide_rows,
    "one long cell": lambda: filled(f'{HEADER}\n"', "a\n"),
    "100 MB of 1, packed": lambda: gzip.compress(b"1\n" * 50_000_000, 1),
    "JSON: 180,000 records": lambda: records(180_000).encode(),
    "JSON: 200,000 rows of 25 numbers": lambda: ("[" + ",".join(["[" + "1," * 24 + "1]"] * 199_999) + "]").encode(),
    "JSON: 8 million lists": lambda: filled("[", "[],")[:-1].rstrip(b",") + b"]",
    "JSON: 6 million numbers in lists": lambda: filled("[", "[1],").rstrip(b",[1") + b"]",
    "JSON: 100 MB of empty objects, packed": lambda: gzip.compress(b"[" + b"{}," * 33_000_000 + b"{}]", 1),
    "workbook: 100 MB of numbers": lambda: workbook(190_000, 25),
    "workbook: 100 MB of texts": lambda: workbook(100_000, 20, "abcdefghij"),
    "workbook: a cell far away": lambda: workbook(2, 6, far='<row r="1000000"><c r="I1000000"><v>1</v></c></row>'),
    "workbook: more than 100 MB": lambda: workbook(1_000_000, 10),
}
"""Files for `/predict_csv`."""
BODIES: dict[str, Callable[[], bytes]] = {
    "/predict: 10,000 records": lambda: b'{"records": ' + records(10_000).encode() + b"}",
    "/predict: 10,000 records of 25 MB": lambda: b'{"records": ' + records(10_000, "x" * 2400).encode() + b"}",
    "/predict: 25 MB of lists": lambda: filled('{"records": [', "[],") + b"[]]}",
    "/predict: 25 MB of brackets": lambda: filled('{"records": ', "["),
    "/predict: one text of 25 MB": lambda: filled('{"records": ["', "a") + b'"]}',
}


class Memory:
    """What a server takes while this is open, in MB: the peak of each process above what it had at the beginning, together.

    `in_all` has it on top of what all of them had, with shared pages counted once (PSS).
    """

    def __init__(self, server: Server) -> None:
        parent = psutil.Process(server.process.pid)
        self._processes = [parent, *parent.children(recursive=True)]
        self.more = self.in_all = 0.0

    def __enter__(self) -> "Memory":
        self._pss = sum(process.memory_full_info().pss for process in self._processes) / 1e6
        self._before = {process: _status(process, "VmRSS") for process in self._processes}
        for process in self._processes:
            Path(f"/proc/{process.pid}/clear_refs").write_text("5")  # its peak is what it has now
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # one that has ended says no more; its calls were refused
            self.more = sum(_status(process, "VmHWM") - self._before[process] for process in self._processes)
        self.in_all = self._pss + self.more


def _status(process: psutil.Process, name: str) -> float:
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.partition(f"\n{name}:")[2].split()[0]) * 1024 / 1e6


def send(port: int, path: str, body: bytes) -> tuple[int, str, float, int]:
    """Status, code of a refusal, seconds, and bytes of the answer to a body, or to a file in a form."""
    kind = JSON
    if path == "/predict_csv":
        kind = FORM
        head = b'--x-x-x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        body = head + body + b"\r\n--x-x-x--\r\n"
    started = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1800)
    try:
        with suppress(BrokenPipeError, ConnectionResetError):  # it is refused before it has come
            connection.request("POST", path, body, {"Content-Type": kind})
        response = connection.getresponse()
        start = response.read(2000)
        size = len(start)
        while chunk := response.read(1 << 20):
            size += len(chunk)
        code = json.loads(start)["code"] if response.status != 200 and size < 2000 else ""
        return response.status, code, time.perf_counter() - started, size
    finally:
        connection.close()


@contextmanager
def limited(mebibytes: int) -> Iterator[Path | None]:
    """A memory cgroup with a limit, which this process and its children are in; None where none can be made."""
    root = Path("/sys/fs/cgroup/memory")
    old = root.is_dir()
    own = (root if old else Path("/sys/fs/cgroup")) / f"slipway-uploads-{os.getpid()}"
    try:
        own.mkdir()
        (own / ("memory.limit_in_bytes" if old else "memory.max")).write_text(str(mebibytes * 1024 * 1024))
    except OSError:
        with suppress(OSError):
            own.rmdir()
        yield None
        return
    try:
        yield own
    finally:
        for _ in range(100):  # until the last of its processes has gone
            with suppress(OSError):
                own.rmdir()
                break
            time.sleep(0.1)


def join(group: Path, server: Server) -> None:
    """Put a server into a cgroup: what it has already stays where it was counted, what it will take is limited."""
    parent = psutil.Process(server.process.pid)
    for process in (parent, *parent.children(recursive=True)):
        (group / "cgroup.procs").write_text(str(process.pid))


def renew(server: Server, group: Path | None) -> None:
    """Have another helper take the place of this one, which keeps what it has had."""
    before = psutil.Process(server.process.pid).children()
    for process in before:
        if process.name() == NAME:
            process.kill()
    while not [
        one for one in psutil.Process(server.process.pid).children() if one.name() == NAME and one not in before
    ]:
        time.sleep(0.05)
    time.sleep(0.5)
    if group:
        join(group, server)


def measure(server: Server, group: Path | None, name: str, path: str, body: bytes) -> tuple[list[str], list[str]]:
    """A row of the table, and what is above its bound."""
    with Memory(server) as memory:
        status, code, seconds, size = send(server.port, path, body)
    more = memory.more
    renew(server, group)
    with Memory(server) as memory, ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda _: send(server.port, path, body), range(AT_ONCE)))
    statuses = sorted({one[0] for one in answers})
    most = memory.in_all * 1e6 / 2**20
    wrong = []
    if more > MOST_MORE:
        wrong.append(f"{name}: {more:,.0f} MB more; expected at most {MOST_MORE}")
    if status == 413 and seconds > MOST_SECONDS:
        wrong.append(f"{name}: refused after {seconds:.1f} s; expected at most {MOST_SECONDS:g}")
    if most > MOST_IN_ALL:
        wrong.append(f"{name}: {most:,.0f} MiB with {AT_ONCE} at once; expected at most {MOST_IN_ALL:,}")
    slowest = max(one[2] for one in answers)
    row = [
        name,
        f"{len(body) / 1e6:.1f}",
        f"{status} {code}".strip(),
        f"{seconds:.1f}",
        f"{size / 1e6:.1f}",
        f"{more:,.0f}",
        " ".join(map(str, statuses)),
        f"{slowest:.1f}",
        f"{most:,.0f}",
    ]
    return row, wrong


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="bench.uploads", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--only", default="", help="only what has this in its name")
    args = parser.parse_args(argv)
    chosen = [("/predict_csv", *one) for one in FILES.items()] + [("/predict", *one) for one in BODIES.items()]
    rows, wrong = [], []
    with limited(MOST_IN_ALL) as group, serve(SLIPWAY) as server:
        server.wait()
        print("in a memory cgroup of 2 GiB" if group else "no memory cgroup can be made here", flush=True)
        for path, name, make in chosen:
            if args.only in name:
                renew(server, group)
                row, above = measure(server, group, name, path, make())
                print(" | ".join(row), flush=True)
                rows.append(row)
                wrong += above
    print(table(["", "MB", "answer", "s", "MB out", "MB more", "four at once", "s", "MiB in all"], rows))
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
