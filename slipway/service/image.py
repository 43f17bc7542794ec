"""The image of a bento: what its Dockerfile contains in addition to what bentofile.yaml says."""

from pathlib import Path
from typing import Any

import attrs
from bentoml.images import Image

from slipway.i18n.catalogues import languages
from slipway.schema.metrics import Unavailable
from slipway.store import Version
from slipway.store._bentoml import BUILD_STAGE, IMAGE_USER, VIRTUAL_ENV

BASE = "python:3.11-slim"
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

# BentoML's Dockerfile has one stage, in which the installer stays, and a home that must be writable. It writes
# a command as it is given, so a second stage can begin behind the last one. What follows there is BentoML's again:
# it copies the bento, and sets user and entry point. The proxies of clouds and clusters are in private networks.
_USER, _ID = IMAGE_USER
_SECOND_STAGE = f"""
FROM {BASE}
ENV LANG=C.UTF-8 PYTHONUNBUFFERED=1 PATH={VIRTUAL_ENV}/bin:$PATH VIRTUAL_ENV={VIRTUAL_ENV} \\
    BENTO_PATH=/home/{_USER}/bento BENTOML_HOME=/tmp/bentoml BENTOML_CONTAINERIZED=true \\
    SLIPWAY_TRUSTED_PROXIES=private BENTOML_DO_NOT_TRACK=True GRADIO_ANALYTICS_ENABLED=False ORT_DISABLE_TELEMETRY=1
RUN groupadd --gid {_ID} {_USER} && \\
    useradd --uid {_ID} --gid {_USER} --create-home --shell /usr/sbin/nologin {_USER} && \\
    rm -rf /usr/local/lib/python3.11/site-packages/* /usr/local/bin/pip*
WORKDIR /home/{_USER}/bento
COPY --from={BUILD_STAGE} {VIRTUAL_ENV} {VIRTUAL_ENV}
"""


@attrs.define
class ServingImage(Image):  # type: ignore[misc]
    """Python on slim Debian with one environment, without installers and compilers.

    `native_because` is empty for a compiled version. For any other it gives the reason, and the
    image also gets the training packages, without which its pipeline cannot be read.
    """

    base_image: str = BASE
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
        self.post_commands = [_SLIM + _SECOND_STAGE]  # type: ignore[misc]
        return super().freeze(*arguments, **keywords)


def image_of(version: Version) -> ServingImage:
    """The image that serves one version."""
    if version.engine == "onnx":
        return ServingImage()
    compiled = version.metrics().compiled
    reason = compiled.reason if isinstance(compiled, Unavailable) else "its graph was removed"
    return ServingImage(native_because=f"{version.tag} is served by its PyCaret pipeline ({reason})")
