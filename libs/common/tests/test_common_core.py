"""Core's statements on asyncpg's connection: values are bound at each call, forms are kept."""

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from common.postgres import core
from common.postgres.pool import open_pool
from common.postgres.unit_of_work import reading, unit_of_work
from stack.testing import NewDatabase

NOTE = sa.Table(
    "note",
    sa.MetaData(),
    sa.Column("owner", sa.Text, primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True),
    sa.Column("text", sa.Text),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
)
AT = datetime(2026, 11, 1, tzinfo=UTC)


def page(
    owner: str, *, after: int | None, among: list[str] | None, limit: int
) -> sa.Select[tuple[int, str]]:
    statement = sa.select(NOTE.c.number, NOTE.c.text).where(NOTE.c.owner == owner)
    if after is not None:
        statement = statement.where(NOTE.c.number > after)
    if among is not None:
        statement = statement.where(NOTE.c.text == sa.any_(sa.literal(among, sa.ARRAY(sa.Text))))
    return statement.order_by(NOTE.c.number).limit(limit)


@given(
    st.tuples(st.text(), st.none() | st.integers(-(2**63), 2**63 - 1), st.integers(0, 999)),
    st.tuples(st.text(), st.none() | st.integers(-(2**63), 2**63 - 1), st.integers(0, 999)),
)
def test_the_values_are_those_of_the_call_never_of_an_earlier_one(
    one: tuple[str, int | None, int], other: tuple[str, int | None, int]
) -> None:
    for owner, after, limit in (one, other, one):
        _, values = core.bound(page(owner, after=after, among=None, limit=limit))
        assert list(values) == [value for value in (owner, after, limit) if value is not None]


def test_one_form_is_compiled_once() -> None:
    text, _ = core.bound(page("a", after=1, among=["x"], limit=5))
    again, values = core.bound(page("b", after=2, among=["y", "z"], limit=6))
    assert again is text
    assert values == ["b", 2, ["y", "z"], 6]


async def test_a_page_comes_filtered_sorted_and_in_the_transaction_in_hand(
    database: NewDatabase,
) -> None:
    pool = await open_pool(await database(), max_size=2)
    async with unit_of_work(pool) as connection:
        await connection.execute(
            "CREATE TABLE note (owner text, number bigint, text text, at timestamptz)"
        )
        for number, text in enumerate(["x", None, "y", "x"]):
            await core.execute(
                connection, NOTE.insert().values(owner="a", number=number, text=text, at=AT)
            )
        found = await core.fetch(connection, page("a", after=0, among=["x", "y"], limit=9))
        assert [(row["number"], row["text"]) for row in found] == [(2, "y"), (3, "x")]
        async with reading(pool) as beside:
            with pytest.raises(Exception, match="does not exist"):
                await core.fetch(beside, page("a", after=None, among=None, limit=1))
    async with reading(pool) as connection:
        newest = await core.fetch_one(connection, sa.select(NOTE).order_by(NOTE.c.number.desc()))
        assert newest is not None
        assert newest["at"] == AT
        assert await core.fetch_value(connection, sa.select(sa.func.count()).select_from(NOTE)) == 4
    await pool.close()
