"""podman on a bare machine: root in a sandbox, no systemd, no network bridge, maybe no Docker Hub.

`.ci/run` asks for it with SLIPWAY_SANDBOX=1. Elsewhere these tests use the engine as they find it.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from pip._internal.models.index import PyPI

from slipway.service.image import BASE as PINNED
from slipway.service.image import BASE_VARIABLE

# A digest behind the tag would be that of the real one, which a stand-in cannot have.
BASE = PINNED.partition("@")[0]
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
SECRET = "planted-3f9c1e"
INDEX = PyPI.simple_url.replace("://", f"://planted:{SECRET}@")

CONTAINERS = """
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
netns = "host"
log_driver = "k8s-file"
volumes = {volumes}
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
"""


def make(folder: Path) -> dict[str, str]:
    """An image store of its own below `folder`, and the environment in which podman uses it.

    `CONTAINERS_CONF` is for running. Building has another, `BUILDING`, that mounts what the
    build needs of this machine: its certificates, and an index address with a planted password.
    """
    folder.mkdir()
    certificate = folder / "planted.crt"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=planted",
         "-keyout", folder / "planted.key", "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    bundle = folder / "bundle.crt"
    bundle.write_text(CERTIFICATES.read_text() + certificate.read_text())
    (folder / "pip.conf").write_text(f"[global]\nindex-url = {INDEX}\ncert = {CERTIFICATES}\n")
    (folder / "uv.toml").write_text(f'native-tls = true\n[[index]]\nurl = "{INDEX}"\ndefault = true\n')
    mounted = {bundle: CERTIFICATES, folder / "pip.conf": "/etc/pip.conf", folder / "uv.toml": "/etc/uv/uv.toml"}
    volumes = [f"{source}:{target}:ro" for source, target in mounted.items()]
    (folder / "run.conf").write_text(CONTAINERS.format(volumes="[]"))
    (folder / "build.conf").write_text(CONTAINERS.format(volumes=json.dumps(volumes)))
    (folder / "storage.conf").write_text(
        f'[storage]\ndriver = "overlay"\ngraphroot = "{folder}/storage"\nrunroot = "{folder}/run"\n'
    )
    (folder / "auth.json").write_text('{"auths": {}}')
    return {
        "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
        "CONTAINERS_CONF": str(folder / "run.conf"),
        "REGISTRY_AUTH_FILE": str(folder / "auth.json"),
        "BUILDING": str(folder / "build.conf"),
        BASE_VARIABLE: BASE,
        "PLANTED": str(certificate),
    }


def unmount(folder: Path) -> None:
    """Undo what podman and docker have mounted below `folder` and leave when they end: it could not be deleted."""
    for mounted in reversed(psutil.disk_partitions(all=True)):
        if Path(mounted.mountpoint).is_relative_to(folder):
            subprocess.run(["umount", mounted.mountpoint], check=True)


@contextmanager
def network(folder: Path) -> Iterator[tuple[list[str], dict[str, str]]]:
    """A network of its own, with nothing but loopback: the beginning of a command that runs in it, and podman's environment there.

    Containers have bridges in it and listen on all its addresses, of which this machine has none.
    """
    folder.mkdir()
    own = CONTAINERS.format(volumes="[]").replace('netns = "host"', 'netns = "bridge"')
    (folder / "containers.conf").write_text(
        f'{own}[network]\nnetwork_backend = "netavark"\nnetwork_config_dir = "{folder}/networks"\n'
    )
    holder = subprocess.Popen(["unshare", "--net", "sh", "-c", "ip link set lo up && echo up && exec sleep infinity"],
                              stdout=subprocess.PIPE, text=True)  # fmt: skip
    try:
        assert holder.stdout and holder.stdout.readline() == "up\n"
        yield ["nsenter", f"--net=/proc/{holder.pid}/ns/net"], {"CONTAINERS_CONF": str(folder / "containers.conf")}
    finally:
        holder.kill()
        holder.wait(10)


def docker_daemon(folder: Path) -> tuple[subprocess.Popen, dict[str, str]]:
    """A Docker engine of its own below `folder`, with the machine's own network, and how to reach it."""
    (folder / "bin").mkdir(parents=True)
    # Debian's client goes with Debian's engine; another on PATH may want what this engine has not.
    (folder / "bin" / "docker").symlink_to("/usr/bin/docker")
    address = f"unix://{folder}/docker.sock"
    command = ["/usr/sbin/dockerd", "--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false"]
    command += ["--ip-masq=false", f"--data-root={folder}/data", f"--exec-root={folder}/exec"]
    command += [f"--pidfile={folder}/pid", f"--host={address}"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    path = f"{folder}/bin:{os.environ['PATH']}"
    return process, {"DOCKER_HOST": address, "DOCKER_CONFIG": str(folder / "config"), "PATH": path}


def base_for_docker(folder: Path, environment: dict[str, str]) -> None:
    """The base image, which podman has, for docker: with what a build needs of this machine, as docker mounts nothing."""
    archive = folder / "base.tar"
    subprocess.run(["podman", "save", "-o", archive, BASE], check=True, capture_output=True)
    subprocess.run(["docker", "load", "-i", archive], check=True, capture_output=True, env=os.environ | environment)
    archive.unlink()
    context = folder / "context"
    context.mkdir()
    (context / "bundle.crt").write_text(CERTIFICATES.read_text())
    (context / "pip.conf").write_text(f"[global]\ncert = {CERTIFICATES}\n")
    (context / "uv.toml").write_text("native-tls = true\n")
    (context / "Dockerfile").write_text(
        f"FROM {BASE}\nCOPY bundle.crt {CERTIFICATES}\nCOPY pip.conf /etc/pip.conf\nCOPY uv.toml /etc/uv/uv.toml\n"
    )
    build = ["docker", "build", "--network", "host", "--quiet", "--tag", BASE, context]
    subprocess.run(build, check=True, capture_output=True, env=os.environ | environment)


# What the real base image leaves out as well.
_UNWANTED = ["man", "doc", "locale", "info"]


def stand_in(folder: Path) -> None:
    """Make an image under the base image's name from Debian's own packages: its Python is 3.11 as well.

    The real one is of Debian 13 and has a Python of its own; of Debian, only 12 has Python 3.11.
    """
    sources = Path("/etc/apt/sources.list.d/debian.sources")
    archive = folder / "base.tar"
    excluded = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in _UNWANTED]
    excluded += ["--dpkgopt=path-include=/usr/share/doc/*/copyright"]
    bin = '"$1"/usr/local/bin'
    hooks = [
        'rm -f "$1"/usr/lib/python3.11/EXTERNALLY-MANAGED',
        f"for p in python python3 python3.11; do ln -s /usr/bin/python3.11 {bin}/$p; done",
        # As in the real one: nothing of pip is in /usr/bin.
        f'mv "$1"/usr/bin/pip3 {bin}/pip; rm -f "$1"/usr/bin/pip*',
        'rm -rf "$1"/etc/apt/sources.list "$1"/etc/apt/sources.list.d/* "$1"/etc/apt/apt.conf.d/99mmdebstrap '
        '"$1"/var/lib/apt/lists/* "$1"/var/cache/*; : > "$1"/etc/resolv.conf',
    ]
    subprocess.run(
        ["mmdebstrap", "--variant=minbase", "--include=ca-certificates,python3,python3-pip,python3-venv", *excluded,
         *(f"--customize-hook={hook}" for hook in hooks), "bookworm", archive,
         sources if sources.exists() else Path("/etc/apt/sources.list")],
        check=True, capture_output=True,
    )  # fmt: skip
    changes = ["ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", 'CMD ["python3"]']
    subprocess.run(
        ["podman", "import", *(f"--change={change}" for change in changes), archive, f"docker.io/library/{BASE}"],
        check=True, capture_output=True, env=os.environ,
    )  # fmt: skip
    archive.unlink()


def trixie_tools(folder: Path, *packages: str) -> Path:
    """The folder of commands of Debian 13's packages, which Debian 12 has not: they need nothing but its libc."""
    for name in ("lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True)
    (folder / "sources.list").write_text("deb http://deb.debian.org/debian trixie main\n")
    places = {"Dir::Etc::SourceList": folder / "sources.list", "Dir::Etc::SourceParts": "/dev/null"}
    places |= {"Dir::State::Lists": folder / "lists", "Dir::Cache": folder / "cache", "Dir::State::Status": "/dev/null"}
    options = [text for name, value in places.items() for text in ("-o", f"{name}={value}")]
    for command in (["update"], ["download", *packages]):
        subprocess.run(["apt-get", *options, *command], cwd=folder, check=True, capture_output=True, timeout=300)
    for package in folder.glob("*.deb"):
        subprocess.run(["dpkg", "-x", package, folder], check=True)
    return folder / "usr" / "bin"
