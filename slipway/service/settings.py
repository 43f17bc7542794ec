"""An operator's settings: each is an environment variable, read once, when a server starts.

`Settings` is all of them: a setting is a field with its default, what it may be, and what it does. docs/operations.md
lists them, written from this class by scripts/settings_reference.py.
"""

import difflib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any

from slipway.errors import SlipwayError
from slipway.service import addresses

PREFIX = "SLIPWAY_"
# What else has our prefix: a pipe, a socket and a folder of ours, a mark of `slipway deploy`, the switches of the tests, what images are built and signed
# with, and what Kubernetes puts
# into the environment of a pod for each Service.
_OTHERS = re.compile(
    r"SLIPWAY_(SUPERVISOR|SUCCEEDS|HELPER|SERVED|METRICS_FOLDER|PREVIOUS|SANDBOX|BASE_IMAGE|COSIGN_KEY|WRITE_GOLDEN|AZ|REQUIRE_\w+|(\w+_)?SERVICE_(HOST|PORT)(_\w+)?|(\w+_)?PORT(_\w+)?)"
)


@dataclass(frozen=True)
class Kind:
    """What a setting may be: in words, and as a function that reads its text or raises a ValueError."""

    expected: str
    read: Callable[[str], Any]


def whole_number(least: int = 1) -> Kind:
    """A whole number of at least `least`."""

    def read(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,12}", text, re.ASCII) or int(text) < least:
            raise ValueError
        return int(text)

    return Kind(f"a whole number of at least {least}", read)


def _read_file(text: str) -> str:
    if not text.strip() or "\0" in text:
        raise ValueError
    return text


def _read_path(text: str) -> str:
    path = text.rstrip("/")
    if not re.fullmatch(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+)*", path):
        raise ValueError
    return path


def one_of(*names: str) -> Kind:
    """One of some names."""

    def read(text: str) -> str:
        if text not in names:
            raise ValueError
        return text

    return Kind(" or ".join(names), read)


LOAD = "Too much at once"
URL_PATH = Kind("a path such as /app/insurance", _read_path)
"""The path of an address, without a slash at its end."""

FILE = Kind("the path of a file", _read_file)


def several(one: Callable[[str], str], expected: str) -> Kind:
    """A list with commas of what `one` reads."""
    return Kind(expected, lambda text: tuple(dict.fromkeys(one(part.strip()) for part in text.split(","))))


ORIGINS = several(addresses.allowed_origin, "origins such as https://app.example.org, with commas between, or *")
HOSTS = several(addresses.host, "names such as ml.example.org or *.example.org, or addresses, with commas between")
FRAMES = several(
    addresses.frame_ancestor, "'self', 'none', or origins such as https://portal.example.org, with commas between"
)
PROXIES = several(
    addresses.trusted_proxy, "addresses or networks such as 10.0.0.0/8, with commas between; private; or *"
)


TEXT = Kind("a text in one line", addresses.line)
SECRET = Kind("a text in one line, which is not repeated here", addresses.line)
LIST = several(addresses.line, "a list with commas between")
URL = Kind("an address such as https://ml.example.org/app/insurance", addresses.url)
HEADER = Kind("the name of a header such as X-Forwarded-User", addresses.header)


PLACE = Kind(
    "a folder, a URL of an object store, or the address of a database, which is not repeated here", addresses.line
)


def setting(default: Any, kind: Kind, description: str, section: str = "Limits on a request") -> Any:
    """A field of `Settings`.

    Parameters
    ----------
    default : object
    kind : Kind
    description : str
        What it sets, in Markdown, for docs/operations.md.
    section : str
        The heading there.
    """
    return field(default=default, metadata={"kind": kind, "description": description, "section": section})


PROOF = "Proof"
ACCESS = "Access"
LOGIN = "Login"


