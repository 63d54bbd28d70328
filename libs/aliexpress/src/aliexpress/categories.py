"""Categories, their attributes and category suggestions."""

import msgspec

from aliexpress.client import Client
from aliexpress.operation import AccessToken, Operation
from aliexpress.wire import Fields, Unreadable, encode, int_or_text

CATEGORY_TREE = Operation("aliexpress.solution.seller.category.tree.query")
SKU_ATTRIBUTES = Operation("aliexpress.solution.sku.attribute.query")
ATTRIBUTES = Operation("aliexpress.category.redefining.getallchildattributesresult")
ATTRIBUTES_OF_SELLER = Operation(
    "aliexpress.category.redefining.getchildattributesresultbypostcateidandpath"
)
SUGGEST_CATEGORY = Operation("aliexpress.solution.product.category.suggest")

ROOT_CATEGORY_ID = "0"
MAX_ATTRIBUTE_PATH = 20


class Category(msgspec.Struct, frozen=True):
    """A category the seller may see; only leaves take products. Roots have level 1."""

    category_id: str
    parent_id: str
    names: dict[str, str]
    level: int
    is_leaf: bool


class AttributeValue(msgspec.Struct, frozen=True):
    """A value to choose. `tags` and `attributes` (of the value, cascading) may be empty."""

    value_id: str
    names: dict[str, str]
    tags: dict[str, str] = {}
    attributes: tuple["Attribute", ...] = ()


class AttributeUnit(msgspec.Struct, frozen=True):
    """A unit of a number, and its rate to the attribute's standard unit (a decimal string)."""

    name: str
    rate: str | None = None


class Attribute(msgspec.Struct, frozen=True):
    """An attribute of a category, as the posting page shows it.

    `show_type` is list_box, check_box, input, interval, group_item or group_table; `input_type`
    STRING or NUMBER; `is_sku` marks those that make variations.
    """

    attribute_id: str
    names: dict[str, str]
    is_required: bool
    is_key: bool
    is_sku: bool
    is_visible: bool
    has_custom_name: bool
    has_custom_picture: bool
    input_type: str | None
    show_type: str | None
    sku_style: str | None
    order: int | None
    units: tuple[AttributeUnit, ...]
    values: tuple[AttributeValue, ...]


class SkuAttribute(msgspec.Struct, frozen=True):
    """An attribute that makes variations, with the names of its values."""

    name: str
    is_required: bool
    has_custom_name: bool
    has_custom_picture: bool
    values: tuple[str, ...]


class CommonAttribute(msgspec.Struct, frozen=True):
    """An attribute of the whole product; `values` are (value id, name)."""

    attribute_id: str
    name: str
    is_required: bool
    values: tuple[tuple[str, str], ...]


class SupportedAttributes(msgspec.Struct, frozen=True):
    """The attributes a category supports."""

    sku: tuple[SkuAttribute, ...]
    common: tuple[CommonAttribute, ...]


class SuggestedCategory(msgspec.Struct, frozen=True):
    """A suggestion; paths lead from the root to the category itself."""

    category_id: str
    name: str | None
    id_path: tuple[str, ...]
    name_path: tuple[str, ...]


async def list_child_categories(
    client: Client,
    token: AccessToken,
    parent_id: str = ROOT_CATEGORY_ID,
    *,
    only_permitted: bool = True,
) -> list[Category]:
    """The children of a category, one level; the roots by default.

    Source: aliexpress.solution.seller.category.tree.query. `only_permitted` leaves out what the
    seller may not post to. Errors: `CallerFault` (unknown category).
    """

    def read(answer: Fields) -> list[Category]:
        found = answer.result()
        found.refuse_unless_successful("children_category_list")
        found.require_any("children_category_list", "is_success", "success")
        return found.read_all(
            "children_category_list", "category_info", lambda row: _category(row, parent_id)
        )

    parameters = {
        "category_id": parent_id,
        "filter_no_permission": "true" if only_permitted else "false",
    }
    return await client.call(CATEGORY_TREE, parameters, token, read)


async def list_attributes(
    client: Client,
    token: AccessToken,
    category_id: str,
    *,
    path: tuple[tuple[str, str], ...] = (),
    locale: str = "en_US",
    only_own_brands: bool = False,
) -> list[Attribute]:
    """The attributes of a leaf category; `path` ((attribute id, value id), ...) leads to cascaded.

    Source: aliexpress.category.redefining.getallchildattributesresult, or, if `only_own_brands`,
    getchildattributesresultbypostcateidandpath, which offers only brands the seller owns.
    Limits: `path` at most 20. Errors: `CallerFault` (unknown category).
    """
    pairs = [f"{attribute_id}={value_id}" for attribute_id, value_id in path[:MAX_ATTRIBUTE_PATH]]
    if only_own_brands:
        operation = ATTRIBUTES_OF_SELLER
        parameters = {"param1": category_id, "param2": ",".join(pairs), "locale": locale}
    else:
        operation = ATTRIBUTES
        parameters = {
            "cate_id": category_id,
            "parent_attrvalue_list": ",".join(pairs),
            "locale": locale,
        }
    return await client.call(operation, parameters, token, _attributes)


