"""An operator's settings: each is read, checked and described; nothing that looks like one is ignored."""

from dataclasses import fields

import pytest

from scripts import settings_reference
from slipway.errors import SlipwayError
from slipway.service.settings import Settings, read_settings, variable


def test_nothing_set_gives_the_defaults():
    assert read_settings({"PATH": "/bin"}) == Settings()


def test_a_variable_sets_the_field_of_its_name():
    assert read_settings({"SLIPWAY_MAX_ROWS": "7", "SLIPWAY_WORKERS": "03"}) == Settings(max_rows=7, workers=3)


@pytest.mark.parametrize("text", ["0", "-1", "2.5", "ten", "", " 3", "²", "9" * 5000], ids=lambda text: repr(text[:5]))
def test_what_is_no_whole_number_is_refused_in_words(text):
    with pytest.raises(SlipwayError, match="SLIPWAY_MAX_ROWS is .* expected a whole number of at least 1") as caught:
        read_settings({"SLIPWAY_MAX_ROWS": text})
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("path", ["", "/", "/app/insurance", "/app/insurance/", "/a.b/~c/d_e-1"])
def test_a_plain_path_is_taken(path):
    assert read_settings({"SLIPWAY_ROOT_PATH": path}).root_path == path.rstrip("/")


@pytest.mark.parametrize(
    "path",
    ["app", "//evil.example", "/a//b", "/../a", "/a/..", "/a/.", "/a b", "/a?b", "/a#b", "/é", "http://a/b", "/a%2fb"],
)
def test_any_other_path_is_refused_in_one_line(path):
    with pytest.raises(SlipwayError, match="SLIPWAY_ROOT_PATH is .*; expected a path such as /app/insurance, or leave"):
        read_settings({"SLIPWAY_ROOT_PATH": path})


@pytest.mark.parametrize(
    ("name", "near"), [("SLIPWAY_MAX_ROW", "did you mean SLIPWAY_MAX_ROWS?"), ("SLIPWAY_XYZZY", "lists all of them")]
)
def test_a_setting_that_does_not_exist_is_named_with_the_nearest(name, near):
    with pytest.raises(SlipwayError, match=f"{name} is no setting of Slipway") as caught:
        read_settings({name: "1"})
    assert near in str(caught.value)


@pytest.mark.parametrize(
    "name",
    "SLIPWAY_PORT SLIPWAY_PORT_3000_TCP_ADDR SLIPWAY_SERVICE_HOST SLIPWAY_INSURANCE_SERVICE_PORT_HTTP "
    "SLIPWAY_SUPERVISOR SLIPWAY_HELPER SLIPWAY_PREVIOUS SLIPWAY_REQUIRE_BROWSER SLIPWAY_BASE_IMAGE SLIPWAY_COSIGN_KEY".split(),
)
def test_what_others_put_into_the_environment_is_no_setting(name):
    assert read_settings({name: "tcp://10.0.0.1:3000"}) == Settings()


def test_the_documentation_lists_all_settings():
    text = settings_reference.PAGE.read_text(encoding="utf-8")

    assert settings_reference.with_settings(text) == text, "run `python scripts/settings_reference.py`"
    for item in fields(Settings):
        assert text.count(f"| `{variable(item)}` |") == 1
