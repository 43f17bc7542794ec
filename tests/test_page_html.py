"""The page's markup: made by templates, which escape what they are given, and by nothing else."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from slipway.page import charts
from slipway.page.html import macros

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "slipway" / "page"
MODULES = [ROOT / "gradio_app.py", *sorted(PAGE.rglob("*.py"))]
TEMPLATES = sorted(PAGE.rglob("*.html"))
TAG = re.compile(r"(?<!\?P)</?[a-z!]")
"""Names of groups in regular expressions look alike."""
READS_GRADIOS_DOCUMENT = PAGE / "_gradio.py"
"""It looks for Gradio's tags, and makes none."""


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def texts(tree: ast.Module) -> Iterator[str]:
    """All texts of a module but its docstrings."""
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.value


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_no_module_of_the_page_makes_markup(module):
    tree = ast.parse(module.read_text(encoding="utf-8"))
    nodes = list(ast.walk(tree))
    made = [part for node in nodes if isinstance(node, ast.JoinedStr) for part in texts(ast.Module([node], []))]
    called = [node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    imported = [node.module for node in nodes if isinstance(node, ast.ImportFrom)]

    assert [text for text in made if TAG.search(text)] == []
    assert module == READS_GRADIOS_DOCUMENT or [text for text in texts(tree) if TAG.search(text)] == []
    assert "Markup" not in called, "only templates say that a text is HTML"
    assert "html" not in imported, "the templates escape"


WITHOUT_A_VERSION = {PAGE / "late.py", PAGE / "login" / "views.py"}
"""What is shown before anything of a version may be."""


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_texts_are_read_from_the_context_alone(module):
    if module == PAGE / "context.py" or module in WITHOUT_A_VERSION:
        return
    tree = ast.parse(module.read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    found = {alias.name for node in imports if node.module == "slipway.i18n.catalogues" for alias in node.names}

    assert found <= {"FALLBACK", "ISOLATE", "languages", "preferred"}


@pytest.mark.parametrize("template", TEMPLATES, ids=name)
def test_every_macro_is_used_and_none_leaves_a_text_unescaped(template):
    source = template.read_text(encoding="utf-8")
    users = "".join(path.read_text(encoding="utf-8") for path in (*MODULES, *TEMPLATES))
    defined = re.findall(r"{%-? macro (\w+)", source)

    assert defined
    for macro in defined:
        uses = re.findall(rf"(?<!macro )\b{macro}\(", users)
        assert uses, f"nothing uses {macro}"
    assert "| safe" not in source or template.name in ("document.html", "login.html")


def test_a_text_with_tags_in_it_is_a_text():
    evil = '<img src=x onerror="alert(1)">'

    html = charts.tinted(evil, [(evil, evil)], [(evil, [(evil, 0.5)])])

    assert isinstance(html, Markup)
    assert "<img" not in html and html.count("&lt;img src=x onerror=&#34;alert(1)&#34;&gt;") == 7


def test_a_value_that_is_not_given_is_an_error():
    with pytest.raises(UndefinedError, match="summary"):
        macros("charts.html").histogram(charts._SIZE, [], [])


def test_breaks_between_tags_are_the_templates_and_not_the_pages():
    html = charts.lines([charts.Row("a\n b", ("1",), (0.5,))], ("", "", ""), "says", ("0", "1"))

    assert "a\n b" in html
    assert "\n" not in html.replace("a\n b", "") and "> <" not in html


def test_the_table_of_contents_names_modules_that_are_there():
    named = re.findall(r"slipway/page/[\w/.]+\w/?", (ROOT / "gradio_app.py").read_text(encoding="utf-8"))

    assert len(named) > 9
    assert [path for path in named if not (ROOT / path).exists()] == []
