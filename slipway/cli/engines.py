"""The options that say what does the work: processes of this machine, or workers of Dask or Ray. `slipway score` has Spark, too."""

import argparse
from typing import TYPE_CHECKING

from slipway.errors import UseCaseError
from slipway.scoring.engines import LOCAL, Cluster, cores

if TYPE_CHECKING:
    from slipway.training.comparison import Runner

_TRAINING = ("dask", "ray")


def count(text: str) -> int:
    """A number of processes, as an option has it."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of processes; expected 1 or more")
    return int(text)


def check_cluster(args: argparse.Namespace, engines: str) -> None:
    """Refuse an address for this machine, or with a number of workers.

    Raises
    ------
    UseCaseError
    """
    if args.cluster is not None and (args.engine == LOCAL or args.workers is not None):
        clash = f"--engine {engines}" if args.engine == LOCAL else "no --workers: the cluster has its own"
        raise UseCaseError(f"--cluster {args.cluster}", f"needs {clash}")


def add_engine_options(parser: argparse.ArgumentParser) -> None:
    """`--engine`, `--cluster` and `--workers` of a training."""
    parser.add_argument(
        "--engine",
        choices=(LOCAL, *_TRAINING),
        default=LOCAL,
        help="what tries the estimators (default: %(default)s, this machine); the result is the same",
    )
    parser.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="of that engine, as tcp://host:8786 or ray://host:10001 (default: what the engine's own settings say, else "
        "workers on this machine)",
    )
    parser.add_argument(
        "--workers",
        type=count,
        metavar="N",
        help="processes on this machine (default: one for each core; without --engine one where that takes a minute at most)",
    )


def runner(args: argparse.Namespace) -> "Runner | None":
    """What tries the estimators; None to have it depend on how long that takes.

    Raises
    ------
    UseCaseError, TrainingError
        If the options contradict each other, or the engine is not installed.
    """
    check_cluster(args, " or ".join(_TRAINING))
    if args.engine == LOCAL and args.workers is None:
        return None
    if args.engine == LOCAL and args.workers == 1:
        from slipway.training.comparison import here

        return here
    from slipway.publish.engines import on

    return on(Cluster(args.engine, args.cluster, args.workers or cores()))
