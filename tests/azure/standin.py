"""A stand-in for Azure's management interface on loopback, as far as `slipway deploy` needs it.

The real `az` logs in to it and runs every call against it. It keeps what it is told, answers
404 for what is not there, swaps slots as App Service documents it (what stays with a slot
stays), and can be told to fail. What it cannot show: that Azure accepts a name, a size or a
role, that an image is pulled, or that it starts.
"""

import base64
import copy
import ipaddress
import json
import re
import ssl
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.azure.standin_apps import ContainerApps

SUBSCRIPTION = "11111111-1111-1111-1111-111111111111"
TENANT = "22222222-2222-2222-2222-222222222222"
PRINCIPAL = "33333333-3333-3333-3333-333333333333"
CLIENT = "44444444-4444-4444-4444-444444444444"
ACR_PULL = "7f951dda-4ed3-4680-a7ca-43fe172d538d"

# What a swap leaves where it is, of a site's configuration. Protocol settings, address rules,
# Always On; `httpsOnly`, the identity and the sign-in are not in the configuration at all.
STAYS = re.compile(
    r"(scm)?ipSecurityRestrictions|alwaysOn|minTlsVersion|ftpsState|cors|HttpLogging|^numberOfWorkers", re.I
)

Json = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """One request as it came."""

    method: str
    path: str
    body: Any

    @property
    def writes(self) -> bool:
        """Whether it changes anything; some reads are POSTs to …/list."""
        reads = re.search(
            r"/(list|publishxml|checknameavailability|sharedkeys|listsecrets)$|^/subscriptions$", self.path, re.I
        )
        return self.method not in ("GET", "HEAD") and not reads and self.path.startswith("/subscriptions")


@dataclass
class Fault:
    """What goes wrong: requests that match are answered with `status`, or, for 0, by a closed connection."""

    method: str
    path: str
    status: int
    left: int = 1000

    BODIES = {
        403: ("AuthorizationFailed", "The client does not have authorization to perform action over scope."),
        409: ("Conflict", "Cannot modify this site because another operation is in progress."),
        429: ("TooManyRequests", "Too many requests. Please try again after '17' seconds."),
    }

    def meets(self, request: Request) -> bool:
        return bool(
            self.left and re.fullmatch(self.method, request.method) and re.search(self.path, request.path, re.I)
        )


@dataclass
class Site:
    """An app or a slot: what ARM keeps apart is apart here too."""

    id: str
    properties: Json
    identity: Json | None = None
    config: Json = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    auth: Json = field(default_factory=dict)
    logs: Json = field(default_factory=dict)
    passwords: dict[str, bool] = field(default_factory=lambda: {"ftp": True, "scm": True})
    state: str = "Running"
    domains: dict[str, bool] = field(default_factory=dict)
    """Host names of one's own, and whether there is a certificate."""
    sticky: list[str] = field(default_factory=list)
    """Of an app: the names of the app settings that a swap leaves where they are."""

    @property
    def host(self) -> str:
        """Its default host name."""
        app, _, slot = self.id.partition("/sites/")[2].partition("/slots/")
        return f"{app}-{slot}.azurewebsites.net" if slot else f"{app}.azurewebsites.net"

    @property
    def image(self) -> str:
        """What it runs, without the leading DOCKER|."""
        return str(self.config.get("linuxFxVersion", "")).removeprefix("DOCKER|")

    def json(self) -> Json:
        """As ARM shows it: of the configuration only what its GET of a site fills in."""
        slot = "/slots/" in self.id
        shown = (
            "linuxFxVersion",
            "acrUseManagedIdentityCreds",
            "acrUserManagedIdentityID",
            "alwaysOn",
            "http20Enabled",
        )
        answer = {
            "id": self.id,
            "name": "/".join(re.findall(r"/(?:sites|slots)/([^/]+)", self.id)),
            "type": "Microsoft.Web/sites/slots" if slot else "Microsoft.Web/sites",
            "kind": "app,linux,container",
            "location": "West Europe",
            "properties": self.properties
            | {
                "state": self.state,
                "defaultHostName": self.host,
                "hostNames": [self.host, *self.domains],
                "enabledHostNames": [self.host, *self.domains],
                "hostNameSslStates": [
                    {"name": name, "sslState": "SniEnabled" if bound else "Disabled"}
                    for name, bound in self.domains.items()
                ],
                "reserved": True,
                "sku": "PremiumV3",
                "provisioningState": "Succeeded",
                "siteConfig": {key: self.config[key] for key in shown if key in self.config},
            },
        }
        return answer | ({"identity": self.identity} if self.identity else {})


