"""How `make docs` builds the site: of README, docs/ and the docstrings, which are read without importing the package.

The source is the whole repository, so that a link in a page is right here and where the repository is shown.
"""

from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent

project = "Slipway"
root_doc = "docs/index"
extensions = ["myst_parser", "sphinx.ext.napoleon", "autoapi.extension"]
include_patterns = [
    "README.md",
    "README.zh-CN.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "docs/**",
    "autoapi/**",
    "bench/results/*.md",
]
exclude_patterns = [".*", "build", "site", "tests"]
html_theme = "furo"
html_title = "Slipway"

# A heading can be linked to as where the repository is shown.
myst_heading_anchors = 4
# The first line of README.zh-CN.md and of the records is a title of its own; `console` sessions have shortened answers.
# Docstrings are Markdown as often as reStructuredText; a page's own faults have other names and count.
suppress_warnings = [
    "misc.highlighting_failure",
    "myst.header",
    "docutils",
    "ref.python",
    "autoapi.python_import_resolution",
]

autoapi_dirs = [str(ROOT / "slipway")]
autoapi_add_toctree_entry = False
autoapi_options = ["members", "show-inheritance", "show-module-summary"]
autoapi_python_class_content = "both"
napoleon_google_docstring = False


def setup(app: Any) -> None:
    app.connect("html-page-context", _open_one_branch, priority=400)  # before the theme asks for the tree


def _open_one_branch(app: Any, name: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Beside a page, the tree is open where the page is; whole in each of 300 pages it took most of the build's time."""
    whole = context.get("toctree")
    if whole:
        context["toctree"] = lambda **options: whole(**options | {"collapse": True})
