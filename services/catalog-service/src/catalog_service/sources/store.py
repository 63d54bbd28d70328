"""Catalogues and source products in Postgres."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg
import msgspec
import sqlalchemy as sa
from sqlalchemy import (
    CTE,
    Boolean,
    ColumnElement,
    Select,
    SelectBase,
    Text,
    column,
    func,
    or_,
    select,
)

from catalog_service.families.store import NORMALIZING, marking
from catalog_service.sources.versions import Catalogue, SourceRow
from catalog_service.tables import catalogue as catalogue_table
from catalog_service.tables import source_product
from common import clock
from common.contracts.catalog import FieldValue
from common.errors import NotFound
from common.postgres import core
from common.postgres.counters import load_all, load_counters
from common.postgres.pool import Connection
from common.postgres.unit_of_work import made_work


class SourceProduct(msgspec.Struct, frozen=True):
    """A source product as stored, for showing."""

    product_id: str
    parent_id: str | None
    family_id: str
    version: int
    is_deleted: bool
    fields: dict[str, FieldValue]
    updated_at: datetime
    traceparent: str | None


async def load_catalogues(
    connection: Connection, keys: Collection[tuple[str, str]]
) -> dict[tuple[str, str], Catalogue]:
    """The catalogues of these (merchant, catalogue) that exist."""
    rows = await connection.fetch(
        """
        SELECT c.merchant_id, c.catalogue_id, c.versioning, c.fed_by, c.id_field, c.parent_field
        FROM catalogue c
        JOIN unnest($1::text[], $2::text[]) AS k (merchant_id, catalogue_id)
            USING (merchant_id, catalogue_id)
        """,
        [merchant for merchant, _ in keys],
        [catalogue for _, catalogue in keys],
    )
    return {(row["merchant_id"], row["catalogue_id"]): Catalogue(**dict(row)) for row in rows}


async def find_catalogue(
    connection: Connection, merchant_id: str, catalogue_id: str
) -> Catalogue | None:
    """The catalogue, or None."""
    found = await load_catalogues(connection, [(merchant_id, catalogue_id)])
    return found.get((merchant_id, catalogue_id))


async def load_catalogue(connection: Connection, merchant_id: str, catalogue_id: str) -> Catalogue:
    """The merchant's catalogue. Raises `NotFound`."""
    found = await find_catalogue(connection, merchant_id, catalogue_id)
    if found is None:
        raise NotFound("catalogue", remedy="Declare it with PUT, or list those there are.")
    return found


async def add_catalogue(connection: Connection, catalogue: Catalogue) -> Catalogue:
    """Declare the catalogue unless there is one of that name; the one there is."""
    await connection.execute(
        """
        INSERT INTO catalogue (
            merchant_id, catalogue_id, versioning, fed_by, id_field, parent_field, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING
        """,
        catalogue.merchant_id,
        catalogue.catalogue_id,
        catalogue.versioning,
        catalogue.fed_by,
        catalogue.id_field,
        catalogue.parent_field,
        clock.now(),
    )
    found = await find_catalogue(connection, catalogue.merchant_id, catalogue.catalogue_id)
    assert found is not None  # noqa: S101 - inserted above, and catalogues are never deleted
    return found


async def save_fields(
    connection: Connection, catalogue: Catalogue, fields: Mapping[str, str | None]
) -> Catalogue:
    """Store those of `id_field` and `parent_field` that are given; the catalogue as it is then.

    Imports sent later go by them.
    """
    if not fields:
        return catalogue
    c = catalogue_table.c
    row = await core.fetch_one(
        connection,
        sa.update(catalogue_table)
        .where(c.merchant_id == catalogue.merchant_id, c.catalogue_id == catalogue.catalogue_id)
        .values(**fields)
        .returning(*(c[field.name] for field in dataclasses.fields(Catalogue))),
    )
    assert row is not None  # noqa: S101 - catalogues are never deleted
    return Catalogue(**dict(row))


