"""Where figures were taken: the machine, the versions and the commit. Neither names nor paths of the machine."""

import importlib.metadata
import os
import platform
import re
import subprocess
from pathlib import Path

import psutil

PACKAGES = (
    "bentoml gradio fastapi starlette uvicorn uvloop httptools pydantic orjson onnxruntime numpy pandas "
    "scikit-learn pycaret-core"
).split()


def cpu() -> str:
    """The processor's own name."""
    info = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*: (.+)$", info.read_text(), re.M) if info.exists() else None
    return found[1].strip() if found else platform.processor() or platform.machine()


def slug(text: str) -> str:
    """`text` as part of a file name."""
    return re.sub(r"[^a-z0-9]+", "-", re.sub(r"\((r|tm)\)", "", text.lower())).strip("-")


def machine() -> dict[str, str]:
    """Processor, cores, memory, kernel, Python."""
    return {
        "cpu": cpu(),
        "cores": str(os.cpu_count()),
        "memory": f"{psutil.virtual_memory().total / 1e9:.1f} GB",
        "system": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def versions() -> dict[str, str]:
    """The packages that matter, as far as they are installed."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def commit(but: Path | None = None) -> str:
    """The commit that was measured, with a plus if files differ from it; `but` is one that may, since it is being written."""

    def git(*arguments: str) -> str:
        return subprocess.run(  # noqa: S603 (fixed commands)
            ["git", *arguments],  # noqa: S607 (the git of whoever works here)
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
        ).stdout.strip()

    others = [f":(exclude){but}"] if but else []
    changed = git("status", "--porcelain", "--untracked-files=no", "--", ":/", *others)
    return git("rev-parse", "--short", "HEAD") + ("+" if changed else "")
