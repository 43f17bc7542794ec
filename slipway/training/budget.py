"""How long a comparison of estimators may take: `--minutes`."""

import time


class Budget:
    """Time from now on, after which nothing more is begun; what serves the model is made in any case.

    Parameters
    ----------
    minutes : float
        Above 0.
    """

    def __init__(self, minutes: float) -> None:
        self._end = time.monotonic() + 60 * minutes

    @property
    def left(self) -> float:
        """In seconds; 0 when it is used up."""
        return max(0.0, self._end - time.monotonic())

    @property
    def left_in_words(self) -> str:
        """As in "3 min 20 s left"."""
        minutes, seconds = divmod(round(self.left), 60)
        return f"{minutes} min {seconds:02} s left" if minutes else f"{seconds} s left"

    def refusal(self, seconds: float) -> str | None:
        """Why something that takes so long is not begun, or None if there is time for it."""
        if seconds <= self.left:
            return None
        return f"it would take about {seconds:,.0f} s, and of the budget there are {self.left_in_words}"