async def list_catalogues(
    connection: Connection, merchant_id: str, *, after: str = "", limit: int = 50
) -> list[tuple[Catalogue, int]]:
    """The merchant's catalogues by name, each with its number of products."""
    rows = await connection.fetch(
        """
        SELECT merchant_id, catalogue_id, versioning, fed_by, id_field, parent_field
        FROM catalogue WHERE merchant_id = $1 AND catalogue_id > $2
        ORDER BY catalogue_id LIMIT $3
        """,
        merchant_id,
        after,
        limit,
    )
    declared = [Catalogue(*row) for row in rows]
    names = [catalogue.catalogue_id for catalogue in declared]
    products = await load_all(connection, merchant_id, names, ["products"])
    return [(each, products[each.catalogue_id, "products"].get("", 0)) for each in declared]


async def count_products(connection: Connection, catalogue: Catalogue) -> int:
    """How many products the catalogue holds, deleted ones left out."""
    key = catalogue.merchant_id, catalogue.catalogue_id
    return (await load_counters(connection, *key, "products")).get("", 0)


async def upsert_sources(connection: Connection, rows: Sequence[SourceRow]) -> tuple[int, int]:
    """Store the rows that are newer than what is there: how many were, and how many changed.

    Of a product that changed its family is marked dirty, and the one it was in before.
    """
    if not rows:
        return 0, 0
    merged = await core.fetch_one(connection, _MERGE_AND_MARK, now=clock.now(), rows=rows)
    assert merged is not None  # noqa: S101 - an aggregate always gives a row
    if merged["changed"]:
        made_work(connection, NORMALIZING)
    return merged["taken"], merged["changed"]


_NOW = sa.bindparam("now", type_=source_product.c.updated_at.type)
_MERGE = sa.text("""
    INSERT INTO source_product AS kept (
        merchant_id, catalogue_id, product_id, version, sub_version, parent_id, is_deleted,
        content_hash, fields, traceparent, updated_at)
    SELECT incoming.*, :now FROM unnest(CAST(:rows AS source_state[])) AS incoming
    ON CONFLICT (merchant_id, catalogue_id, product_id) DO UPDATE SET
        version = excluded.version, sub_version = excluded.sub_version,
        parent_id = excluded.parent_id, is_deleted = excluded.is_deleted,
        content_hash = excluded.content_hash, fields = excluded.fields,
        traceparent = excluded.traceparent, updated_at = excluded.updated_at
    WHERE (excluded.version, excluded.sub_version) > (kept.version, kept.sub_version)
    RETURNING new.merchant_id, new.catalogue_id, new.family_id, new.traceparent,
        old.family_id AS previous_family_id,
        old.content_hash IS DISTINCT FROM new.content_hash AS is_changed
""").bindparams(_NOW)
_MERGED: tuple[ColumnElement[Any], ...] = (
    source_product.c.merchant_id,
    source_product.c.catalogue_id,
    source_product.c.family_id,
    source_product.c.traceparent,
    column("previous_family_id", Text),
    column("is_changed", Boolean),
)


def _families_of(changed: CTE) -> SelectBase:
    """The families the changed products are in, and those they were in before."""
    c = changed.c
    now = select(c.merchant_id, c.catalogue_id, c.family_id, c.traceparent)
    before = select(c.merchant_id, c.catalogue_id, c.previous_family_id, c.traceparent)
    return now.union_all(before.where(c.previous_family_id != c.family_id))


def _merge_and_mark() -> Select[int, int]:
    stored = _MERGE.columns(*_MERGED).cte("stored")
    changed = select(stored).where(stored.c.is_changed).cte("changed")
    is_changed = func.count().filter(stored.c.is_changed)
    counts = select(func.count().label("taken"), is_changed.label("changed")).select_from(stored)
    return counts.add_cte(marking(_families_of(changed)).cte("marked"))


_MERGE_AND_MARK = _merge_and_mark()
"""Built once: it is run for each batch, and building it takes longer than sending it."""


