"""What kustomize makes of a folder of manifests.

kustomize is the one in kubectl. On a machine without it nothing is rendered, and that is printed.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

OVERLAYS = Path("deploy/k8s/overlays")
COMPONENTS = Path("deploy/k8s/components")
SECURE = Path("deploy/k8s/secure-kafka")
BASES = (Path("deploy/k8s/base"), SECURE)
RESTORE = Path("deploy/k8s/restore")
STORES = ("external-secrets", "cloudnative-pg", "strimzi")
"""Components that change what others brought: after these, in this order."""
NEED_SECURE = ("strimzi",)
"""Components that are of no use to the base as it is."""
NEEDS = {"operations-port": (), "cloudnative-pg": ("external-secrets",)}
"""What a component needs; without an entry the operators' port, which others name."""
LOADER = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
"""An overlay has some 4,000 lines, over which Python's own loader takes seven times as long."""


class NotRendered(Exception):
    """kustomize refuses; the text says why."""


def is_there() -> bool:
    """Whether overlays can be rendered here."""
    return shutil.which("kubectl") is not None


def rendered(folder: Path) -> list[dict[str, Any]]:
    """The manifests that kustomize makes of a folder. Raises `NotRendered`."""
    kubectl = shutil.which("kubectl") or "kubectl"
    run = subprocess.run(
        [kubectl, "kustomize", str(folder)], capture_output=True, text=True, check=False
    )
    if run.returncode:
        raise NotRendered(run.stderr.strip())
    return [document for document in yaml.load_all(run.stdout, LOADER) if document]


def write_combination(folder: Path, base: Path, components: Sequence[Path]) -> None:
    """Make `folder` an overlay of `base` with these components."""
    place = {path: os.path.relpath(path, folder.resolve()) for path in (base, *components)}
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [place[base]],
        "components": [place[component] for component in components],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))


def combinations() -> Iterator[tuple[Path, tuple[Path, ...]]]:
    """Each base with every component alone, with what that needs, and with all it can have."""
    for base in BASES:
        ours = sorted(path.name for path in COMPONENTS.iterdir() if path.name not in STORES)
        stores = [name for name in STORES if base == SECURE or name not in NEED_SECURE]
        for name in (*ours, *stores):
            yield base, _paths([*NEEDS.get(name, ("operations-port",)), name])
        yield base, _paths([*ours, *stores])


def _paths(names: Sequence[str]) -> tuple[Path, ...]:
    return tuple(COMPONENTS / name for name in names)
