"""Manifests are valid and speak of what exists: `python -m lint.manifests`.

Kubernetes by its own schemas, custom resources by theirs, strictly; the compose file by the Compose
specification; and every variable either names is a setting of the service it is given to.
"""

import json
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import kubernetes_validate
import kubernetes_validate.utils
import yaml

from lint import custom_resources, kustomize
from lint.overlays import rendered
from lint.settings_names import known_variables

BASE = Path("deploy/k8s/base")
CONSOLE = Path("deploy/k8s/console")
OVERLAY = Path("deploy/k8s/secure-kafka")
NAME = "app.kubernetes.io/name"
COMPOSE = Path("docker-compose.yml")
COMPOSE_OVERLAY = Path("deploy/compose-kafka.yml")
COMPOSE_OBSERVABILITY = Path("deploy/observability/compose.yml")
COMPOSE_SCHEMA = Path(__file__).parent / "compose_spec" / "compose-spec.json"
OPENTELEMETRY = "OTEL_"
"""Its variables are read by its library, in every service."""
# It reads its schemas, of a megabyte, anew for each manifest.
kubernetes_validate.utils.schema_contents = cache(kubernetes_validate.utils.schema_contents)
RESTART = re.compile(r"no|always|unless-stopped|on-failure(:\d+)?")
"""The policies that the specification lists, which its schema takes for any text."""


def main() -> int:
    """Check all manifests; returns the exit code."""
    problems = [
        *kubernetes_problems(BASE),
        *kubernetes_problems(CONSOLE),
        *overlay_problems(OVERLAY),
        *(
            problem
            for path in (*sorted(kustomize.OVERLAYS.iterdir()), kustomize.RESTORE)
            for problem in made_problems(path)
        ),
        *compose_problems(COMPOSE),
        *compose_problems(COMPOSE_OVERLAY),
        *compose_problems(COMPOSE_OBSERVABILITY),
    ]
    for problem in problems:
        print(problem)
    if not problems:
        print("manifests: ok")
    return 1 if problems else 0


def kubernetes_problems(folder: Path) -> Iterator[str]:
    """What is wrong in a kustomize base."""
    version = kubernetes_validate.latest_version()
    listed = set(yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"])
    present = {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml"}
    for name in sorted(listed ^ present):
        yield f"{folder}/kustomization.yaml: {name} is listed or present, not both"
    for path in sorted(folder / name for name in listed & present):
        for document in yaml.safe_load_all(path.read_text()):
            yield from _manifest_problems(path, document, version)


def overlay_problems(folder: Path) -> Iterator[str]:
    """What is wrong in what a kustomize overlay makes of its base."""
    version = kubernetes_validate.latest_version()
    try:
        for document in rendered(folder):
            yield from _manifest_problems(folder, document, version)
    except (KeyError, OSError) as error:
        yield f"{folder}: it cannot be applied to its base: {error}"


def made_problems(folder: Path) -> Iterator[str]:
    """What is wrong in what kustomize itself makes of an overlay, where it is there."""
    if not kustomize.is_there():
        print(f"{folder}: not rendered, kubectl is not here")
        return
    version = kubernetes_validate.latest_version()
    try:
        for document in kustomize.rendered(folder):
            yield from _manifest_problems(folder, document, version)
    except kustomize.NotRendered as refusal:
        yield f"{folder}: {refusal}"


def _manifest_problems(path: Path, document: dict[str, Any], version: str) -> Iterator[str]:
    what = f"{path}: {document['kind']} {document['metadata']['name']}"
    if custom_resources.is_known(document["apiVersion"].partition("/")[0]):
        core = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": document["metadata"]}
        for problem in custom_resources.problems(document):
            yield f"{what}: {problem}"
    else:
        core = document
    try:
        kubernetes_validate.validate(core, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        yield f"{what}: {error.message}"
    except kubernetes_validate.SchemaNotFoundError:
        yield f"{what}: no schema of {document['apiVersion']} is here"
    if document["kind"] == "ConfigMap":
        member = document["metadata"].get("labels", {}).get(NAME, document["metadata"]["name"])
        yield from _unknown(what, member, document["data"])


def compose_problems(path: Path) -> Iterator[str]:
    """What is wrong in a compose file."""
    document = yaml.safe_load(path.read_text())
    schema = jsonschema_rs.validator_for(json.loads(COMPOSE_SCHEMA.read_text()))
    problems = [
        f"{path}: {'.'.join(map(str, error.instance_path))}: {error.message}"
        for error in schema.iter_errors(document)
    ]
    yield from problems
    if problems:
        return
    for name, service in document["services"].items():
        if not RESTART.fullmatch(service.get("restart", "no")):
            yield f"{path}: {name}: there is no restart policy {service['restart']}"
        image: str = service.get("image", "")
        if not image and Path("services", name).is_dir():  # an overlay says no image
            image = f"channel/{name}"
        if image.startswith("channel/"):
            yield from _unknown(
                f"{path}: {name}", image.partition("/")[2], service.get("environment", {})
            )


def _unknown(what: str, member: str, variables: dict[str, Any] | Iterable[str]) -> Iterator[str]:
    known = known_variables(member)
    for variable in variables:
        if variable not in known and not variable.startswith(OPENTELEMETRY):
            yield f"{what}: {member} has no setting {variable}"


if __name__ == "__main__":
    sys.exit(main())
