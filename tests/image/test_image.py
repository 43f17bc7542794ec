"""Images, built, run, opened, stopped and pushed for real. `make image-test` runs this."""

import hashlib
import json
import os
import re
import subprocess
import tarfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from deploy.engine import call
from slipway import store
from slipway.inference.equality import equal
from tests.conftest import HOME, PERSON, ROOT, sentence
from tests.image.conftest import BASE, SANDBOX, building, make, make_image, running
from tests.image.proxy import tls_proxy
from tests.image.sandbox import INDEX, SECRET
from tests.test_serve_only import TRAINING_ONLY

pytestmark = pytest.mark.image


def check_golden(url: str, tag: str) -> None:
    """The server repeats every golden answer of the store's version."""
    version = store.find(tag)
    golden, target = version.golden(), version.schema().target
    answers = httpx.post(f"{url}/predict", json={"records": list(golden.records)}, timeout=60).json()
    assert answers["model"] == tag
    wanted = [{"prediction": one.prediction, "probabilities": one.probabilities} for one in golden.predictions]
    pairs = list(zip(answers["predictions"], wanted, strict=True))
    assert pairs and all(equal(answer, wanted, target) for answer, wanted in pairs)


def test_a_model_trained_minutes_ago_answers_from_its_image(container, insurance):
    check_golden(container.url, insurance)


def test_the_page_of_a_container_answers_in_a_browser(container, open_page):
    page = open_page(container)
    before = sentence(page)

    page.get_by_label("Age (years)").fill("64")
    page.locator(".slip-sentence").filter(has_not_text=before).wait_for()

    assert re.search(r"\$[\d,]+", sentence(page))


def test_the_image_says_what_it_is(image, insurance):
    labels = image.config["Config"]["Labels"]

    name, _, version = insurance.partition(":")
    commit = call("git", "-C", str(ROOT), "rev-parse", "HEAD").strip()
    assert labels["org.opencontainers.image.title"] == name
    assert labels["org.opencontainers.image.version"] == version
    assert labels["org.opencontainers.image.revision"].startswith(commit)
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert labels["slipway.model"] == insurance and labels["slipway.engine"] == "onnx"
    sums = (store.find(insurance).path / store.SUMS).read_bytes()
    assert labels["slipway.sha256sums"] == hashlib.sha256(sums).hexdigest()
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", labels["org.opencontainers.image.created"])
    assert image.name.startswith(f"{name}:{version}-{commit[:12]}") or not SANDBOX


def test_the_sbom_is_valid_and_names_what_is_in_the_image(image, insurance):
    text = image.sbom.read_text()

    components = json.loads(text)["components"]
    names = {component["name"].lower() for component in components}
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert {"bentoml", "gradio", "onnxruntime", "libc6"} <= names
    assert "python" in names and not names & {"pycaret-core", "scikit-learn", "scipy", "uv", "hf-xet"}
    (model,) = [one for one in components if one["type"] == "machine-learning-model"]
    assert f"{model['name']}:{model['version']}" == insurance
    graph = (store.find(insurance).path / "model.onnx").read_bytes()
    assert model["hashes"] == [{"alg": "SHA-256", "content": hashlib.sha256(graph).hexdigest()}]
    packages = [one for one in components if one.get("purl", "").startswith(("pkg:pypi", "pkg:deb"))]
    assert all(one["licenses"] for one in components) and all(one["hashes"] for one in packages)
    debian = [one["purl"] for one in packages if one["purl"].startswith("pkg:deb")]
    assert debian and all("distro=debian-" in purl for purl in debian)
    assert [one["name"] for one in components if one["type"] == "operating-system"] == ["debian"]


