"""Large calls to a server, again and again until the process is ended: `python -m bench.heavy PORT KIND`.

A process of its own, so that what the calls cost the client does not slow down who measures.
"""

import http.client
import json
import sys
import threading
import time

RECORD = {"age": 40, "sex": "male", "bmi": 27.5, "children": 1, "smoker": "no", "region": "southeast"}
ROWS = 200_000
JSON = "application/json"


def _file() -> bytes:
    lines = [",".join(RECORD), *(f"{18 + i % 47},male,{20 + i % 300 / 10},{i % 5},no,southeast" for i in range(ROWS))]
    head = '--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
    return (head + "\n".join(lines) + "\n\r\n--x--\r\n").encode()


def _call(kind: str) -> tuple[str, str, bytes]:
    if kind == "file":
        return "/predict_csv", "multipart/form-data; boundary=x", _file()
    if kind == "explanation":
        return "/explain", JSON, json.dumps({"record": RECORD}).encode()
    return "/predict", JSON, json.dumps({"records": [RECORD] * 10_000}).encode()


KINDS = {
    "a file of 200,000 rows": ["file"],
    "four files of 200,000 rows": ["file"] * 4,
    "eight explanations": ["explanation"] * 8,
    "four files and eight explanations": ["file"] * 4 + ["explanation"] * 8,
    "four times 10,000 records": ["records"] * 4,
}
"""What is sent at the same time, each over a connection of its own."""


def _repeat(port: int, call: tuple[str, str, bytes]) -> None:
    path, kind, body = call
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
        connection.request("POST", path, body, {"Content-Type": kind})
        response = connection.getresponse()
        response.read()
        connection.close()
        if response.status in (429, 503):
            time.sleep(0.5)
        elif response.status != 200:
            print(f"bench: {path} answered {response.status}", file=sys.stderr)
            return


if __name__ == "__main__":
    made = {kind: _call(kind) for kind in set(KINDS[sys.argv[2]])}
    threads = [threading.Thread(target=_repeat, args=(int(sys.argv[1]), made[kind])) for kind in KINDS[sys.argv[2]]]
    for thread in threads:
        thread.start()
