"""What a cloud puts in front of a container: TLS ends here, and headers say so."""

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from tests.conftest import free_port


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


@contextmanager
def tls_proxy(upstream: str, certificate, host: str) -> Iterator[str]:
    """`https://127.0.0.1:…` in front of `upstream`; each connection carries one request."""
    port, target = free_port(), urlsplit(upstream)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            first, rest = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n", 1)
            kept = [line for line in rest.split(b"\r\n") if line and not line.lower().startswith(b"connection:")]
            added = [b"X-Forwarded-Proto: https", b"X-Forwarded-Host: " + host.encode(), b"Connection: close"]
            up_reader, up_writer = await asyncio.open_connection(target.hostname, target.port)
            up_writer.write(b"\r\n".join([first, *kept, *added, b"", b""]))
            await asyncio.gather(_pipe(reader, up_writer), _pipe(up_reader, writer), return_exceptions=True)
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            writer.close()

    # Playwright's loop runs in the tests' thread already.
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    started = asyncio.start_server(handle, "127.0.0.1", port, ssl=context)
    asyncio.run_coroutine_threadsafe(started, loop).result(10)
    try:
        yield f"https://127.0.0.1:{port}"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
