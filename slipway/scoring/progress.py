"""How far a run is, on standard error: a line that changes on a terminal, now and then a new one elsewhere."""

import sys
import time
from typing import TextIO

_EVERY, _EVERY_LINE = 1.0, 10.0
"""Seconds between two lines, on a terminal and elsewhere."""


class Progress:
    """Says how many rows are scored, how many in a second, and how long it will take.

    Parameters
    ----------
    total : int
        The weight of all parts.
    stream : text file, optional
        Standard error, if not given.
    """

    def __init__(self, total: int, stream: TextIO | None = None) -> None:
        self._total = max(1, total)
        self._stream = stream or sys.stderr
        self._on_terminal = self._stream.isatty()
        self._began = self._last = time.monotonic()
        self._weight = self._rows = self._before = 0
        self._wide = 0

    def skip(self, weight: int) -> None:
        """A part was there already."""
        self._before += weight
        self.show()

    def add(self, rows: int, weight: int) -> None:
        """A part is done."""
        self._weight += weight
        self._rows += rows
        self.show()

    def show(self) -> None:
        """Write a line, if it is time for one."""
        now = time.monotonic()
        if now - self._last >= (_EVERY if self._on_terminal else _EVERY_LINE):
            self._last = now
            self._write(self.line(now))

    def line(self, now: float) -> str:
        """How far the run is."""
        seconds = max(1e-9, now - self._began)
        share = min(1.0, (self._weight + self._before) / self._total)
        text = f"{self._rows:,} rows scored, {share:.0%}"
        if self._weight:
            left = seconds * max(0, self._total - self._weight - self._before) / self._weight
            text += f", {self._rows / seconds:,.0f} rows/s, {_clock(left)} left"
        return text

    def _write(self, text: str) -> None:
        if self._on_terminal:
            self._stream.write(f"\r{text.ljust(self._wide)}")
            self._wide = len(text)
        else:
            self._stream.write(f"{text}\n")
        self._stream.flush()

    def end(self) -> None:
        """Leave the terminal's line."""
        if self._wide:
            self._stream.write("\r" + " " * self._wide + "\r")
            self._stream.flush()


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
