"""What belongs to a shop: its categories, attributes, schemas, templates, carriers, profile."""

from typing import Any

from sandbox import errors
from sandbox.catalogue import Attribute, Category
from sandbox.clock import pacific
from sandbox.methods.registry import Answer, Call, as_integer, operation
from sandbox.schemas import values_for
from sandbox.sellers import Group, Seller
from sandbox.wire import Listed, json_text, known

SUGGESTIONS = 10
TREE_GROUP, CHILD_GROUP = "aeop_ae_product_tree_group", "aeop_ae_product_child_group"


@operation("aliexpress.solution.seller.category.tree.query")
def category_tree(call: Call) -> Answer:
    """The children of one category; roots for 0."""
    category_id = call.integer("category_id")
    only_permitted = call.parameters.get("filter_no_permission", "").lower() == "true"
    permitted = call.state.settings.permitted_roots
    catalogue = call.state.catalogue
    if category_id and category_id not in catalogue.categories:
        raise errors.invalid_parameter(f"category {category_id} does not exist")
    children = [
        {
            "children_category_id": child.id,
            "is_leaf_category": child.is_leaf,
            "level": child.level,
            "multi_language_names": json_text({"en": child.name}),
        }
        for child in catalogue.children.get(category_id, ())
        if not only_permitted or _is_permitted(catalogue.path(child)[0].id, permitted, call.seller)
    ]
    return {"children_category_list": Listed("category_info", children), "is_success": True}


def _is_permitted(root: int, permitted: frozenset[int], seller: Seller) -> bool:
    return (not permitted or root in permitted) and root not in seller.forbidden_roots


@operation("aliexpress.solution.sku.attribute.query")
def sku_attributes(call: Call) -> Answer:
    """SKU and common attributes of a leaf, with their values."""
    query = call.object("query_sku_attribute_info_request")
    leaf = _leaf(call, query.get("aliexpress_category_id") or query.get("category_id"))
    catalogue = call.state.catalogue
    required = set(catalogue.required(leaf))
    skus = [
        {
            "aliexpress_sku_name": name,
            "required": False,
            "support_customized_name": name in ("Color", "Size"),
            "support_customized_picture": name == "Color",
            "aliexpress_sku_value_list": Listed(
                "sku_value_simplified_info_dto",
                [
                    {"aliexpress_sku_value_name": value.name}
                    for value in catalogue.attributes[name].values
                ],
            ),
        }
        for name in catalogue.sku(leaf)
    ]
    common = [
        {
            "aliexpress_common_attribute_name_id": catalogue.attributes[name].id,
            "aliexpress_common_attribute_name": name,
            "required": name in required,
            "aliexpress_common_attribute_value_list": Listed(
                "common_attribute_value_info_dto",
                [
                    {
                        "aliexpress_common_attribute_value_id": value.id,
                        "aliexpress_common_attribute_value": value.name,
                    }
                    for value in catalogue.attributes[name].values
                ],
            ),
        }
        for name in (*catalogue.required(leaf), *catalogue.optional(leaf))
    ]
    return {
        "result": {
            "supporting_sku_attribute_list": Listed("supported_sku_attribute_dto", skus),
            "supporting_common_attribute_list": Listed("supported_common_attribute_dto", common),
        }
    }


@operation(
    "aliexpress.category.redefining.getallchildattributesresult",
    "aliexpress.category.redefining.getchildattributesresultbypostcateidandpath",
)
def child_attributes(call: Call) -> Answer:
    """All attributes of a leaf in the older form; by path, only brands the seller owns."""
    name = "cate_id" if "cate_id" in call.parameters else "param1"
    leaf = _leaf(call, call.integer(name))
    catalogue = call.state.catalogue
    required = set(catalogue.required(leaf))
    names = [*catalogue.required(leaf), *catalogue.optional(leaf)]
    only_own = call.operation.endswith("bypostcateidandpath")
    attributes = [
        _attribute(
            one,
            values_for(call.seller, catalogue, one) if only_own else catalogue.attributes[one],
            is_required=one in required,
        )
        for one in names
    ]
    attributes += [
        _attribute(one, catalogue.attributes[one], spec=place)
        for place, one in enumerate(catalogue.sku(leaf), 1)
    ]
    return {"result": {"attributes": Listed("aeop_attribute_dto", attributes), "success": True}}


def _attribute(
    name: str, attribute: Attribute, *, is_required: bool = False, spec: int = 0
) -> dict[str, Any]:
    shows = {"text": "input", "many": "check_box", "one": "list_box"}
    return known(
        id=attribute.id,
        names=json_text({"en": name}),
        attribute_show_type_value="check_box" if spec else shows[attribute.kind],
        input_type="STRING",
        required=is_required,
        key_attribute=is_required,
        visible=True,
        sku=spec > 0,
        spec=spec,
        sku_style_value="COLOUR_ATLA" if name == "Color" else None,
        customized_name=name in ("Color", "Size"),
        customized_pic=name == "Color",
        features="{}",
        values=Listed(
            "aeop_attr_value_dto",
            [
                {"id": value.id, "names": json_text({"en": value.name}), "value_tags": "{}"}
                for value in attribute.values
            ],
        ),
    )


