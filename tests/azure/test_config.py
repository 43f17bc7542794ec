"""The YAML file of a deployment: each mistake is named, all of them at once."""

import pytest

from deploy.config import SKUS, ConfigError, read
from tests.azure.conftest import ADDRESSES, ENTRA, OLD, config, written
from tests.conftest import ROOT


def test_the_shipped_example_can_be_read():
    found = read(ROOT / "deploy" / "azure.yaml")

    assert (found.app, found.sku, found.slot, found.port, found.health_path) == (
        *("slipway-insurance", "P0V3", "staging", 3000, "/readyz"),
    )
    assert found.start_limit_seconds == 600 and found.access.addresses == ["203.0.113.0/24"]


def test_an_image_has_a_digest_and_a_repository(tmp_path):
    found = config(tmp_path)

    assert (found.repository, found.digest) == tuple(OLD.split("@"))


GUID = "expected 36 characters such as 00000000-0000-0000-0000-000000000000, in lower case"
IMAGE = "expected NAME.azurecr.io/REPOSITORY@sha256:<64 hexadecimal digits>; a tag may change under a running app: use the digest that `make push` printed"
ACCESS = "expected public, or {addresses: [CIDR, …]}, or {entra: {tenant: …, client_id: …}}"


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"access": None}, f"access: is missing; {ACCESS}: who may reach the app is never left to a default"),
        ({"access": "open"}, f"access: found 'open'; {ACCESS}"),
        ({"access": ADDRESSES | ENTRA}, f"access: found {str(ADDRESSES | ENTRA)[:79]}…; {ACCESS}"),
        ({"access": {"addresses": []}}, "access.addresses: found []; expected at least one CIDR range"),
        (
            {"access": {"addresses": ["203.0.113.7"]}},
            "access.addresses.0: found '203.0.113.7'; expected a CIDR range; write 203.0.113.7/32 for this one address",
        ),
        (
            {"access": {"addresses": ["0.0.0.0/0"]}},
            "access.addresses.0: found '0.0.0.0/0'; that is every address; write `access: public` if it is meant",
        ),
        (
            {"access": {"addresses": ["203.0.113.7/24"]}},
            "access.addresses.0: found '203.0.113.7/24'; expected a CIDR range such as 203.0.113.0/24, or 203.0.113.7/32 for one address",
        ),
        (
            {"access": {"entra": ENTRA["entra"] | {"tenant": "contoso"}}},
            f"access.entra.tenant: found 'contoso'; {GUID}; `az account show --query tenantId` prints it",
        ),
        (
            {"access": {"entra": ENTRA["entra"] | {"client_secret": "x"}}},
            "access.entra.client_secret: is no known field; did you mean 'client_id'?",
        ),
        ({"image": "slipwayregistry.azurecr.io/insurance:latest"}, f"image: found 'slipwayregistry.azurecr.io/insurance:latest'; {IMAGE}"),
        ({"image": "slipwayregistry.azurecr.io/insurance"}, f"image: found 'slipwayregistry.azurecr.io/insurance'; {IMAGE}"),
        (
            {"registry": "otherregistry"},
            f"image: found '{OLD[:78]}…; expected an image in the registry 'otherregistry', otherregistry.azurecr.io/…",
        ),
        ({"registry": "a-b"}, "registry: found 'a-b'; expected 5 to 50 lower-case letters and digits, without '.azurecr.io'"),
        ({"sku": "B1"}, "sku: found 'B1'; this plan has no deployment slots; expected P0V3, the smallest that has, or larger"),
        ({"sku": "P0V9"}, f"sku: found 'P0V9'; expected one of {', '.join(SKUS)}; did you mean 'P0V4'?"),
        ({"app": "-x"}, "app: found '-x'; expected 2 to 60 lower-case letters, digits and '-', with no '-' at the ends"),
        ({"slot": "production"}, "slot: found 'production'; expected up to 19 lower-case letters, digits and '-', other than production"),
        ({"location": "West Europe"}, "location: found 'West Europe'; expected a region as `az account list-locations` names it, such as westeurope"),
        ({"subscription": "mine"}, f"subscription: found 'mine'; {GUID}; `az account show --query id` prints it"),
        ({"port": "3000"}, "port: found '3000'; expected a whole number"),
        ({"port": 0}, "port: found 0; expected at least 1"),
        ({"health_path": "readyz"}, "health_path: found 'readyz'; expected a path such as /readyz"),
        ({"start_limit_seconds": 1801}, "start_limit_seconds: found 1801; expected at most 1800"),
        ({"start_limit_seconds": 9}, "start_limit_seconds: found 9; expected at least 10"),
        ({"resource_group": None}, "resource_group: is missing; expected a value as in deploy/azure.yaml"),
        ({"acess": "public"}, "acess: is no known field; did you mean 'access'?"),
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
        *("app", "sku", "port", "access.addresses.0", "access.addresses.1"),
    ]


def test_a_registry_whose_host_has_a_hash_is_taken(tmp_path):
    image = OLD.replace("slipwayregistry.", "slipwayregistry-b3d9c0aa.")

    assert config(tmp_path, image=image).image == image


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("access: public\naccess: {addresses: [203.0.113.0/24]}\n", "line 2: is no valid YAML: the key 'access' is there twice"),
        ("- a\n", "holds no deployment; expected keys as in deploy/azure.yaml"),
        ("access: [\n", "is no valid YAML"),
    ],
    ids=["a key twice", "a list", "broken"],
)  # fmt: skip
def test_a_file_that_is_no_deployment_is_refused(tmp_path, text, says):
    path = tmp_path / "azure.yaml"
    path.write_text(text)

    with pytest.raises(ConfigError, match=says):
        read(path)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"cannot be read \(No such file or directory\); copy deploy/azure\.yaml"):
        read(tmp_path / "none.yaml")
