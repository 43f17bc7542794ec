"""All that Slipway takes from Gradio without its documentation promising it. Seen in Gradio 6.31.

Gradio has no private modules to speak of, but much that is nobody's to use: the queue and the events of a page, the
document around it, and the files that its bundler made. Each function says why there is no public way. What it
relies on has a test in tests/test_adapters.py, which says what an upgrade has changed. What scripts and styles of ours
rely on in a browser (`window.gradio_config`, class names) is tested there, by the tests of the page.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import gradio as gr

FRONTEND = Path(gr.__file__).parent / "templates" / "frontend"
"""What Gradio's bundler made: `index.html`, `assets/` with the hash of each file in its name, `static/`."""
_IDLE_SECONDS = 3600.0
_OTHERS = re.compile(r'\s*<meta\s+(?:property="og:|name="twitter:)[^>]*>')
_ROOT = re.compile(r'"root": ?"([^"]*)"')
_ON_LOAD = "element, trigger, props, server, upload, watch"
_MANIFEST = re.compile(r'\s*<link rel="manifest" href="/[^>]*>')
_RESIZER = "document.head.appendChild(script);"
"""Loads iframe-resizer, with which a page around ours gives its frame the page's height."""


def stop_polling(page: gr.Blocks) -> None:
    """Let the page's queue, in which nothing is ever put, sleep; it looks a thousand times a second, day and night.

    `Blocks.queue()` has no setting for it, and a page without a queue is none that Gradio makes.
    """
    page._queue.sleep_when_free = page._queue.progress_update_sleep_when_free = _IDLE_SECONDS


def check_files(page: gr.Blocks) -> None:
    """Have Gradio check which files an event may touch: it does so only for pages that it launched itself."""
    page.has_launched = True


def drop_descriptions(page: gr.Blocks) -> None:
    """Leave out what the page's document says of each component for Gradio's own description of its API.

    That lists the choices of every list three times, and cannot be reached behind the guard. A page that describes no
    API (`api_visibility`) has it all the same.
    """
    for component in page.config["components"]:
        for key in ("api_info", "api_info_as_input", "api_info_as_output"):
            component.pop(key, None)


def name_functions(page: gr.Blocks) -> dict[str, str]:
    """Put names in place of the functions that a page runs in the browser: name → the function, in JavaScript.

    Gradio's script would make them of their texts, which a browser allows only to pages whose policy has `unsafe-eval`;
    no event or component can be given a function. What it makes of the names is in shell/functions.js.
    """
    known = {}

    def named(source: str, function: str) -> str:
        name = f"slipway_{hashlib.sha256(source.encode()).hexdigest()[:12]}"
        known[name] = function
        return name

    for event in page.config["dependencies"]:
        if isinstance(event["js"], str):
            event["js"] = named(event["js"], event["js"])
    for component in page.config["components"]:
        if source := component["props"].get("js_on_load"):
            component["props"]["js_on_load"] = named(source, f"function ({_ON_LOAD}) {{\n{source}\n}}")
    return known


def ask_after(page: gr.Blocks, first: Any, then: Any) -> None:
    """Have an event be asked for whenever another one was answered, besides at its own triggers.

    `first.then` makes an event of its own, and of two that write the same panels an older answer could come last.
    """
    page.fns[then["id"]].trigger_after = first["id"]


def accepts(page: gr.Blocks, event: Any, values: Sequence[Any]) -> bool:
    """Whether the page has an event of this number that runs here and takes so many values, each one that its input takes.

    Gradio would look at this itself only after it had stored or fetched files for it.

    Raises
    ------
    Exception
        Whatever Gradio's components raise for values that are not theirs.
    """
    function = page.fns[event]
    # An event without a function is answered in the browser.
    if function.fn is None or len(values) != len(function.inputs):
        return False
    for component, value in zip(function.inputs, values, strict=True):
        component.preprocess(value)
    return True


def parts(page: gr.Blocks) -> list[Any]:
    """What two builds of a page have in common if the events of one fit the other: components, events and layout."""
    config: dict[str, Any] = page.config
    components = [(component["id"], component["type"]) for component in config["components"]]
    return [components, config["dependencies"], config["layout"]]


def kinds_shown(page: gr.Blocks) -> set[str]:
    """The kinds of components that are to be seen when the page opens."""
    return {one["type"] for one in page.config["components"] if one["props"].get("visible") is not False}


def theme_address(page: gr.Blocks) -> str:
    """The style sheet of the mounted page's theme, as its document asks for it."""
    return f"theme.css?v={page.theme_hash}"


def with_head(html: str, language: str, head: str) -> str:
    """Gradio's document in the given language, with our lines in place of its title and link preview, and relative.

    `gr.Blocks(head=…)` adds lines, but neither takes Gradio's own away nor changes the language. Everything up to the
    first script is Gradio's template and holds no text of ours that could look like a tag.
    """
    top, script, rest = html.partition("<script>")
    top = _OTHERS.sub("", top).replace('lang="en"', f'lang="{language}"', 1)
    top = re.sub(r"(<base [^>]*>)", lambda found: found[1] + head, top, count=1)
    if root := _ROOT.search(rest):
        # Gradio's script and its own line in the document resolve "." against the document's address.
        rest = rest.replace(f'"{root[1]}"', '"."')
    rest = rest.replace(_RESIZER, f"if (window.parent !== window) {_RESIZER}", 1)
    return top + script + _MANIFEST.sub("", rest, count=1)


@cache
def assets() -> dict[str, Path]:
    """The files of the front end whose names hold the hash of their content, by name."""
    return {file.name: file for file in (FRONTEND / "assets").iterdir() if file.is_file()}


@cache
def other_paths() -> frozenset[str]:
    """Paths of the files beside `assets/` that Gradio serves by itself; for any other name it may ask the file system."""
    folders = {"static/": FRONTEND / "static", "svelte/": FRONTEND / "assets" / "svelte"}
    return frozenset(
        start + file.relative_to(folder).as_posix()
        for start, folder in folders.items()
        for file in folder.rglob("*")
        if file.is_file()
    )


def needed(kinds: Iterable[str]) -> list[str]:
    """Names of the scripts and styles that a page with components of these kinds loads, entry first.

    Read off Gradio's own lists, which its bundler writes for the same purpose a round later; empty
    where a release of Gradio writes them otherwise: the page then merely opens later.
    """
    entry = re.search(r'src="\./assets/([^"]+\.js)"', (FRONTEND / "index.html").read_text(encoding="utf-8"))
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
    return (FRONTEND / "assets" / name).read_text(encoding="utf-8") if name.endswith(".js") else ""


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
