"""A deployment's YAML file: every mistake is named, all of them at once."""

import pytest

from slipway.cli.deploy.config import SKUS, ConfigError, ContainerApp
from slipway.cli.deploy.config_file import read
from tests.azure.conftest import ADDRESSES, ENTRA, OLD, config, written
from tests.conftest import ROOT


@pytest.mark.parametrize("name", ["azure.yaml", "containerapp.yaml"])
def test_the_shipped_example_is_refused_for_each_of_its_placeholders_and_nothing_else(name):
    with pytest.raises(ConfigError) as refused:
        read(ROOT / "deploy" / name)

    assert [line.split(": ")[0] for line in refused.value.problems] == ["subscription", "image", "access.addresses.0"]
    assert all("placeholder" in line or "for examples" in line for line in refused.value.problems)


def test_what_is_left_out_has_a_default(tmp_path):
    found = config(tmp_path)

    assert (found.app, found.sku, found.slot, found.port, found.health_path) == (
        *("slipway-insurance", "P0V3", "staging", 3000, "/readyz"),
    )
    assert found.start_limit_seconds == 600 and found.access.addresses == ADDRESSES["addresses"]
    assert config(tmp_path, slot="none").sku == "B1"


def test_an_image_has_a_digest_and_a_repository(tmp_path):
    found = config(tmp_path)

    assert (found.repository, found.digest) == tuple(OLD.split("@"))


GUID = "expected 36 characters such as 1b4e28ba-2fa1-11d2-883f-0016d3cca427, in lower case"
IMAGE = "expected NAME.azurecr.io/REPOSITORY@sha256:<64 hexadecimal digits>; a tag may change under a running app: use the digest that `make push` printed"
ACCESS = "expected public, or {addresses: [CIDR, …]}, or {entra: {tenant: …, client_id: …}}"


