"""Plant mistakes that lose or double things; each must be caught: `make planted`.

Every plant is a small change of the code as it stands and the quickest test that should fail with
it. The changes are made in a copy of the checkout, so that nothing of them is left.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
MESSAGING = "libs/common/src/common/messaging"
COMMON_TESTS = "libs/common/tests"
EACH_WITHIN_SECONDS = 240


@dataclass(frozen=True)
class Plant:
    """A mistake: replace `before` (found exactly once) by `after`; `test` must fail then.

    `also` is put at the end of the file.
    """

    name: str
    file: str
    before: str
    after: str
    test: str
    also: str = ""


MOVE = (
    "        async with unit_of_work(self._pool) as connection:\n"
    "            await move_positions(connection, self._assignment.group, moves)\n"
)
APPLY = (
    "            setbacks = await self._applier.apply(connection, batch)\n"
    '            reach("consumer.before-commit")\n'
    '        reach("consumer.after-commit")\n'
)

PLANTS = [
    Plant(
        "commit before write",
        f"{MESSAGING}/batch_loop.py",
        MOVE,
        MOVE + "        async with unit_of_work(self._pool) as connection:\n",
        f"{COMMON_TESTS}/test_common_failpoints.py -k consumer.before-commit",
    ),
    Plant(
        "auto-commit on",
        f"{MESSAGING}/clients.py",
        "        enable_auto_commit=False,\n",
        "        enable_auto_commit=True,\n        auto_commit_interval_ms=50,\n",
        f"{COMMON_TESTS}/test_common_faults.py -k shown_nothing",
    ),
    Plant(
        "no fence",
        f"{MESSAGING}/positions.py",
        "    if len(moved) != len(ordered):\n        raise PositionMoved(group)\n",
        "    del moved\n",
        f"{COMMON_TESTS}/test_common_consumer.py -k stale_owner",
    ),
    Plant(
        "position moved outside the transaction",
        f"{MESSAGING}/batch_loop.py",
        MOVE + APPLY,
        "        async with unit_of_work(self._pool) as connection:\n" + APPLY + MOVE,
        f"{COMMON_TESTS}/test_common_failpoints.py -k consumer.after-commit",
    ),
    Plant(
        "no seek back after a failure",
        f"{MESSAGING}/batch_loop.py",
        "            await self._owner.pause(_pause_after_failure())\n"
        "            await assignment.seek_to_stored(list(assignment.positions))\n",
        "            await self._owner.pause(_pause_after_failure())\n",
        f"{COMMON_TESTS}/test_common_faults.py -k cut",
    ),
    Plant(
        "relay with a cursor",
        f"{MESSAGING}/relay.py",
        "        rows = await list_lowest(connection, limit=CLAIM_ROWS)\n",
        "        rows = await list_lowest(connection, limit=CLAIM_ROWS)\n"
        '        rows = [row for row in rows if row["id"] > getattr(self, "_cursor", 0)]\n'
        "        if rows:\n"
        '            self._cursor = rows[-1]["id"]\n',
        f"{COMMON_TESTS}/test_common_relay.py -k committed_after",
    ),
    Plant(
        "delete before the ack",
        f"{MESSAGING}/relay.py",
        '        reach("relay.after-claim")\n',
        '        await connection.execute("DELETE FROM outbox WHERE id = ANY($1)",'
        ' [row["id"] for row in rows])\n'
        '        reach("relay.after-claim")\n',
        f"{COMMON_TESTS}/test_common_failpoints.py -k relay.after-claim",
    ),
    Plant(
        "delete past an unacknowledged id",
        f"{MESSAGING}/relay.py",
        "        elif key not in held:\n",
        "        else:\n",
        f"{COMMON_TESTS}/test_common_relay.py -k first_refusal",
    ),
    Plant(
        "relay without a lock",
        f"{MESSAGING}/relay.py",
        '"SELECT pg_try_advisory_lock($1)", LOCK_KEY',
        '"SELECT $1::bigint IS NOT NULL", LOCK_KEY',
        f"{COMMON_TESTS}/test_common_relay.py -k stands_by",
    ),
    Plant(
        "dead letter outside the transaction",
        f"{MESSAGING}/batch_loop.py",
        MOVE + APPLY,
        MOVE
        + "            import common.messaging.applying as applying\n"
        + "            keep, applying.keep_setbacks = applying.keep_setbacks, _keep_nothing\n"
        + APPLY
        + "        applying.keep_setbacks = keep\n"
        + MOVE.splitlines(keepends=True)[0]
        + "            await keep(connection, self._group, setbacks)\n",
        f"{COMMON_TESTS}/test_common_failpoints.py -k consumer.after-commit",
        also="\n\nasync def _keep_nothing(*_: object) -> None:\n    return\n",
    ),
    Plant(
        "version guard dropped",
        "services/catalog-service/src/catalog_service/sources/store.py",
        "    WHERE (excluded.version, excluded.sub_version) > (kept.version, kept.sub_version)\n",
        "",
        "services/catalog-service/tests/slices/test_catalog_sources.py -k late",
    ),
    Plant(
        "a mark lost when it meets a claimed one",
        "services/feed-publisher/src/feed_publisher/desired/store.py",
        '"DELETE FROM family_mark WHERE id = ANY($1)", list(mark_ids)',
        '"DELETE FROM family_mark WHERE family_id IN'
        ' (SELECT family_id FROM family_mark WHERE id = ANY($1))", list(mark_ids)',
        "services/feed-publisher/tests/slices/test_publisher_marks.py",
    ),
    Plant(
        "lease without heartbeat",
        "libs/common/src/common/postgres/leases.py",
        "            await extend_lease(connection, lease, lasts=lasts)\n",
        "            pass\n",
        f"{COMMON_TESTS}/test_common_leases.py -k longer_than_it_lasts",
    ),
    Plant(
        "retry without look-up",
        "services/feed-publisher/src/feed_publisher/sending/submit_jobs.py",
        "    if not holders:\n        return {}\n",
        "    if holders is not None:\n        return {}\n",
        "services/feed-publisher/tests/slices/test_publisher_failures.py -k missing_and_double",
    ),
]


def plant(copy: Path, mistake: Plant) -> None:
    """Make the change. Raises `ValueError` when the code has moved on from under it."""
    path = copy / mistake.file
    text = path.read_text()
    if text.count(mistake.before) != 1:
        raise ValueError(f"{mistake.name}: its place in {mistake.file} is not there exactly once")
    path.write_text(text.replace(mistake.before, mistake.after) + mistake.also)


def is_caught(copy: Path, mistake: Plant) -> bool:
    """Whether its test fails: not for want of a test, nor for a copy that does not start."""
    sources = ":".join(
        str(source)
        for source in sorted(copy.glob("*/*/src"))
        + [copy / member / "src" for member in ("cli", "sandbox", "stack")]
    )
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-x",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:randomly",
            *mistake.test.split(),
        ],
        cwd=copy,
        env=os.environ | {"PYTHONPATH": sources},
        capture_output=True,
        text=True,
        timeout=EACH_WITHIN_SECONDS,
        check=False,
    )
    if run.returncode not in {0, 1}:
        print(run.stdout[-2_000:], run.stderr[-2_000:])
    return run.returncode == 1


def main() -> int:
    """Plant them all, one at a time; the number not caught."""
    wanted = sys.argv[1:]
    plants = [mistake for mistake in PLANTS if not wanted or mistake.name in wanted]
    caught = 0
    for mistake in plants:
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="aliexpress-channel-planted-") as folder:
            copy = Path(folder, "checkout")
            shutil.copytree(
                CHECKOUT,
                copy,
                ignore=shutil.ignore_patterns(".venv", ".git", ".channel", "*cache*"),
            )
            plant(copy, mistake)
            found = is_caught(copy, mistake)
        caught += found
        word = "caught" if found else "NOT CAUGHT"
        print(f"{mistake.name}: {word} in {time.monotonic() - began:.0f} s", flush=True)
    print(f"{caught} of {len(plants)} caught")
    return len(plants) - caught


if __name__ == "__main__":
    sys.exit(main())
