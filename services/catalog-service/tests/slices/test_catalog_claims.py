"""Workers share the dirty families: none waits for what another has, and none has it twice."""

from catalog_service.families.store import claim_families, listed, mark
from common.postgres.pool import Pool
from common.postgres.unit_of_work import unit_of_work

NAMES = [f"f{number}" for number in range(6)]


async def mark_all(pool: Pool, names: list[str]) -> None:
    async with unit_of_work(pool) as connection:
        await mark(connection, listed(("m", "c", name, None, None) for name in names))


async def test_a_second_worker_claims_what_the_first_has_not(pool: Pool) -> None:
    await mark_all(pool, NAMES)
    async with unit_of_work(pool) as one, unit_of_work(pool) as other, unit_of_work(pool) as third:
        first = await claim_families(one, limit=4)
        second = await claim_families(other, limit=4)
        assert [family for *_, family in first] == NAMES[:4]
        assert [family for *_, family in second] == NAMES[4:]
        assert await claim_families(third, limit=4) == {}


async def test_a_family_is_claimed_with_all_of_its_marks(pool: Pool) -> None:
    await mark_all(pool, ["f0", "f1", "f0", "f2", "f1"])
    async with unit_of_work(pool) as one, unit_of_work(pool) as other:
        first = await claim_families(one, limit=2)
        assert {family: len(marks) for (*_, family), marks in first.items()} == {"f0": 2, "f1": 2}
        assert [family for *_, family in await claim_families(other, limit=2)] == ["f2"]
