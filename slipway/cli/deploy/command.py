"""One Web App on Azure: see the calls, run them, go back, look.

`plan` needs no Azure. `apply` reads first and runs only what is missing. Exit code 1 is a
failure that the last lines explain; 2 a config or an option that cannot be used.
"""

import argparse
import shlex
import sys
from pathlib import Path

from slipway.cli.deploy import config as configuration
from slipway.cli.deploy import steps
from slipway.cli.deploy.az import Az
from slipway.cli.deploy.config import Config
from slipway.cli.deploy.state import Found, needed
from slipway.cli.deploy.webapp import Calls, access_says
from slipway.errors import SlipwayError

ACTIONS = {
    "plan": "print every call of a first deployment, and run none",
    "apply": "read what there is, and run what is missing",
    "rollback": "swap back to the image that production ran before",
    "status": "print what runs, and what differs from the config",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `slipway deploy` takes."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = "\n".join(f"{name:10}{text}" for name, text in ACTIONS.items())
    parser.add_argument("action", choices=ACTIONS)
    parser.add_argument(
        "--config",
        type=Path,
        default=Path("deploy/azure.yaml"),
        metavar="FILE",
        help="default: %(default)s, of the repository",
    )
    parser.add_argument("--az", default="az", metavar="PATH", help="the Azure CLI to run (default: the one on PATH)")


def plan(config: Config) -> str:
    """The calls of a first deployment as a shell script that can be read, and run line by line."""
    lines = [f"# {access_says(config)}"]
    for call in needed(config, Found()):
        if call == Calls(config).swap():
            lines += [
                "",
                f"# wait until {config.slot} answers 200 at {config.health_path}, at most {config.start_limit_seconds} s",
            ]
        lines += ["", f"# {call.does}", call.line()]
    return "\n".join(lines)


def _say(text: str) -> None:
    print(text, flush=True)


def _starts_over(args: argparse.Namespace) -> None:
    """Say with which command line this run is started again."""
    again = ["slipway", "deploy", args.action, "--config", str(args.config), "--az", args.az]
    print(f"  `{shlex.join(again)}` starts over", file=sys.stderr)


def run(args: argparse.Namespace, probe: steps.Probe = steps.https_status) -> int:
    """Run one action. `probe` is there for the tests: no slot can be reached from where they run."""
    try:
        config = configuration.read(args.config)
        if args.action == "plan":
            _say(plan(config))
        elif args.action == "apply":
            steps.apply(config, Az(args.az), _say, probe)
        elif args.action == "rollback":
            steps.rollback(config, Az(args.az), _say, probe)
        else:
            steps.status(config, Az(args.az), _say)
    except configuration.ConfigError as exc:
        print(exc, file=sys.stderr)
        return 2
    except SlipwayError as exc:
        print(f"deploy: {exc}", file=sys.stderr)
        if isinstance(exc, steps.InterruptedRunError):
            _starts_over(args)
        return 1
    except KeyboardInterrupt:
        print("deploy: stopped by Ctrl-C; nothing was changed", file=sys.stderr)
        _starts_over(args)
        return 1
    return 0
