"""The request log: what a server was asked, what it answered, and what came true later.

Servers write it and take outcomes for it (`slipway.service.request_log`, `slipway.service.outcomes`); `read` is for whoever compares inputs
and answers with those of training. It is off by default. docs/requests.md has the format.
"""

from slipway.store.requestlog.place import RequestLog, open_log, read
from slipway.store.requestlog.rows import Outcome, Row, RowWriter

__all__ = ["Outcome", "RequestLog", "Row", "RowWriter", "open_log", "read"]
