"""Kustomize overlays, applied as far as ours go: settings merged by name, JSON patches by target.

There is no kustomize on a developer's machine; what an overlay makes is checked all the same.
"""

import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

Manifest = dict[str, Any]


def rendered(overlay: Path) -> Iterator[Manifest]:
    """The manifests of the overlay's base, with its patches. Raises `KeyError` for a patch whose
    place is not there."""
    kustomization = yaml.safe_load((overlay / "kustomization.yaml").read_text())
    settings: dict[str, Manifest] = {}
    operations: list[tuple[Manifest, list[Manifest]]] = []
    for patch in kustomization["patches"]:
        if "path" in patch:
            merged = yaml.safe_load((overlay / patch["path"]).read_text())
            settings[merged["metadata"]["name"]] = merged
        else:
            operations.append((patch["target"], yaml.safe_load(patch["patch"])))
    for manifest in _manifests_of_base(overlay, kustomization):
        made = deepcopy(manifest)
        name = made["metadata"]["name"]
        if made["kind"] == "ConfigMap" and name in settings:
            made["data"] |= settings.pop(name)["data"]
        for target, patches in operations:
            if _is_target(made, target):
                for patch in patches:
                    _apply(made, patch)
        yield made
    if settings:
        raise KeyError(f"no ConfigMap of the base is named {', '.join(settings)}")


def _manifests_of_base(overlay: Path, kustomization: Manifest) -> Iterator[Manifest]:
    [base] = [overlay / resource for resource in kustomization["resources"]]
    for name in yaml.safe_load((base / "kustomization.yaml").read_text())["resources"]:
        yield from yaml.safe_load_all((base / name).read_text())


def _is_target(manifest: Manifest, target: Manifest) -> bool:
    kind, name = target.get("kind", ".*"), target.get("name", ".*")
    is_kind = re.fullmatch(kind, manifest["kind"]) is not None
    return is_kind and re.fullmatch(name, manifest["metadata"]["name"]) is not None


def _apply(manifest: Manifest, patch: Manifest) -> None:
    """One operation of RFC 6902: `add` or `replace`."""
    *way, last = patch["path"].strip("/").split("/")
    place: Any = manifest
    for step in way:
        place = place[int(step)] if isinstance(place, list) else place[step]
    if isinstance(place, list):
        if last != "-" or patch["op"] != "add":
            raise KeyError(f"{patch['op']} {patch['path']}: only adding at a list's end is known")
        place.append(patch["value"])
    elif patch["op"] == "replace" and last not in place:
        raise KeyError(f"replace {patch['path']}: it is not there")
    else:
        place[last] = patch["value"]
