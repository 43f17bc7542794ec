"""The form of the log: a text for people, or JSON for programs (`SLIPWAY_LOG_FORMAT`)."""

import datetime as dt
import json
import logging
import time
from typing import Any

from slipway.store._bentoml import component_name, use_log_formatter

TIME = "%Y-%m-%dT%H:%M:%S%z"


class TextFormatter(logging.Formatter):
    """Lines as BentoML writes them, `<time> [<level>] [<component>] <message>`, in a quarter of its time."""

    _second = 0
    _time = ""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record, and the traceback of an error below it."""
        if (second := int(record.created)) != self._second:
            self._time, self._second = time.strftime(TIME, time.localtime(second)), second
        line = f"{self._time} [{record.levelname}] [{component_name()}] {record.getMessage()}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonFormatter(logging.Formatter):
    """One JSON object a line: `time`, `level`, `component`, `message`; of a request its fields; of an error its traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        line: dict[str, Any] = {
            "time": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "component": component_name() or record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def use_log_format(form: str) -> None:
    """Write every line of this server's log in a form, and look up nothing for a line that is not in it.

    Parameters
    ----------
    form : {"text", "json"}
    """
    use_log_formatter(JsonFormatter if form == "json" else TextFormatter)
    # Where the line was logged, by which thread and process: "Optimization" in Python's logging HOWTO.
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    setattr(logging, "logAsyncioTasks", False)  # noqa: B010 (Python 3.12 has it)
