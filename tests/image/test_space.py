"""deploy/space/Dockerfile, built on an image of ours and started as a Space does: as user 1000, on port 7860."""

import re
import subprocess
import time

import httpx
import pytest

from deploy.engine import call
from tests.conftest import ROOT
from tests.image.conftest import MEASURED, SANDBOX
from tests.image.test_image import check_golden

pytestmark = pytest.mark.image

URL = "http://127.0.0.1:7860"


@pytest.fixture(scope="module")
def space(engine, image):
    """The Space, ready; its engine."""
    context = ROOT / "deploy" / "space"
    build = ["build", "--quiet", "--tag", "space:under-test", "--build-arg", f"IMAGE={image.name}", str(context)]
    call(engine, *build)
    # The sandbox has the machine's own network, where only loopback is listened on.
    network = ["--env", "BENTOML_HOST=127.0.0.1"] if SANDBOX else ["--publish", "127.0.0.1:7860:7860"]
    started = time.monotonic()
    call(engine, "run", "--detach", "--name", "space", *network, "space:under-test")
    try:
        while True:
            assert time.monotonic() < started + 120, call(engine, "logs", "space")
            try:
                if httpx.get(f"{URL}/ui/", timeout=5).status_code == 200:
                    break
            except httpx.HTTPError:
                pass
            time.sleep(0.3)
        MEASURED.append(f"deploy/space: its page is there {time.monotonic() - started:.1f} s after `{engine} run`")
        yield engine
    finally:
        subprocess.run([engine, "rm", "--force", "space"], capture_output=True)
        subprocess.run([engine, "rmi", "space:under-test"], capture_output=True)


def test_a_space_answers_as_user_1000(space, insurance):
    status = dict(re.findall(r"^(\w+):\s+(.+)$", call(space, "exec", "space", "cat", "/proc/1/status"), re.M))

    check_golden(URL, insurance)
    assert status["Uid"].split() == ["1000"] * 4


def test_its_page_may_be_framed_by_hugging_face_and_nobody_else(space):
    answers = [httpx.get(f"{URL}/ui/", params=query) for query in ({}, {"embed": "1"})]

    for answer in answers:
        (allowed,) = re.findall(r"frame-ancestors ([^;]*)", answer.headers["content-security-policy"])
        assert allowed.split() == ["'self'", "https://huggingface.co"]
        assert "x-frame-options" not in answer.headers