@operation("aliexpress.solution.product.category.suggest")
def suggest_category(call: Call) -> Answer:
    """Leaves whose names share words with a title, the best first."""
    words = set(call.text("title").casefold().split())
    call.text("language")
    catalogue = call.state.catalogue
    scored = ((len(words & set(leaf.name.casefold().split())), leaf) for leaf in catalogue.leaves())
    best = sorted((one for one in scored if one[0]), key=lambda one: (-one[0], one[1].id))
    suggestions = [
        {
            "id": leaf.id,
            "name": leaf.name,
            "id_path": Listed("number", [step.id for step in catalogue.path(leaf)]),
            "name_path": Listed("string", [step.name for step in catalogue.path(leaf)]),
        }
        for _, leaf in best[:SUGGESTIONS]
    ]
    return {"suggest_category_list": Listed("suggest_category", suggestions)}


@operation("aliexpress.solution.product.schema.get")
def product_schema(call: Call) -> Answer:
    """The schema of a leaf for this seller, as JSON text."""
    category_id = call.integer("aliexpress_category_id")
    leaf = call.state.catalogue.categories.get(category_id)
    if leaf is None or not leaf.is_leaf:
        return {
            "result": {
                "success": False,
                "error_code": "F00-00-10020-004",
                "error_message": "GPF.CHK_CATEGORY_ID_NOT_LEAF_CATEGORY",
            }
        }
    return {"result": {"success": True, "schema": call.state.schemas.text(leaf, call.seller)}}


@operation("aliexpress.freight.redefining.listfreighttemplate")
def freight_templates(call: Call) -> Answer:
    """The seller's shipping templates."""
    templates = [
        {"template_id": identity, "template_name": name, "is_default": place == 0}
        for place, (identity, name) in enumerate(call.seller.freight_templates)
    ]
    return {
        "aeop_freight_template_d_t_o_list": Listed("aeopfreighttemplatedtolist", templates),
        "result_success": True,
    }


@operation("aliexpress.postproduct.redefining.querypromisetemplatebyid")
def promise_templates(call: Call) -> Answer:
    """The seller's service templates; all for -1."""
    wanted = call.integer("template_id")
    templates = [
        {"id": identity, "name": name}
        for identity, name in call.seller.promise_templates
        if wanted in (-1, identity)
    ]
    return {"result": {"template_list": Listed("templatelist", templates)}}


@operation("aliexpress.postproduct.redefining.getproductgrouplist")
def product_group_list(call: Call) -> Answer:
    """The seller's tree of groups, each level written alike."""
    return {
        "result": {
            "target_list": _groups(call.seller.groups, TREE_GROUP),
            "success": True,
            "time_stamp": pacific(call.state.clock.now()),
        }
    }


@operation("aliexpress.product.productgroups.get")
def product_groups(call: Call) -> Answer:
    """The seller's tree of groups; those below are written under a name of their own."""
    return {"result": {"target_list": _groups(call.seller.groups, CHILD_GROUP)}}


def _groups(groups: tuple[Group, ...], child_element: str) -> Listed:
    rows = []
    for group in groups:
        row: dict[str, Any] = {"group_id": group.id, "group_name": group.name}
        if group.children:
            children = [{"group_id": one.id, "group_name": one.name} for one in group.children]
            row["child_group_list"] = Listed(child_element, children)
        rows.append(row)
    return Listed(TREE_GROUP, rows)


@operation("aliexpress.solution.merchant.profile.get")
def merchant_profile(call: Call) -> Answer:
    """Who the seller is."""
    seller = call.seller
    standing = call.state.stored.standings.get(seller.id, "active")
    return {
        "country_code": seller.country,
        "merchant_login_id": seller.login_id,
        "shop_id": int(seller.id) + 900_000_000,
        "shop_name": seller.name,
        "shop_type": "normal",
        "shop_url": f"{call.state.settings.url}/?seller={seller.id}",
        "product_posting_forbidden": standing != "active",
    }


@operation("aliexpress.logistics.redefining.listlogisticsservice")
def carriers(call: Call) -> Answer:
    """The carriers the seller may ship with; a pattern may be missing."""
    services: list[dict[str, Any]] = []
    for order, carrier in enumerate(call.seller.carriers, 1):
        service: dict[str, Any] = {
            "service_name": carrier.service_name,
            "display_name": carrier.display_name,
            "logistics_company": carrier.company,
            "min_process_day": 1,
            "max_process_day": 5,
            "recommend_order": order,
        }
        if carrier.pattern:
            service["tracking_no_regex"] = carrier.pattern
        services.append(service)
    return {
        "result_list": Listed("aeop_logistics_service_result", services),
        "result_success": True,
    }


def _leaf(call: Call, category_id: Any) -> Category:
    identity = as_integer(category_id, "category_id")
    leaf = call.state.catalogue.categories.get(identity)
    if leaf is None or not leaf.is_leaf:
        raise errors.invalid_parameter(f"category {identity} is not a leaf")
    return leaf
