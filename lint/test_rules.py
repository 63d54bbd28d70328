from pathlib import PurePosixPath

import pytest

from lint.rules import LONGEST_MODULE_LINES, Source, check

SLICE = "services/order-importer/src/order_importer/shipping/ship_order.py"
STORE = "services/order-importer/src/order_importer/shipping/store.py"
STATUS = "services/order-importer/src/order_importer/status.py"
UNIT_OF_WORK = "libs/common/src/common/postgres/unit_of_work.py"
TEST = "services/order-importer/tests/slices/test_ship.py"
SQL_FILE = "libs/common/src/common/postgres/backbone.sql"
SUPERVISION = "libs/common/src/common/supervision.py"
READ_ME = "README.md"
LOCKED = "requirements.txt"

BROKEN = [
    pytest.param("commit", SLICE, "await connection.commit()", id="commit in a slice"),
    pytest.param("commit", STORE, "async with connection.transaction(): ...", id="own transaction"),
    pytest.param("sql-outside-store", SLICE, 'q = "SELECT 1 FROM shop"', id="query in a slice"),
    pytest.param(
        "sql-outside-store", SLICE, 'q = f"UPDATE {table} SET x = 1"', id="query built in a slice"
    ),
    pytest.param("sql-outside-store", SLICE, 'q = """\n  DELETE FROM shop\n"""', id="long query"),
    pytest.param("sql-clock", STORE, 'q = "SELECT now()"', id="now"),
    pytest.param(
        "sql-clock", STORE, 'q = "UPDATE x SET at = CURRENT_TIMESTAMP"', id="current_timestamp"
    ),
    pytest.param("sql-clock", SQL_FILE, "at timestamptz DEFAULT now()", id="default in a script"),
    pytest.param("sleep-in-test", TEST, "await asyncio.sleep(1)", id="asyncio.sleep"),
    pytest.param("sleep-in-test", TEST, "time.sleep(0.1)", id="time.sleep"),
    pytest.param("float-money", SLICE, "def f(unit_price: float) -> None: ...", id="argument"),
    pytest.param("float-money", SLICE, "amount: float | None = None", id="attribute"),
    pytest.param("float-money", SLICE, "def tax_of(order: str) -> float: ...", id="result"),
    pytest.param("float-money", SLICE, "x = float(row['discount_price'])", id="conversion"),
    pytest.param(
        "pure-rules", STATUS, '"""Rules. Pure."""\nimport asyncio', id="I/O in a rule file"
    ),
    pytest.param(
        "pure-rules",
        STATUS,
        '"""Rules. Pure."""\nfrom asyncpg import Record',
        id="database in a rule file",
    ),
    pytest.param(
        "pure-rules",
        STATUS,
        '"""Rules. Pure."""\nfrom common import clock',
        id="clock in a rule file",
    ),
    pytest.param("vague-name", "libs/common/src/common/utils.py", "x = 1\n", id="utils"),
    pytest.param("too-long", SLICE, "x = 1\n" * (LONGEST_MODULE_LINES + 1), id="501 lines"),
    pytest.param("unbounded-queue", SLICE, "q = asyncio.Queue()", id="queue without a bound"),
    pytest.param("excuse", SLICE, "x = 1  # noqa: S101", id="noqa without a reason"),
    pytest.param("excuse", SLICE, "x = 1  # noqa: S101 -", id="noqa with an empty reason"),
    pytest.param("excuse", SLICE, "x = 1  # type: ignore[misc]", id="type: ignore, no reason"),
    pytest.param("excuse", SLICE, "x = 1  # rule: commit", id="rule without a reason"),
    pytest.param(
        "foreign-end",
        SLICE,
        "async def f():\n    with suppress(Exception):\n        await client.stop()",
        id="a close whose failure is suppressed",
    ),
    pytest.param(
        "foreign-end",
        SLICE,
        "async def f():\n"
        "    with contextlib.suppress(OSError, BaseException):\n"
        "        await self.client.aclose()",
        id="suppressed with others",
    ),
    pytest.param(
        "foreign-end",
        SLICE,
        "async def f():\n"
        "    try:\n"
        "        await connection.close(timeout=2)\n"
        "    except (ValueError, Exception):\n"
        "        pass",
        id="a close whose failure is caught",
    ),
    pytest.param(
        "foreign-end",
        SLICE,
        "async def f():\n    async with asyncio.timeout(3):\n        await producer.stop()",
        id="a close with a time-out that waits",
    ),
    pytest.param(
        "foreign-end",
        SLICE,
        "async def f():\n    await asyncio.wait_for(client.stop(), 3)",
        id="wait_for around a close",
    ),
    pytest.param(
        "foreign-end",
        SLICE,
        "async def f():\n    await wait_for(outcome, 3)",
        id="wait_for around what may be one",
    ),
    pytest.param(
        "foreign-end",
        SLICE,
        "async def f():\n"
        "    while not stopping.is_set():\n"
        "        try:\n"
        "            await run()\n"
        "        except Exception:\n"
        "            log.exception('failed')",
        id="a supervisor of one's own",
    ),
    pytest.param("package-address", LOCKED, "x @ https://example.com/x.whl", id="an address"),
    pytest.param("package-address", LOCKED, "--index-url http://example.com", id="an index"),
    pytest.param("home-path", READ_ME, "in /ro" + "ot/project", id="a path of root's"),
    pytest.param("home-path", SLICE, 'x = "/ho' + 'me/ann/x"', id="somebody's home"),
]

