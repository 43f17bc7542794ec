"""What a cell looks like, for telling separators and headers: a rough look, decided without its column.

What a cell means is decided later, on the whole column.
"""

import re

_NUMBER = re.compile(
    r"\(?[+\-\u2212]?\s?[$€£¥₹]?\s?[+\-\u2212]?(?:\d+(?:[.,'\u2019 \u00a0\u202f]\d+)*[.,]?|[.,]\d+)(?:[eE][+-]?\d+)?\s?[%‰$€£¥₹]?\)?-?"
)
_MONTH = r"(?:jan|feb|m[aä]r|apr|may|mai|jun|jul|aug|sep|o[ck]t|nov|de[cz])[a-zé]*"
_TIME = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:\s?[ap]\.?m\.?)?(?:\s?(?:z|utc|[+-]\d{2}:?\d{2}))?"
_DAY = (
    rf"(?:\d{{1,4}}[-/.]\d{{1,2}}[-/.]\d{{1,4}}|\d{{4}}-\d{{2}}|\d{{1,2}}[-\s./]{_MONTH}\.?[-\s./,]*\d{{2,4}}"
    rf"|{_MONTH}\.?[-\s]\d{{1,2}}(?:,?\s\d{{2,4}})?|{_MONTH}[-\s]\d{{2,4}})"
)
_MOMENT = re.compile(rf"(?:{_DAY})(?:[T\s]+{_TIME})?|{_TIME}", re.I)
_GAP = re.compile(r"|[-–—.?*]{1,3}|n/?a|#n/a|nan|null|none|nil|unknown|missing|\(null\)|\\n", re.I)
_ADDRESS = re.compile(r"(?:https?|ftp)://\S+|www\.\S+|[\w.+-]+@[\w-]+\.[\w.-]+", re.I)
_WORDS = re.compile(r"[\w .()/&+#:'’!?%°*@-]+")


def is_value(cell: str) -> bool:
    """Whether a cell is a number, an amount, a date or a time: what no column is called."""
    cell = cell.strip()
    return bool(cell) and len(cell) < 64 and bool(_NUMBER.fullmatch(cell) or _MOMENT.fullmatch(cell))


def is_gap(cell: str) -> bool:
    """Whether a cell is empty, or one of the marks that stand for "nothing here"."""
    return bool(_GAP.fullmatch(cell.strip()))


def plausibility(cell: str) -> float:
    """How much a text looks like one cell, from 0 to 1, rather than several or a part of one."""
    cell = cell.strip()
    if not cell:
        return 0.7
    if len(cell) < 64 and (_NUMBER.fullmatch(cell) or _MOMENT.fullmatch(cell)):
        return 1.0
    if _ADDRESS.fullmatch(cell):
        return 1.0
    return 0.8 if _WORDS.fullmatch(cell) else 0.2
