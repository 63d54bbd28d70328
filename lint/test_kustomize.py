"""Every combination of base and components renders, is valid, and fits together."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from common.contracts.topics import TOPICS
from lint.kustomize import (
    COMPONENTS,
    OVERLAYS,
    RESTORE,
    SECURE,
    combinations,
    is_there,
    rendered,
    write_combination,
)
from lint.manifests import made_problems
from lint.settings_names import known_variables

pytestmark = pytest.mark.skipif(not is_there(), reason="kubectl, which has kustomize, is not here")
PRODUCTION = OVERLAYS / "production"
OPERATORS = OVERLAYS / "operators"


@pytest.fixture(scope="module")
def production() -> list[dict[str, Any]]:
    return rendered(PRODUCTION)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """By default each base with all it can have; each component alone by `make manifests`."""
    if "components" in metafunc.fixturenames:
        is_long = metafunc.config.getoption("--length") == "long"
        chosen = combinations() if is_long else dict(combinations()).items()  # the last of each
        metafunc.parametrize(
            ("base", "components"),
            [
                pytest.param(base, parts, id=f"{base.name}-{'-'.join(part.name for part in parts)}")
                for base, parts in chosen
            ],
        )


def test_every_combination_renders_and_is_valid(
    tmp_path: Path, base: Path, components: tuple[Path, ...]
) -> None:
    write_combination(tmp_path, base, components)
    assert rendered(tmp_path)
    if len(components) > 2:  # which has all that the others have
        assert list(made_problems(tmp_path)) == []


def test_a_misspelt_field_is_found(tmp_path: Path) -> None:
    base, components = next(combinations())
    write_combination(tmp_path, base, components)
    with (tmp_path / "kustomization.yaml").open("a") as file:
        file.write(
            "patches: [{target: {kind: Deployment}, patch: '[{op: add, path: /spec/replcas,"
            " value: 2}]'}]\n"
        )
    assert any("replcas" in problem for problem in made_problems(tmp_path))


@pytest.fixture(scope="module")
def operators() -> list[dict[str, Any]]:
    return rendered(OPERATORS)


def of_kind(manifests: list[dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    return {one["metadata"]["name"]: one["spec"] for one in manifests if one["kind"] == kind}


def named_secrets(node: Any) -> set[str]:
    """Every secret that a manifest names as its own namespace's."""
    if isinstance(node, list):
        return {name for item in node for name in named_secrets(item)}
    if not isinstance(node, dict):
        return set()
    found = {name for item in node.values() for name in named_secrets(item)}
    if "secretName" in node:
        found.add(node["secretName"])
    for key in ("secretRef", "secretKeyRef", "passwordSecret", "accessKeyId", "secretAccessKey"):
        if key in node:
            found.add(node[key]["name"])
    return found | {target["name"] for target in node.get("secretTargetRef", [])}


def test_every_secret_that_is_named_is_made(operators: list[dict[str, Any]]) -> None:
    made = set(of_kind(operators, "ExternalSecret"))
    of_strimzi = {"channel-cluster-ca-cert"}
    named = named_secrets(operators)
    assert named >= {"auth-service", "auth-service-migrate", "keda-kafka", "postgres-backup"}
    assert named - of_strimzi == made
    stores = {
        store["spec"]["provider"] and store["metadata"]["name"]
        for store in operators
        if store["kind"] == "SecretStore"
    }
    for secret in of_kind(operators, "ExternalSecret").values():
        assert secret["secretStoreRef"]["name"] in stores


def test_external_secrets_alone_make_what_the_installation_names(tmp_path: Path) -> None:
    write_combination(
        tmp_path, SECURE, [COMPONENTS / "autoscaling", COMPONENTS / "external-secrets"]
    )
    made = rendered(tmp_path)
    assert named_secrets(made) == set(of_kind(made, "ExternalSecret"))


