"""A file that lacks too much is more likely broken than right (M7.4). Pure."""

AT_LEAST_PRODUCTS = 10


def must_withhold(deletions: int, products: int, share: float, *, more_unnamed: int) -> bool:
    """Whether so many deletions wait for a person: more than this share of the products, or any
    where more lines than before could not be read so far that they name a product: what seems to
    be gone may stand in one of them."""
    if not deletions:
        return False
    return more_unnamed > 0 or deletions > share * max(products, AT_LEAST_PRODUCTS)
