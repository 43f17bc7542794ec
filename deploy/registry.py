"""A registry's HTTP API, as far as attaching something to an image needs it: manifests, blobs and referrers.

Sources: the OCI distribution specification 1.1 (https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md) and, for
tokens, https://distribution.github.io/distribution/spec/auth/token/.
"""

import base64
import hashlib
import json
import re
import ssl
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urljoin

import httpx

from deploy.credentials import login
from deploy.engine import ContainerError

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
_EMPTY = "application/vnd.oci.empty.v1+json"
_DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
_ACCEPTED = ", ".join((MANIFEST, INDEX, _DOCKER, "application/vnd.docker.distribution.manifest.list.v2+json"))
_LOOPBACK = re.compile(r"(localhost|127\.[0-9.]+)(:\d+)?")
_LARGEST = 64_000_000
"""Bytes of a manifest or blob that is read; what is attached is far smaller."""

Descriptor = dict[str, Any]


def digest_of(content: bytes) -> str:
    """A content's digest, as registries write it."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def fallback_tag(digest: str) -> str:
    """The tag with the list of referrers, in a registry that does not keep one itself.

    >>> fallback_tag("sha256:ab12")
    'sha256-ab12'
    """
    return digest.replace(":", "-")


@dataclass(frozen=True)
class Part:
    """One file of what is attached."""

    content: bytes
    media_type: str
    annotations: dict[str, str]


class Repository:
    """A repository in a registry, with the login that the engine has for it.

    Parameters
    ----------
    registry : str
        Its login server, as in `name.azurecr.io`.
    name : str
    """

    def __init__(self, registry: str, name: str) -> None:
        self.registry, self.name = registry, name
        # The system's certificates, as the engines use them, and SSL_CERT_FILE; httpx would have a list of its own.
        self._http = httpx.Client(verify=ssl.create_default_context(), timeout=60, follow_redirects=True)
        self._scheme = "https"
        self._authorization: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def manifest(self, reference: str) -> bytes | None:
        """A manifest by tag or digest, or None if there is none; by digest, it has that digest.

        Raises
        ------
        ContainerError
            If the registry does not answer, refuses, or has another content.
        """
        response = self._send("GET", f"manifests/{reference}", headers={"Accept": _ACCEPTED})
        return None if response.status_code == 404 else self._checked(response, reference)

    def blob(self, digest: str) -> bytes:
        """A blob, with the digest that was asked for."""
        response = self._send("GET", f"blobs/{digest}")
        if response.status_code == 404:
            raise ContainerError(f"{self.registry}/{self.name} has no blob {digest}, although a manifest names it")
        return self._checked(response, digest)

    def attach(
        self, subject: bytes, artifact_type: str, part: Part, annotations: dict[str, str] | None = None
    ) -> Descriptor:
        """Attach a file to an image, as a manifest that refers to it.

        Parameters
        ----------
        subject : bytes
            The image's manifest.
        artifact_type : str
        part : Part
        annotations : dict of str to str, optional

        Returns
        -------
        Descriptor
            Of the new manifest. The same file attached again has the same.

        Raises
        ------
        ContainerError
            If the registry does not take it.
        """
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": artifact_type,
            "config": self._uploaded(b"{}", _EMPTY),
            "layers": [self._uploaded(part.content, part.media_type) | {"annotations": part.annotations}],
            "subject": described(subject),
            "annotations": annotations or {},
        }
        content = _json(manifest)
        descriptor: Descriptor = {"mediaType": MANIFEST, "artifactType": artifact_type, "digest": digest_of(content)}
        descriptor |= {"size": len(content), "annotations": annotations or {}}
        response = self._put_manifest(digest_of(content), content, MANIFEST)
        # A registry that keeps the list itself says so; for any other it is kept in a tag, as the specification has it.
        if "oci-subject" not in response.headers:
            self._list(digest_of(subject), descriptor)
        return descriptor

    def put_image(self, tag: str, parts: list[Part]) -> None:
        """Put files under a tag as the layers of an image, as cosign keeps signatures."""
        layers = [self._uploaded(one.content, one.media_type) | {"annotations": one.annotations} for one in parts]
        config = {
            "architecture": "",
            "os": "",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in layers]},
        }
        described = self._uploaded(_json(config), "application/vnd.oci.image.config.v1+json")
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": described, "layers": layers}
        self._put_manifest(tag, _json(manifest), MANIFEST)

    def _list(self, digest: str, descriptor: Descriptor) -> None:
        tag = fallback_tag(digest)
        found = self.manifest(tag)
        index: Descriptor = json.loads(found) if found else {"schemaVersion": 2, "mediaType": INDEX, "manifests": []}
        if all(one["digest"] != descriptor["digest"] for one in index["manifests"]):
            index["manifests"].append(descriptor)
            self._put_manifest(tag, _json(index), INDEX)

    def _put_manifest(self, reference: str, content: bytes, media_type: str) -> httpx.Response:
        response = self._send("PUT", f"manifests/{reference}", content=content, headers={"Content-Type": media_type})
        if response.status_code != 201:
            raise self._refused(response, "did not take a manifest")
        return response

    def _uploaded(self, content: bytes, media_type: str) -> Descriptor:
        digest = digest_of(content)
        if self._send("HEAD", f"blobs/{digest}").status_code != 200:
            started = self._send("POST", "blobs/uploads/")
            if started.status_code != 202:
                raise self._refused(started, "did not begin an upload")
            place = httpx.URL(urljoin(str(started.request.url), started.headers["location"]))
            headers = {"Content-Type": "application/octet-stream"}
            ended = self._request("PUT", place.copy_merge_params({"digest": digest}), content=content, headers=headers)
            if ended.status_code != 201:
                raise self._refused(ended, "did not take a file")
        return {"mediaType": media_type, "digest": digest, "size": len(content)}

    def _checked(self, response: httpx.Response, reference: str) -> bytes:
        if response.status_code != 200:
            raise self._refused(response, f"did not give {reference}")
        content = response.content
        if len(content) > _LARGEST:
            raise ContainerError(
                f"{self.registry}/{self.name}: {reference} has {len(content):,} bytes; expected at most {_LARGEST:,}"
            )
        if reference.startswith("sha256:") and digest_of(content) != reference:
            raise ContainerError(
                f"{self.registry}/{self.name} gave another content for {reference}: its digest is {digest_of(content)}"
            )
        return content

    def _send(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        return self._request(method, f"{self._scheme}://{self.registry}/v2/{self.name}/{path}", **arguments)

    def _request(self, method: str, url: str | httpx.URL, **arguments: Any) -> httpx.Response:
        """Send a request, with a login once the registry asks for one."""
        headers = arguments.pop("headers", {})
        for attempt in range(2):
            logged_in = {"Authorization": self._authorization} if self._authorization else {}
            try:
                response = self._http.request(method, url, headers=headers | logged_in, **arguments)
            except httpx.HTTPError as exc:
                # Engines speak plain HTTP with a registry on the machine itself, too.
                if self._scheme == "https" and _LOOPBACK.fullmatch(self.registry) and "CERTIFICATE" not in str(exc):
                    self._scheme = "http"
                    return self._request(method, str(url).replace("https:", "http:", 1), headers=headers, **arguments)
                raise ContainerError(
                    f"{self.registry} does not answer: check its name and the network ({exc})"
                ) from None
            if response.status_code != 401 or attempt:
                break
            self._authorization = self._authorized(response.headers.get("www-authenticate", ""))
        if response.status_code in (401, 403):
            raise self._refused(response, "refused the login")
        return response

    def _authorized(self, challenge: str) -> str:
        """What to send as `Authorization`, for what a registry asks with 401."""
        known = login(self.registry)
        basic = httpx.BasicAuth(known.user, known.password) if known and known.password else None
        if challenge.lower().startswith("basic"):
            if not (known and known.password):
                raise ContainerError(f"{self.registry} asks for a login: log in as for `make push`")
            return "Basic " + base64.b64encode(f"{known.user}:{known.password}".encode()).decode("ascii")
        asked = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        if "realm" not in asked:
            raise ContainerError(f"{self.registry} asks for a login of another kind: {challenge[:100]!r}")
        query = {"service": asked.get("service", ""), "scope": f"repository:{self.name}:pull,push"}
        if known and known.identity_token:
            form = query | {"grant_type": "refresh_token", "refresh_token": known.identity_token}
            response = self._http.post(asked["realm"], data=form | {"client_id": "slipway"})
        else:
            response = self._http.get(asked["realm"], params=query, auth=basic)
        if response.status_code != 200:
            raise self._refused(response, "refused the login")
        found = response.json()
        return f"Bearer {found.get('token') or found['access_token']}"

    def _refused(self, response: httpx.Response, what: str) -> ContainerError:
        said = " ".join(response.text.split())[:200] or "no reason given"
        return ContainerError(f"{self.registry} {what} (HTTP {response.status_code}: {said})")


def described(manifest: bytes) -> Descriptor:
    """The descriptor of a manifest, by which another one refers to it."""
    kind = json.loads(manifest).get("mediaType", MANIFEST)
    return {"mediaType": kind, "digest": digest_of(manifest), "size": len(manifest)}


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()
