"""Texts that mean "nothing here", and where they may mean something else."""

MISSING_CELLS = frozenset({
    *("", "NA", "N/A", "n/a", "#N/A", "#N/A N/A", "#NA", "<NA>", "NaN", "nan", "-NaN", "-nan", "NULL", "null", "None"),
    *("1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"),
})  # fmt: skip
"""Cells that pandas reads as missing by default."""

_MARKERS = frozenset({
    *(cell.lower() for cell in MISSING_CELLS if cell), *("-", "--", "---", "–", "—", "?", ".", "..", "...", "unknown"),
    *("#div/0!", "#value!", "#ref!", "#name?", "#num!", "#null!"),
})  # fmt: skip
LONGEST = max(map(len, _MARKERS))
"""Characters of a cell that `is_marker` may be true of, at most."""


def is_marker(cell: str) -> bool:
    """Whether a cell often stands for "nothing here": beside numbers or dates it does, among texts it may be a value."""
    return cell.lower() in _MARKERS
