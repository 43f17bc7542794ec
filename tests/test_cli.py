"""`slipway …`: the commands, and what is said where there is nothing to run."""

import os
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest

from slipway import __version__
from slipway.cli import serve as serving
from slipway.cli.main import COMMANDS, main
from slipway.publish import train as training
from tests.conftest import HOME, ROOT, serve

ROWS = "age,height,name,when,income\n" + "".join(
    f'{20 + i % 40},"1,{600 + i}",n{i},{1 + i % 28}.{1 + i % 12}.2024,{i % 9 * 100}\n' for i in range(60)
)


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "people.csv"
    path.write_text(ROWS)
    return str(path)


def test_help_lists_every_command(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])

    listed = re.findall(r"^ {4}(\w+)(?: |$)", capsys.readouterr().out, re.M)
    assert listed == list(COMMANDS)
    names = "look train models compare drift retrain promote rollback retire sign verify serve export score keys passwords compile deploy"
    assert listed == names.split()


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_a_help_of_its_own(command, capsys):
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])

    assert capsys.readouterr().out.startswith(f"usage: slipway {command} ")


def test_the_version_is_that_of_the_package(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])

    assert capsys.readouterr().out == f"slipway {__version__}\n"


@pytest.mark.parametrize(
    ("command", "hint"), [("trian", "; did you mean 'train'?"), ("Serve", "; did you mean 'serve'?"), ("xyzzy", "")]
)
def test_an_unknown_command_is_one_line_with_the_nearest(command, hint, capsys):
    code = main([command, "insurance"])

    error = capsys.readouterr().err
    assert code == 2
    assert error == f"slipway: no command {command!r}{hint} (there are: {', '.join(COMMANDS)})\n"


def test_importing_the_command_line_imports_no_library_of_a_step():
    ask = "import slipway.cli.main, sys; print([m for m in ('pandas', 'bentoml', 'gradio', 'onnx', 'sklearn') if m in sys.modules])"

    found = subprocess.run([sys.executable, "-c", ask], cwd=ROOT, capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"


def test_look_says_of_each_column_what_it_is_and_what_was_decided(table, capsys):
    assert main(["look", table, "--decimal", ","]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{table}: 60 rows, 5 columns"
    assert (
        "left out: 'name' is an identifier: 60 different values in 60 rows [type `--kind name=category` to keep it]"
        in lines
    )
    rows = [" ".join(line.split()) for line in lines]
    assert "age whole number 20, 59" in rows
    assert "height number, decimal comma 1,600 = 1.6, 1,659 = 1.659" in rows
    assert any(line.startswith("note: height: numbers are read with a decimal comma") for line in lines)


def test_look_with_a_target_says_what_training_would(table, capsys):
    options = ["--target", "income", "--decimal", ",", "--ignore", "when"]
    assert main(["look", table, *options]) == 0
    looked = capsys.readouterr().out

    case = ["--data", table, "--name", "table", *options]
    training.prepare(training.from_setup(resolved(case)))

    assert "task: classification of 'income'" in looked and "left out: 'when' is ignored" in looked
    assert looked == capsys.readouterr().out


def resolved(arguments):
    from slipway.cli.main import build_parser
    from slipway.cli.train import resolve

    return resolve(build_parser().parse_args(["train", *arguments]))


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["look", "nothing.csv"], "look: nothing.csv: cannot be read: No such file or directory"),
        (
            ["look", "{table}", "--decimal", ",", "--target", "incom"],
            "has no column 'incom' to predict; did you mean 'income'?",
        ),
        (["look", "{table}"], "'height' holds '1,600' (line 2), which can be 1.6 or 1600"),
        (["train", "insurence"], "train: arguments: no use case 'insurence'; did you mean 'insurance'?"),
        (["train", "{table}"], "train: arguments: no use case"),
    ],
)
def test_bad_input_is_one_line(arguments, named, table, capsys):
    code = main([argument.format(table=table) for argument in arguments])

    error = capsys.readouterr().err
    assert code == 1 and error.count("\n") == 1 and named in error


def test_training_on_a_python_that_pycaret_trains_wrongly_on_is_refused_with_the_reason(monkeypatch, capsys):
    monkeypatch.setattr(training, "sys", SimpleNamespace(version_info=(3, 13, 0)))

    code = main(["train", "insurance"])

    error = capsys.readouterr().err
    assert code == 1 and error.count("\n") == 1
    assert error.startswith("train: Python 3.13 can serve models and cannot train them: PyCaret 3.5.0 needs pandas 2.2")


def test_serve_becomes_bentoml_on_this_machine_alone(monkeypatch):
    became = []
    monkeypatch.setattr(serving.os, "execve", lambda path, command, environment: became.append((command, environment)))
    monkeypatch.setattr(serving.subprocess, "call", lambda command, env: 0)

    assert main(["serve", "insurance:abc", "--workers", "2"]) == 0

    ((command, environment),) = became
    assert command == [sys.executable, "-m", "bentoml", "serve", "slipway.page.server:Slipway", "--host", "127.0.0.1"] + [
        "--port", "3000", "--arg", "model=insurance:abc"
    ]  # fmt: skip
    assert environment["SLIPWAY_WORKERS"] == "2" and environment["BENTOML_HOME"] == os.environ["BENTOML_HOME"]


def test_a_model_that_is_not_in_the_store_is_one_line_with_the_nearest(insurance):
    command = [sys.executable, "-c", "import sys; from slipway.cli.main import main; sys.exit(main())"]

    found = subprocess.run(
        [*command, "serve", "insurence"], cwd=ROOT, capture_output=True, text=True, timeout=120, env=os.environ
    )

    assert found.returncode == 1
    said = [line for line in (found.stdout + found.stderr).splitlines() if line.strip()]
    assert len(said) == 1 and "no model 'insurence'" in said[0] and "did you mean 'insurance'?" in said[0]


@pytest.mark.parametrize("moment", ["build_parser", "train.resolve"])
def test_ctrl_c_is_one_line_at_any_moment(moment, monkeypatch, capsys):
    def pressed(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(f"slipway.cli.main.{moment}", pressed)

    assert main(["train", "insurance"]) == 130
    assert capsys.readouterr().err == "train: stopped\n"


@pytest.mark.slow
def test_the_service_in_the_package_is_the_one_beside_it(insurance):
    empty = HOME / "cli-empty"
    empty.mkdir()

    with serve(serving.SERVICE, "--arg", "model=insurance", cwd=empty, PYTHONPATH=str(ROOT)) as server:
        assert server.get("/model").json()["model"] == insurance
        assert "<gradio-app" in server.get("/ui/").text
