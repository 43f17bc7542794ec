"""Asks the parser of the real `az` whether it takes command lines; no call is made.

Run with the interpreter that has azure-cli: a JSON list of argument lists on stdin, a JSON
list of what the parser says of each on stdout, "" where it takes one. Uses azure-cli's own
modules, which are no public interface: its version is pinned.
"""

import contextlib
import io
import json
import sys

from azure.cli.core import get_default_cli
from azure.cli.core.commands import events


def refusal(cli, argv: list[str]) -> str:
    """What the parser says against `argv`, which starts after `az`; "" if it takes it."""
    invoker = cli.invocation_cls(
        cli_ctx=cli, parser_cls=cli.parser_cls, commands_loader_cls=cli.commands_loader_cls, help_cls=cli.help_cls
    )
    cli.invocation = invoker
    loader = invoker.commands_loader
    loader.load_command_table(argv)
    name = invoker._rudimentary_get_command(argv)
    if name not in loader.command_table:
        return f"no such command: {' '.join(argv[:4])}"
    loader.command_name = invoker.data["command_string"] = name
    loader.command_table = {name: loader.command_table[name]}
    cli.raise_event(events.EVENT_INVOKER_PRE_LOAD_ARGUMENTS, commands_loader=loader)  # adds --subscription
    loader.load_arguments(name)
    cli.raise_event(events.EVENT_INVOKER_POST_LOAD_ARGUMENTS, commands_loader=loader)
    invoker.parser.cli_ctx = cli
    invoker.parser.load_command_table(loader)
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            invoker.parser.parse_args(argv)
    except SystemExit:
        return said.getvalue().strip() or "refused"
    except Exception as exc:
        return f"{type(exc).__name__}: {exc}"
    return deprecated(loader.command_table[name], argv)


def deprecated(command, argv: list[str]) -> str:
    """The options in `argv` that azure-cli's own help calls deprecated."""
    for argument in command.arguments.values():
        for option in argument.type.settings.get("options_list") or ():
            if not isinstance(option, str) and option.target in argv:
                return f"deprecated: {option.target}"
    return ""


if __name__ == "__main__":
    cli = get_default_cli()
    json.dump([refusal(cli, argv) for argv in json.load(sys.stdin)], sys.stdout)
