"""What a deployment's YAML file says, checked in full before the first call is made.

The file holds no secret and needs none: the image is pulled with a managed identity. All
mistakes are named at once, one line each: field, value found, what was expected.
"""

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from slipway.errors import SlipwayError, nearest
from slipway.tables.yaml_file import YamlError, load, short_repr, unknown

SKUS = (
    *("S1", "S2", "S3", "P1V2", "P2V2", "P3V2"),
    *("P0V3", "P1V3", "P2V3", "P3V3", "P1MV3", "P2MV3", "P3MV3", "P4MV3", "P5MV3"),
    *("P0V4", "P1V4", "P2V4", "P3V4", "P1MV4", "P2MV4", "P3MV4", "P4MV4", "P5MV4"),
)
"""Plans with deployment slots on Linux. Free, Shared and Basic have none."""

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NAME = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*"
REPOSITORY = rf"{_NAME}(/{_NAME})*"
"""Source: the OCI distribution specification, "Pulling manifests"."""
_IMAGE = re.compile(
    rf"(?P<host>[a-z0-9-]+\.azurecr\.io)/(?P<repository>{REPOSITORY})@(?P<digest>sha256:[0-9a-f]{{64}})"
)
_GUID_MEANS = "36 characters such as 00000000-0000-0000-0000-000000000000, in lower case"


class ConfigError(SlipwayError):
    """A deployment's YAML file cannot be used; `problems` has a line for each mistake."""

    def __init__(self, where: str | Path, problems: list[str]) -> None:
        super().__init__("\n".join(f"{where}: {problem}" for problem in problems))
        self.problems = problems


def _like(pattern: str, expected: str) -> AfterValidator:
    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"expected {expected}")
        return value

    return AfterValidator(check)


def _guid(whence: str) -> AfterValidator:
    return _like(_GUID.pattern, f"{_GUID_MEANS}; {whence}")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


_EVERYBODY = "that is every address; write `access: public` if it is meant"


def _network(text: str) -> str:
    expected = "expected a CIDR range such as 203.0.113.0/24, or 203.0.113.7/32 for one address"
    # Python also takes masks (0.0.0.255 among them) and scopes (%eth0), which Azure does not.
    if not re.fullmatch(r"[0-9A-Fa-f.:]+(/[0-9]{1,3})?", text):
        raise ValueError(expected)
    try:
        network = ipaddress.ip_network(text)
    except ValueError as exc:
        raise ValueError(expected) from exc
    if "/" not in text:
        raise ValueError(f"expected a CIDR range; write {network} for this one address")
    if network.prefixlen == 0:
        raise ValueError(_EVERYBODY)
    return str(network)


def _together(networks: list[str]) -> list[str]:
    """Ranges as they are, unless one appears twice or all of them are every address."""
    for number, network in enumerate(networks):
        if network in networks[:number]:
            raise ValueError(f"{network} appears twice; expected each range once")
    four = [ipaddress.IPv4Network(network) for network in networks if ":" not in network]
    six = [ipaddress.IPv6Network(network) for network in networks if ":" in network]
    whole = [*map(str, ipaddress.collapse_addresses(four)), *map(str, ipaddress.collapse_addresses(six))]
    if any(network.endswith("/0") for network in whole):
        raise ValueError(f"together {_EVERYBODY}")
    return networks


class Addresses(_Strict):
    """Only callers from these ranges are let in, to the app, its slot and its Kudu site."""

    addresses: Annotated[
        list[Annotated[str, AfterValidator(_network)]], Field(min_length=1, max_length=500), AfterValidator(_together)
    ]


class Tenant(_Strict):
    """Whose accounts may sign in, and the app registration they sign in to."""

    tenant: Annotated[str, _guid("`az account show --query tenantId` prints it")]
    client_id: Annotated[str, _guid("it is the application (client) ID of the app registration")]


class Entra(_Strict):
    """Only people who signed in with Microsoft Entra are let in."""

    entra: Tenant


def _form(value: Any) -> str | None:
    """Which form of `access` a value has; None if it has none, or two at once."""
    if isinstance(value, (Addresses, Entra)):
        return type(value).__name__.lower()
    if isinstance(value, dict) and len(value) == 1:
        return next((form for form in ("addresses", "entra") if form in value), None)
    return "public" if value == "public" else None


Access = Annotated[
    Annotated[Literal["public"], Tag("public")]
    | Annotated[Addresses, Tag("addresses")]
    | Annotated[Entra, Tag("entra")],
    Discriminator(_form),
]


