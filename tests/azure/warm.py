"""The real `az`, loaded once: each call is a fork of one process that has its modules imported.

Loading takes `az` some seconds a call, which is most of what these tests would take. Run with
the interpreter that has azure-cli: `warm.py SOCKET`. The client beside it, which the tests
give out as `az`, hands its arguments and environment over and passes the outcome on.
"""

import json
import os
import runpy
import signal
import socket
import sys
import tempfile
from pathlib import Path

CLIENT = """#!{python} -SE
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as line:
    line.connect({socket!r})
    line.sendall(json.dumps([sys.argv[1:], dict(os.environ)]).encode() + b"\\n")
    with line.makefile() as answer:
        code, out, err = json.loads(answer.read())
sys.stdout.write(out)
sys.stderr.write(err)
sys.exit(code)
"""


def load() -> None:
    """Import what the calls of a deployment need."""
    import azure.cli.command_modules.acr.custom
    import azure.cli.command_modules.appservice.access_restrictions
    import azure.cli.command_modules.containerapp.custom
    import azure.cli.command_modules.identity.custom
    import azure.cli.command_modules.keyvault.custom
    import azure.cli.command_modules.monitor.custom
    import azure.cli.command_modules.resource.custom
    import azure.cli.command_modules.role.custom
    import azure.cli.core
    import azure.mgmt.web.models  # noqa: F401


def call(argv: list[str], environment: dict[str, str]) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of `az ARGV`, in a fork."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if not child:
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            os.environ.clear()
            os.environ.update(environment)
            sys.argv = ["az", *argv]
            code = 1
            try:
                runpy.run_module("azure.cli", run_name="__main__")
            except SystemExit as exc:
                code = exc.code if isinstance(exc.code, int) else int(bool(exc.code))
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        out.seek(0), err.seek(0)
        return code, out.read().decode(), err.read().decode()


def main(path: str) -> None:
    load()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that answer
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        while True:
            line, _ = server.accept()
            with line:
                if not os.fork():
                    answer(line)


def answer(line: socket.socket) -> None:
    """Make the call that a client asks for, and end; calls may run beside each other."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with line.makefile("rw") as talk:
        argv, environment = json.loads(talk.readline())
        json.dump(call(argv, environment), talk)
    line.shutdown(socket.SHUT_RDWR)
    os._exit(0)


if __name__ == "__main__":
    main(str(Path(sys.argv[1])))
