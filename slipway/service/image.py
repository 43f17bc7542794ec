"""The image of a bento: what its Dockerfile contains in addition to what bentofile.yaml says."""

import json
import os
from pathlib import Path
from typing import Any

import attrs
from bentoml.images import Image

from slipway.i18n.catalogues import languages
from slipway.schema.metrics import Unavailable
from slipway.store import Version
from slipway.store._bentoml import BUILD_STAGE, IMAGE_USER, VIRTUAL_ENV

# The only place that names the base image. renovate.json has the digest written behind the tag, and both kept up to date.
BASE = "python:3.11-slim"
BASE_VARIABLE = "SLIPWAY_BASE_IMAGE"
"""Names another base image for one build: a mirror's, or one with a company's certificates."""
EARLIEST = 315532800
"""1980-01-01, in seconds since 1970: what is used where any date would do. A ZIP file has no earlier one."""
STAGE = "slipway"
"""The stage of the Dockerfile at which `make image` stops."""
_REPOSITORY = Path(__file__).parents[2]

# Of packages that are needed, what no server of ours uses, in site-packages: the packages' own tests; Gradio's page
# drawn by Node.js, its video encoder and its example media; what prepares language models for ONNX Runtime, and the
# copy of its library that is there for C. What is not there any more stops the build: then look again.
_UNUSED = (
    "numpy/*/tests numpy/tests pandas/tests tornado/test gradio/templates/node gradio/templates/frontend/static/ffmpeg "
    "gradio/media_assets onnxruntime/transformers onnxruntime/capi/libonnxruntime.so*"
)
# Babel knows 1,083 locales: 31 MB, of which the languages of the page are one.
_OTHER_LOCALES = " ".join(f"! -name '{name}*.dat'" for name in ("root", *languages()))
# Xet is another way to download from a hub that is not asked.
_SLIM = (
    f"uv pip uninstall hf-xet && cd {VIRTUAL_ENV}/lib/python3.11/site-packages && rm -r {_UNUSED} && "
    f"find babel/locale-data -name '*.dat' {_OTHER_LOCALES} -delete"
)

# Files get a fixed time, so what says whether bytecode is up to date cannot be the time of its source. Nothing changes in an image.
_BYTECODE = "true\nENV PYC_INVALIDATION_MODE=UNCHECKED_HASH"

# Asks what a load balancer asks, with what is in the image anyway.
_HEALTHY = (
    "import os, urllib.request as r; port = os.environ.get('PORT') or os.environ.get('BENTOML_PORT') or '3000'; "
    "r.urlopen(f'http://127.0.0.1:{port}/readyz', timeout=4)"
)

# BentoML's Dockerfile has one stage, in which the installer stays, and a home that must be writable. It writes
# a command as it is given, so a second stage can begin behind the last one. It ends with a port that nothing listens on and a
# user that Kubernetes cannot tell from root, so that stage is complete, and what BentoML adds is a third stage, which `make
# image` leaves out. The proxies of clouds and clusters are in private networks. useradd notes the day, so it is told one.
_USER, _ID = IMAGE_USER
_BENTO = f"/home/{_USER}/bento"
_SECOND_STAGE = f"""
FROM {{base}} AS {STAGE}
ENV LANG=C.UTF-8 PYTHONUNBUFFERED=1 PATH={VIRTUAL_ENV}/bin:$PATH VIRTUAL_ENV={VIRTUAL_ENV} \\
    BENTO_PATH={_BENTO} BENTOML_HOME=/tmp/bentoml BENTOML_CONTAINERIZED=true \\
    SLIPWAY_TRUSTED_PROXIES=private BENTOML_DO_NOT_TRACK=True GRADIO_ANALYTICS_ENABLED=False ORT_DISABLE_TELEMETRY=1
RUN export SOURCE_DATE_EPOCH={EARLIEST} && groupadd --gid {_ID} {_USER} && \\
    useradd --uid {_ID} --gid {_USER} --create-home --shell /usr/sbin/nologin {_USER} && \\
    rm -rf /usr/local/lib/python3.11/site-packages/* /usr/local/bin/pip*
WORKDIR {_BENTO}
COPY --from={BUILD_STAGE} {VIRTUAL_ENV} {VIRTUAL_ENV}
COPY --chown={_ID}:{_ID} . ./
EXPOSE 3000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD {json.dumps(["python", "-c", _HEALTHY])}
USER {_ID}:{_ID}
ENTRYPOINT ["/bin/bash", "{_BENTO}/env/docker/entrypoint.sh"]
FROM {STAGE}
"""


@attrs.define
class ServingImage(Image):  # type: ignore[misc]
    """Python on slim Debian with one environment, without installers and compilers.

    `native_because` is empty for a compiled version. For any other it gives the reason, and the
    image also gets the training packages, without which its pipeline cannot be read.
    """

    base_image: str = attrs.field(factory=lambda: os.environ.get(BASE_VARIABLE) or BASE)
    distro: str = ""
    python_version: str = "3.11"
    native_because: str = ""

    def freeze(self, *arguments: Any, **keywords: Any) -> Any:
        """Called by BentoML when it builds a bento, and only then: a bento does not contain requirements/."""
        if not (_REPOSITORY / "bentofile.yaml").exists():
            raise SystemExit(
                "slipway: a bento is built from a clone of Slipway's repository, which has bentofile.yaml and the locked "
                "requirements; here is the installed package alone"
            )
        if self.native_because:
            print(
                f"slipway: {self.native_because}; the image gets requirements/train.txt too and is three times as large"
            )
            self.python_requirements += (_REPOSITORY / "requirements" / "train.txt").read_text(encoding="utf-8")
        self.commands = [_BYTECODE]  # type: ignore[misc]
        self.post_commands = [_SLIM + _SECOND_STAGE.replace("{base}", self.base_image)]  # type: ignore[misc]
        return super().freeze(*arguments, **keywords)


def image_of(version: Version) -> ServingImage:
    """The image that serves one version."""
    if version.engine == "onnx":
        return ServingImage()
    compiled = version.metrics().compiled
    reason = compiled.reason if isinstance(compiled, Unavailable) else "its graph was removed"
    return ServingImage(native_because=f"{version.tag} is served by its PyCaret pipeline ({reason})")