PRIVATE = (
    "that range is private or for examples, and Azure never sees a caller from it; "
    "expected the address that callers have on the Internet, such as https://ifconfig.me shows it"
)
VAULT = "https://kept.vault.azure.net/secrets/session"
CONTAINER = {"target": "containerapp", "access": "public"}
CIDR = "expected a CIDR range such as 131.107.0.0/24, or 131.107.0.7/32 for one address"


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"access": None}, f"access: is missing; {ACCESS}: who may reach the app is never left to a default"),
        ({"access": "open"}, f"access: found 'open'; {ACCESS}"),
        ({"access": ADDRESSES | ENTRA}, f"access: found {str(ADDRESSES | ENTRA)[:79]}…; {ACCESS}"),
        ({"access": {"addresses": []}}, "access.addresses: found []; expected at least one CIDR range"),
        (
            {"access": {"addresses": ["131.107.0.7"]}},
            "access.addresses.0: found '131.107.0.7'; expected a CIDR range; write 131.107.0.7/32 for this one address",
        ),
        (
            {"access": {"addresses": ["0.0.0.0/0"]}},
            "access.addresses.0: found '0.0.0.0/0'; that is every address; write `access: public` if it is meant",
        ),
        (
            {"access": {"addresses": ["131.107.0.7/24"]}},
            "access.addresses.0: found '131.107.0.7/24'; expected a CIDR range such as 131.107.0.0/24, or 131.107.0.7/32 for one address",
        ),
        (
            {"access": {"entra": ENTRA["entra"] | {"tenant": "contoso"}}},
            f"access.entra.tenant: found 'contoso'; {GUID}; `az account show --query tenantId` prints it",
        ),
        (
            {"access": {"entra": ENTRA["entra"] | {"client_secret": "x"}}},
            "access.entra.client_secret: is not a known field; did you mean 'client_id'?",
        ),
        ({"image": "slipwayregistry.azurecr.io/insurance:latest"}, f"image: found 'slipwayregistry.azurecr.io/insurance:latest'; {IMAGE}"),
        *[
            ({"access": {"addresses": [text]}}, f"access.addresses.0: found {text!r}; {CIDR}")
            for text in ("fe80::%eth0/64", "131.107.0.0/0.0.0.255", "131.107.0.0/255.255.255.0", "131.107.0.0/33")
        ],
        (
            {"access": {"addresses": ["2606:2800::/32", "2606:2800:0::/32"]}},
            "access.addresses: found ['2606:2800::/32', '2606:2800:0::/32']; 2606:2800::/32 appears twice; expected each range once",
        ),
        *[
            (
                {"access": {"addresses": halves}},
                f"access.addresses: found {halves}; together that is every address; write `access: public` if it is meant",
            )
            for halves in (["0.0.0.0/1", "128.0.0.0/1"], ["131.107.0.0/24", "::/1", "8000::/1"])
        ],
        *[
            (
                {"image": OLD.replace("/insurance@", f"/{name}@")},
                f"image: found '{OLD.replace('/insurance@', f'/{name}@')[:78]}…; {IMAGE}",
            )
            for name in ("a..b", "a___b", "a/-b", "a//b", "a._b")
        ],
        ({"image": "slipwayregistry.azurecr.io/insurance"}, f"image: found 'slipwayregistry.azurecr.io/insurance'; {IMAGE}"),
        (
            {"registry": "otherregistry"},
            f"image: found '{OLD[:78]}…; expected an image in the registry 'otherregistry', otherregistry.azurecr.io/…",
        ),
        ({"registry": "a-b"}, "registry: found 'a-b'; expected 5 to 50 lower-case letters and digits, without '.azurecr.io'"),
        ({"sku": "B1"}, "sku: found 'B1'; this plan has no deployment slots; expected `slot: none` beside it, or P0V3 or larger with a slot"),
        ({"sku": "P0V9"}, f"sku: found 'P0V9'; expected one of {', '.join(SKUS)}; did you mean 'P0V4'?"),
        ({"app": "-x"}, "app: found '-x'; expected 2 to 60 lower-case letters, digits and '-', with no '-' at the ends"),
        ({"slot": "production"}, "slot: found 'production'; expected none, or up to 19 lower-case letters, digits and '-', other than production"),
        ({"location": "West Europe"}, "location: found 'West Europe'; expected a region as `az account list-locations` names it, such as westeurope"),
        ({"subscription": "mine"}, f"subscription: found 'mine'; {GUID}; `az account show --query id` prints it"),
        ({"port": "3000"}, "port: found '3000'; expected a whole number"),
        ({"port": 0}, "port: found 0; expected at least 1"),
        ({"health_path": "readyz"}, "health_path: found 'readyz'; expected /readyz or /livez"),
        ({"start_limit_seconds": 1801}, "start_limit_seconds: found 1801; expected at most 1800"),
        ({"start_limit_seconds": 9}, "start_limit_seconds: found 9; expected at least 10"),
        ({"resource_group": None}, "resource_group: is missing; expected a value as in deploy/azure.yaml"),
        ({"acess": "public"}, "acess: is not a known field; did you mean 'access'?"),
        ({"target": "aks"}, "target: found 'aks'; expected webapp or containerapp"),
        *[
            ({"access": {"addresses": [text]}}, f"access.addresses.0: found {text!r}; {PRIVATE}")
            for text in ("192.168.1.0/24", "10.1.0.0/16", "127.0.0.1/32", "100.64.3.0/24", "fd00::/8", "203.0.113.0/24")
        ],
        ({"subscription": "0" * 8 + "-0000-0000-0000-" + "0" * 12}, f"subscription: found '{'0' * 8}-0000-0000-0000-{'0' * 12}'; that is the placeholder of the example; `az account show --query id` prints it"),
        ({"settings": {"SLIPWAY_WORKER": 2}}, "settings.SLIPWAY_WORKER: is no setting of the service; did you mean 'SLIPWAY_WORKERS'? docs/operations.md lists all of them"),
        ({"settings": {"SLIPWAY_WORKERS": "two"}}, "settings.SLIPWAY_WORKERS: found 'two'; expected a whole number of at least 1"),
        ({"settings": {"SLIPWAY_WORKERS": True}}, "settings.SLIPWAY_WORKERS: found True; expected a whole number of at least 1"),
        ({"settings": [1]}, "settings: found [1]; expected a mapping such as {SLIPWAY_WORKERS: 2}"),
        ({"settings": {"SLIPWAY_SESSION_SECRET": "hunter2" * 8}}, "settings.SLIPWAY_SESSION_SECRET: is a secret, which no file should hold; put it into Key Vault and its address under secrets:"),
        ({"settings": {"SLIPWAY_REQUEST_LOG": "postgresql://me:hunter2@db/log"}}, "settings.SLIPWAY_REQUEST_LOG: holds a password, which no file should; put it into Key Vault and its address under secrets:"),
        ({"secrets": {"SLIPWAY_SESSION_SECRET": "hunter2"}}, "secrets.SLIPWAY_SESSION_SECRET: expected the address of a secret, https://VAULT.vault.azure.net/secrets/NAME, not the secret itself"),
        ({"secrets": {"SLIPWAY_WORKERS": VAULT}, "settings": {"SLIPWAY_WORKERS": 2}}, "secrets.SLIPWAY_WORKERS: stands under settings: as well; expected one of the two"),
        ({"instances": 0}, "instances: found 0; expected 1 to 30 with P0V3"),
        ({"instances": "two"}, "instances: found 'two'; expected a number, or {min: 1, max: 3, cpu: 70}"),
        ({"instances": {"min": 3, "max": 3}}, "instances: found {'min': 3, 'max': 3}; expected max above min; write `instances: N` for a fixed number"),
        ({"slot": "none", "instances": 4}, "instances: found 4; expected 1 to 3 with B1"),
        ({"slot": "none", "instances": {"min": 1, "max": 2}}, "instances: found {'min': 1, 'max': 2}; B1 does not scale by itself; expected a number up to 3, or a plan from S1 on"),
        ({"slot": "none", "sku": "F1", "custom_domain": "ml.example.org"}, "custom_domain: F1 takes none; expected B1 or larger"),
        ({"slot": "none", "sku": "D1"}, f"sku: found 'D1'; expected one of F1, B1, B2, B3, {', '.join(SKUS)}"),
        ({"custom_domain": "x.azurewebsites.net"}, "custom_domain: found 'x.azurewebsites.net'; expected a host name of yours such as ml.example.org"),
        ({"logs": "disk"}, "logs: found 'disk'; expected 'files' or 'log-analytics'"),
        ({**CONTAINER, "cpu": 0.3}, "cpu: found 0.3; expected 0.5 to 4 in steps of 0.25; memory is twice as much, in GiB"),
        ({**CONTAINER, "instances": {"min": 3, "max": 2}}, "instances: found {'min': 3, 'max': 2}; expected max not below min"),
        ({**CONTAINER, "instances": 3}, "instances: found 3; expected {min: 0, max: 5, requests: 20}"),
        ({**CONTAINER, "slot": "staging"}, f"slot: is not a known field; known are {', '.join(ContainerApp.model_fields)}"),
        ({**CONTAINER, "access": ADDRESSES}, f"access: found {ADDRESSES}; Container Apps takes IPv4 ranges only; expected no range with ':'"),
        ({**CONTAINER, "app": "a--b"}, "app: found 'a--b'; expected 2 to 32 lower-case letters, digits and '-', with no '-' at the ends, a letter first and no '--'"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_with_field_value_and_what_was_expected(tmp_path, changes, line):
    path = written(tmp_path, **changes)

    with pytest.raises(ConfigError) as refused:
        read(path)

    assert str(refused.value) == f"{path}: {line}"


def test_all_mistakes_are_named_at_once(tmp_path):
    path = written(tmp_path, sku="F1", port=True, app="X", access={"addresses": ["x", "y"]})

    with pytest.raises(ConfigError) as refused:
        read(path)

    assert [line.split(": ")[0] for line in refused.value.problems] == [
        *("app", "port", "access.addresses.0", "access.addresses.1", "sku"),
    ]


def test_a_registry_whose_host_has_a_hash_is_taken(tmp_path):
    image = OLD.replace("slipwayregistry.", "slipwayregistry-b3d9c0aa.")

    assert config(tmp_path, image=image).image == image


@pytest.mark.parametrize("name", ["a", "a/b", "a.b_c__d---e/f1"])
def test_a_repository_is_named_as_registries_name_one(tmp_path, name):
    image = OLD.replace("/insurance@", f"/{name}@")

    assert config(tmp_path, image=image).repository == f"slipwayregistry.azurecr.io/{name}"


def test_an_address_range_is_kept_as_azure_writes_it(tmp_path):
    found = config(tmp_path, access={"addresses": ["2606:2800:0::/32", "131.107.0.0/24"]})

    assert found.access.addresses == ["2606:2800::/32", "131.107.0.0/24"]


@pytest.mark.parametrize(
    "text",
    [
        "port: !!timestamp 2024-13-45\n",
        "? [a]\n: b\n",
        "port: !!int x\n",
        "port: !!int ''\n",
        "port: !!bool x\n",
        "port: !!timestamp x\n",
        f"port: {'9' * 5000}\n",
        f"port: {'[' * 5000}\n",
        "port: \0\n",
    ],
    ids=["date", "list as key", "no int", "empty int", "no bool", "no time", "digits", "brackets", "nul"],
)
def test_a_value_that_the_reader_chokes_on_is_one_line(tmp_path, text):
    path = tmp_path / "azure.yaml"
    path.write_text(text)

    with pytest.raises(ConfigError, match=r"\A[^\n]*(cannot be read|is not valid YAML)[^\n]*\Z"):
        read(path)


def test_a_number_too_long_to_be_written_out_is_refused(tmp_path):
    path = written(tmp_path, port=1)
    path.write_text(path.read_text().replace("access:", f"start_limit_seconds: !!int 0x{'f' * 5000}\naccess:"))

    with pytest.raises(ConfigError, match=r"start_limit_seconds: found a huge number; expected") as refused:
        read(path)

    assert len(refused.value.problems) == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("access: public\naccess: {addresses: [131.107.0.0/24]}\n", "line 2: is not valid YAML: duplicate key 'access'"),
        ("- a\n", "holds no deployment; expected keys as in deploy/azure.yaml"),
        ("access: [\n", "is not valid YAML"),
        ("a: &a {port: 1}\nb:\n  <<: *a\n", "line 3: is not valid YAML: `<<` is not supported; write the values out"),
    ],
    ids=["a key twice", "a list", "broken", "a merge"],
)  # fmt: skip
def test_a_file_that_is_not_a_deployment_is_refused(tmp_path, text, says):
    path = tmp_path / "azure.yaml"
    path.write_text(text)

    with pytest.raises(ConfigError, match=says):
        read(path)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(
        ConfigError, match=r"cannot be read \(No such file or directory\); `slipway deploy init` makes one"
    ):
        read(tmp_path / "none.yaml")
