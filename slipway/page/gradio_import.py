"""Gradio is imported without writing the stubs of its components, which is 2 of every 5 seconds that its import takes.

For each component, Gradio parses the component's source and renders a `.pyi` file beside it, every time and whether or
not that file is there; it has no setting for that. Only editors read these files. Seen in Gradio 6.31; what is relied
on has a test in tests/test_adapters.py. This is not in `_gradio.py`, which imports Gradio.
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType

MODULE, WRITES = "gradio.component_meta", "create_or_modify_pyi"


class _Finder(MetaPathFinder):
    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != MODULE:
            return None
        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(name, path, target)
        if spec and spec.origin and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(name, spec.origin)
        return spec


class _Loader(SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        setattr(module, WRITES, _write_nothing)


def _write_nothing(*_: object) -> None:
    pass


def without_stubs() -> None:
    """Have Gradio, if it is imported after this, write no stubs."""
    if MODULE not in sys.modules:
        sys.meta_path.insert(0, _Finder())