async def load_parents(
    connection: Connection, merchant_id: str, catalogue_id: str
) -> dict[str, str]:
    """The ids of the catalogue's parents, by id and by the SKU that a WooCommerce export gives
    them."""
    rows = await connection.fetch(
        """
        SELECT product_id, fields::jsonb ->> 'SKU' AS sku
        FROM source_product p
        WHERE merchant_id = $1 AND catalogue_id = $2 AND parent_id IS NULL AND NOT is_deleted
            AND (fields::jsonb ->> 'Type' LIKE 'variable%' OR EXISTS (
                SELECT FROM source_product child
                WHERE (child.merchant_id, child.catalogue_id, child.parent_id)
                    = (p.merchant_id, p.catalogue_id, p.product_id) AND NOT child.is_deleted))
        """,
        merchant_id,
        catalogue_id,
    )
    by_sku = {row["sku"]: row["product_id"] for row in rows if row["sku"]}
    return by_sku | {row["product_id"]: row["product_id"] for row in rows}


async def count_lacking(
    connection: Connection,
    merchant_id: str,
    catalogue_id: str,
    version: int,
    *,
    kept: Sequence[str] = (),
) -> tuple[int, int]:
    """How many products are older than this version and none of those kept, and how many there are
    in all."""
    row = await connection.fetchrow(
        """
        SELECT count(*) FILTER (WHERE version < $3 AND product_id <> ALL($4::text[])) AS lacking,
            count(*) AS products
        FROM source_product
        WHERE merchant_id = $1 AND catalogue_id = $2 AND NOT is_deleted
        """,
        merchant_id,
        catalogue_id,
        version,
        list(kept),
    )
    return (0, 0) if row is None else (row["lacking"], row["products"])


async def delete_lacking(
    connection: Connection,
    merchant_id: str,
    catalogue_id: str,
    version: int,
    *,
    kept: Sequence[str] = (),
    limit: int,
) -> int:
    """Delete products that are older than this version and none of those kept, at most `limit`, and
    mark their families; how many there were."""
    deleted = (
        _DELETE_LACKING.bindparams(
            merchant_id=merchant_id,
            catalogue_id=catalogue_id,
            version=version,
            kept=list(kept),
            limit=limit,
        )
        .columns(
            source_product.c.merchant_id, source_product.c.catalogue_id, source_product.c.family_id
        )
        .cte("gone")
    )
    count = await core.fetch_value(
        connection,
        select(func.count())
        .select_from(deleted)
        .add_cte(marking(select(deleted).distinct()).cte("marked")),
        now=clock.now(),
    )
    made_work(connection, NORMALIZING)
    return int(str(count))


_DELETE_LACKING = sa.text("""
    UPDATE source_product SET is_deleted = true, version = :version, sub_version = 0,
        fields = '{}', content_hash = '\\x00', updated_at = :now
    WHERE (merchant_id, catalogue_id, product_id) IN (
        SELECT merchant_id, catalogue_id, product_id FROM source_product
        WHERE merchant_id = :merchant_id AND catalogue_id = :catalogue_id AND NOT is_deleted
            AND version < :version AND product_id <> ALL(CAST(:kept AS text[]))
        ORDER BY product_id LIMIT :limit FOR UPDATE)
    RETURNING merchant_id, catalogue_id, family_id
""").bindparams(_NOW)


async def find_conflicts(
    connection: Connection, rows: Sequence[SourceRow]
) -> set[tuple[str, str, str]]:
    """Products whose stored state has the row's version and other content."""
    found = await connection.fetch(
        """
        SELECT kept.merchant_id, kept.catalogue_id, kept.product_id
        FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bytea[])
            AS late (merchant_id, catalogue_id, product_id, version, sub_version, content_hash)
        JOIN source_product kept USING (merchant_id, catalogue_id, product_id)
        WHERE (kept.version, kept.sub_version) = (late.version, late.sub_version)
            AND kept.content_hash <> late.content_hash
        """,
        *zip(
            *((*row[:5], row.content_hash) for row in rows),
            strict=True,
        ),
    )
    return {(m, c, p) for m, c, p in found}


SCANNED = 10_000
"""How many products a text is looked for in at a time: texts of products are in no index, which
would cost whoever takes them in many times what they cost without."""
_PRODUCT = select(*(source_product.c[name] for name in SourceProduct.__struct_fields__))


