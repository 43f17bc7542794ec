"""The YAML file of a deployment: each mistake is named, all of them at once."""

import pytest

from slipway.cli.deploy.config import SKUS, ConfigError, read
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


CIDR = "expected a CIDR range such as 203.0.113.0/24, or 203.0.113.7/32 for one address"


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
            "access.entra.client_secret: is not a known field; did you mean 'client_id'?",
        ),
        ({"image": "slipwayregistry.azurecr.io/insurance:latest"}, f"image: found 'slipwayregistry.azurecr.io/insurance:latest'; {IMAGE}"),
        *[
            ({"access": {"addresses": [text]}}, f"access.addresses.0: found {text!r}; {CIDR}")
            for text in ("fe80::%eth0/64", "203.0.113.0/0.0.0.255", "203.0.113.0/255.255.255.0", "203.0.113.0/33")
        ],
        (
            {"access": {"addresses": ["2001:DB8::/32", "2001:db8:0::/32"]}},
            "access.addresses: found ['2001:DB8::/32', '2001:db8:0::/32']; 2001:db8::/32 appears twice; expected each range once",
        ),
        *[
            (
                {"access": {"addresses": halves}},
                f"access.addresses: found {halves}; together that is every address; write `access: public` if it is meant",
            )
            for halves in (["0.0.0.0/1", "128.0.0.0/1"], ["203.0.113.0/24", "::/1", "8000::/1"])
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
        ({"sku": "B1"}, "sku: found 'B1'; this plan has no deployment slots; expected P0V3, the smallest of current hardware, or larger"),
        ({"sku": "P0V9"}, f"sku: found 'P0V9'; expected one of {', '.join(SKUS)}; did you mean 'P0V4'?"),
        ({"app": "-x"}, "app: found '-x'; expected 2 to 60 lower-case letters, digits and '-', with no '-' at the ends"),
        ({"slot": "production"}, "slot: found 'production'; expected up to 19 lower-case letters, digits and '-', other than production"),
        ({"location": "West Europe"}, "location: found 'West Europe'; expected a region as `az account list-locations` names it, such as westeurope"),
        ({"subscription": "mine"}, f"subscription: found 'mine'; {GUID}; `az account show --query id` prints it"),
        ({"port": "3000"}, "port: found '3000'; expected a whole number"),
        ({"port": 0}, "port: found 0; expected at least 1"),
        ({"health_path": "readyz"}, "health_path: found 'readyz'; expected /readyz or /livez"),
        ({"start_limit_seconds": 1801}, "start_limit_seconds: found 1801; expected at most 1800"),
        ({"start_limit_seconds": 9}, "start_limit_seconds: found 9; expected at least 10"),
        ({"resource_group": None}, "resource_group: is missing; expected a value as in deploy/azure.yaml"),
        ({"acess": "public"}, "acess: is not a known field; did you mean 'access'?"),
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


@pytest.mark.parametrize("name", ["a", "a/b", "a.b_c__d---e/f1"])
def test_a_repository_is_named_as_registries_name_one(tmp_path, name):
    image = OLD.replace("/insurance@", f"/{name}@")

    assert config(tmp_path, image=image).repository == f"slipwayregistry.azurecr.io/{name}"


def test_an_address_range_is_kept_as_azure_writes_it(tmp_path):
    found = config(tmp_path, access={"addresses": ["2001:0DB8:0::/32", "203.0.113.0/24"]})

    assert found.access.addresses == ["2001:db8::/32", "203.0.113.0/24"]


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
        ("access: public\naccess: {addresses: [203.0.113.0/24]}\n", "line 2: is not valid YAML: duplicate key 'access'"),
        ("- a\n", "holds no deployment; expected keys as in deploy/azure.yaml"),
        ("access: [\n", "is not valid YAML"),
        ("a: &a {port: 1}\nb:\n  <<: *a\n", "line 3: is not valid YAML: `<<` is not supported; write the values out"),
    ],
    ids=["a key twice", "a list", "broken", "a merge"],
)  # fmt: skip
def test_a_file_that_is_no_deployment_is_refused(tmp_path, text, says):
    path = tmp_path / "azure.yaml"
    path.write_text(text)

    with pytest.raises(ConfigError, match=says):
        read(path)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"cannot be read \(No such file or directory\); copy deploy/azure\.yaml"):
        read(tmp_path / "none.yaml")
