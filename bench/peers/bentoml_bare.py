"""BentoML with an async endpoint of the same body and no model."""

import bentoml

from bench.peers.body import Record


@bentoml.service(workers=1)
class Bare:
    @bentoml.api  # type: ignore[untyped-decorator]
    async def predict(self, records: list[Record]) -> dict[str, list[float]]:
        return {"predictions": [0.0] * len(records)}