def test_it_runs_without_privileges_and_writes_only_to_tmp(container):
    status = dict(re.findall(r"^(\w+):\s+(.+)$", container.inside("cat", "/proc/1/status"), re.M))

    attempt = "import sys; open(sys.argv[1] + '/x', 'w')"
    refused = [
        folder
        for folder in ("/", "/app/.venv", "/home/bentoml", "/home/bentoml/bento", "/etc")
        if subprocess.run([container.engine, "exec", container.name, "python", "-c", attempt, folder], capture_output=True).returncode
    ]  # fmt: skip
    container.inside("python", "-c", attempt, "/tmp")
    assert status["Uid"].split()[0] == status["Gid"].split()[0] == "1034"
    assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0 and status["NoNewPrivs"] == "1"
    assert len(refused) == 5


def test_nothing_of_training_building_or_the_repository_is_in_it(container):
    ask = f"""
import importlib.metadata as m, importlib.util as u, json, os, shutil
files = [os.path.join(at, f) for at, _, fs in os.walk("/", onerror=None) if not at.startswith(("/proc", "/sys")) for f in fs]
print(json.dumps({{
    "distributions": sorted(d.metadata["Name"].lower() for d in m.distributions()),
    "modules": [n for n in {TRAINING_ONLY} if u.find_spec(n)],
    "commands": [c for c in ("gcc", "cc", "g++", "make", "uv", "pip", "git") if shutil.which(c)],
    "files": [f for f in files if f.endswith((".pkl", ".parquet")) or "/.git/" in f or "/.cache/" in f],
    "tables": [f for f in files if f.endswith(".csv") and f.startswith("/home")],
}}))
"""

    found = json.loads(container.inside("python", "-c", ask))

    names = {"pycaret-core", "pycaret", "scikit-learn", "scipy", "numba", "matplotlib"}
    assert "bentoml" in found["distributions"] and not names & set(found["distributions"])
    assert found["modules"] == found["commands"] == found["files"] == []
    assert {Path(table).name for table in found["tables"]} == {"background.csv", "leaderboard.csv"}


