"""A file that lacks too much is more likely broken than right (M7.4). Pure."""

AT_LEAST_PRODUCTS = 10


def must_withhold(deletions: int, products: int, share: float) -> bool:
    """Whether so many deletions wait for a person: more than this share of the products."""
    return deletions > share * max(products, AT_LEAST_PRODUCTS)
