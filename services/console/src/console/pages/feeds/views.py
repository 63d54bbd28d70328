"""What is open in each step of a feed. Pure."""

from dataclasses import dataclass

from console.answers.catalog import Completeness, ProductPreview, UnmatchedCategory
from console.answers.publisher import Feed as PublishedFeed
from console.texts import N_


@dataclass(frozen=True)
class Step:
    """A step of the rail: what is open in it, None where that is not known."""

    key: str
    name: str
    open: int | None = None


STEPS = (
    ("", N_("Overview")),
    ("categories", N_("Categories")),
    ("attributes", N_("Attributes")),
    ("exclusions", N_("Exclusions")),
    ("configuration", N_("Configuration")),
    ("preview", N_("Preview")),
    ("send", N_("Send")),
)


def rail(
    completeness: Completeness | None = None,
    unmatched: list[UnmatchedCategory] | None = None,
    published: PublishedFeed | None = None,
) -> list[Step]:
    """The steps of a feed, with what waits in each."""
    opened: dict[str, int | None] = {}
    if unmatched is not None:
        opened["categories"] = sum(category.products for category in unmatched)
    if completeness is not None:
        opened["attributes"] = len(completeness.lacking)
        opened["preview"] = sum(
            count
            for state, count in completeness.states.items()
            if state in {"invalid", "content_invalid", "offers_invalid"}
        )
    if published is not None:
        opened["send"] = published.counts.get("pending", 0) + published.counts.get("removals", 0)
    return [Step(key, name, opened.get(key)) for key, name in STEPS]


def pictures_of(product: ProductPreview) -> list[str]:
    """The addresses of a product's pictures; those that are no web addresses are left out."""
    named = (product.content or {}).get("image_urls") or []
    return [url for url in named if str(url).startswith(("https://", "http://"))]