SOUND = [
    pytest.param(UNIT_OF_WORK, "async with connection.transaction(): ...", id="its home"),
    pytest.param(STORE, 'q = "SELECT 1 FROM shop"', id="query in a store"),
    pytest.param(TEST, 'q = "SELECT now()"', id="a test may ask"),
    pytest.param(SLICE, '"""Select one of the shops."""', id="prose"),
    pytest.param(SLICE, 'x = "SELECTED"', id="a word like SQL"),
    pytest.param(STORE, "at = clock.now()", id="our clock"),
    pytest.param(SQL_FILE, "-- never now()", id="a comment in a script"),
    pytest.param(TEST, "while not done(): await asyncio.sleep(0.02)", id="asking in a loop"),
    pytest.param(TEST, "await asyncio.sleep(0)", id="giving way"),
    pytest.param(SLICE, "def f(price: Decimal, seconds: float) -> str: ...", id="exact money"),
    pytest.param(SLICE, "priceless: float = 1.0", id="a longer word"),
    pytest.param(STATUS, "import re\nfrom common.errors import Issue", id="a pure rule file"),
    pytest.param(SLICE, "import asyncio", id="a slice may do I/O"),
    pytest.param(SLICE, "x = 1\n" * LONGEST_MODULE_LINES, id="500 lines"),
    pytest.param(SLICE, "q = asyncio.Queue(maxsize=10)", id="a bound"),
    pytest.param(SLICE, "x = 1  # noqa: S101 - checked above", id="noqa with its reason"),
    pytest.param(SLICE, "x = 1  # type: ignore[misc]  # untyped base", id="type: ignore, reason"),
    pytest.param(SLICE, "await x.commit()  # rule: commit - Kafka's, not SQL's", id="excused"),
    pytest.param(
        SLICE,
        "async def f():\n    await close(client.stop(), 'client', within=SOON)",
        id="a close by the one mechanism",
    ),
    pytest.param(
        SLICE,
        "async def f():\n    await asyncio.wait_for(self._idle.wait(), 3)",
        id="a wait for an event of one's own",
    ),
    pytest.param(
        SLICE,
        "async def f():\n    with suppress(OSError):\n        await client.stop()",
        id="a close with a failure that is named",
    ),
    pytest.param(
        SLICE,
        "async def f():\n"
        "    while rows:\n"
        "        try:\n"
        "            await apply(rows)\n"
        "        except Exception:\n"
        "            raise Refusal from None",
        id="a loop that ends with the failure",
    ),
    pytest.param(
        TEST, "async def f():\n    await asyncio.wait_for(client.stop(), 3)", id="a test may wait"
    ),
    pytest.param(
        SUPERVISION, "async def f():\n    await asyncio.wait_for(call, 3)", id="the one mechanism"
    ),
    pytest.param(READ_ME, "see http://example.com/root/x and libs/root/x", id="addresses, folders"),
    pytest.param(LOCKED, "x==1 \\\n    --hash=sha256:0\n    # via y", id="names and hashes"),
]


@pytest.mark.parametrize(("rule", "path", "text"), BROKEN)
def test_a_broken_rule_is_found(rule: str, path: str, text: str) -> None:
    assert [finding.rule for finding in check(Source(PurePosixPath(path), text))] == [rule]


@pytest.mark.parametrize(("path", "text"), SOUND)
def test_sound_code_passes(path: str, text: str) -> None:
    assert check(Source(PurePosixPath(path), text)) == []


def test_a_finding_says_where() -> None:
    (found,) = check(Source(PurePosixPath(SLICE), "x = 1\n\nawait c.commit()"))
    assert str(found).startswith(f"{SLICE}:3: commit: ")