@dataclass(frozen=True)
class Settings:
    """All settings of a server; the variable of `max_rows` is `SLIPWAY_MAX_ROWS`."""

    workers: int = setting(1, whole_number(), "Processes that answer.", "Server")
    worker_timeout: int = setting(
        30, whole_number(5), "Seconds after which a worker whose event loop stands still is replaced.", "Server"
    )
    poll_seconds: int = setting(
        5,
        whole_number(0),
        "Seconds between two looks at which version is promoted, where a server was started with a name alone; it then serves that one "
        "([versions](versions.md)). With 0 it looks at SIGHUP only.",
        "Server",
    )
    root_path: str = setting(
        "", URL_PATH, "The path that a proxy passes on in front of ours ([proxies](proxy.md)).", "Server"
    )
    metrics_port: int = setting(
        0,
        whole_number(0),
        "A port of its own for `/metrics`, which is then not answered on that of the server; 0 for none ([metrics](#metrics)).",
        "Watching",
    )
    log_format: str = setting(
        "text", one_of("text", "json"), "The form of each line of the log ([logs](#logs)).", "Watching"
    )
    request_log: str = setting(
        "",
        PLACE,
        "Where each record of `/predict` is kept with its answer; without it, nowhere ([requests](requests.md)).",
        "Watching",
    )
    request_log_days: int = setting(30, whole_number(), "Days after which what is kept there is deleted.", "Watching")
    signing_key_file: str = setting(
        "", FILE, "A private key that signs answers for whoever accepts signed ones ([proof](proof.md)).", PROOF
    )
    image: str = setting("", TEXT, "The image of this server, with its digest; signed answers name it.", PROOF)

    keys_file: str = setting(
        "", FILE, "The file of API keys (`slipway keys add NAME`); calls without a key are refused.", ACCESS
    )
    allowed_hosts: tuple[str, ...] = setting(
        (), HOSTS, "The names by which the server may be called; without any, every name. Probes may use any.", ACCESS
    )
    cors_origins: tuple[str, ...] = setting(
        (), ORIGINS, "Where scripts of other sites may be from that call the API in a browser (CORS).", ACCESS
    )
    frame_ancestors: tuple[str, ...] = setting(
        ("'self'",), FRAMES, "The sites that may show the page in a frame.", ACCESS
    )
    trusted_proxies: tuple[str, ...] = setting(
        ("127.0.0.1", "::1"),
        PROXIES,
        "Whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed: proxies by address or network, `private` for all "
        "private networks (the default of an image), `*` for everybody.",
        ACCESS,
    )

    max_megabytes: int = setting(25, whole_number(), "Megabytes of a body.")
    max_seconds: int = setting(
        300, whole_number(), "Seconds until an answer begins; then the request is given up, with 503."
    )
    max_records: int = setting(
        10_000,
        whole_number(),
        "Records of a call of `/predict`; a JSON body may contain twice the commas and brackets that this many records need, "
        "and always 500,000.",
    )
    max_rows: int = setting(200_000, whole_number(), "Rows of a file, and as many empty lines.")
    max_reasons: int = setting(
        20_000,
        whole_number(),
        "Rows of a file with `reasons=true`; a fortieth of them where a row takes thousands of predictions.",
    )
    max_columns: int = setting(10_000, whole_number(), "Columns of a file.")
    max_cells: int = setting(5_000_000, whole_number(), "Cells of a file: its rows times its columns.")
    max_cell_characters: int = setting(
        1_000_000, whole_number(), "Characters of a cell; a row may have four times as many."
    )
    max_unpacked_megabytes: int = setting(
        100, whole_number(), "Megabytes of a packed file or a workbook once it is unpacked."
    )
    max_answer_megabytes: int = setting(150, whole_number(), "Megabytes of the file that is returned.")

    public_url: str = setting(
        "", URL, "The address under which browsers reach the server, without `/ui/`; OpenID Connect needs it.", LOGIN
    )
    password_file: str = setting(
        "", FILE, "The file of `slipway passwords`: who may log in to the page ([access](access.md)).", LOGIN
    )
    oidc_issuer: str = setting("", URL, "The OpenID Connect provider at which people log in, by its issuer.", LOGIN)
    oidc_client_id: str = setting("", TEXT, "What the provider calls this server.", LOGIN)
    oidc_client_secret: str = setting("", SECRET, "The secret that the provider gave for it.", LOGIN)
    oidc_client_secret_file: str = setting("", FILE, "A file with that secret, instead.", LOGIN)
    oidc_allowed: tuple[str, ...] = setting(
        (),
        LIST,
        "Who of the provider's people may log in: `anna@example.org`, `@example.org` (a domain), `group:analysts`, or "
        "`*` for all of them.",
        LOGIN,
    )
    oidc_scopes: str = setting("openid email profile", TEXT, "The scopes that are requested.", LOGIN)
    oidc_groups_claim: str = setting("groups", TEXT, "The claim with the groups of a person.", LOGIN)
    operators: tuple[str, ...] = setting(
        (),
        LIST,
        "Who of those who log in at the provider, or at a proxy, may read metrics and model internals as well: entries as in "
        "`SLIPWAY_OIDC_ALLOWED`.",
        LOGIN,
    )
    user_header: str = setting(
        "",
        HEADER,
        "The header in which `SLIPWAY_TRUSTED_PROXIES` say who has logged in at the proxy, such as `X-Forwarded-User`.",
        LOGIN,
    )
    session_secret: str = setting(
        "", SECRET, "What signs sessions, at least 32 characters; without it, made anew at each start.", LOGIN
    )
    session_secret_file: str = setting(
        "", FILE, "A file with that secret, instead; of several lines the first signs, and all are accepted.", LOGIN
    )
    session_minutes: int = setting(720, whole_number(), "How long a login lasts, in minutes.", LOGIN)
    max_helper_megabytes: int = setting(
        1500,
        whole_number(300),
        "Megabytes that a helper may take for files, explanations and many records, in all; what needs more is refused with 503.",
        LOAD,
    )
    max_requests: int = setting(
        64, whole_number(), "Requests that a worker has in work or waiting; one more is refused with 503.", LOAD
    )
    max_long_requests: int = setting(
        16,
        whole_number(),
        "Of these, files, as many explanations, and as many calls with outcomes. A file counts from its first byte: it is kept in `/tmp`.",
        LOAD,
    )
    requests_per_minute: int = setting(
        0,
        whole_number(0),
        "`POST` requests per minute of one key, or of one address without a key, in each worker; one more is refused with "
        "429. 0 is no limit.",
        LOAD,
    )
    max_connections: int = setting(
        1000,
        whole_number(),
        "Connections of a worker; with one more, the one that has waited longest for a request is closed. At most three "
        "quarters of the files that the process may open (`ulimit -n`).",
        LOAD,
    )
    max_header_kilobytes: int = setting(64, whole_number(), "Kilobytes of a request line and its headers.", LOAD)
    header_seconds: int = setting(
        20,
        whole_number(),
        "Seconds from a connection, or the first byte of a later request, to the end of its headers.",
        LOAD,
    )
    body_seconds: int = setting(
        300, whole_number(), "Seconds for a whole body, which must bring a kilobyte each second on average.", LOAD
    )
    pause_seconds: int = setting(
        20, whole_number(), "Seconds without a byte of a body, or without the client taking a byte of the answer.", LOAD
    )
    idle_seconds: int = setting(
        75,
        whole_number(),
        "Seconds that a connection is kept for another request. Let it be longer than the proxy keeps its own, which else "
        "uses one that was just closed.",
        LOAD,
    )