class Config(_Strict):
    """One Web App with a staging slot, and who may reach it."""

    subscription: Annotated[str, _guid("`az account show --query id` prints it")]
    resource_group: Annotated[
        str,
        _like(
            r"[A-Za-z0-9._()-]{0,89}[A-Za-z0-9_()-]",
            "up to 90 letters, digits, '.', '_', '-', '(' and ')', not '.' at the end",
        ),
    ]
    location: Annotated[
        str, _like(r"[a-z]+[a-z0-9]*", "a region as `az account list-locations` names it, such as westeurope")
    ]
    registry: Annotated[str, _like(r"[a-z0-9]{5,50}", "5 to 50 lower-case letters and digits, without '.azurecr.io'")]
    image: str
    app: Annotated[
        str,
        _like(
            r"[a-z0-9]([a-z0-9-]{0,58}[a-z0-9])", "2 to 60 lower-case letters, digits and '-', with no '-' at the ends"
        ),
    ]
    plan: Annotated[str, _like(r"[A-Za-z0-9-]{1,60}", "up to 60 letters, digits and '-'")] = "slipway-plan"
    sku: str = "P0V3"
    identity: Annotated[
        str,
        _like(
            r"[A-Za-z0-9][A-Za-z0-9_-]{2,127}", "3 to 128 letters, digits, '-' and '_', with a letter or digit first"
        ),
    ] = "slipway-pull"
    slot: Annotated[
        str,
        _like(
            r"(?!production$)[a-z0-9]([a-z0-9-]{0,17}[a-z0-9])?",
            "up to 19 lower-case letters, digits and '-', other than production",
        ),
    ] = "staging"
    port: int = Field(default=3000, ge=1, le=65535)
    health_path: Annotated[str, _like(r"/(readyz|livez)", "/readyz or /livez")] = "/readyz"
    start_limit_seconds: int = Field(default=600, ge=10, le=1800)
    access: Access

    @field_validator("sku")
    @classmethod
    def _has_slots(cls, sku: str) -> str:
        if sku in ("F1", "D1", "B1", "B2", "B3", "FREE", "SHARED"):
            raise ValueError(
                "this plan has no deployment slots; expected P0V3, the smallest of current hardware, or larger"
            )
        if sku not in SKUS:
            raise ValueError(f"expected one of {', '.join(SKUS)}{nearest(sku, SKUS)}")
        return sku

    @field_validator("image")
    @classmethod
    def _by_digest(cls, image: str, info: ValidationInfo) -> str:
        parts = _IMAGE.fullmatch(image)
        if not parts:
            raise ValueError(
                "expected NAME.azurecr.io/REPOSITORY@sha256:<64 hexadecimal digits>; "
                "a tag may change under a running app: use the digest that `make push` printed"
            )
        registry = info.data.get("registry")
        # A registry may have a host with a hash, which keeps others from taking the name over.
        if registry and not re.fullmatch(rf"{registry}(-[a-z0-9]+)?\.azurecr\.io", parts["host"]):
            raise ValueError(f"expected an image in the registry {registry!r}, {registry}.azurecr.io/…")
        return image

    @property
    def digest(self) -> str:
        """`sha256:…` of the image."""
        return self.image.partition("@")[2]

    @property
    def repository(self) -> str:
        """`NAME.azurecr.io/REPOSITORY`, without the digest."""
        return self.image.partition("@")[0]


def read(path: str | Path) -> Config:
    """The deployment that a YAML file describes.

    Raises
    ------
    ConfigError
        If the file cannot be read, is not valid YAML, or any value is not as it must be; with
        every mistake, a line each.
    """
    path = Path(path)
    try:
        raw = load(path, "copy deploy/azure.yaml and fill it in")
    except YamlError as exc:
        raise ConfigError(path, [f"line {exc.line}: {exc.problem}" if exc.line else exc.problem]) from exc
    if not isinstance(raw, dict):
        raise ConfigError(path, ["holds no deployment; expected keys as in deploy/azure.yaml"])
    try:
        return Config.model_validate(raw)
    except ValidationError as exc:
        _refuse(path, exc)


def _refuse(path: Path, exc: ValidationError) -> NoReturn:
    raise ConfigError(path, [_line(dict(error)) for error in exc.errors()]) from None


_ACCESS = "expected public, or {addresses: [CIDR, …]}, or {entra: {tenant: …, client_id: …}}"
_MISSING = {
    "access": f"{_ACCESS}: who may reach the app is never left to a default",
    "image": "expected NAME.azurecr.io/REPOSITORY@sha256:…, which `make push` prints",
}


def _line(error: dict[str, Any]) -> str:
    """One mistake in words."""
    place = [str(part) for part in error["loc"]]
    if place[0] == "access" and len(place) > 1:
        place.pop(1)  # the form's tag
    field = ".".join(place)
    if error["type"] == "missing":
        return f"{field}: is missing; {_MISSING.get(field, 'expected a value as in deploy/azure.yaml')}"
    if error["type"] == "extra_forbidden":
        names = list(Tenant.model_fields if place[0] == "access" else Config.model_fields)
        return f"{field}: is not a known field{unknown(place[-1], names)}"
    problem = str(error.get("ctx", {}).get("error", "")) or _plainly(error)
    return f"{field}: found {short_repr(error['input'])}; {problem}"


def _plainly(error: dict[str, Any]) -> str:
    context = error.get("ctx", {})
    limits = {
        "string_type": "expected a text; put it in quotes if it looks like a number",
        "int_type": "expected a whole number",
        "list_type": "expected a list of CIDR ranges",
        "too_short": "expected at least one CIDR range",
        "too_long": "expected at most 500 CIDR ranges, which is what App Service takes",
        "model_type": "expected {tenant: …, client_id: …}",
        "union_tag_not_found": _ACCESS,
        "greater_than_equal": f"expected at least {context.get('ge')}",
        "less_than_equal": f"expected at most {context.get('le')}",
    }
    return limits.get(error["type"], str(error["msg"]))