def _clean(value: Any) -> Any:
    """Without nulls, which ARM reads as "not said"."""
    if isinstance(value, dict):
        return {key: _clean(item) for key, item in value.items() if item is not None}
    return [_clean(item) for item in value] if isinstance(value, list) else value


def unsigned_token(audience: str) -> str:
    """A token that nobody signed; `az` only reads whose it is."""

    def part(data: Json) -> str:
        return base64.urlsafe_b64encode(json.dumps(data).encode()).rstrip(b"=").decode()

    claims = {
        "aud": audience,
        "tid": TENANT,
        "oid": PRINCIPAL,
        "exp": int(time.time()) + 3600,
        "iss": "standin",
        "appid": "a",
    }
    return f"{part({'alg': 'RS256', 'typ': 'JWT'})}.{part(claims)}.c2ln"


def _with_last_rule(config: Json) -> list[Json]:
    """The address rules as App Service shows them: it adds what happens to everybody else."""
    rules = [rule for rule in config.get("ipSecurityRestrictions", []) if rule["ipAddress"] != "Any"]
    action = config.get("ipSecurityRestrictionsDefaultAction") or ("Deny" if rules else "Allow")
    return [*rules, {"ipAddress": "Any", "action": action, "priority": 2147483647, "name": f"{action} all"}]


class Missing(Exception):
    """404, with ARM's code and words."""

    def __init__(self, path: str) -> None:
        name = "/".join(path.split("/providers/")[-1].split("/")[:3])
        super().__init__(f"The Resource '{name}' was not found.")