DEFAULTS = Settings()


def variable(item: "Field[Any]") -> str:
    """The environment variable of a field of `Settings`."""
    return PREFIX + item.name.upper()


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of a server.

    Parameters
    ----------
    environment : mapping of str to str

    Returns
    -------
    Settings

    Raises
    ------
    SlipwayError
        If a variable with our prefix is no setting, or its value is not what the setting may be.
    """
    known = {variable(item): item for item in fields(Settings)}
    return Settings(
        **{known[name].name: _read(name, environment[name], known[name]) for name in _given(environment, known)}
    )


def _given(environment: Mapping[str, str], known: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted(environment):
        if name in known:
            yield name
        elif name.startswith(PREFIX) and not _OTHERS.fullmatch(name):
            near = difflib.get_close_matches(name, known, n=1)
            meant = f"; did you mean {near[0]}?" if near else ";"
            raise SlipwayError(f"{name} is no setting of Slipway{meant} docs/operations.md lists all of them")


def _read(name: str, text: str, item: "Field[Any]") -> Any:
    kind: Kind = item.metadata["kind"]
    try:
        return kind.read(text)
    except ValueError:
        given = "not usable" if kind in (SECRET, PLACE) else repr(text[:60])
        raise SlipwayError(f"{name} is {given}; expected {kind.expected}, or leave it out") from None
