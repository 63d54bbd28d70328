"""How much of the advice on a product is met, 0 to 100 (M3.14). Pure.

Each check counts alike, whatever else is wrong with the product. A check is met when no language's
text, or no SKU, has advice of it. What the main language lacks altogether meets none of its checks;
a short description names neither parameters nor terms. The brand counts only where the schema of
the category is known: without it nobody can say.
"""

from collections.abc import Collection

from catalog_service.normalizing.advice import (
    AFTER_SALES,
    CALM_TITLE,
    DECLARE_BRAND,
    LONGER,
    MORE_PICTURES,
    NO_STACKING,
    PARAMETERS,
    WHOLE_BARCODE,
)
from common.errors import Issue

RULE = "M3.14"
PICTURES = ("pictures",)
TITLE = ("title-case", "title-keywords")
DESCRIPTION = ("description-length", "parameters", "after-sales")
BRAND = "brand"
CHECKS = (*PICTURES, *TITLE, *DESCRIPTION, BRAND, "barcodes")
"""What is checked, by name."""
_UNMET_BY = {
    MORE_PICTURES: PICTURES,
    CALM_TITLE: TITLE[:1],
    NO_STACKING: TITLE[1:],
    LONGER: DESCRIPTION,
    PARAMETERS: DESCRIPTION[1:2],
    AFTER_SALES: DESCRIPTION[2:],
    DECLARE_BRAND: (BRAND,),
    WHOLE_BARCODE: ("barcodes",),
}


def quality_of(issues: Collection[Issue], *, missing: Collection[str], is_brand_known: bool) -> int:
    """The product's figure, from its issues, and the checks of what it does not have at all."""
    unmet = set(missing)
    for issue in issues:
        if issue.rule == RULE:
            unmet.update(_UNMET_BY.get(issue.remedy, ()))
    checks = len(CHECKS)
    if not is_brand_known:
        unmet.discard(BRAND)
        checks -= 1
    return round(100 * (checks - len(unmet)) / checks)