@dataclass
class Azure:
    """What is there, what was asked, and what is to go wrong."""

    base: str = ""
    sites: dict[str, Site] = field(default_factory=dict)
    things: dict[str, Json] = field(default_factory=dict)
    log: list[Request] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    roles: list[str] = field(default_factory=list)
    caller: str = "131.107.0.9"
    apps: ContainerApps = field(default_factory=ContainerApps)
    models: Json = field(default_factory=dict)
    """What the body of a container app may hold; see closed.py."""
    images: dict[str, str] = field(default_factory=dict)
    """Architecture by digest, of the images in the registry."""
    denied: set[str] = field(default_factory=set)
    unregistered: set[str] = field(default_factory=set)

    def snapshot(self) -> tuple[dict[str, Site], dict[str, Json]]:
        """A copy of all there is, for `restore`."""
        return copy.deepcopy((self.sites, self.things))

    def restore(self, snapshot: tuple[dict[str, Site], dict[str, Json]]) -> None:
        """Back to a snapshot, with nothing asked and nothing to go wrong."""
        self.sites, self.things = copy.deepcopy(snapshot)
        self.apps = ContainerApps(self.things, self.broken, self.models)
        self.images = {f"sha256:{digit * 64}": "amd64" for digit in "abc"}
        self.denied.clear()
        self.unregistered.clear()
        self.log.clear()
        self.faults.clear()
        self.broken.clear()
        self.roles.clear()

    def written(self) -> list[Request]:
        """The requests so far that changed something."""
        return [request for request in self.log if request.writes]

    def site(self, slot: str | None = None) -> Site:
        """The only app there is, or its slot."""
        (app,) = (site for path, site in self.sites.items() if "/slots/" not in path)
        return self.sites[f"{app.id.lower()}/slots/{slot}"] if slot else app

    def visit(self, url: str) -> int:
        """The status that a GET of an app's page has, for a caller from the address `caller`."""
        host, path = urlsplit(url).hostname, urlsplit(url).path
        if str(host).endswith("azurecontainerapps.io"):
            return self.apps.visit(str(host), path, self.caller)
        site = next((site for site in self.sites.values() if site.host == host), None)
        if site is None:
            return 404
        if site.state != "Running" or not self._lets_in(site):
            return 403
        auth = site.auth.get("globalValidation", {})
        if auth.get("requireAuthentication") and path not in auth.get("excludedPaths", []):
            return 302
        if not re.search(r"@sha256:[0-9a-f]{64}$", site.image):
            return 404 if path != "/" else 200
        return 503 if site.image in self.broken else 200

    def _lets_in(self, site: Site) -> bool:
        caller = ipaddress.ip_address(self.caller)
        first = next(
            rule
            for rule in _with_last_rule(site.config)
            if rule["ipAddress"] == "Any" or caller in ipaddress.ip_network(rule["ipAddress"])
        )
        return bool(first["action"] == "Allow")

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        """Status and body for one request to the management interface."""
        if path.lower().startswith(f"/subscriptions/{SUBSCRIPTION}/") and (app := self.apps.answer(method, path, body)):
            return app
        if found := re.fullmatch(r"(/.+/sites/[^/]+(?:/slots/[^/]+)?)(?:/(.+))?", path, re.I):
            if not re.match(r"slots$|providers/", found[2] or "", re.I):
                return self._site_request(method, found[1], (found[2] or "").lower(), _clean(body))
        return self._thing_request(method, path, query, _clean(body))

    def _site_request(self, method: str, path: str, rest: str, body: Any) -> tuple[int, Any]:
        key = path.lower()
        if not rest and method == "PUT":
            return 200, self._put_site(path, body)
        if key not in self.sites:
            raise Missing(path)
        site = self.sites[key]
        if rest in ("stop", "start"):
            site.state = {"stop": "Stopped", "start": "Running"}[rest]
            return 200, None
        if rest == "slotsswap":
            self._swap(site, self.sites[key.partition("/slots/")[0]])
            return 202, None
        if rest == "publishxml":
            return (
                200,
                "<publishData><publishProfile profileName='a' publishMethod='FTP' publishUrl='ftp://x'/></publishData>",
            )
        return 200, self._site_part(method, site, rest, body or {})

    def _site_part(self, method: str, site: Site, rest: str, body: Json) -> Json:
        properties = body.get("properties", {})
        named = {"id": f"{site.id}/{rest}", "name": rest.rpartition("/")[2], "type": "Microsoft.Web/sites/config"}
        if not rest:
            return site.json()
        if rest == "config/web":
            site.config |= properties
            return named | {"properties": site.config | {"ipSecurityRestrictions": _with_last_rule(site.config)}}
        if rest.startswith("config/appsettings"):
            if method == "PUT":
                site.settings = properties
            return named | {"properties": site.settings}
        if rest == "config/authsettingsv2":
            if method == "PUT":
                site.auth = properties
            return named | {"properties": site.auth}
        if rest == "config/logs":
            site.logs |= properties
            return named | {"properties": site.logs}
        if found := re.fullmatch(r"basicpublishingcredentialspolicies/(ftp|scm)", rest):
            if method == "PUT":
                site.passwords[found[1]] = properties["allow"]
            return named | {"properties": {"allow": site.passwords[found[1]]}}
        if rest == "basicpublishingcredentialspolicies":
            return {"value": [{"name": kind, "properties": {"allow": site.passwords[kind]}} for kind in ("ftp", "scm")]}
        if rest == "config/slotconfignames":
            if method == "PUT":
                site.sticky = properties.get("appSettingNames", [])
            return named | {"properties": {"appSettingNames": site.sticky}}
        if rest == "hostnamebindings":
            return {"value": [self._binding(site, name) for name in site.domains]}
        if found := re.fullmatch(r"hostnamebindings/(.+)", rest):
            if method == "PUT":
                site.domains[found[1]] = bool(properties.get("thumbprint"))
            return self._binding(site, found[1])
        if rest == "config/metadata/list":
            return named | {"properties": {}}
        raise Missing(f"{site.id}/{rest}")

    def _binding(self, site: Site, name: str) -> Json:
        app = site.id.rpartition("/")[2]
        return {
            "id": f"{site.id}/hostNameBindings/{name}",
            "name": f"{app}/{name}",
            "properties": {"siteName": app, "hostNameType": "Verified"},
        }

    def _put_site(self, path: str, body: Json) -> Json:
        key, properties = path.lower(), dict(body["properties"])
        config = properties.pop("siteConfig", {}) or {}
        if "/slots/" in key and key.partition("/slots/")[0] not in self.sites:
            raise Missing(path)
        site = self.sites.setdefault(key, Site(path, {}))
        site.properties |= properties
        for state in site.properties.pop("hostNameSslStates", None) or []:
            if state.get("thumbprint"):
                site.domains[state["name"]] = True
        for setting in config.pop("appSettings", []):
            site.settings[setting["name"]] = setting["value"]
        site.config |= config
        if body.get("identity"):
            site.identity = dict(body["identity"])
            given = site.identity.get("userAssignedIdentities") or {}
            site.identity["userAssignedIdentities"] = {
                name: {"principalId": PRINCIPAL, "clientId": CLIENT} for name in given
            }
        return site.json()

    def _swap(self, source: Site, target: Site) -> None:
        def exchanged(here: Json, there: Json, stays: Callable[[str], object]) -> Json:
            kept = {key: value for key, value in here.items() if stays(key)}
            return kept | {key: value for key, value in there.items() if not stays(key)}

        one, other = source.config, target.config
        source.config, target.config = exchanged(one, other, STAYS.search), exchanged(other, one, STAYS.search)
        sticky = target.sticky.__contains__  # the names are the app's, which is always the target
        one, other = source.settings, target.settings
        source.settings, target.settings = exchanged(one, other, sticky), exchanged(other, one, sticky)

    def _thing_request(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        key = path.lower()
        if key.endswith("/microsoft.authorization/permissions"):
            return 200, {"value": [{"actions": ["*"], "notActions": sorted(self.denied)}]}
        if re.fullmatch(r"/subscriptions/[^/]+/providers", key):
            names = "ContainerRegistry ManagedIdentity Web App OperationalInsights KeyVault Insights"
            states = {f"Microsoft.{name}": "Registered" for name in names.split()}
            states |= dict.fromkeys(self.unregistered, "NotRegistered")
            return 200, {"value": [{"namespace": name, "registrationState": state} for name, state in states.items()]}
        if method == "HEAD":
            return (204 if key in self.things else 404), None
        if method == "DELETE":
            return (200 if self.things.pop(key, None) else 204), None
        if key.endswith("/sharedkeys"):
            return 200, {"primarySharedKey": "c2hhcmVk", "secondarySharedKey": "b3RoZXI="}
        if tags := re.fullmatch(r"(.+)/providers/microsoft\.resources/tags/default", key):
            self.things[tags[1]].setdefault("tags", {}).update(body["properties"]["tags"])
            return 200, {"properties": {"tags": self.things[tags[1]]["tags"]}}
        if key.endswith("/checknameavailability"):
            return 200, {"nameAvailable": not any(key_.endswith("/" + body["name"]) for key_ in self.sites)}
        if key.endswith("/roledefinitions"):
            return 200, {"value": [self._role(query.get("$filter", [""])[0])]}
        if re.fullmatch(r"/subscriptions/[^/]+/providers/[^/]+", key):
            return 200, {"id": path, "namespace": path.rpartition("/")[2], "registrationState": "Registered", "resourceTypes": [
                {"resourceType": kind, "locations": ["West Europe"], "apiVersions": []}
                for kind in ("containerApps", "managedEnvironments", "jobs")
            ]}  # fmt: skip
        if key.endswith("/resources"):
            wanted = re.search(r"resourcetype eq '([^']+)'", query.get("$filter", [""])[0].lower())
            return 200, {
                "value": [
                    thing for thing in self.things.values() if not wanted or thing.get("type", "").lower() == wanted[1]
                ]
            }
        if method in ("PUT", "PATCH"):
            return self._put_thing(method, path, body)
        if key in self.things:
            return 200, self.things[key]
        if key.endswith("/slots"):
            return 200, {"value": [site.json() for at, site in self.sites.items() if at.startswith(f"{key}/")]}
        if listed := re.search(
            r"/providers/[^/]+/(registries|serverfarms|roleassignments|certificates|workspaces|vaults)$", key
        ):
            kind = listed[1]
            kept = [thing for at, thing in self.things.items() if f"/{kind}/" in at]
            return 200, {"value": kept}
        raise Missing(path)

    def _role(self, wanted: str) -> Json:
        name = (re.findall(r"'([^']+)'", wanted) or ["AcrPull"])[0]
        self.roles.append(name)
        known = ACR_PULL if name == "AcrPull" else str(uuid.uuid5(uuid.NAMESPACE_DNS, name))
        path = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{known}"
        return {
            "id": path,
            "name": known,
            "properties": {"roleName": name, "type": "BuiltInRole", "permissions": []},
        }

    def _put_thing(self, method: str, path: str, body: Json) -> tuple[int, Any]:
        key = path.lower()
        if "/roleassignments/" in key:
            scope = key.partition("/providers/microsoft.authorization/")[0]
            given = body["properties"]
            same = [
                thing
                for at, thing in self.things.items()
                if at.startswith(f"{scope}/providers/microsoft.authorization/")
                and thing["properties"].get("roleDefinitionId") == given["roleDefinitionId"]
                and thing["properties"]["principalId"] == given["principalId"]
            ]
            if same:
                return 409, {
                    "error": {"code": "RoleAssignmentExists", "message": "The role assignment already exists."}
                }
        thing = (self.things.get(key, {}) if method == "PATCH" else {}) | body
        kind = path.split("/providers/")[-1].split("/")
        thing |= {"id": path, "name": path.rpartition("/")[2]}
        thing["properties"] = {"provisioningState": "Succeeded"} | thing.get("properties", {})
        if "/roleassignments/" in key:
            thing["properties"]["scope"] = path.partition("/providers/Microsoft.Authorization/")[0]
        if "/providers/" in path:
            thing["type"] = kind[0] + "/" + "/".join(kind[1::2])
        if "/userassignedidentities/" in key:
            thing["properties"] |= {"principalId": PRINCIPAL, "clientId": CLIENT, "tenantId": TENANT}
        if "/serverfarms/" in key:
            thing["properties"] |= {"reserved": True}
        if "/workspaces/" in key:
            thing["properties"] |= {"customerId": "66666666-6666-6666-6666-666666666666"}
        if "/certificates/" in key:
            thing["properties"] |= {"thumbprint": "A1B2"}
        if "/registries/" in key:
            thing["properties"] |= {"loginServer": f"{thing['name']}.azurecr.io"}
        created = key not in self.things and "microsoft.web" not in key and "microsoft.app" not in key
        self.things[key] = thing
        return (201 if created else 200), thing


def _endpoints(base: str) -> Json:
    """What `az cloud register` reads."""
    names = "portal media graphAudience graph microsoftGraphResourceId resourceManager gallery batch vmImageAliasDoc sqlManagement activeDirectoryDataLake"
    suffixes = "acrLoginServer storage keyVaultDns sqlServerHostname azureDataLakeStoreFileSystem azureDataLakeAnalyticsCatalogAndJob"
    login = {"loginEndpoint": base, "audiences": [base, f"{base}/"], "tenant": "common", "identityProvider": "AAD"}
    return dict.fromkeys(names.split(), base) | {
        "name": "StandIn",
        "authentication": login,
        "suffixes": dict.fromkeys(suffixes.split(), "standin"),
    }


def _handler(azure: Azure) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def send(self, status: int, body: Any, **headers: str) -> None:
            raw = b"" if body is None else body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Type", "application/xml" if isinstance(body, str) else "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def handle_any(self) -> None:
            address = urlsplit(self.path)
            query = parse_qs(address.query)
            path = unquote(address.path).rstrip("/")
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = json.loads(raw) if raw and raw[:1] in b"{[" else raw.decode() or None
            if self.outside(path, query):
                return
            request = Request(self.command, path, body)
            azure.log.append(request)
            for fault in azure.faults:
                if fault.meets(request):
                    fault.left -= 1
                    return self.fail(fault)
            try:
                status, answer = azure.answer(self.command, path, query, body)
            except Missing as exc:
                return self.send(404, {"error": {"code": "ResourceNotFound", "message": str(exc)}})
            # A swap is answered at once and then asked after, as in Azure.
            headers = {"Location": f"{azure.base}/done", "Retry_After": "1"} if status == 202 else {}
            self.send(status, answer, **headers)

        def outside(self, path: str, query: dict[str, list[str]]) -> bool:
            """What is not the management interface: logging in, and a page to visit."""
            if path == "/metadata/endpoints":
                self.send(200, _endpoints(azure.base))
            elif path == "/msi/token":
                times = {"expires_on": str(int(time.time()) + 3600), "expires_in": "3600"}
                resource = query["resource"][0]
                token = {
                    "access_token": unsigned_token(resource),
                    "resource": resource,
                    "token_type": "Bearer",
                    "client_id": "a",
                }
                self.send(200, token | times)
            elif path == "/subscriptions":
                one = {"id": f"/subscriptions/{SUBSCRIPTION}", "subscriptionId": SUBSCRIPTION, "displayName": "standin"}
                rest = {
                    "state": "Enabled",
                    "tenantId": TENANT,
                    "authorizationSource": "RoleBased",
                    "managedByTenants": [],
                }
                self.send(200, {"value": [one | rest]})
            elif path == "/done":
                self.send(200, {})
            elif path.startswith(("/v2", "/oauth2", "/acr/v1")):
                self.registry(path)
            elif path.endswith("/locations"):
                self.send(200, {"value": [{"name": "westeurope", "displayName": "West Europe", "id": "x"}]})
            else:
                return False
            return True

        def registry(self, path: str) -> None:
            """The registry's own interface: a token, and what it knows of an image."""
            host = azure.base.removeprefix("https://")
            if path == "/v2":
                challenge = f'Bearer realm="{azure.base}/oauth2/token",service="{host}"'
                self.send(401, {"errors": []}, WWW_Authenticate=challenge)
            elif path.startswith("/oauth2"):
                self.send(
                    200, {"refresh_token": unsigned_token("registry"), "access_token": unsigned_token("registry")}
                )
            elif path.endswith("/_catalog"):
                self.send(200, {"repositories": ["insurance"]})
            elif path.endswith("/_manifests"):
                one = [{"digest": digest, "createdTime": "2026-11-27T06:00:00Z"} for digest in azure.images]
                self.send(200, {"manifests": one[:1]})
            elif (digest := path.rpartition("/")[2]) in azure.images:
                known = {"digest": digest, "architecture": azure.images[digest], "os": "linux"}
                self.send(200, {"registry": host, "imageName": "insurance", "manifest": known})
            else:
                self.send(404, {"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]})

        def fail(self, fault: Fault) -> None:
            if not fault.status:
                self.close_connection = True
                self.connection.close()
                return
            code, message = Fault.BODIES[fault.status]
            self.send(fault.status, {"error": {"code": code, "message": message}}, Retry_After="1")

        do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = do_HEAD = handle_any

    return Handler


@contextmanager
def listening(azure: Azure, pem: Path) -> Iterator[tuple[str, str]]:
    """The addresses of the management interface (TLS) and of the log-in (plain), while both answer."""
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), _handler(azure)) for _ in range(2)]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    servers[0].socket = context.wrap_socket(servers[0].socket, server_side=True)
    azure.base = f"https://127.0.0.1:{servers[0].server_port}"
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield azure.base, f"http://127.0.0.1:{servers[1].server_port}"
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()