def test_each_database_has_two_roles_and_lets_in_nobody_else(
    operators: list[dict[str, Any]],
) -> None:
    cluster = of_kind(operators, "Cluster")["channel-postgres"]
    databases = of_kind(operators, "Database")
    roles = {role["name"] for role in cluster["managed"]["roles"]}
    names = [database["name"] for database in databases.values()]
    assert len(names) == 4
    assert roles == {role for name in names for role in (name, f"{name}_service")}
    assert {database["owner"] for database in databases.values()} == set(names)
    *admitted, refused = [line.split() for line in cluster["postgresql"]["pg_hba"]]
    assert {(line[1], line[2]) for line in admitted} == {
        (name, f"{name},{name}_service") for name in names
    }
    assert set(refused[1].split(",")) == set(names)
    assert refused[-1] == "reject"


def test_urls_are_of_the_databases_that_are_made(operators: list[dict[str, Any]]) -> None:
    names = {database["name"] for database in of_kind(operators, "Database").values()}
    [cluster] = of_kind(operators, "Cluster")
    seen = {}
    for name, secret in of_kind(operators, "ExternalSecret").items():
        for variable, url in secret["target"].get("template", {}).get("data", {}).items():
            if variable.endswith("_DATABASE_URL"):
                parts = urlsplit(url.replace("{{ .password | urlquery }}", "secret"))
                [password] = secret["data"]
                assert password["remoteRef"]["property"] == parts.username
                assert parts.hostname == f"{cluster}-rw"
                assert variable in known_variables(name.removesuffix("-migrate"))
                seen[variable] = (parts.username, parts.path.removeprefix("/"))
    assert len(seen) == 8
    for variable, (role, database) in seen.items():
        assert database in names
        assert role == (database if "_MIGRATION_" in variable else f"{database}_service")


def test_a_restored_cluster_is_like_the_first_and_archives_apart_from_it(
    operators: list[dict[str, Any]],
) -> None:
    first = of_kind(operators, "Cluster")["channel-postgres"]
    restored = of_kind(rendered(RESTORE), "Cluster")["channel-postgres-restored"]
    for same in ("instances", "imageName", "postgresql", "managed", "storage", "resources"):
        assert restored[same] == first[same]
    assert restored["plugins"][0]["parameters"]["serverName"] == "channel-postgres-restored"


def test_services_log_in_to_the_kafka_that_is_made(operators: list[dict[str, Any]]) -> None:
    [kafka] = of_kind(operators, "Kafka").values()
    [listener] = kafka["kafka"]["listeners"]
    bootstrap = f"channel-kafka-bootstrap:{listener['port']}"
    settings = [one["data"] for one in operators if one["kind"] == "ConfigMap"]
    users = of_kind(operators, "KafkaUser")
    for data in settings:
        for variable, value in data.items():
            if variable.endswith("_KAFKA_BOOTSTRAP"):
                assert value == bootstrap
            if variable.endswith("_KAFKA_USER"):
                assert variable.replace("_USER", "_PASSWORD") in known_variables(value)
                assert users[value]["authentication"]["password"]["valueFrom"] == {
                    "secretKeyRef": {
                        "name": value,
                        "key": variable.replace("_USER", "_PASSWORD"),
                    }
                }
    assert len(settings) == 4
    # Strimzi writes a secret for each user: under a name of its own
    prefix = kafka["entityOperator"]["userOperator"]["secretPrefix"]
    assert not {prefix + user for user in users} & set(of_kind(operators, "ExternalSecret"))
    for scaled in of_kind(operators, "ScaledObject").values():
        assert scaled["triggers"][0]["metadata"]["bootstrapServers"] == bootstrap


def test_topics_are_made_once_and_survive_a_broker(operators: list[dict[str, Any]]) -> None:
    topics = of_kind(operators, "KafkaTopic")
    assert set(topics) >= {topic.name for topic in TOPICS}
    for topic in topics.values():
        assert (topic["replicas"], topic["config"]["min.insync.replicas"]) == (3, "2")
    assert not [name for name in of_kind(operators, "Job") if name.startswith("channel-topics")]


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
