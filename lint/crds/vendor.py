"""Take schemas of custom resources from clones: `python -m lint.crds.vendor FOLDER`.

FOLDER has a clone of each source, named OWNER+NAME as in `SOURCES`, with its release's tag. What is
written beside this file is each kind's openAPIV3Schema, without descriptions and without `status`,
which no manifest has.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent
Schema = dict[str, Any]


@dataclass(frozen=True)
class Source:
    """A repository on GitHub and, of one release, the files whose kinds are taken at `version`."""

    repository: str
    tag: str
    version: str
    paths: tuple[str, ...]


SOURCES = (
    Source(
        "kedacore/keda",
        "v2.20.2",
        "v1alpha1",
        (
            "config/crd/bases/keda.sh_scaledobjects.yaml",
            "config/crd/bases/keda.sh_triggerauthentications.yaml",
        ),
    ),
    Source(
        "prometheus-operator/prometheus-operator",
        "v0.93.0",
        "v1",
        (
            "example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml",
            "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
        ),
    ),
    Source(
        "kubernetes-sigs/gateway-api",
        "v1.6.1",
        "v1",
        (
            "config/crd/standard/gateway.networking.k8s.io_gateways.yaml",
            "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml",
        ),
    ),
    Source(
        "external-secrets/external-secrets",
        "v2.9.0",
        "v1",
        (
            "config/crds/bases/external-secrets.io_externalsecrets.yaml",
            "config/crds/bases/external-secrets.io_secretstores.yaml",
        ),
    ),
    Source(
        "cloudnative-pg/cloudnative-pg",
        "v1.30.0",
        "v1",
        (
            "config/crd/bases/postgresql.cnpg.io_clusters.yaml",
            "config/crd/bases/postgresql.cnpg.io_databases.yaml",
            "config/crd/bases/postgresql.cnpg.io_scheduledbackups.yaml",
        ),
    ),
    Source(
        "cloudnative-pg/plugin-barman-cloud",
        "v0.14.0",
        "v1",
        ("config/crd/bases/barmancloud.cnpg.io_objectstores.yaml",),
    ),
    Source(
        "strimzi/strimzi-kafka-operator",
        "1.2.0",
        "v1",
        (
            "install/cluster-operator/040-Crd-kafka.yaml",
            "install/cluster-operator/043-Crd-kafkatopic.yaml",
            "install/cluster-operator/044-Crd-kafkauser.yaml",
            "install/cluster-operator/045-Crd-kafkanodepool.yaml",
        ),
    ),
)


def schemas(clones: Path) -> Iterator[tuple[str, Schema]]:
    """Each kind's file name and schema. Raises `subprocess.CalledProcessError` for no such file."""
    for source in SOURCES:
        clone = clones / source.repository.replace("/", "+")
        if (clone / "repo").is_dir():
            clone /= "repo"
        for path in source.paths:
            read = subprocess.run(
                ["git", "-C", str(clone), "show", f"{source.tag}:{path}"],  # noqa: S607 - git of PATH
                check=True,
                capture_output=True,
                text=True,
            )
            definition = yaml.safe_load(read.stdout)["spec"]
            [version] = [one for one in definition["versions"] if one["name"] == source.version]
            name = f"{definition['group']}_{source.version}_{definition['names']['kind']}.json"
            schema = version["schema"]["openAPIV3Schema"]
            schema["properties"].pop("status", None)
            yield name, without_descriptions(schema)


def without_descriptions(schema: Schema) -> Schema:
    """The schema as it is, less what is for people; a property named `description` stays."""
    kept = {name: part for name, part in schema.items() if name != "description"}
    if "properties" in kept:
        kept["properties"] = {
            name: without_descriptions(part) for name, part in kept["properties"].items()
        }
    for name in ("items", "additionalProperties", "not"):
        if isinstance(kept.get(name), dict):
            kept[name] = without_descriptions(kept[name])
    for name in ("anyOf", "allOf", "oneOf"):
        if name in kept:
            kept[name] = [without_descriptions(part) for part in kept[name]]
    return kept


def main() -> None:
    """Write all schemas, and delete what no source has."""
    written = set()
    for name, schema in schemas(Path(sys.argv[1])):
        text = json.dumps(schema, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        (FOLDER / name).write_text(text + "\n")
        written.add(name)
    for path in FOLDER.glob("*.json"):
        if path.name not in written:
            path.unlink()


if __name__ == "__main__":
    main()
