"""An OpenID Connect provider in a process of its own: oidc-provider-mock, whose clock may be wrong."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import httpx

from tests.conftest import free_port

_RUN = """
import time
real = time.time
time.time = lambda: real() + {ahead}
from oidc_provider_mock.__main__ import run
run(["--port", "{port}", "--require-nonce", "true"])
"""


@contextmanager
def provider(ahead: int = 0, **people: dict[str, object]) -> Iterator[str]:
    """The issuer of a provider that knows these people, by the part of their address before the @."""
    port = free_port()
    script = _RUN.format(ahead=ahead, port=port)
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        env=os.environ | {"AUTHLIB_INSECURE_TRANSPORT": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    issuer = f"http://localhost:{port}"
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            try:
                httpx.get(f"{issuer}/jwks")
                break
            except httpx.HTTPError:
                time.sleep(0.1)
        for name, claims in people.items():
            email = f"{name}@example.org"
            put = httpx.put(f"{issuer}/users/{quote(email)}", json={"email": email} | claims)
            assert put.status_code == 204, put.text
        yield issuer
    finally:
        process.terminate()
        process.wait(30)


def confirm(address: str, email: str) -> str:
    """Where the provider sends the browser of somebody who confirms a login."""
    answer = httpx.post(address, data={"sub": email})
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]
