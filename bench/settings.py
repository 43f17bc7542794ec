"""How long each part measures; `--quick` is to see that everything runs."""

from dataclasses import dataclass

PARTS = ("inprocess", "http", "batch", "start", "memory", "explain", "page")


@dataclass(frozen=True)
class Settings:
    """Rounds, and seconds for one contender in one round."""

    parts: tuple[str, ...] = PARTS
    rounds: int = 7
    starts: int = 5
    one_connection: float = 2.0
    many_connections: float = 3.0
    batch: float = 1.0
    explain: float = 2.0
    in_process: float = 1.0
    connections: int = 16
    rows: int = 10_000
    changes: int = 30
    file_rows: int = 100_000
    quick: bool = False


QUICK = Settings(
    rounds=2,
    starts=1,
    one_connection=0.5,
    many_connections=0.7,
    batch=0.2,
    explain=0.5,
    in_process=0.3,
    changes=5,
    file_rows=2_000,
    quick=True,
)
