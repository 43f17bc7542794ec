"""The card's technical documentation: what is known, what the owner wrote, and what is marked as to be written."""

import re
from dataclasses import fields, replace

import pytest

from slipway import store
from slipway.errors import UseCaseError
from slipway.publish.card import card
from slipway.publish.technical import POINTS, TO_WRITE
from slipway.training import usecase
from slipway.training.usecase import CardSpec


def made(tag, language, **own):
    version = store.find(tag)
    schema = version.schema()
    schema = replace(schema, texts=replace(schema.texts, card={name: {"en": text} for name, text in own.items()}))
    return card(tag, schema, version.metrics(), version.figures(), version.leaderboard(), {"numpy": "1"}, language)


def item(text, name):
    """The line of an item, without the letter of its point."""
    lines = [re.sub(r"^- \*\*\([a-h]\) ", "- **", line) for line in text.splitlines()]
    return [line for line in lines if line.startswith(f"- **{name}**")][-1]


ANNEX = {
    1: {
        "a": ("Intended purpose", "Provider", "Version"),
        "b": ("Interaction with other systems",),
        "c": ("Software",),
        "d": ("Forms in which it is offered",),
        "e": ("Hardware",),
        "f": ("Part of a product",),
        "g": ("User interface",),
        "h": ("Instructions for use",),
    },
    2: {
        "a": ("Methods and steps",),
        "b": ("Design choices",),
        "c": ("Architecture and computation",),
        "d": ("Data",),
        "e": ("Human oversight",),
        "f": ("Pre-determined changes",),
        "g": ("Validation and testing",),
        "h": ("Cybersecurity",),
    },
    3: {
        "": (
            "Capabilities and limitations",
            "Expected accuracy",
            "Foreseeable unintended outcomes",
            "Human oversight and interpretation",
            "Input data",
        )
    },
    4: {"": ("Metrics",)},
    5: {"": ("Risk management system",)},
    6: {"": ("Changes",)},
    7: {"": ("Standards applied",)},
    8: {"": ("Copy of the declaration",)},
    9: {"": ("Plan",)},
}
"""What Annex IV of Regulation (EU) 2024/1689 asks for, by its points and letters."""


def test_each_point_and_letter_of_the_annex_is_there_in_the_order_of_the_law(insurance):
    part = store.find(insurance).cards()["en"].partition("## Technical documentation\n")[2]
    found: dict[int, dict[str, tuple[str, ...]]] = {}
    for line in part.splitlines():
        if heading := re.match(r"### (\d)\. ", line):
            point = found.setdefault(int(heading[1]), {})
        elif one := re.match(r"- \*\*(?:\(([a-h])\) )?([^*]+)\*\*: \S", line):
            letter = one[1] or ""
            point[letter] = (*point.get(letter, ()), one[2])

    assert found == ANNEX and [list(point) for point in found.values()] == [list(point) for point in ANNEX.values()]


def test_the_points_of_the_annex_are_there_in_their_order_and_language(insurance):
    served = store.find(insurance).cards()

    for language, heading in (("en", "Technical documentation"), ("zh", "技术文档")):
        part = served[language].partition(f"## {heading}\n")[2]
        assert [int(number) for number in re.findall(r"^### (\d)\. \S", part, re.M)] == list(range(1, 10))
        assert "2024/1689" in part and part.count("\n- **") == sum(map(len, POINTS.values()))
    assert item(served["en"], "Risk management system") == (
        "- **Risk management system**: *To be written by the owner: the risk management system (Article 9): which risks were "
        "found, and what is done about each.*"
    )
    assert served["zh"].count("待负责人填写：") == served["en"].count("To be written by the owner: ") == len(TO_WRITE)
    assert "nor legal advice" in served["en"] and "也不构成法律建议" in served["zh"]


def test_what_is_known_of_the_version_is_filled_in(insurance):
    version = store.find(insurance)
    text = version.cards()["en"]

    assert insurance in item(text, "Version") and version.metrics().data.sha256 in item(text, "Data")
    assert version.provenance().code.sha256 in item(text, "Software") or version.provenance().code.commit in item(
        text, "Software"
    )
    assert "936 to compare and choose, 402 held out" in item(text, "Data")
    assert "GradientBoostingRegressor" in item(text, "Methods and steps")
    assert "The inputs that count most: Smoker, " in item(text, "Design choices")
    assert re.search(r"Trying the candidates took \d+ s\.", item(text, "Architecture and computation"))


def test_what_the_owner_wrote_stands_there_and_cannot_be_markup(insurance):
    text = made(insurance, "en", purpose="Orders <b>claims</b> | *now*.", risks="None that we found.")

    assert item(text, "Intended purpose").startswith(
        "- **Intended purpose**: Orders &lt;b&gt;claims&lt;/b&gt; \\| \\*now\\*. "
    )
    assert "To be written" not in item(text, "Intended purpose")
    assert item(text, "Risk management system") == "- **Risk management system**: None that we found."
    assert "To be written" in item(text, "Standards applied")


def test_a_use_case_says_exactly_what_only_the_owner_can():
    assert {one.name for one in fields(CardSpec)} == set(TO_WRITE)


def test_an_unknown_part_is_refused_with_the_nearest(tmp_path):
    path = tmp_path / "case.yaml"
    path.write_text("name: a\ntarget: y\ncard: {purposes: x}\n", encoding="utf-8")

    with pytest.raises(UseCaseError, match="unknown key 'purposes' in `card`; did you mean 'purpose'?"):
        usecase.read(path)


def test_the_diabetes_demo_says_that_it_is_one_everywhere(diabetes):
    version = store.find(diabetes)
    texts, cards = version.schema().texts, version.cards()

    for language, demo, person in (
        ("en", "demonstration", "not a forecast for a person"),
        ("zh", "演示", "并非对个人的预测"),
    ):
        assert demo in texts.title[language]
        assert person in texts.summary[language] and person in texts.disclaimer[language]
        assert demo in cards[language].partition("\n")[0] and person in cards[language]
        assert not re.search("doctor|医生", "".join(band.text[language] for band in texts.bands))
    assert item(cards["en"], "Intended purpose").count("any other decision about a person") == 1
