"""`slipway deploy`: a Web App or a container app on Azure; show the calls, run them, roll back, report the status.

Exit code 1 is a failure that the last lines explain; 2 is a config or an option that cannot be used.
"""

import argparse
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from slipway.cli.deploy import init, preflight
from slipway.cli.deploy.az import Az, Call
from slipway.cli.deploy.config import ConfigError, ContainerApp, WebApp
from slipway.cli.deploy.config_file import TARGETS, read
from slipway.cli.deploy.containerapp import actions as container_actions
from slipway.cli.deploy.containerapp import state as container_state
from slipway.cli.deploy.run import InterruptedRunError, Probe, Say, https_status
from slipway.cli.deploy.webapp import actions as site_actions
from slipway.cli.deploy.webapp import state as site_state
from slipway.errors import SlipwayError

ACTIONS = {
    "init": "find or ask what a config needs, and write it",
    "plan": "check everything, print each call that is missing, and make none of them",
    "apply": "read the current state and run what is missing",
    "rollback": "go back to the image that production ran before",
    "status": "print what runs, what was set by hand, and what differs from the config",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `slipway deploy`."""
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
    parser.add_argument(
        "--offline", action="store_true", help="plan: the calls of a first deployment, without asking Azure"
    )
    parser.add_argument(
        "--digest",
        metavar="sha256:…",
        help="plan, apply, status: this image of the config's repository, not the config's",
    )
    parser.add_argument(
        "--reader",
        action="store_true",
        help="plan: for an account that may only read; the roles of apply are not asked",
    )
    parser.add_argument("--target", choices=TARGETS, help="init: which way (default: asked)")
    parser.add_argument(
        "--address", metavar="CIDR", help="init: who may call, such as 131.107.0.0/24, or public (default: asked)"
    )


def offline_plan(config: WebApp | ContainerApp) -> str:
    """The calls of a first deployment, as a POSIX shell script to read or to run line by line."""
    if isinstance(config, WebApp):
        return "\n".join(_script(config, site_actions.notes(config), site_state.needed(config, site_state.Found())))
    calls = container_state.needed(config, container_state.Found())
    return "\n".join(_script(config, container_actions.notes(config), calls))


def plan(config: WebApp | ContainerApp, az: Az, say: Say, roles: bool = True) -> None:
    """Print the calls that are missing between what exists and the config, after all checks.

    Parameters
    ----------
    config : WebApp or ContainerApp
    az : Az
    say : callable
        Called with each line.
    roles : bool, default=True
        Whether to ask if this account may make the calls, too; another one may be the one that does.

    Raises
    ------
    RefusedError
        If something stands against them; every reason is named.
    """
    if isinstance(config, WebApp):
        site = site_state.look(config, az)
        site_actions.refuse(config, site)
        notes = [*site_actions.notes(config), *_marked(site_actions.by_hand(config, site))]
        calls = site_state.needed(config, site)
    else:
        app = container_state.look(config, az)
        container_actions.refuse(config, app)
        notes = [*container_actions.notes(config), *_marked(container_actions.by_hand(config, app))]
        calls = container_state.needed(config, app)
    if calls:
        preflight.check_before_writing(config, az, calls, lambda text: say(f"# {text}"), roles)
    for line in _script(config, notes, calls):
        say(line)
    if not calls:
        say("# image and settings are up to date; nothing to do")


def _marked(lines: Sequence[str]) -> list[str]:
    return [f"set by hand: {line}" for line in lines]


def _script(config: WebApp | ContainerApp, notes: Sequence[str], calls: Sequence[Call]) -> Iterator[str]:
    yield from (f"# {line}" for line in notes)
    for call in calls:
        if wait := _wait(config, call):
            yield from ("", f"# {wait}")
        yield from ("", f"# {call.does}", call.line())


def _wait(config: WebApp | ContainerApp, call: Call) -> str:
    """What is waited for before a call; "" for nothing."""
    words = call.argv
    if isinstance(config, WebApp) and words[:4] == ("webapp", "deployment", "slot", "swap"):
        return f"wait until {config.slot} answers 200 at {config.health_path}, at most {config.start_limit_seconds} s"
    if isinstance(config, ContainerApp) and words[:4] == ("containerapp", "ingress", "traffic", "set"):
        seconds = config.start_limit_seconds + container_actions.PULL_SECONDS
        return f"wait until the revision answers 200 at {config.health_path}, at most {seconds} s"
    return ""


def _say(text: str) -> None:
    print(text, flush=True)


def _starts_over(args: argparse.Namespace) -> None:
    """Print the command line that starts this run again."""
    again = ["slipway", "deploy", args.action, "--config", str(args.config), "--az", args.az]
    again += ["--digest", args.digest] if args.digest else []
    print(f"  `{shlex.join(again)}` starts over", file=sys.stderr)


def _act(args: argparse.Namespace, probe: Probe) -> None:
    az = Az(args.az)
    if args.action == "init":
        init.write(args.config, az, args.target, args.address, _say)
        return
    config = read(args.config, args.digest)
    if args.action == "plan":
        if args.offline:
            _say(offline_plan(config))
        else:
            plan(config, az, _say, roles=not args.reader)
        return
    # The two modules have the same functions, each for its own kind of config.
    actions: Any = site_actions if isinstance(config, WebApp) else container_actions
    if args.action == "status":
        actions.status(config, az, _say)
    else:
        getattr(actions, args.action)(config, az, _say, probe)


def run(args: argparse.Namespace, probe: Probe = https_status) -> int:
    """Run one action.

    Parameters
    ----------
    args : Namespace
        As the parser returns it.
    probe : callable, optional
        Requests an https address and returns its status; the tests replace it.

    Returns
    -------
    int
        The exit code.
    """
    try:
        _act(args, probe)
    except ConfigError as exc:
        print(exc, file=sys.stderr)
        return 2
    except SlipwayError as exc:
        print(f"deploy: {exc}", file=sys.stderr)
        if isinstance(exc, InterruptedRunError):
            _starts_over(args)
        return 1
    except KeyboardInterrupt:
        print("deploy: stopped by Ctrl-C; nothing was changed", file=sys.stderr)
        _starts_over(args)
        return 1
    return 0
