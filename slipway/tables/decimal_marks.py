"""The decimal mark by which `1.030` and `1,030` are to be read, decided for a whole column."""

from collections.abc import Collection

from slipway.tables.numbers import Mark, NumberCells, is_money, taken_apart


def decimal_mark(column: NumberCells, declared: str | None, elsewhere: Collection[str]) -> str | None:
    """The decimal mark by which `1.030` or `1,030` among the numbers of a column is to be read.

    The column's own cells decide first, then what was declared, then the marks of other columns.

    Parameters
    ----------
    column : NumberCells
    declared : "." or ",", optional
    elsewhere : collection of str
        The certain decimal marks of other columns.

    Returns
    -------
    str or None
        None if both readings are still possible.
    """
    own = column.marks
    if not column.open:
        return declared or (next(iter(own)) if len(own) == 1 else ".")
    if len(own) == 1 and (own == column.open_marks or column.grouped):
        return next(iter(own))
    agreed = column.open_marks == set(elsewhere) and len(elsewhere) == 1 and not own
    return declared or (next(iter(elsewhere)) if agreed else None)


def mark_by_length(column: NumberCells, elsewhere: Collection[str]) -> Mark | None:
    """The decimal mark that the lengths of a column's numbers show, where nothing else decides.

    Numbers with a fixed number of decimals all have them, and others have no zeros at their end. So
    `400` beside `1.030` shows that the point separates thousands, unless another number has four
    digits and no separator.

    Parameters
    ----------
    column : NumberCells
    elsewhere : collection of str
        The certain decimal marks of other columns.

    Returns
    -------
    "." or "," or None
        None if the lengths show nothing, or not enough of them do.
    """
    if len(column.open_marks) != 1:
        return None
    (separator,) = column.open_marks
    other: Mark = "." if separator == "," else ","
    if column.marks - {other} or separator in elsewhere:
        return None
    whole = [
        number.point.lstrip("-+") for number in column.numbers.values() if number.point == number.comma and number.point
    ]
    short = [digits for digits in whole if 1 <= len(digits) <= 3 and digits.strip("0")]
    zeros = [cell for cell in column.open if column.numbers[cell][0 if separator == "." else 1].endswith("0")]  # type: ignore[union-attr]
    if len(short) < len(whole) - whole.count("0") or not zeros or not (short or column.marks):
        return None  # a number of four digits has no separator, or no zero at an end
    enough = other in elsewhere or min(len(column.open), len(short) + len(column.marks)) >= 2
    return other if enough else None


def mark_of_money(column: NumberCells, elsewhere: Collection[str]) -> Mark | None:
    """The decimal mark of amounts such as `$3,709`, where other columns have decimals and all of them the other mark.

    Few write amounts of money with three decimals, and hardly anybody with another mark than all other numbers. Without a
    currency that may be: `52.123` beside decimal commas can be a coordinate.

    Parameters
    ----------
    column : NumberCells
    elsewhere : collection of str
        The certain decimal marks of other columns.

    Returns
    -------
    "." or "," or None
    """
    if len(elsewhere) != 1 or column.marks or column.open_marks & set(elsewhere):
        return None
    if not all(column.numbers[cell].unit and is_money(column.numbers[cell].unit) for cell in column.open):
        return None
    return "," if "," in elsewhere else "."


class DecimalMarkSamples:
    """Cells of a column from which its decimal mark can be told: one of each form, however long the column is."""

    def __init__(self) -> None:
        self._of_sort: dict[tuple[object, ...], str] = {}

    def add(self, cells: Collection[str]) -> None:
        """Look at further cells, without spaces at their ends."""
        for cell in cells:
            number = taken_apart(cell)
            if number is not None:
                sort = number.mark, number.is_open, number.grouped, "," in cell, "." in cell
                self._of_sort.setdefault(sort, cell)

    @property
    def cells(self) -> set[str]:
        """One number of each sort."""
        return set(self._of_sort.values())
