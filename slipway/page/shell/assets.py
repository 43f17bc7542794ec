"""The files of Gradio's front end, served from memory, and which of them a page is going to need.

Gradio compresses a file anew for every request, lets browsers ask for it on every visit, and names the next
files only when the last ones have run: four rounds of requests before anything is to be seen. Here a file is
compressed once and kept by browsers for good, since its name holds the hash of its content; and `needed` finds
what those rounds would ask for, so that the document can name all of it at once.
"""

import gzip
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import gradio as gr
from starlette.datastructures import Headers
from starlette.responses import Response

FOLDER = Path(gr.__file__).parent / "templates" / "frontend"
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
FOR_GOOD = "public, max-age=31536000, immutable"


def response(path: str, headers: Headers) -> Response | None:
    """The response to `GET assets/<name>`; None if there is no such file, or none that a page loads."""
    file = _files().get(path.removeprefix("assets/")) if path.startswith("assets/") else None
    if file is None:
        return None
    found = {"Cache-Control": FOR_GOOD, "Vary": "Accept-Encoding"}
    if zipped := "gzip" in headers.get("accept-encoding", ""):
        found["Content-Encoding"] = "gzip"
    return Response(_content(file, zipped), headers=found, media_type=TYPES[file.suffix])


@cache
def _files() -> dict[str, Path]:
    return {file.name: file for file in (FOLDER / "assets").iterdir() if file.suffix in TYPES}


@cache
def others() -> frozenset[str]:
    """Paths of the files beside `assets/` that Gradio serves by itself; for any other name it may ask the file system."""
    folders = {"static/": FOLDER / "static", "svelte/": FOLDER / "assets" / "svelte"}
    return frozenset(
        start + file.relative_to(folder).as_posix()
        for start, folder in folders.items()
        for file in folder.rglob("*")
        if file.is_file()
    )


@cache
def _content(file: Path, zipped: bool) -> bytes:
    content = file.read_bytes()
    return gzip.compress(content, mtime=0) if zipped else content


def needed(kinds: Iterable[str]) -> list[str]:
    """Names of the scripts and styles that a page with components of these kinds loads, entry first.

    Read off Gradio's own lists, which its bundler writes for the same purpose a round later; empty
    where a release of Gradio writes them otherwise: the page then merely opens later.
    """
    entry = re.search(r'src="\./assets/([^"]+\.js)"', (FOLDER / "index.html").read_text(encoding="utf-8"))
    if not entry:
        return []
    first = _lists(entry[1])
    names = [name for names in first.values() for name in names]
    imported = {chunk: names for name in names if name.endswith(".js") for chunk, names in _lists(name).items()}
    wanted = [chunk for chunk in imported if chunk.startswith("Blocks-")]
    for name in names:
        wanted += [chunk for kind, chunk in _components(name).items() if kind in kinds]
    return list(dict.fromkeys([entry[1], *names, *(name for chunk in wanted for name in imported[chunk])]))


_IMPORT = r"import\(`\./(?P<chunk>[^`]+)`\)[^\[]{0,60}__vite__mapDeps\(\[(?P<places>[\d,]*)\]"


def _text(name: str) -> str:
    return (FOLDER / "assets" / name).read_text(encoding="utf-8") if name.endswith(".js") else ""


def _lists(name: str) -> dict[str, list[str]]:
    """Each script that a script imports later → the files that go with it, itself among them."""
    text = _text(name)
    head = re.search(r"m\.f=\[([^\]]*)\]", text)
    files = re.findall(r'"\./([^"]+)"', head[1]) if head else []
    return {
        found["chunk"]: [files[int(place)] for place in found["places"].split(",") if place]
        for found in re.finditer(_IMPORT, text)
    }


def _components(name: str) -> dict[str, str]:
    """Each kind of component → the script that draws it, if this script is the one that knows."""
    return {
        found[1]: found["chunk"]
        for found in re.finditer(
            r"(?<=[{,])(\w+):\{(?:(?!component:)[^{}])*component:\(\)=>\w+\(\(\)=>" + _IMPORT, _text(name)
        )
    }