async def list_products(
    connection: Connection,
    merchant_id: str,
    catalogue_id: str,
    *,
    text: str | None = None,
    after: str = "",
    limit: int = 50,
) -> list[SourceProduct]:
    """Products by id, deleted ones left out. `text` is looked for in the ids and fields of the next
    `SCANNED` of them: `find_last_scanned` says where to go on."""
    query = _products_after(merchant_id, catalogue_id, after)
    if text is not None:
        scanned = query.limit(SCANNED).subquery("scanned")
        shown = func.lower(scanned.c.product_id + " " + scanned.c.fields)
        query = select(scanned).where(func.strpos(shown, func.lower(text)) > 0)
        query = query.order_by(scanned.c.product_id)
    rows = await core.fetch(connection, query.limit(limit))
    return [_product(row) for row in rows]


async def find_last_scanned(
    connection: Connection, merchant_id: str, catalogue_id: str, *, after: str
) -> str | None:
    """The last of the products in which a text is looked for; None where none are behind it."""
    query = _products_after(merchant_id, catalogue_id, after).with_only_columns(
        source_product.c.product_id
    )
    last = await core.fetch_value(connection, query.offset(SCANNED - 1).limit(1))
    return None if last is None else str(last)


def _products_after(merchant_id: str, catalogue_id: str, after: str) -> Select[Any]:
    p = source_product.c
    return _PRODUCT.where(
        p.merchant_id == merchant_id,
        p.catalogue_id == catalogue_id,
        p.product_id > after,
        p.is_deleted.is_(False),
    ).order_by(p.product_id)


async def find_product(
    connection: Connection, merchant_id: str, catalogue_id: str, product_id: str
) -> SourceProduct | None:
    """One product, a deleted one too, or None."""
    p = source_product.c
    row = await core.fetch_one(
        connection,
        _PRODUCT.where(
            p.merchant_id == merchant_id,
            p.catalogue_id == catalogue_id,
            p.product_id == product_id,
        ),
    )
    return None if row is None else _product(row)


async def load_product(
    connection: Connection, merchant_id: str, catalogue_id: str, product_id: str
) -> SourceProduct:
    """One product, a deleted one too. Raises `NotFound`."""
    found = await find_product(connection, merchant_id, catalogue_id, product_id)
    if found is None:
        raise NotFound("product")
    return found


def _product(row: asyncpg.Record) -> SourceProduct:
    values = dict(row) | {"fields": msgspec.json.decode(row["fields"])}
    return SourceProduct(**values)


async def list_family(
    connection: Connection, merchant_id: str, catalogue_id: str, family_id: str
) -> list[SourceProduct]:
    """The members of a family that are not deleted, the parent first."""
    found = await list_families(connection, merchant_id, catalogue_id, [family_id])
    return found[family_id]


async def list_families(
    connection: Connection, merchant_id: str, catalogue_id: str, family_ids: Sequence[str]
) -> dict[str, list[SourceProduct]]:
    """The members of each family that are not deleted, the parent first."""
    p = source_product.c
    wanted = sa.any_(sa.literal(list(family_ids), sa.ARRAY(Text)))
    rows = await core.fetch(
        connection,
        _PRODUCT.where(
            p.merchant_id == merchant_id,
            p.catalogue_id == catalogue_id,
            or_(p.product_id == wanted, p.parent_id == wanted),
            p.family_id == wanted,
            p.is_deleted.is_(False),
        ).order_by(p.family_id, p.product_id != p.family_id, p.product_id),
    )
    members: dict[str, list[SourceProduct]] = {family_id: [] for family_id in family_ids}
    for row in rows:
        members[row["family_id"]].append(_product(row))
    return members


async def find_version(
    connection: Connection, merchant_id: str, catalogue_id: str, product_id: str
) -> SourceRow | None:
    """A product's state as stored, a deleted one's too, or None."""
    row = await connection.fetchrow(
        """
        SELECT merchant_id, catalogue_id, product_id, version, sub_version, parent_id,
            is_deleted, content_hash, fields, NULL::text AS traceparent
        FROM source_product
        WHERE merchant_id = $1 AND catalogue_id = $2 AND product_id = $3
        """,
        merchant_id,
        catalogue_id,
        product_id,
    )
    return None if row is None else SourceRow(*row)
