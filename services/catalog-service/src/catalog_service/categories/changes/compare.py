"""What a category asks for now and did not before. Pure."""

from collections.abc import Set

from catalog_service.categories.schema import SchemaForms


def asked_for(category_id: str, body: str) -> Set[str]:
    """What a schema demands, named as issues name it. Raises `ValueError` for what is no schema."""
    forms = SchemaForms(category_id, body)
    return {
        *forms.required,
        *(f"category_attributes > {f.name}" for f in forms.category_attributes.values()
          if f.is_required),
        *(f"sku_info_list > sku_attributes > {f.name}" for f in forms.sku_attributes.values()
          if f.is_required),
    }  # fmt: skip
