"""`channel categories`: where a shop may sell, and what a category asks for."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Group, RenderableType

from channel_cli.category_calls import (
    AllowedValue,
    Attribute,
    Attributes,
    Categories,
    Category,
    Condition,
    ShopCatalogue,
    WholeCategory,
)
from channel_cli.client import Channel
from channel_cli.output import (
    SAMPLE_MERCHANT,
    SAMPLE_SHOP,
    AsJson,
    MerchantId,
    ShopId,
    ask,
    say,
    show,
    table_of,
    write_json,
)
from channel_cli.progress import poll
from channel_cli.session import Problem

app = typer.Typer(help="Where a shop may sell, and what it asks for there.", no_args_is_help=True)

T = TypeVar("T")

ROOT = "0"
SHOWN_VALUES = 4
FETCHED_WITHIN = 30.0
BEING_FETCHED = frozenset({"not-fetched-yet", "categories-unknown"})

CategoryId = Annotated[str, typer.Argument(help="The category's id.")]
Words = Annotated[list[str], typer.Argument(help="Words of its path, in any language.")]
Limit = Annotated[int, typer.Option(min=1, max=200, help="How many are shown.")]
Cursor = Annotated[str | None, typer.Option(help="`next_cursor` of the page before.")]


@app.command()
def tree(
    parent: Annotated[str, typer.Argument(help="What stands below it; 0 are the roots.")] = ROOT,
    *,
    merchant: MerchantId = SAMPLE_MERCHANT,
    shop: ShopId = SAMPLE_SHOP,
    cursor: Cursor = None,
    limit: Limit = 200,
    as_json: AsJson = False,
) -> None:
    """The shop's categories, a level at a time; only leaves take products."""
    _show_page(
        ask(
            lambda channel: ShopCatalogue(channel.session, merchant, shop).categories(
                parent=parent, cursor=cursor, limit=limit
            )
        ),
        as_json,
    )


@app.command()
def find(
    words: Words,
    *,
    merchant: MerchantId = SAMPLE_MERCHANT,
    shop: ShopId = SAMPLE_SHOP,
    below: Annotated[str | None, typer.Option(help="Only below this category.")] = None,
    cursor: Cursor = None,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """Leaves in which the shop may sell, by words of their paths, the best first."""
    _show_page(
        ask(
            lambda channel: ShopCatalogue(channel.session, merchant, shop).categories(
                parent=below, words=" ".join(words), cursor=cursor, limit=limit
            )
        ),
        as_json,
    )


def _show_page(page: Categories, as_json: bool) -> None:
    rows = (
        (one.category_id, "leaf" if one.is_leaf else "", " > ".join(one.path)) for one in page.items
    )
    show(page, as_json, lambda: table_of(("category", "", "path"), rows))
    if as_json:
        return
    if page.fetched_at is None:
        say("The shop's tree is being fetched: connect the shop, or ask again in a minute.")
    elif page.is_overdue:
        say(f"AliExpress could not be asked again in time: as of {page.fetched_at:%Y-%m-%d}.")
    if page.next_cursor is not None:
        say(f"There are more: --cursor {page.next_cursor}")


@app.command("show")
def show_category(
    category: CategoryId,
    *,
    merchant: MerchantId = SAMPLE_MERCHANT,
    shop: ShopId = SAMPLE_SHOP,
    required: Annotated[
        bool, typer.Option("--required", help="Only the attributes that must be filled.")
    ] = False,
    values: Annotated[
        str | None, typer.Option(metavar="ATTRIBUTE", help="All values of this attribute.")
    ] = None,
    words: Annotated[
        str | None, typer.Option("--find", help="Only attributes, or values, with these words.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """A category: its path, and what a leaf asks for, with conditions and allowed values."""

    async def listed(channel: Channel) -> list[AllowedValue]:
        offered = ShopCatalogue(channel.session, merchant, shop)
        await _once_fetched(lambda: offered.attributes(category, words=values))
        return [one async for one in offered.values(category, str(values), words=words)]

    async def shown(channel: Channel) -> tuple[WholeCategory, Attributes | None]:
        offered = ShopCatalogue(channel.session, merchant, shop)
        found = await offered.category(category)
        if not found.is_leaf:
            return found, None
        only = True if required else None
        return found, await _once_fetched(
            lambda: offered.attributes(category, words=words, required=only)
        )

    if values is not None:
        allowed = ask(listed)
        rows = ((one.value_id, one.name) for one in allowed)
        show(allowed, as_json, lambda: table_of(("id", values), rows))
        return
    found, attributes = ask(shown)
    if as_json:
        write_json({"category": found, "attributes": attributes})
        return
    show(found, False, lambda: _whole(found, attributes))
    if attributes is not None and attributes.is_overdue:
        say(f"AliExpress could not be asked again in time: as of {attributes.fetched_at:%Y-%m-%d}.")


async def _once_fetched(question: Callable[[], Awaitable[T]]) -> T:
    """The answer, awaited while AliExpress is asked. Raises `Problem` and `TookTooLong`."""

    async def asked() -> T | Problem:
        try:
            return await question()
        except Problem as problem:
            if problem.details.slug not in BEING_FETCHED:
                raise
            return problem

    what = "fetching what the category asks for"
    async for answer in poll(asked, within=FETCHED_WITHIN, what=what):
        if not isinstance(answer, Problem):
            return answer
    raise AssertionError("poll ends by TookTooLong")


def _whole(found: WholeCategory, attributes: Attributes | None) -> RenderableType:
    title = f"{found.category_id}  {' > '.join(found.path)}"
    if attributes is None:
        rows = (
            (one.category_id, one.name, "leaf" if one.is_leaf else "") for one in found.children
        )
        return table_of(("below", "name", ""), rows, title=f"{title}  (no leaf: takes no products)")
    kinds = (
        ("category_attributes", attributes.category_attributes),
        ("sku_attributes", attributes.sku_attributes),
    )
    tables = [
        table_of((kind, "", "how", "values"), map(_attribute_row, forms))
        for kind, forms in kinds
        if forms
    ]
    parts = [*tables, *(_condition(each) for each in attributes.conditions)]
    return Group(title, *parts)


def _kind(category: Category) -> str:
    return "leaf" if category.is_leaf else ""


def _attribute_row(form: Attribute) -> tuple[Any, ...]:
    how = {"one": "one of", "many": "some of", "text": "text"}[form.kind]
    own = ", or own text" if form.takes_own_text else ""
    return form.name, "required" if form.is_required else "", how + own, _values(form)


def _values(form: Attribute) -> str:
    if form.kind == "text":
        return "" if form.max_length is None else f"at most {form.max_length} characters"
    first = ", ".join(list(form.values.values())[:SHOWN_VALUES])
    more = form.value_count - min(SHOWN_VALUES, len(form.values))
    return f"{first} and {more} more" if more > 0 else first


def _condition(condition: Condition) -> str:
    test = " and ".join(
        f"{name} is {' or '.join(ids)}" if ids else f"{name} is filled"
        for name, ids in condition.when.items()
    )
    word = "unless" if condition.is_otherwise else "where"
    return f"{word} {test}: {'; '.join(_results(condition))}"


def _results(condition: Condition) -> Iterator[str]:
    if condition.requires:
        yield f"{', '.join(condition.requires)} is needed"
    for name, ids in condition.allows.items():
        yield f"{name} is one of {', '.join(ids)}"
