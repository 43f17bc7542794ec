"""`make push` and the names of images, as far as no engine is needed; the rest is in tests/image."""

import re

import pytest

from deploy.image import name_of, tag_of
from deploy.push import reason
from slipway.cli.deploy.config import REPOSITORY


@pytest.mark.parametrize(
    ("said", "registry", "expected"),
    [
        ("unauthorized: authentication required", "a.azurecr.io", "az acr login --name a`; it needs the role AcrPush"),
        ("no basic auth credentials", "slipway-b3d9c0aa.azurecr.io", "az acr login --name slipway`"),
        ("unauthorized", "ghcr.io", "docker login ghcr.io"),
        ("dial tcp: lookup x.azurecr.io: no such host", "x.azurecr.io", "no registry x.azurecr.io, or its name cannot"),
        ("dial tcp: lookup x on 10.0.0.1:53: read udp: i/o timeout", "x.azurecr.io", "does not answer"),
        ("abc: Waiting\nname unknown: The repository does not exist", "r.example", "(docker says: name unknown: The"),
        ("denied: client with IP 1.2.3.4 is not allowed access", "a.azurecr.io", "says: denied: client with IP"),
    ],
)
def test_what_an_engine_says_becomes_one_line_that_keeps_its_words(said, registry, expected):
    found = reason(said, registry, "docker")

    assert expected in found and "\n" not in found and found.endswith(f"(docker says: {said.splitlines()[-1]})")


def test_a_refusal_that_is_no_missing_login_is_not_called_one():
    assert "refused the login" not in reason("denied: quota exceeded", "a.azurecr.io", "docker")


@pytest.mark.parametrize(
    ("revision", "tag"), [("22f7baa3c01d9b5e", "v1-22f7baa3c01d"), ("22f7baa3c01d9b5e-dirty", "v1-22f7baa3c01d-dirty"), ("unknown", "v1-unknown")]
)  # fmt: skip
def test_a_tag_is_the_models_version_and_the_codes_commit(revision, tag):
    assert tag_of("v1", revision) == tag


@pytest.mark.parametrize("model", ["insurance", "my.model_v2:abc", "a..b", "A-b"])
def test_every_model_has_a_name_that_registries_take(model):
    assert re.fullmatch(REPOSITORY, name_of(model))


@pytest.mark.parametrize("name", ["a..b", "a//b", "-a", "a-", "A", "a___b", ""])
def test_a_repository_that_no_registry_takes_is_no_repository(name):
    assert not re.fullmatch(REPOSITORY, name)
