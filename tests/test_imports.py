"""The order of the package's folders: imports go one way, and a server contains nothing that only training needs."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "slipway"
ORDER = (
    "errors",
    "tables",
    "schema",
    "i18n",
    "inference",
    "training",
    "compile",
    "store",
    "service",
    "page",
    "publish",
)
"""Each may import from itself and from those before it."""
SERVING = ("errors", "tables", "schema", "i18n", "inference", "store", "service", "page")
"""What a server has; of `tables` without what reads training data."""
TRAINING_ONLY = ("slipway.tables.readers", "slipway.tables.reading")


def modules() -> list[str]:
    return sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))


def imported(module: str) -> Iterator[str]:
    """The dotted names that a module imports, wherever in it."""
    for node in ast.walk(ast.parse((PACKAGE / module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert not node.level, f"{module} imports relatively"
            yield from (f"{node.module}.{name.name}" for name in node.names)


def folder(dotted: str) -> str:
    return dotted.split(".")[1]


def inside(module: str) -> list[str]:
    return [name for name in imported(module) if name.startswith("slipway.")]


def test_every_folder_has_its_place():
    found = {module.partition("/")[0].removesuffix(".py") for module in modules()} - {"__init__"}

    assert found == set(ORDER)


@pytest.mark.parametrize("module", modules())
def test_imports_point_one_way(module):
    own = module.partition("/")[0].removesuffix(".py")
    if own == "__init__":
        return  # `slipway.save` is looked up when it is asked for
    for name in inside(module):
        if folder(name) in ORDER:
            assert ORDER.index(folder(name)) <= ORDER.index(own), f"{module} imports {name}, which is above it"


@pytest.mark.parametrize(
    "module", [name for name in modules() if name.partition("/")[0].removesuffix(".py") in SERVING]
)
def test_what_serves_does_not_import_what_trains(module):
    if module in ("tables/readers.py", "tables/reading.py"):
        return
    for name in inside(module):
        assert folder(name) in (*SERVING, "__version__"), f"{module} imports {name}, which no server has"
        assert not name.startswith(TRAINING_ONLY), f"{module} imports {name}, which no server has"
