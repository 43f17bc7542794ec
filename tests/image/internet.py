"""What a pipeline reaches beside Azure's management: registry, blobs, vault, the deployed app, the OSV database.

One proxy, behind which each of them answers under its own name. The registry is a real one, behind a log-in as Azure's has
it; the others are stand-ins that answer what the pipelines ask, and no more.
"""

import http.client
import json
import re
import ssl
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO
from urllib.parse import parse_qs, unquote, urlsplit

from tests.azure.standin import Azure, unsigned_token
from tests.azure.standin_apps import DOMAIN
from tests.conftest import free_port

REGISTRY, VAULT, BLOBS = "slipwayregistry.azurecr.io", "slipwayvault.standin", "slipwaystore.blob.standin"
NAMES = (REGISTRY, VAULT, BLOBS, "api.osv.dev", "*.azurewebsites.net", f"*.{DOMAIN}")
KINDS = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json"


class Internet(BaseHTTPRequestHandler):
    """A proxy that ends each tunnel itself."""

    protocol_version = "HTTP/1.1"
    azure: Azure
    blobs: Path
    key: Path
    registry: int
    certificate: ssl.SSLContext
    host = ""

    def log_message(self, *_: object) -> None:
        pass

    def do_CONNECT(self) -> None:
        self.host = self.path.partition(":")[0]
        self.send_response(200)
        self.end_headers()
        self.connection = self.certificate.wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb")
        self.close_connection = False

    def _any(self) -> None:
        path = unquote(urlsplit(self.path).path)
        with tempfile.TemporaryFile() as body:
            self._read(body)
            if self.host == REGISTRY:
                self._registry(path, body)
            elif self.host == BLOBS:
                self._blob(path.removeprefix("/models").lstrip("/"))
            elif self.host == VAULT:
                self._secret(path)
            elif self.host == "api.osv.dev":
                self._json({})
            else:
                self._send(self.azure.visit(f"https://{self.host}{path}"), b"")

    def _send(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _json(self, said: object, status: int = 200, **headers: str) -> None:
        self._send(status, json.dumps(said).encode(), Content_Type="application/json", **headers)

    def _read(self, into: IO[bytes]) -> None:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            while size := int(self.rfile.readline().split(b";")[0], 16):
                into.write(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
        else:
            into.write(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        into.seek(0)

    def _registry(self, path: str, body: IO[bytes]) -> None:
        if path.startswith("/oauth2"):
            token = unsigned_token("registry")
            self._json({"refresh_token": token, "access_token": token, "token": token})
        elif not self.headers.get("Authorization", "").startswith("Bearer "):
            challenge = f'Bearer realm="https://{REGISTRY}/oauth2/token",service="{REGISTRY}"'
            self._json({"errors": []}, 401, WWW_Authenticate=challenge)
        elif found := re.fullmatch(r"/acr/v1/(.+)/_manifests/(sha256:[0-9a-f]{64})", path):
            self._metadata(*found.groups())
        else:
            self._passed_on(body)

    def _asked(
        self, method: str, path: str, body: IO[bytes] | None, headers: dict[str, str]
    ) -> tuple[int, list, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.registry, timeout=300)
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.getheaders(), answer.read()

    def _passed_on(self, body: IO[bytes]) -> None:
        kept = {
            name: self.headers[name] for name in ("Content-Type", "Accept", "Content-Range") if name in self.headers
        }
        length = {"Content-Length": str(body.seek(0, 2))}
        body.seek(0)
        status, headers, answer = self._asked(self.command, self.path, body, kept | length)
        self.send_response(status)
        for name, value in headers:
            if name not in ("Transfer-Encoding", "Date", "Connection"):
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer)

    def _metadata(self, name: str, digest: str) -> None:
        """What the registry knows of an image, in the words of Azure's."""
        status, _, _ = self._asked("HEAD", f"/v2/{name}/manifests/{digest}", None, {"Accept": KINDS})
        if status != 200:
            return self._json({"errors": [{"code": "MANIFEST_UNKNOWN", "message": "unknown"}]}, 404)
        manifest = {"digest": digest, "architecture": "amd64", "os": "linux"}
        self._json({"registry": REGISTRY, "imageName": name, "manifest": manifest})

    def _secret(self, path: str) -> None:
        if "Authorization" not in self.headers:
            challenge = f'Bearer authorization="https://{VAULT}/tenant", resource="https://{VAULT}"'
            return self._json({}, 401, WWW_Authenticate=challenge)
        assert path.rstrip("/") == "/secrets/signing"
        self._json({"value": self.key.read_text(), "id": f"https://{VAULT}/secrets/signing/1", "attributes": {}})

    def _blob(self, name: str) -> None:
        stamp = {"ETag": '"1"', "Last_Modified": "Fri, 27 Nov 2026 06:00:00 GMT", "x_ms_blob_type": "BlockBlob"}
        if not name:
            prefix = parse_qs(urlsplit(self.path).query).get("prefix", [""])[0]
            return self._send(200, listing(self.blobs, prefix, stamp["Last_Modified"]), Content_Type="application/xml")
        if not (file := self.blobs / name).is_file():
            return self._send(404, b"", x_ms_error_code="BlobNotFound")
        data = file.read_bytes()
        if data and "x-ms-range" in self.headers:
            first, last = map(int, self.headers["x-ms-range"].removeprefix("bytes=").split("-"))
            part = data[first : last + 1]
            stamp |= {"Content_Range": f"bytes {first}-{first + len(part) - 1}/{len(data)}"}
            return self._send(206, part, **stamp)
        self._send(416 if "x-ms-range" in self.headers else 200, data, **stamp)

    do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = _any


def listing(folder: Path, prefix: str, date: str) -> bytes:
    """The blobs of a container, as the list of blobs has them."""
    files = {str(path.relative_to(folder)): path.stat().st_size for path in sorted(folder.rglob("*")) if path.is_file()}
    blobs = "".join(
        f"<Blob><Name>{name}</Name><Properties><Content-Length>{size}</Content-Length><BlobType>BlockBlob</BlobType>"
        f"<Etag>1</Etag><Last-Modified>{date}</Last-Modified></Properties></Blob>"
        for name, size in files.items()
        if name.startswith(prefix)
    )
    text = '<?xml version="1.0" encoding="utf-8"?><EnumerationResults ContainerName="models">'
    return f"{text}<Blobs>{blobs}</Blobs><NextMarker/></EnumerationResults>".encode()


@contextmanager
def real_registry(folder: Path) -> Iterator[int]:
    """The port of a registry without a login, on loopback."""
    folder.mkdir()
    port = free_port()
    (folder / "config.yml").write_text(
        f"version: 0.1\nlog: {{level: warn}}\nstorage: {{filesystem: {{rootdirectory: {folder}/data}}}}\n"
        f"http: {{addr: '127.0.0.1:{port}', secret: tests, relativeurls: true}}\n"
    )
    with (folder / "log").open("w") as log:
        # It reads every REGISTRY_* variable as configuration.
        command = ["docker-registry", "serve", folder / "config.yml"]
        process = subprocess.Popen(command, env={"PATH": "/usr/bin"}, stdout=log, stderr=log)
    try:
        for _ in range(100):
            try:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
                connection.request("GET", "/v2/")
                assert connection.getresponse().status == 200
                break
            except OSError:
                time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def internet(folder: Path, azure: Azure, blobs: Path, key: Path, registry: int) -> Iterator[str]:
    """The proxy's address; `folder` then has what a client has to trust, `internet.crt`."""
    names = ",".join(f"DNS:{name}" for name in NAMES)
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=tests"]
    files = [folder / "internet.crt", folder / "internet.key"]
    command += ["-addext", f"subjectAltName={names}", "-out", files[0], "-keyout", files[1]]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    known = {"azure": azure, "blobs": blobs, "key": key, "registry": registry, "certificate": context}
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Internet,), known)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
