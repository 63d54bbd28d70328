"""Fields of a catalogue over REST: the first products at once, all of them in the background."""

from typing import Any

import pytest

from catalog_service.fields.store import list_requested, request_summary
from catalog_service.fields.summarise import JOB, Summariser
from catalog_service.files.import_file import Importer
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading, unit_of_work

FIELDS = "/v1/merchants/m/catalogues/c/fields"
FILE = "id,color,a/b\n" + "".join(f"{n},{'Red' if n % 3 else 'Blue'},x\n" for n in range(1_500))


async def import_file(pool: Pool, client: Any, content: str = FILE) -> None:
    await client.put("/v1/merchants/m/catalogues/c", json={"fed_by": "files"})
    answer = await client.post(
        "/v1/merchants/m/catalogues/c/imports", files={"file": ("f.csv", content.encode())}
    )
    assert answer.status_code == 202, answer.text
    importer = Importer(pool, holder="test", deletion_share=0.2)
    while await importer.run():
        pass


async def test_the_first_products_answer_until_all_are_counted(pool: Pool, open_api: Any) -> None:
    async with open_api() as as_merchant:
        client = as_merchant("m")
        await import_file(pool, client)
        first = (await client.get(FIELDS)).json()
        assert (first["products"], first["is_sample"], first["is_awaited"]) == (1_000, True, True)
        while await Summariser(pool, holder="test").run():
            pass
        whole = (await client.get(FIELDS)).json()
        assert (whole["products"], whole["is_sample"], whole["is_awaited"]) == (1_500, False, False)
        assert [item["name"] for item in whole["items"]] == ["a/b", "color", "id"]
        color = whole["items"][1]
        assert (color["fill_rate"], color["distinct"], color["samples"]) == (1, 2, ["Red", "Blue"])
        values = (await client.get(f"{FIELDS}/color/values")).json()
        assert values["items"] == [
            {"value": "Red", "products": 1_000},
            {"value": "Blue", "products": 500},
        ]
        assert (await client.get(f"{FIELDS}/a%2Fb/values")).json()["items"][0]["products"] == 1_500


async def test_fields_and_values_are_paged(pool: Pool, open_api: Any) -> None:
    async with open_api() as as_merchant:
        client = as_merchant("m")
        await import_file(pool, client)
        await Summariser(pool, holder="test").run()
        seen: list[str] = []
        params: dict[str, Any] = {"limit": 1}
        while params.get("cursor", "") is not None:
            page = (await client.get(FIELDS, params=params)).json()
            seen += [item["name"] for item in page["items"]]
            params["cursor"] = page["next_cursor"]
        assert seen == ["a/b", "color", "id"]
        first = (await client.get(f"{FIELDS}/color/values", params={"limit": 1})).json()
        second = await client.get(f"{FIELDS}/color/values", params={"cursor": first["next_cursor"]})
        assert [item["value"] for item in second.json()["items"]] == ["Blue"]
        assert (await client.get(f"{FIELDS}/nothing/values")).status_code == 404
        assert (await client.get(FIELDS, params={"cursor": "x"})).status_code == 422
        assert (await as_merchant("other").get(FIELDS)).status_code in {403, 404}


async def test_a_request_while_a_summary_is_made_is_kept(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with unit_of_work(pool) as connection:
        await request_summary(connection, "m", "c")

    from catalog_service.fields import summarise  # noqa: PLC0415 - to stand between its steps

    count = summarise.count_fields

    async def count_and_ask(pool: Pool, key: tuple[str, str]) -> Any:
        counted = await count(pool, key)
        async with unit_of_work(pool) as connection:
            await request_summary(connection, *key)
        return counted

    monkeypatch.setattr(summarise, "count_fields", count_and_ask)
    await Summariser(pool, holder="test").run()
    async with reading(pool) as connection:
        assert [key for key, _ in await list_requested(connection, JOB, limit=9)] == [("m", "c")]
    monkeypatch.undo()
    assert await Summariser(pool, holder="test").run()
    assert not await Summariser(pool, holder="test").run()