async def load_supported_attributes(
    client: Client, token: AccessToken, category_id: str
) -> SupportedAttributes:
    """The SKU and common attributes of a category, by name.

    Source: aliexpress.solution.sku.attribute.query. Errors: `CallerFault` (unknown category).
    """
    query = encode({"aliexpress_category_id": int_or_text(category_id)})
    return await client.call(
        SKU_ATTRIBUTES, {"query_sku_attribute_info_request": query}, token, _supported_attributes
    )


async def suggest_categories(
    client: Client,
    token: AccessToken,
    title: str,
    *,
    language: str = "en",
    image_url: str | None = None,
) -> list[SuggestedCategory]:
    """Leaf categories that fit a title, the best first.

    Source: aliexpress.solution.product.category.suggest. Errors: `CallerFault`.
    """
    parameters = {"title": title, "language": language}
    if image_url is not None:
        parameters["image_url"] = image_url
    return await client.call(SUGGEST_CATEGORY, parameters, token, _suggestions)


def _category(row: Fields, parent_id: str) -> Category:
    return Category(
        category_id=row.id("children_category_id", "category_id"),
        parent_id=parent_id,
        names=row.find_names("multi_language_names"),
        level=row.integer("level"),
        is_leaf=row.find_flag("is_leaf_category") or False,
    )


def _attributes(answer: Fields) -> list[Attribute]:
    found = answer.result()
    found.refuse_unless_successful("attributes")
    found.require_any("attributes", "success")
    return found.read_all("attributes", "aeop_attribute_dto", _attribute)


def _attribute(row: Fields) -> Attribute:
    return Attribute(
        attribute_id=row.id("id"),
        names=row.find_names("names"),
        is_required=row.find_flag("required") or False,
        is_key=row.find_flag("key_attribute", "keyAttribute") or False,
        is_sku=row.find_flag("sku") or False,
        is_visible=row.find_flag("visible") is not False,
        has_custom_name=row.find_flag("customized_name", "customizedName") or False,
        has_custom_picture=row.find_flag("customized_pic", "customizedPic") or False,
        input_type=row.find_text("input_type", "inputType"),
        show_type=row.find_text("attribute_show_type_value", "attributeShowTypeValue"),
        sku_style=row.find_text("sku_style_value", "skuStyleValue"),
        order=row.find_integer("spec"),
        units=tuple(
            AttributeUnit(unit.text("unit_name", "unitName"), unit.find_amount("rate"))
            for unit in row.objects("units", "aeop_unit")
        ),
        values=tuple(row.read_all("values", "aeop_attr_value_dto", _attribute_value)),
    )


def _attribute_value(row: Fields) -> AttributeValue:
    return AttributeValue(
        value_id=row.id("id"),
        names=row.find_names("names"),
        tags=row.find_names("value_tags"),
        attributes=_cascaded(row),
    )


def _cascaded(row: Fields) -> tuple[Attribute, ...]:
    """The attributes of a value; a list the gateway cut to pieces counts as none."""
    try:
        return tuple(row.read_all("attributes", "json", _attribute))
    except Unreadable:
        return ()


def _supported_attributes(answer: Fields) -> SupportedAttributes:
    found = answer.result()
    found.refuse_unless_successful(
        "supporting_sku_attribute_list", "supporting_common_attribute_list"
    )
    return SupportedAttributes(
        sku=tuple(
            found.read_all(
                "supporting_sku_attribute_list", "supported_sku_attribute_dto", _sku_attribute
            )
        ),
        common=tuple(
            found.read_all(
                "supporting_common_attribute_list",
                "supported_common_attribute_dto",
                _common_attribute,
            )
        ),
    )


def _sku_attribute(row: Fields) -> SkuAttribute:
    return SkuAttribute(
        name=row.text("aliexpress_sku_name"),
        is_required=row.find_flag("required") or False,
        has_custom_name=row.find_flag("support_customized_name") or False,
        has_custom_picture=row.find_flag("support_customized_picture") or False,
        values=tuple(
            value.text("aliexpress_sku_value_name")
            for value in row.objects("aliexpress_sku_value_list", "sku_value_simplified_info_dto")
        ),
    )


def _common_attribute(row: Fields) -> CommonAttribute:
    return CommonAttribute(
        attribute_id=row.id("aliexpress_common_attribute_name_id"),
        name=row.text("aliexpress_common_attribute_name"),
        is_required=row.find_flag("required") or False,
        values=tuple(
            (
                value.id("aliexpress_common_attribute_value_id"),
                value.find_text("aliexpress_common_attribute_value") or "",
            )
            for value in row.objects(
                "aliexpress_common_attribute_value_list", "common_attribute_value_info_dto"
            )
        ),
    )


def _suggestions(answer: Fields) -> list[SuggestedCategory]:
    found = answer.result()
    found.refuse_unless_successful("suggest_category_list")
    return found.read_all("suggest_category_list", "suggest_category", _suggestion)


def _path(row: Fields, name: str) -> tuple[str, ...]:
    """A list, or one text whose steps a slash or an arrow divides."""
    steps = row.texts(name, "string")
    if len(steps) == 1:
        steps = steps[0].split(">" if ">" in steps[0] else "/")
    return tuple(step.strip() for step in steps if step.strip())


def _suggestion(row: Fields) -> SuggestedCategory:
    return SuggestedCategory(
        category_id=row.id("id", "category_id"),
        name=row.find_text("name"),
        id_path=_path(row, "id_path"),
        name_path=_path(row, "name_path"),
    )
