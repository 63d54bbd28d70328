"""What a real API server says of every overlay: `kubectl apply --dry-run=server --validate=strict`.

Skipped where kube-apiserver and etcd are neither on the path nor in the folder that
KUBEBUILDER_ASSETS names; `deploy/tests/control-plane.sh` makes them. Custom resources are known to
it by the schemas in `lint/crds`, their rules in CEL included. No controller runs: nothing is
started.
"""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from lint.custom_resources import FOLDER
from lint.kustomize import BASES, OVERLAYS, RESTORE, rendered
from stack.ports import free_port

READY_WITHIN = 120
ASSETS = os.environ.get("KUBEBUILDER_ASSETS")
SEARCHED = f"{ASSETS}:{os.environ['PATH']}" if ASSETS else os.environ["PATH"]
PROGRAMS = {name: shutil.which(name, path=SEARCHED) for name in ("kube-apiserver", "etcd")}
KUBECTL = shutil.which("kubectl")
TOKEN = "of-this-test-alone"

pytestmark = [
    pytest.mark.skipif(
        None in (*PROGRAMS.values(), KUBECTL),
        reason="kubectl, kube-apiserver or etcd is not here: deploy/tests/control-plane.sh",
    ),
    pytest.mark.slow,
]
Kubectl = Callable[..., subprocess.CompletedProcess[str]]


@contextmanager
def running(name: str, folder: Path, *flags: str) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen([str(PROGRAMS[name]), *flags], stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="module")
def kubectl(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubectl]:
    """kubectl on a control plane that knows our custom resources and namespaces."""
    folder = tmp_path_factory.mktemp("control-plane")
    etcd, peers, port = free_port(), free_port(), free_port()
    key = generate_private_key(public_exponent=65537, key_size=2048)
    (folder / "key").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    )
    (folder / "tokens").write_text(f'{TOKEN},operator,operator,"system:masters"\n')
    (folder / "config").write_text(json.dumps(kubeconfig(port)))

    def run(*words: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
        command = [str(KUBECTL), "--kubeconfig", str(folder / "config"), *words]
        return subprocess.run(command, input=given, capture_output=True, text=True, check=False)

    with (
        running(
            "etcd",
            folder,
            f"--data-dir={folder / 'data'}",
            f"--listen-client-urls=http://127.0.0.1:{etcd}",
            f"--advertise-client-urls=http://127.0.0.1:{etcd}",
            f"--listen-peer-urls=http://127.0.0.1:{peers}",
        ),
        running(
            "kube-apiserver",
            folder,
            f"--etcd-servers=http://127.0.0.1:{etcd}",
            "--bind-address=127.0.0.1",
            f"--secure-port={port}",
            f"--cert-dir={folder / 'certificates'}",
            f"--token-auth-file={folder / 'tokens'}",
            "--authorization-mode=RBAC",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={folder / 'key'}",
            f"--service-account-signing-key-file={folder / 'key'}",
            "--service-cluster-ip-range=10.0.0.0/24",
        ) as server,
    ):
        until_ready(run, server, folder)
        definitions = [definition(path) for path in sorted(FOLDER.glob("*.json"))]
        assert_taken(
            run("apply", "--server-side", "-f", "-", given=yaml.safe_dump_all(definitions))
        )
        assert_taken(run("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"))
        for namespace in ("channel", "channel-dev", "stored"):
            assert_taken(run("create", "namespace", namespace))
        yield run


def kubeconfig(port: int) -> dict[str, Any]:
    cluster = {"server": f"https://127.0.0.1:{port}", "insecure-skip-tls-verify": True}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": "test", "user": {"token": TOKEN}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
    }


def until_ready(run: Kubectl, server: subprocess.Popen[bytes], folder: Path) -> None:
    ends = time.monotonic() + READY_WITHIN
    while run("get", "--raw", "/readyz").stdout != "ok":
        log = (folder / "kube-apiserver.log").read_text()
        assert server.poll() is None, log[-2000:]
        assert time.monotonic() < ends, log[-2000:]
        time.sleep(0.2)


def definition(path: Path) -> dict[str, Any]:
    """The kind's CRD, put together of its schema."""
    group, version, kind = path.stem.split("_")
    plural = f"{kind.lower()}s"
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{plural}.{group}",
            "annotations": {"api-approved.kubernetes.io": "unapproved, of a test"},
        },
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural},
            "versions": [
                {
                    "name": version,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": json.loads(path.read_text())},
                }
            ],
        },
    }


def assert_taken(answer: subprocess.CompletedProcess[str]) -> None:
    assert answer.returncode == 0, answer.stderr


def offered(run: Kubectl, manifests: list[dict[str, Any]]) -> subprocess.CompletedProcess[str]:
    return run(
        *("apply", "--dry-run=server", "--validate=strict", "-n", "channel", "-f", "-"),
        given=yaml.safe_dump_all(manifests),
    )


@pytest.mark.parametrize("folder", [*BASES, RESTORE], ids=lambda path: path.name)
def test_the_api_server_takes_each_base(kubectl: Kubectl, folder: Path) -> None:
    assert_taken(offered(kubectl, rendered(folder)))


@pytest.mark.parametrize("overlay", sorted(OVERLAYS.iterdir()), ids=lambda path: path.name)
def test_the_api_server_takes_every_overlay(kubectl: Kubectl, overlay: Path) -> None:
    answer = kubectl("apply", "--dry-run=server", "--validate=strict", "-k", str(overlay))
    assert_taken(answer)
    assert len(answer.stdout.splitlines()) == len(rendered(overlay))


def test_a_release_is_really_stored_and_the_next_does_not_change_its_settings(
    kubectl: Kubectl,
) -> None:
    """Settings are immutable: others need another suffix."""
    release = rendered(OVERLAYS / "production")
    for manifest in release:  # not where other tests offer overlays
        manifest["metadata"]["namespace"] = "stored"
    text = yaml.safe_dump_all(release)
    for _ in range(2):
        assert_taken(kubectl("apply", "--server-side", "-f", "-", given=text))
    settings = next(one for one in release if one["kind"] == "ConfigMap")
    settings["data"]["AUTH_PORT"] = "9999"
    answer = kubectl("apply", "--server-side", "-f", "-", given=yaml.safe_dump(settings))
    assert "immutable" in answer.stderr


@pytest.mark.parametrize(
    ("kind", "field", "value", "problem"),
    [
        pytest.param("Deployment", "replcas", 2, "replcas", id="a core kind's field"),
        pytest.param("Kafka", "kafca", {}, "kafca", id="a custom resource's field"),
        pytest.param(
            "KafkaUser",
            "authentication",
            {"type": "scram-sha-512", "validityDays": 3},
            "can be configured only with 'type: tls'",
            id="a rule in CEL",
        ),
    ],
)
def test_the_api_server_refuses_what_is_wrong(
    kubectl: Kubectl, kind: str, field: str, value: object, problem: str
) -> None:
    manifest = next(one for one in rendered(OVERLAYS / "operators") if one["kind"] == kind)
    manifest["spec"][field] = value
    answer = offered(kubectl, [manifest])
    assert answer.returncode != 0
    assert problem in answer.stderr
