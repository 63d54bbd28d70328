"""Pictures are sent by their addresses in the photo bank where the feed wants that (M3.5)."""

from catalog_service.normalizing.normalize import Standing, Waiting
from catalog_service.photo_bank.photo import BANK_FULL, Photo

from ..catalog_families import (
    NothingKnown,
    StaticLookups,
    errors,
    evaluated,
    feed,
    member,
    normalized,
)

ONE, TWO = "https://p.example/1.jpg", "https://p.example/2.jpg"
IN_BANK = {ONE: Photo("https://ae.example/kf/1.jpg"), TWO: Photo("https://ae.example/kf/2.jpg")}
ONLINE = Standing(is_online=True, live_locale="en_US")


def test_addresses_of_the_bank_take_the_places_of_the_catalogues() -> None:
    result = evaluated(member("a"), lookups=StaticLookups(photos=IN_BANK), photo_bank="on")
    assert result.content is not None
    assert result.content.image_urls == [photo.address for photo in IN_BANK.values()]
    assert result.image_urls == [ONE, TWO]
    off = evaluated(member("a"), lookups=StaticLookups(photos=IN_BANK))
    assert off.content is not None
    assert off.content.image_urls == [ONE, TWO]


def test_two_pictures_of_one_content_are_sent_once() -> None:
    same = dict.fromkeys((ONE, TWO), IN_BANK[ONE])
    result = evaluated(member("a"), lookups=StaticLookups(photos=same), photo_bank="on")
    assert result.content is not None
    assert result.content.image_urls == [IN_BANK[ONE].address]


def test_a_new_product_waits_for_its_upload() -> None:
    known = StaticLookups(photos={ONE: IN_BANK[ONE]})
    waiting = normalized(feed(photo_bank="on"), member("a"), lookups=known)
    assert waiting == Waiting(f"photo:{TWO}", unuploaded_images=(TWO,))


def test_one_that_is_online_goes_on_with_prices_and_stock() -> None:
    known = StaticLookups(photos={ONE: IN_BANK[ONE]})
    result = evaluated(member("a"), lookups=known, standing=ONLINE, photo_bank="on")
    assert (result.content, result.unuploaded_images) == (None, (TWO,))
    assert result.offers
    assert [(i.rule, i.value) for i in result.issues if i.severity == "error"] == [("M3.5", TWO)]


def test_what_the_bank_did_not_take_is_an_issue_with_its_remedy() -> None:
    full = IN_BANK | {TWO: Photo(reason=BANK_FULL)}
    refused = IN_BANK | {TWO: Photo(reason="AliExpress refuses it: no image")}
    for photos, word in ((full, "enlarged"), (refused, "another JPEG")):
        result = evaluated(member("a"), lookups=StaticLookups(photos=photos), photo_bank="on")
        [issue] = [i for i in result.issues if i.severity == "error"]
        assert word in issue.remedy
        assert result.unuploaded_images == ()


def test_nothing_is_uploaded_for_a_product_that_cannot_be_sent() -> None:
    result = evaluated(member("a", category="Unheard"), photo_bank="on")
    assert errors(result) == [("M2.2", "category_id")]
    assert result.unuploaded_images == ()


def test_pictures_are_looked_at_although_checks_are_off() -> None:
    form = feed(photo_bank="on", image_checks="off")
    waiting = normalized(form, member("a"), lookups=NothingKnown())
    assert isinstance(waiting, Waiting)
    assert waiting.unchecked_images == (ONE, TWO)
