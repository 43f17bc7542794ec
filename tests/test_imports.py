"""The order of the package's folders: imports go one way, and a server contains nothing that only training needs."""

import ast
import re
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
    "scoring",
    "service",
    "page",
    "publish",
    "cli",
)
"""Each may import from itself and from those before it."""
SERVING = ("errors", "tables", "schema", "i18n", "inference", "store", "scoring", "service", "page")
"""What a server has; of `tables` without what reads training data."""
TRAINING_ONLY = tuple(
    f"slipway.tables.{name}" for name in ("arrow", "columns", "file_notes", "readers", "reading", "sql", "typed_frame")
)

ADAPTERS = {
    "bentoml": "slipway/store/_bentoml.py",
    "gradio": "slipway/page/_gradio.py",
    "onnxruntime": "slipway/inference/_onnxruntime.py",
    "pycaret": "slipway/training/_pycaret.py",
    "sklearn": "slipway/training/_sklearn.py",
    "uvicorn": "slipway/service/_uvicorn.py",
}
"""The one module that may use what is private of a package; tests/test_adapters.py has the contract."""
PYCARET = ("classification", "regression", "__version__")
"""What PyCaret documents, of what it has; all else counts as private."""
UNDOCUMENTED = {"fns", "has_launched", "sleep_when_free", "theme_hash"}
"""Attributes without an underscore that Gradio documents nowhere."""
OWN_MATTERS = {"os._exit", "logging._srcfile"}
"""Documented, in spite of its name."""


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
    if f"slipway.{module.removesuffix('.py').replace('/', '.')}" in TRAINING_ONLY:
        return
    for name in inside(module):
        assert folder(name) in (*SERVING, "__version__"), f"{module} imports {name}, which no server has"
        assert not name.startswith(TRAINING_ONLY), f"{module} imports {name}, which no server has"


def test_the_package_shows_at_most_15_entries():
    assert len([path for path in PACKAGE.iterdir() if path.name != "__pycache__"]) <= 15


@pytest.mark.parametrize("module", modules())
def test_modules_and_functions_are_short(module):
    text = (PACKAGE / module).read_text(encoding="utf-8")
    functions = [
        node for node in ast.walk(ast.parse(text)) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]

    assert text.count("\n") <= 400
    assert [node.name for node in functions if node.end_lineno - node.lineno >= 60] == []


def sources() -> list[str]:
    """All that is not a test: the package, the three files above it, and the tools beside it."""
    beside = [path for folder in ("deploy", "bench", "scripts") for path in (ROOT / folder).rglob("*.py")]
    paths = [*PACKAGE.rglob("*.py"), *ROOT.glob("*.py"), *beside]
    return sorted(path.relative_to(ROOT).as_posix() for path in paths)


def private(dotted: str) -> bool:
    """Whether a dotted name has a part that its package keeps for itself."""
    package, *rest = dotted.split(".")
    hidden = any(part.startswith("_") and not part.endswith("__") for part in (package, *rest))
    if package == "uvicorn" and rest[:1] == ["protocols"]:
        return True
    return hidden or (package == "pycaret" and bool(rest) and rest[0] not in PYCARET)


def private_uses(text: str) -> Iterator[str]:
    """Private modules and names that a module imports or names, and private attributes of any object but its own."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if private(name.name))
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{name.name}" for name in node.names]
            yield from (name for name in names if private(name))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            # A path such as import_module() takes; a sentence has blanks.
            if re.fullmatch(r"_?(pycaret|bentoml|gradio|sklearn)\w*(\.\w+)+", node.value) and private(node.value):
                yield node.value
        elif isinstance(node, ast.Attribute):
            if _is_private_attribute(node.attr) and ast.unparse(node.value) not in ("self", "cls"):
                yield ast.unparse(node)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("getattr", "setattr", "hasattr"):
            name = node.args[1]
            if isinstance(name, ast.Constant) and _is_private_attribute(str(name.value)):
                yield ast.unparse(node)


def _is_private_attribute(name: str) -> bool:
    return (name.startswith("_") and not name.endswith("__")) or name in UNDOCUMENTED


@pytest.mark.parametrize("source", sources())
def test_what_is_private_of_other_packages_is_used_in_its_adapter(source):
    own = {f"slipway.{adapter[len('slipway/') : -len('.py')].replace('/', '.')}" for adapter in ADAPTERS.values()}

    found = {use for use in private_uses((ROOT / source).read_text(encoding="utf-8")) if use not in OWN_MATTERS}
    found = {use for use in found if not any(use == name or use.startswith(f"{name}.") for name in own)}

    if source not in ADAPTERS.values():
        assert not found, f"{source} uses {', '.join(sorted(found))}: see the adapters, {', '.join(ADAPTERS.values())}"
    for use in found:
        package = re.match(r"_?(bentoml|gradio|onnxruntime|pycaret|sklearn|uvicorn)", use)
        assert not package or ADAPTERS[package[1]] == source, f"{source} uses {use}, which belongs into another adapter"


@pytest.mark.parametrize(
    "line",
    [
        "import bentoml._internal.models",
        "from uvicorn.protocols.http import auto",
        "from bentoml._internal.models import ModelStore",
        "from _bentoml_impl.server import app",
        "import_module('_bentoml_impl.server.app')",
        "from pycaret.internal.pipeline import Pipeline",
        "from pycaret.containers.metrics import classification",
        "name = 'pycaret.internal.tunable.TunableMLPRegressor'",
        "from sklearn.calibration import _SigmoidCalibration",
        "page._queue.sleep_when_free = 1",
        "page.has_launched = True",
        "getattr(experiment, '_setup_ran', False)",
        "self.experiment._fxs['Text']",
    ],
)
def test_a_private_use_is_seen(line):
    assert list(private_uses(line))


@pytest.mark.parametrize(
    "line",
    [
        "import bentoml.models",
        "from pycaret import __version__",
        "from pycaret.regression import RegressionExperiment",
        "self._queue = 1",
        "text = 'bentoml._internal has a model store'",
        "kind.__module__",
    ],
)
def test_what_is_public_is_let_through(line):
    assert not list(private_uses(line))
