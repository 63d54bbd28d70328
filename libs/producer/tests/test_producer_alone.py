"""The kit as another company installs it: two wheels of ours, Kafka's client, nothing else."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
TRUSTED = Path("/etc/ssl/certs/ca-certificates.crt")
"""Whom this system trusts, a company's proxy too: uv brings certificates of its own."""
PLATFORM = ("fastapi", "asyncpg", "sqlalchemy", "httpx2", "opentelemetry", "structlog", "pydantic")
PROGRAM = """
import importlib.util, sys
from channel_producer import CatalogPublisher, EventRefused, KafkaAccess, upsert
from common.contracts.topics import TOPICS
kafka = KafkaAccess("localhost:9092", "SASL_SSL", user="erp", password="secret")
kafka.client_options()
publisher = CatalogPublisher(kafka, source="/erp", signing_key="id:" + "A" * 43)
record = publisher._encode(upsert("m", "c", "p", {"a": 1}), None)
assert record.headers[-1][0] == "channel-signature"
print(",".join(name for name in sys.argv[1:] if importlib.util.find_spec(name)))
"""


def uv(*words: str, **environment: str) -> None:
    certificates = {"UV_SYSTEM_CERTS": "true"} if TRUSTED.exists() else {}
    done = subprocess.run(
        [Path(sys.executable).parent / "uv", "-q", *words],
        cwd=ROOT,
        env={**certificates, **os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_kit_works_with_the_contracts_and_a_kafka_client_alone(tmp_path: Path) -> None:
    for member in ("common", "producer"):
        uv("build", "--wheel", "--no-build-isolation", "-o", str(tmp_path), f"libs/{member}")
    home = tmp_path / "venv"
    uv("venv", "--python", sys.executable, str(home), UV_PYTHON_DOWNLOADS="never")
    uv(
        *("pip", "install", "--find-links", str(tmp_path), "channel-producer"),
        VIRTUAL_ENV=str(home),
    )
    found = subprocess.run(
        [home / "bin" / "python", "-c", PROGRAM, *PLATFORM],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == ""
