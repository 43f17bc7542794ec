"""The chess endgame of king and rook against king, of which the table kropt is. No package has it; it can be computed.

It is the "Chess (King-Rook vs. King)" table of the UCI repository (Bain and Hoff, 1994): each position in which black is to move,
mirror images left out, and after how many moves of white it is mate at the latest, if both sides play as well as can be.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from itertools import product
from typing import Any

Square = tuple[int, int]
"""File a to h and rank 1 to 8, both from 0 on."""
Position = tuple[Square, Square, Square]
"""White's king, white's rook, black's king."""
BOARD: list[Square] = [*product(range(8), range(8))]
COLUMNS = ("wking_file", "wking_rank", "wrook_file", "wrook_rank", "bking_file", "bking_rank", "game")
WORDS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight"),
    *("nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen"),
)


def frame() -> Any:
    """The table.

    Returns
    -------
    pandas.DataFrame
        Of shape (28056, 7), with `COLUMNS`; `game` is one of `WORDS`, or "draw".
    """
    import pandas as pd

    moves = moves_to_mate()
    found = []
    for position in filter(_is_first_of_its_images, positions()):
        squares = (cell for file, rank in position for cell in ("abcdefgh"[file], rank + 1))
        found.append((*squares, WORDS[moves[position]] if position in moves else "draw"))
    return pd.DataFrame(found, columns=[*COLUMNS])


def moves_to_mate() -> dict[Position, int]:
    """White's moves to mate for each position, black to move, in which it can be forced.

    From the mates backwards (Thompson, "Retrograde analysis of certain endgames", ICCA Journal, 1986): white reaches one that is
    lost for black, and a position is lost for black once all of black's moves lead to such.
    """
    replies = {position: _replies(position) for position in positions()}
    lost = {position: 0 for position, moves in replies.items() if moves == [] and _gives_check(*position)}
    won: set[Position] = set()
    newest: Iterable[Position] = [*lost]
    while newest:
        before = {each for position in newest for each in _before_white(position)} - won
        won |= before
        depth = max(lost.values()) + 1
        newest = {
            each
            for position in before
            for each in _before_black(position)
            if each not in lost and (moves := replies.get(each)) and won.issuperset(moves)
        }
        lost |= dict.fromkeys(newest, depth)
    return lost


def positions() -> Iterator[Position]:
    """Those that can occur with black to move."""
    for white, rook, black in product(BOARD, repeat=3):
        if rook not in (white, black) and black != white and black not in _around(white):
            yield white, rook, black


def _is_first_of_its_images(position: Position) -> bool:
    """Whether white's king is in the triangle a1, d1, d4, and what is not on its diagonal is below it."""
    (file, rank), rook, black = position
    below = next((square[1] < square[0] for square in (black, rook) if square[0] != square[1]), True)
    return rank < file <= 3 or (rank == file <= 3 and below)


def _replies(position: Position) -> list[Position] | None:
    """The positions that black can move to; None if it can take the rook, which is a draw."""
    white, rook, black = position
    free = [square for square in _around(black) if square not in _around(white)]
    if rook in free:
        return None
    return [(white, rook, square) for square in free if square not in _reached(rook, white)]


def _before_white(position: Position) -> Iterator[Position]:
    """The positions from which white can move to this one, without black's king being in check before."""
    white, rook, black = position
    for square in _around(white) - _around(black) - {rook, black}:
        if not _gives_check(square, rook, black):
            yield square, rook, black
    for square in _reached(rook, white):
        if square != black and not _gives_check(white, square, black):
            yield white, square, black


def _before_black(position: Position) -> Iterator[Position]:
    white, rook, black = position
    return ((white, rook, square) for square in _around(black))


def _gives_check(white: Square, rook: Square, black: Square) -> bool:
    return black in _reached(rook, white)


@cache
def _around(square: Square) -> frozenset[Square]:
    file, rank = square
    return frozenset(other for other in BOARD if other != square and abs(other[0] - file) <= 1 >= abs(other[1] - rank))


@cache
def _reached(rook: Square, white: Square) -> frozenset[Square]:
    """The squares that the rook attacks, with its own king in the way; black's king, which has to move, is not."""
    found = []
    for file, rank in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        square = (rook[0] + file, rook[1] + rank)
        while square in BOARD and square != white:
            found.append(square)
            square = (square[0] + file, square[1] + rank)
    return frozenset(found)
