"""`POST /predict`, answered before BentoML parses it."""

from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from slipway.service.model import LoadedModel
from slipway.service.observation import current
from slipway.service.requests import NO_MEMORY, RequestError, json_response, language_of, read_object


class PredictEndpoint:
    """Answers `POST /predict` before BentoML parses it.

    BentoML's own parser accepts NaN, forms and pickles, and its refusals have another shape.
    It lies in front of BentoML's time limit as well, and needs none: what it may be sent is bounded.
    """

    def __init__(self, app: ASGIApp, served: LoadedModel) -> None:
        self.app = app
        self.served = served

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"] != "/predict":
            await self.app(scope, receive, send)
            return
        try:
            response = json_response(await self._answer(Request(scope, receive)), language_of(scope))
        except RequestError as refused:
            response = refused.response(language_of(scope))
        except MemoryError:
            response = NO_MEMORY.response(language_of(scope))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> dict[str, Any]:
        limits = self.served.limits
        body = await read_object(request, limits.bytes, self.served.most_values, '{"records": [{…}]}', "records")
        records, noted = body["records"], current()
        noted.asked("json", len(records) if isinstance(records, list) else 0)
        answer = await self.served.answer(records)
        noted.predictions = len(records)
        noted.warned([prediction["warnings"] for prediction in answer["predictions"]])
        if self.served.log_rows:
            noted.log_rows = self.served.log_rows(noted.id.decode(), records, answer["predictions"])
        return answer
