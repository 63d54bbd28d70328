import shutil
from pathlib import Path

import pytest
import yaml

from lint.manifests import (
    BASE,
    COMPOSE,
    COMPOSE_OVERLAY,
    OVERLAY,
    compose_problems,
    kubernetes_problems,
    overlay_problems,
)
from lint.overlays import rendered


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A copy of the base with one service."""
    (tmp_path / "kustomization.yaml").write_text("resources: [auth-service.yaml]")
    (tmp_path / "auth-service.yaml").write_text((BASE / "auth-service.yaml").read_text())
    return tmp_path


@pytest.mark.parametrize(
    ("sound", "broken", "problem"),
    [
        pytest.param("replicas: 2", "replicas: two", "Deployment auth-service", id="wrong type"),
        pytest.param("replicas: 2", "replcas: 2", "replcas", id="misspelt field"),
        pytest.param("AUTH_PUBLIC_URL", "AUTH_PUBLIC_URI", "AUTH_PUBLIC_URI", id="no such setting"),
    ],
)
def test_a_broken_manifest_is_found(base: Path, sound: str, broken: str, problem: str) -> None:
    assert list(kubernetes_problems(base)) == []
    text = (base / "auth-service.yaml").read_text()
    (base / "auth-service.yaml").write_text(text.replace(sound, broken))
    assert any(problem in found for found in kubernetes_problems(base))


def test_a_manifest_that_is_not_listed_is_found(base: Path) -> None:
    (base / "forgotten.yaml").write_text("")
    assert ["forgotten.yaml" in found for found in kubernetes_problems(base)] == [True]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("restart", "perhaps", id="no such policy"),
        pytest.param("imgae", "x", id="misspelt field"),
        pytest.param("ports", 8001, id="wrong type"),
        pytest.param("environment", {"AUTH_COLOUR": "red"}, id="no such setting"),
    ],
)
def test_a_broken_compose_file_is_found(tmp_path: Path, field: str, value: object) -> None:
    document = yaml.safe_load(COMPOSE.read_text())
    document["services"] = {"auth-service": document["services"]["auth-service"]}
    path = tmp_path / "compose.yml"
    path.write_text(yaml.safe_dump(document))
    assert list(compose_problems(path)) == []
    document["services"]["auth-service"][field] = value
    path.write_text(yaml.safe_dump(document))
    assert len(list(compose_problems(path))) == 1


def test_the_overlay_gives_every_process_an_identity_and_the_authority() -> None:
    made = list(rendered(OVERLAY))
    settings = [document["data"] for document in made if document["kind"] == "ConfigMap"]
    assert len(settings) == 4
    for data in settings:
        protocols = [name for name in data if name.endswith("_KAFKA_SECURITY_PROTOCOL")]
        assert [data[name] for name in protocols] == ["SASL_SSL"]
    processes = [d for d in made if d["kind"] in {"Deployment", "StatefulSet", "Job"}]
    assert len(processes) == 13
    for process in processes:
        pod = process["spec"]["template"]["spec"]
        assert "kafka-ca" in [volume["name"] for volume in pod["volumes"]]
        mounts = [mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]]
        assert "/etc/kafka" in mounts


@pytest.mark.parametrize(
    ("sound", "broken"),
    [
        pytest.param("CATALOG_KAFKA_USER", "CATALOG_KAFKA_USR", id="no such setting"),
        pytest.param("name: catalog-service", "name: catalogue-service", id="no such ConfigMap"),
    ],
)
def test_a_broken_overlay_is_found(tmp_path: Path, sound: str, broken: str) -> None:
    overlay, base = tmp_path / "overlay", tmp_path / "base"
    shutil.copytree(OVERLAY, overlay)
    shutil.copytree(BASE, base)
    assert list(overlay_problems(overlay)) == []
    text = (overlay / "catalog-service.yaml").read_text()
    (overlay / "catalog-service.yaml").write_text(text.replace(sound, broken))
    assert len(list(overlay_problems(overlay))) == 1


def test_a_patch_without_its_place_is_found(tmp_path: Path) -> None:
    overlay = tmp_path / "overlay"
    shutil.copytree(OVERLAY, overlay)
    shutil.copytree(BASE, tmp_path / "base")
    text = (overlay / "kustomization.yaml").read_text()
    (overlay / "kustomization.yaml").write_text(text.replace("spec/volumes/-", "spec/volume/-"))
    assert ["cannot be applied" in found for found in overlay_problems(overlay)] == [True]


def test_a_setting_that_no_service_has_is_found_in_a_compose_overlay(tmp_path: Path) -> None:
    path = tmp_path / "compose.yml"
    path.write_text(COMPOSE_OVERLAY.read_text().replace("ORDERS_KAFKA_USER", "ORDERS_KAFKA_USR"))
    assert ["ORDERS_KAFKA_USR" in found for found in compose_problems(path)] == [True]


def test_what_pods_ask_for_is_what_was_measured() -> None:
    """The last two columns of the table in docs/scale.md."""
    measured = {}
    for line in Path("docs/scale.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[-1].endswith("Mi"):
            measured[cells[0]] = cells[-2:]
    asked = {}
    for path in BASE.glob("*-*.yaml"):
        for document in yaml.safe_load_all(path.read_text()):
            if document["kind"] in {"Deployment", "StatefulSet"}:
                [container] = document["spec"]["template"]["spec"]["containers"]
                requests, limits = (container["resources"][key] for key in ("requests", "limits"))
                asked[f"{path.stem}, {container['name']}"] = [
                    f"{requests['cpu']}, {requests['memory']}",
                    limits["memory"],
                ]
    assert len(asked) == 8
    assert asked == measured
