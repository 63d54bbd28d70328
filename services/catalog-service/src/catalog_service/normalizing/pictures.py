"""A family's pictures: each is looked at, and in the shop's photo bank where the feed wants that
(M3.5, decision 21). Pure.

What is not known yet is named, not awaited. Pictures of SKU attributes are only looked at for the
photo bank; one that cannot be used is left out with advice.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from catalog_service.feeds.configuration import FeedConfiguration
from catalog_service.photo_bank.photo import Photo
from common.contracts.product import AttributeValue, Content, ContentSku
from common.errors import Issue

FIELD = "image_url_list"
SWATCH_FIELD = "sku_info_list > sku_attributes"


class PictureLookups(Protocol):
    """What is known of pictures, already at hand."""

    def image(self, url: str) -> str | None:
        """The verdict on a picture: empty when it is good, else why not; None while unknown."""

    def photo(self, url: str) -> Photo | None:
        """What became of a good picture in the shop's photo bank; None while unknown."""


@dataclass(frozen=True)
class Pictures:
    """What is known of a family's pictures, whose addresses in the catalogue are `sources`.

    `unknown` ones have to be looked up or looked at first, `pending` ones uploaded; `addresses` are
    those in the photo bank, by source; None where the sources are sent.
    """

    sources: list[str]
    issues: list[Issue] = field(default_factory=list)
    unknown: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    addresses: Mapping[str, str] | None = None


def look_at_pictures(
    form: FeedConfiguration,
    urls: list[str],
    content: Content | None,
    lookups: PictureLookups,
    *,
    is_online: bool,
) -> Pictures:
    """What is known of the pictures of a family; of one without content nothing is uploaded.

    A product that is online keeps its pictures while others are uploaded, with an issue that says
    so: its prices and its stock go on.
    """
    if not (form.image_checks or form.photo_bank):
        return Pictures(urls)
    for_bank = form.photo_bank and content is not None
    swatches = [*dict.fromkeys(_swatches(content))] if form.photo_bank else []
    sources = [*dict.fromkeys([*urls, *swatches])] if swatches else urls
    verdicts = {url: lookups.image(url) for url in sources}
    unknown = tuple(url for url, verdict in verdicts.items() if verdict is None)
    if unknown:
        return Pictures(sources, unknown=unknown)
    bad = [(url, verdicts[url] or "") for url in urls if verdicts[url]]
    issues = image_issues(bad, has_others=len(bad) < len(urls))
    issues += [_left_out(url, verdicts[url] or "") for url in swatches if verdicts[url]]
    if not for_bank or any(issue.severity == "error" for issue in issues):
        return Pictures(sources, issues)
    photos = {url: lookups.photo(url) for url, verdict in verdicts.items() if not verdict}
    unloaded = tuple(url for url, photo in photos.items() if photo is None)
    if unloaded:
        return Pictures(sources, unknown=unloaded)
    return _in_bank(sources, issues, photos, is_online=is_online)


def _in_bank(
    sources: list[str],
    issues: list[Issue],
    photos: Mapping[str, Photo | None],
    *,
    is_online: bool,
) -> Pictures:
    known = [(url, photo) for url, photo in photos.items() if photo is not None]
    issues += [_refused(url, photo) for url, photo in known if photo.reason is not None]
    pending = tuple(url for url, photo in known if photo.is_pending)
    if is_online:
        issues += [_being_uploaded(url) for url in pending]
    addresses = {url: photo.address for url, photo in known if photo.address is not None}
    return Pictures(sources, issues, pending=pending, addresses=addresses)


def place_pictures(content: Content, addresses: Mapping[str, str]) -> Content:
    """The content with the photo bank's addresses in the places of the catalogue's; two pictures of
    one content are one."""
    return msgspec.structs.replace(
        content,
        image_urls=list(dict.fromkeys(addresses[url] for url in content.image_urls)),
        skus=[_placed(sku, addresses) for sku in content.skus],
    )


def _placed(sku: ContentSku, addresses: Mapping[str, str]) -> ContentSku:
    if all(value.image_url is None for value in sku.attributes.values()):
        return sku
    attributes = {name: _moved(value, addresses) for name, value in sku.attributes.items()}
    return msgspec.structs.replace(sku, attributes=attributes)


def _moved(value: AttributeValue, addresses: Mapping[str, str]) -> AttributeValue:
    if value.image_url is None:
        return value
    return msgspec.structs.replace(value, image_url=addresses.get(value.image_url))


def _swatches(content: Content | None) -> Iterator[str]:
    for sku in [] if content is None else content.skus:
        for value in sku.attributes.values():
            if value.image_url is not None:
                yield value.image_url


def image_issues(verdicts: Sequence[tuple[str, str]], *, has_others: bool) -> list[Issue]:
    """Issues for pictures that cannot be had, each with its address and the reason (M3.5).

    AliExpress takes a product that `has_others`, without these.
    """
    return [
        Issue(
            rule="M3.5",
            field=FIELD,
            message=f"the picture cannot be used: {reason}",
            remedy="Correct the address, or take the picture out; it is checked again in an hour.",
            value=url[:1_000],
            refused_by="channel" if has_others else "aliexpress",
        )
        for url, reason in verdicts
    ]


def _left_out(url: str, reason: str) -> Issue:
    return Issue(
        rule="M3.5",
        field=SWATCH_FIELD,
        message=f"the picture of a variation is left out: {reason}",
        remedy="Correct the address, or take the picture out; it is checked again in an hour.",
        value=url[:1_000],
        severity="advice",
    )


def _refused(url: str, photo: Photo) -> Issue:
    return Issue(
        rule="M3.5",
        field=FIELD,
        message=f"the picture is not in the shop's photo bank: {photo.reason}",
        remedy=photo.remedy,
        value=url[:1_000],
    )


def _being_uploaded(url: str) -> Issue:
    return Issue(
        rule="M3.5",
        field=FIELD,
        message="the picture is still to be uploaded into the shop's photo bank",
        remedy="Nothing is to be done: the product keeps its content until then, and its prices and"
        " stock go on.",
        value=url[:1_000],
        refused_by="channel",
    )
