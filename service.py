"""The BentoML service: `bentoml serve`, `bentoml serve --arg model=diabetes`, `bentoml build`.

slipway/page/server.py      finds the version that `--arg model=…` names, and mounts its page at `/ui`
slipway/service/app.py      the service around it: what a start checks, and `POST /predict`
slipway/service/routes.py   the other calls: `/predict_csv`, `/explain`, `/model`, `/docs`
slipway/page/app.py         the page
"""

from slipway.page.server import Slipway

__all__ = ["Slipway"]
