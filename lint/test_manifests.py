from pathlib import Path

import pytest
import yaml

from lint.manifests import BASE, COMPOSE, compose_problems, kubernetes_problems


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