def test_no_layer_holds_what_only_the_build_was_to_see(image, engine):
    if "PLANTED" not in os.environ:
        pytest.skip("nothing was planted: this needs SLIPWAY_SANDBOX=1")
    pem = Path(os.environ["PLANTED"]).read_text().splitlines()
    planted = [SECRET.encode(), INDEX.encode(), pem[len(pem) // 2].encode()]
    archive = HOME / "image.tar"
    call(engine, "save", "--format", "docker-archive", "-o", str(archive), image.name)

    found, read = [], 0
    with tarfile.open(archive) as outer:
        for entry in outer.getmembers():
            if not entry.isfile():
                continue
            if entry.name.endswith(".tar"):
                with tarfile.open(fileobj=outer.extractfile(entry)) as layer:
                    for file in filter(tarfile.TarInfo.isfile, layer):
                        content, read = layer.extractfile(file).read(), read + 1
                        found += [file.name for text in planted if text in content]
            else:
                content = outer.extractfile(entry).read()
                found += [entry.name for text in planted if text in content]
    archive.unlink()

    assert read > 10_000 and found == []
    assert SECRET not in image.log


def test_the_build_really_used_what_was_planted(engine):
    if "PLANTED" not in os.environ:
        pytest.skip("nothing was planted: this needs SLIPWAY_SANDBOX=1")

    seen = subprocess.run(
        ["podman", "run", "--rm", BASE, "cat", "/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt"],
        env=os.environ | building(), capture_output=True, text=True,
    ).stdout  # fmt: skip

    assert SECRET in seen and Path(os.environ["PLANTED"]).read_text() in seen


def test_a_stopped_container_finishes_what_it_is_answering_and_ends_with_0(image):
    person = ",".join(map(str, PERSON.values()))
    table = ",".join(PERSON) + "\n" + f"{person}\n" * 1000
    under_way, answers = threading.Event(), []

    def form() -> Iterator[bytes]:
        yield b'--x\r\ncontent-disposition: form-data; name="file"; filename="people.csv"\r\n\r\n' + table.encode()
        under_way.set()
        time.sleep(3)  # the container is stopped meanwhile
        yield b"\r\n--x--\r\n"

    with running(image.name) as container:

        def send() -> None:
            headers = {"content-type": "multipart/form-data; boundary=x"}
            answers.append(container.post("/predict_csv", content=form(), headers=headers))

        sender = threading.Thread(target=send)
        sender.start()
        assert under_way.wait(30)
        time.sleep(0.5)

        started = time.monotonic()
        code = container.stop()
        took = time.monotonic() - started
        sender.join(60)

    assert answers[0].status_code == 200 and answers[0].text.count("\n") == 1001
    assert code == 0 and 1 < took < 10


def test_no_library_in_it_reports_home(image):
    environment = dict(line.split("=", 1) for line in image.config["Config"]["Env"])

    # BentoML reads its switch before it imports the service, so it has to be in the image.
    assert environment["BENTOML_DO_NOT_TRACK"] == "True" and environment["ORT_DISABLE_TELEMETRY"] == "1"


def test_port_3000_is_the_one_without_port(image, engine):
    environment = image.config["Config"]["Env"]
    entry = call(engine, "run", "--rm", "--entrypoint", "cat", image.name, *image.config["Config"]["Entrypoint"][1:])

    assert not [line for line in environment if line.startswith(("PORT=", "BENTOML_PORT="))]
    assert (
        list(image.config["Config"]["ExposedPorts"]) == ["3000/tcp"] and image.config["Config"]["User"] == "1034:1034"
    )
    assert "export BENTOML_PORT=$PORT" in entry


def test_behind_a_proxy_with_tls_no_plain_address_reaches_the_browser(container, certificate, browser):
    with tls_proxy(container.url, certificate, "app.example.net") as url:
        context = browser.new_context(ignore_https_errors=True)
        page, asked, bodies = context.new_page(), [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("response", lambda response: bodies.append(response))
        page.goto(f"{url}/")
        page.locator(".slip-sentence").wait_for()
        redirect = httpx.get(f"{url}/ui", verify=False)
        texts = [httpx.get(f"{url}{path}", verify=False).text for path in ("/ui/", "/ui/config", "/docs", "/docs.json")]
        context.close()

    own = re.compile(r"http://(127\.0\.0\.1|app\.example)")
    assert len(asked) > 10 and all(address.startswith((url, "data:", "blob:")) for address in asked)
    assert not redirect.headers.get("location", "").startswith("http:")
    assert not any(own.search(text) for text in texts)


def test_plain_bentoml_containerize_builds_it_as_well(image, engine, insurance):
    from deploy.image import BENTOML

    built = call(BENTOML, "build", "--arg", f"model={insurance}", "--output", "tag").split("__tag__:")[-1].strip()

    run = subprocess.run(
        [BENTOML, "containerize", built, "--backend", engine, "-t", "plain:test"],
        cwd=ROOT, env=os.environ | building(), capture_output=True, text=True, timeout=600,
    )  # fmt: skip

    assert run.returncode == 0, run.stderr[-2000:]
    with running("plain:test") as container:
        check_golden(container.url, insurance)


def test_a_model_that_was_not_compiled_gets_the_training_packages_and_the_build_says_why(native_image, uncompiled):
    with running(native_image.name) as container:
        container.measured(native_image.name)
        check_golden(container.url, uncompiled)

    assert "requirements/train.txt" in native_image.log and "free text" in native_image.log
    assert native_image.config["Config"]["Labels"]["slipway.engine"] == "native"


def test_an_image_is_pushed_pulled_by_its_digest_and_answers_the_same(image, engine, registry, insurance):
    login = [engine, "login", "--username", registry.user, "--password-stdin", registry.address]
    subprocess.run(login, input=registry.password, text=True, check=True, env=os.environ | registry.environment)
    tag = image.name.partition(":")[2]
    push = ["push", f"REGISTRY={registry.address}", "REPOSITORY=pycaret-insurance", f"TAG={tag}"]

    run = make(*push, **registry.environment)
    again = make(*push, **registry.environment)

    assert run.returncode == 0, run.stderr
    pushed = re.search(rf"^{registry.address}/pycaret-insurance@sha256:[0-9a-f]{{64}}$", run.stdout, re.M)[0]
    assert f"{registry.address}/pycaret-insurance:{tag}" in run.stdout and pushed in again.stdout
    call(engine, "rmi", f"{registry.address}/pycaret-insurance:{tag}")
    subprocess.run([engine, "pull", "-q", pushed], check=True, env=os.environ | registry.environment)
    call(engine, "tag", pushed, "pulled:test")
    with running("pulled:test") as container:
        check_golden(container.url, insurance)
    subprocess.run([engine, "logout", registry.address], check=True)


def refused(run: subprocess.CompletedProcess[str]) -> str:
    """The one line with which a command ended."""
    assert run.returncode != 0
    lines = [line for line in run.stderr.splitlines() if not line.startswith("make")]
    assert len(lines) == 1, run.stderr
    return lines[0]


def test_a_push_without_login_says_how_to_log_in(image, registry):
    run = make("push", f"TAG={image.name.partition(':')[2]}", f"REGISTRY={registry.address}", **registry.environment)

    assert re.search(rf"refused the login: log in with `\w+ login {registry.address}`", refused(run))


def test_a_push_with_a_wrong_password_says_so(image, registry, engine):
    auth = HOME / "wrong.json"
    auth.write_text(json.dumps({"auths": {registry.address: {"auth": "Y2k6d3Jvbmc="}}}))

    where = [f"TAG={image.name.partition(':')[2]}", f"REGISTRY={registry.address}"]
    run = make("push", *where, **registry.environment, REGISTRY_AUTH_FILE=str(auth))

    assert "refused the login" in refused(run)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["REGISTRY=no-such-registry.azurecr.io"], "there is no registry no-such-registry.azurecr.io"),
        (["REGISTRY=a.azurecr.io", "MODEL=insurance:another"], "not insurance:another; build it: make image MODEL="),
        (["REGISTRY=127.0.0.1:1"], "127.0.0.1:1 does not answer"),
        (["REGISTRY="], "REGISTRY is ''; expected its login server alone, as in name.azurecr.io"),
        (["REGISTRY=https://a.azurecr.io"], "REGISTRY is 'https://a.azurecr.io'; expected its login server alone"),
        (["REGISTRY=a.azurecr.io", "REPOSITORY=Upper"], "REPOSITORY is 'Upper'; expected lower-case letters"),
        (["REGISTRY=a.azurecr.io", "TAG=missing"], "has no image insurance:missing; build it: make image"),
        (["REGISTRY=a.azurecr.io", "BACKEND=rkt"], "BACKEND is 'rkt'; expected docker, podman or buildah"),
    ],
)
def test_a_push_that_cannot_work_says_what_to_do(image, arguments, expected):
    tag = f"TAG={image.name.partition(':')[2]}"

    assert expected in refused(make("push", tag, *arguments))


def test_an_image_of_a_model_that_is_missing_is_refused_before_anything_is_built(engine):
    run = subprocess.run(
        [ROOT / ".venv" / "bin" / "python", "-m", "deploy.image", "nothing"], cwd=ROOT, capture_output=True, text=True
    )

    assert "nothing" in refused(run) and run.stdout == ""


def test_buildah_builds_what_podman_runs(engine, insurance):
    if engine != "podman":
        pytest.skip("buildah shares its images with podman alone")

    built = make_image(insurance, "BACKEND=buildah", "TAG=by-buildah")
    built.sbom.unlink()

    with running("insurance:by-buildah") as container:
        check_golden(container.url, insurance)


def test_docker_builds_and_runs_it_too(docker, insurance):
    network = ["OPTIONS=--opt network=host"] if SANDBOX else []

    built = make_image(insurance, "BACKEND=docker", "TAG=by-docker", *network)
    built.sbom.unlink()

    with running("insurance:by-docker", "docker", "--network host" if SANDBOX else "") as container:
        check_golden(container.url, insurance)
        assert container.stop() == 0
