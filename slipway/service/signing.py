"""Signed answers of `/predict` and `/explain`, for whoever accepts them; without a signing key none of this runs.

A client that sends `Accept: application/vnd.dev.sigstore.bundle.v0.3+json` gets a bundle instead of the plain answer: one file with
request, answer, version and time, signed by the server. Refusals stay what they are.
"""

import asyncio
import datetime as dt
import hashlib
import logging
from importlib.metadata import version as installed
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from slipway import __version__
from slipway.service.login.secrets import read_private
from slipway.service.observation import current
from slipway.service.settings import Settings
from slipway.store import SUMS, Version
from slipway.store.proof.answers import CALLS, statement_head
from slipway.store.proof.bundle import MEDIA_TYPE, sign

if TYPE_CHECKING:
    from slipway.store.proof.keys import SigningKey

log = logging.getLogger("bentoml")

VARIABLE = "SLIPWAY_SIGNING_KEY_FILE"
INLINE_BYTES = 64 * 1024
"""Of request and answer, up to which they are signed on the event loop."""
_ACCEPTED = MEDIA_TYPE.encode("ascii")


def read_signing_key(path: Path, named: str = VARIABLE) -> "SigningKey":
    """The private key in a file that nobody else may read.

    Parameters
    ----------
    path : Path
    named : str
        The setting or option that names it, for messages.

    Returns
    -------
    SigningKey

    Raises
    ------
    SlipwayError
        If it cannot be read, is open to others, or is no key that signs.
    """
    # Only here: a server without a key does without cryptography.
    from slipway.store.proof.keys import signing_key

    return signing_key(read_private(path, named).encode(), path)


def signed_answers(version: Version, settings: Settings) -> list[Middleware]:
    """What signs the answers of a version, if a key is set.

    Raises
    ------
    SlipwayError
        If the key cannot be used.
    """
    if not settings.signing_key_file:
        return []
    signer = AnswerSigner(version, read_signing_key(Path(settings.signing_key_file)), settings.image)
    return [Middleware(SignedAnswers, signer=signer)]


def announce_signing(settings: Settings) -> None:
    """Say once, at the start, with which key answers are signed."""
    if settings.signing_key_file:
        key = read_signing_key(Path(settings.signing_key_file)).public
        log.info("answers are signed for whoever accepts signed ones, with the key %s", key.fingerprint)


class AnswerSigner:
    """Makes signed answers of a version.

    Parameters
    ----------
    version : Version
    key : SigningKey
    image : str
        That the server runs in; empty if nobody has said so.
    """

    def __init__(self, version: Version, key: "SigningKey", image: str = "") -> None:
        self._key = key
        self._fingerprint = key.public.fingerprint
        model: dict[str, Any] = {"name": version.tag, "digest": _digest((version.path / SUMS).read_bytes())}
        if version.engine == "native":
            model["pipeline"] = _digest((version.pipeline.parent / SUMS).read_bytes())
        server = {
            "slipway": __version__,
            "onnxruntime": installed("onnxruntime"),
            **({"image": image} if image else {}),
        }
        self._head = statement_head(model, server)

    def sign(self, call: str, request_id: str, request: bytes, answer: bytes) -> bytes:
        """A bundle.

        Parameters
        ----------
        call : str
            The path.
        request_id : str
        request, answer : bytes
            The bodies, which are JSON and stay as they are.

        Returns
        -------
        bytes
        """
        subject = [{"name": name, "digest": _digest(body)} for name, body in (("request", request), ("answer", answer))]
        time = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
        predicate = {
            **self._head["predicate"],
            **{"call": call, "request_id": request_id, "time": time},
            **{"request": orjson.Fragment(request), "answer": orjson.Fragment(answer)},
        }
        return sign(
            orjson.dumps(self._head | {"subject": subject, "predicate": predicate}), self._key, self._fingerprint
        )


def _digest(content: bytes) -> dict[str, str]:
    return {"sha256": hashlib.sha256(content).hexdigest()}


class SignedAnswers:
    """ASGI middleware: signs answers for whoever accepts signed ones.

    Parameters
    ----------
    app : ASGI app
        Answers in JSON.
    signer : AnswerSigner
    """

    def __init__(self, app: ASGIApp, signer: AnswerSigner) -> None:
        self.app = app
        self._signer = signer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] not in CALLS or not _accepts(scope):
            await self.app(scope, receive, send)
            return
        asked, answered = bytearray(), bytearray()
        start: Message | None = None

        async def receive_noted() -> Message:
            message = await receive()
            asked.extend(message.get("body", b""))
            return message

        async def send_signed(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and message["status"] == 200:
                start = message
                return
            if start is None:  # a refusal
                await send(message)
                return
            answered.extend(message.get("body", b""))
            if message.get("more_body", False):
                return
            content = await self._signed(scope["path"], bytes(asked), bytes(answered))
            headers = MutableHeaders(raw=list(start["headers"]))
            headers["content-type"], headers["content-length"] = MEDIA_TYPE, str(len(content))
            await send({**start, "headers": headers.raw})
            await send({"type": "http.response.body", "body": content})

        await self.app(scope, receive_noted, send_signed)

    async def _signed(self, call: str, request: bytes, answer: bytes) -> bytes:
        arguments = call, current().id.decode(), request, answer
        if len(request) + len(answer) <= INLINE_BYTES:
            return self._signer.sign(*arguments)
        return await asyncio.to_thread(self._signer.sign, *arguments)


def _accepts(scope: Scope) -> bool:
    """Whether a request names the type of a signed answer: `*/*`, which any client may send, does not."""
    return any(name == b"accept" and _ACCEPTED in value.lower() for name, value in scope["headers"])
