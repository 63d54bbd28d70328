"""Every combination of base and components renders, is valid, and fits together."""

from pathlib import Path
from typing import Any

import pytest

from lint.kustomize import (
    OVERLAYS,
    combinations,
    is_there,
    rendered,
    write_combination,
)
from lint.manifests import made_problems

pytestmark = pytest.mark.skipif(not is_there(), reason="kubectl, which has kustomize, is not here")
PRODUCTION = OVERLAYS / "production"


@pytest.fixture(scope="module")
def production() -> list[dict[str, Any]]:
    return rendered(PRODUCTION)


@pytest.mark.parametrize(
    ("base", "components"),
    [
        pytest.param(base, components, id=f"{base.name}-{'-'.join(c.name for c in components)}")
        for base, components in combinations()
    ],
)
def test_every_combination_renders_and_is_valid(
    tmp_path: Path, base: Path, components: tuple[Path, ...]
) -> None:
    write_combination(tmp_path, base, components)
    assert rendered(tmp_path)
    if len(components) > 2:  # which has all that the others have
        assert list(made_problems(tmp_path)) == []


@pytest.mark.parametrize("overlay", sorted(OVERLAYS.iterdir()), ids=lambda path: path.name)
def test_overlays_are_valid(overlay: Path) -> None:
    assert rendered(overlay)
    assert list(made_problems(overlay)) == []


def test_a_misspelt_field_is_found(tmp_path: Path) -> None:
    base, components = next(combinations())
    write_combination(tmp_path, base, components)
    with (tmp_path / "kustomization.yaml").open("a") as file:
        file.write(
            "patches: [{target: {kind: Deployment}, patch: '[{op: add, path: /spec/replcas,"
            " value: 2}]'}]\n"
        )
    assert any("replcas" in problem for problem in made_problems(tmp_path))


def processes(manifests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for one in manifests if one["kind"] in {"Deployment", "StatefulSet"}]


def test_every_reference_is_to_something_of_the_same_release(
    production: list[dict[str, Any]],
) -> None:
    names = {(one["kind"], one["metadata"]["name"]) for one in production}
    settings = {name for kind, name in names if kind == "ConfigMap"}
    assert {name.endswith("-0-1-0") for kind, name in names if kind in {"Job", "ConfigMap"}} == {
        True
    }
    for one in production:
        if one["kind"] in {"Deployment", "StatefulSet", "Job"}:
            for source in one["spec"]["template"]["spec"]["containers"][0].get("envFrom", []):
                if "configMapRef" in source:
                    assert source["configMapRef"]["name"] in settings
        if "scaleTargetRef" in one["spec"] if "spec" in one else False:
            target = one["spec"]["scaleTargetRef"]
            assert (target["kind"], target["name"]) in names


def test_probes_and_the_token_hand_out_are_on_the_operators_port(
    production: list[dict[str, Any]],
) -> None:
    assert len(processes(production)) == 8
    for one in processes(production):
        [container] = one["spec"]["template"]["spec"]["containers"]
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            assert container[probe]["httpGet"]["port"] == "operations"
        assert {"name": "operations", "containerPort": 9000} in container["ports"]
    for one in production:
        if one["kind"] == "ConfigMap":
            urls = [value for name, value in one["data"].items() if name.endswith("_AUTH_URL")]
            assert urls == ["http://auth-service:9000"]


def test_pods_run_without_rights_and_are_spread_apart(production: list[dict[str, Any]]) -> None:
    for one in processes(production):
        pod = one["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        [container] = pod["containers"]
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert "memory" in container["resources"]["limits"]
        for constraint in pod["topologySpreadConstraints"]:
            assert (
                constraint["labelSelector"]["matchLabels"] == one["spec"]["selector"]["matchLabels"]
            )
    budgets = [one for one in production if one["kind"] == "PodDisruptionBudget"]
    selectors = [one["spec"]["selector"]["matchLabels"] for one in budgets]
    for one in processes(production):
        assert one["spec"]["selector"]["matchLabels"] in selectors


def test_only_what_is_public_is_routed(production: list[dict[str, Any]]) -> None:
    routes = [one for one in production if one["kind"] == "HTTPRoute"]
    assert len(routes) == 4
    for route in routes:
        for rule in route["spec"]["rules"]:
            assert [match["path"]["value"] for match in rule["matches"]] == ["/v1/"]
            assert {backend["port"] for backend in rule["backendRefs"]} <= set(range(8001, 8005))
