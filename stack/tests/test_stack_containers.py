"""Stores in containers: chosen, never pulled, found again; and which kind a stack goes on with."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import asyncpg
import pytest
from pydantic import SecretStr
from testcontainers.core.config import testcontainers_config
from testcontainers.core.docker_client import DockerClient

from stack.containers import has_image, turn_reaper_off_where_it_is_not, volume_name
from stack.failures import OtherStores, StackFailure
from stack.kafka import serves
from stack.kinds import Kind, Offer, keep_kinds, kinds_of, may_have_docker
from stack.ports import LOOPBACK, free_port
from stack.settings import StackSettings
from stack.stores import KAFKA_IMAGE, POSTGRES_IMAGE, choose_kinds, running_stores, wipe_stores

REAPER = testcontainers_config.ryuk_image


class Engine(ThreadingHTTPServer):
    """The part of Docker's interface that says which images there are; it notes what is asked."""

    def __init__(self, images: set[str]) -> None:
        super().__init__((LOOPBACK, 0), _Answers)
        self.images = images
        self.asked: list[str] = []


class _Answers(BaseHTTPRequestHandler):
    server: Engine

    def do_GET(self) -> None:
        self.server.asked.append(f"GET {self.path}")
        name = unquote(self.path).partition("/images/")[2].removesuffix("/json")
        if self.path.endswith("/version"):
            self._answer(200, {"ApiVersion": "1.41"})
        elif name in self.server.images:
            self._answer(200, {"Id": f"sha256:{name}", "RepoTags": [name]})
        else:
            self._answer(404, {"message": f"No such image: {name}"})

    def do_POST(self) -> None:
        self.server.asked.append(f"POST {self.path}")
        self._answer(500, {"message": "this one only answers"})

    def _answer(self, status: int, content: dict[str, object]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Stay silent."""


@contextmanager
def engine_with(monkeypatch: pytest.MonkeyPatch, *images: str) -> Iterator[Engine]:
    with Engine(set(images)) as engine:
        thread = threading.Thread(target=engine.serve_forever)
        thread.start()
        monkeypatch.setenv("DOCKER_HOST", f"tcp://{LOOPBACK}:{engine.server_port}")
        yield engine
        engine.shutdown()
        thread.join()


def kinds(postgres: Kind, kafka: Kind) -> dict[str, Kind]:
    return {"Postgres": postgres, "Kafka": kafka}


BOTH_EMBEDDED = kinds(Kind.EMBEDDED, Kind.EMBEDDED)
BOTH_CONTAINED = kinds(Kind.CONTAINER, Kind.CONTAINER)


def test_without_a_docker_that_answers_there_are_no_containers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{free_port()}")
    started = time.monotonic()
    assert not has_image(KAFKA_IMAGE)
    assert time.monotonic() - started < 3


def test_containers_are_taken_where_docker_has_their_images_and_never_pulled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with engine_with(monkeypatch, POSTGRES_IMAGE) as engine:
        chosen = choose_kinds(StackSettings(state_dir=tmp_path / "one"))
        assert chosen == kinds(Kind.CONTAINER, Kind.EMBEDDED)
        engine.images.add(KAFKA_IMAGE)
        assert choose_kinds(StackSettings(state_dir=tmp_path / "two")) == BOTH_CONTAINED
        unwanted = StackSettings(state_dir=tmp_path / "three", containers=False)
        assert choose_kinds(unwanted) == BOTH_EMBEDDED
        assert [asked for asked in engine.asked if not asked.startswith("GET")] == []


@pytest.mark.parametrize(
    "is_there", [True, False], ids=["its image is there", "it would be pulled"]
)
def test_the_reaper_runs_only_where_its_image_is(
    monkeypatch: pytest.MonkeyPatch, is_there: bool
) -> None:
    monkeypatch.setattr(testcontainers_config, "ryuk_disabled", False)
    with engine_with(monkeypatch, *[REAPER] * is_there):
        turn_reaper_off_where_it_is_not()
    assert testcontainers_config.ryuk_disabled is not is_there


def test_images_that_come_later_do_not_move_a_stack_to_empty_stores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = StackSettings(state_dir=tmp_path)
    with engine_with(monkeypatch) as engine:
        assert choose_kinds(settings) == BOTH_EMBEDDED
        engine.images |= {POSTGRES_IMAGE, KAFKA_IMAGE}
        assert choose_kinds(settings) == BOTH_EMBEDDED


def test_a_stack_in_containers_says_what_to_do_when_docker_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = StackSettings(state_dir=tmp_path)
    with engine_with(monkeypatch, POSTGRES_IMAGE, KAFKA_IMAGE) as engine:
        assert choose_kinds(settings) == BOTH_CONTAINED
        engine.images.clear()
        with pytest.raises(OtherStores, match=f"Postgres .* let Docker run, .* {POSTGRES_IMAGE}"):
            choose_kinds(settings)
        with pytest.raises(StackFailure, match="volumes of Docker"):
            wipe_stores(tmp_path)
    assert kinds_of(tmp_path) == BOTH_CONTAINED


def test_stores_given_by_address_are_not_mixed_with_those_of_the_folder(tmp_path: Path) -> None:
    own = StackSettings(state_dir=tmp_path, containers=False)
    given = StackSettings(
        state_dir=tmp_path, database_url=SecretStr("postgresql://a:b@c/d"), kafka_bootstrap="e:1"
    )
    keep_kinds(tmp_path, BOTH_EMBEDDED)
    with pytest.raises(OtherStores, match="STACK_DATABASE_URL names another one: unset it"):
        choose_kinds(given)
    keep_kinds(tmp_path, kinds(Kind.ADDRESS, Kind.ADDRESS))
    assert choose_kinds(given) == kinds(Kind.ADDRESS, Kind.ADDRESS)
    with pytest.raises(OtherStores, match="set STACK_DATABASE_URL again"):
        choose_kinds(own)


@pytest.mark.parametrize("began_with", [None, *Kind])
@pytest.mark.parametrize("is_given", [True, False])
@pytest.mark.parametrize("has_container", [True, False])
def test_a_stack_goes_on_with_the_kind_it_began_with_or_not_at_all(
    began_with: Kind | None, is_given: bool, has_container: bool
) -> None:
    offer = Offer("Kafka", "SETTING", "image", is_given, lambda: has_container)
    try:
        chosen = offer.choose(began_with)
    except OtherStores:
        assert began_with is not None
        is_possible = {
            Kind.ADDRESS: is_given,
            Kind.CONTAINER: has_container and not is_given,
            Kind.EMBEDDED: not is_given,
        }[began_with]
        assert not is_possible
    else:
        assert began_with in {None, chosen}
        assert is_given == (chosen is Kind.ADDRESS)


def test_dockers_client_is_not_imported_where_there_is_no_docker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    program = (
        "import sys, stack.run, stack.kinds, stack.stores as stores; from pathlib import Path\n"
        "stack.kinds.DOCKER_SOCKET, state = Path('nowhere'), Path(sys.argv[1])\n"
        "kinds = stores.choose_kinds(stores.StackSettings(state_dir=state))\n"
        "assert set(kinds.values()) == {'embedded'}, kinds\n"
        "stores.wipe_stores(state)\n"
        "assert not {'docker', 'testcontainers'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True)


HAS_IMAGES = may_have_docker() and has_image(POSTGRES_IMAGE) and has_image(KAFKA_IMAGE)


@pytest.mark.slow
@pytest.mark.skipif(not HAS_IMAGES, reason="no Docker with the images of Postgres and Kafka")
async def test_stores_in_containers_keep_their_data_over_restart_and_stop(tmp_path: Path) -> None:
    settings = StackSettings(state_dir=tmp_path)

    async def number(url: str, statement: str) -> object:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    try:
        async with running_stores(settings, postgres_password="p@ss/word'") as stores:
            assert kinds_of(tmp_path) == BOTH_CONTAINED
            url, bootstrap = stores.postgres.admin_url, stores.kafka.bootstrap
            await number(url, "CREATE TABLE kept AS SELECT 1 AS number")
            await stores.postgres.restart()
            await stores.kafka.restart()
            assert await number(url, "SELECT number FROM kept") == 1
            assert await serves(LOOPBACK, int(bootstrap.rpartition(":")[2]))
        async with running_stores(settings, postgres_password="p@ss/word'") as stores:
            assert (stores.postgres.admin_url, stores.kafka.bootstrap) == (url, bootstrap)
            assert await number(url, "SELECT number FROM kept") == 1
    finally:
        wipe_stores(tmp_path)
    with closing(DockerClient().client) as engine:
        names = {volume.name for volume in engine.volumes.list()}
    assert volume_name(tmp_path, POSTGRES_IMAGE) not in names
