"""Who may reach a deployment: the three forms of `access:`, and what each is called in a sentence."""

import ipaddress
import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag

_GUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_GUID_MEANS = "36 characters such as 1b4e28ba-2fa1-11d2-883f-0016d3cca427, in lower case"


def like(pattern: str, expected: str) -> AfterValidator:
    """A text that matches `pattern` as a whole."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"expected {expected}")
        return value

    return AfterValidator(check)


def guid(whence: str) -> AfterValidator:
    """A GUID that is not the placeholder of zeros; `whence` says where to find it."""
    found = like(_GUID, f"{_GUID_MEANS}; {whence}").func

    def check(value: str) -> str:
        if not value.strip("0-"):
            raise ValueError(f"that is the placeholder of the example; {whence}")
        return str(found(value))  # type: ignore[call-arg]

    return AfterValidator(check)


class Strict(BaseModel):
    """Knows its fields, converts nothing, and does not change."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


_EVERYBODY = "that is every address; write `access: public` if it is meant"


def _network(text: str) -> str:
    expected = "expected a CIDR range such as 131.107.0.0/24, or 131.107.0.7/32 for one address"
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
    if network.is_private or (network.version == 4 and network.subnet_of(ipaddress.IPv4Network("100.64.0.0/10"))):
        raise ValueError(
            "that range is private or for examples, and Azure never sees a caller from it; "
            "expected the address that callers have on the Internet, such as https://ifconfig.me shows it"
        )
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


class Addresses(Strict):
    """Only callers from these ranges are let in, also to a slot, a revision or a Kudu site."""

    addresses: Annotated[
        list[Annotated[str, AfterValidator(_network)]], Field(min_length=1, max_length=500), AfterValidator(_together)
    ]


class Tenant(Strict):
    """Whose accounts may sign in, and the app registration they sign in to."""

    tenant: Annotated[str, guid("`az account show --query tenantId` prints it")]
    client_id: Annotated[str, guid("it is the application (client) ID of the app registration")]


class Entra(Strict):
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


def azure_active_directory(entra: Entra) -> dict[str, Any]:
    """The identity provider of a site or a container app, as the REST interface expects it.

    There is no client secret, so Azure uses the OpenID Connect implicit flow: the app
    registration must issue ID tokens, and no other token is requested.

    Source: `clientSecret` in the reference of Microsoft.Web/sites/config 'authsettings'.
    """
    tenant = entra.entra
    return {
        "azureActiveDirectory": {
            "enabled": True,
            "registration": {
                "clientId": tenant.client_id,
                "openIdIssuer": f"https://login.microsoftonline.com/{tenant.tenant}/v2.0",
            },
            "validation": {"allowedAudiences": [tenant.client_id]},
        }
    }
