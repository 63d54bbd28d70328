"""How values are written, by language and zone; how forms with files are read."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from starlette.requests import Request

from console.forms import FormUnreadable, open_upload
from console.rendering import cut_middle
from console.texts import Formats, Text, chosen_language, zone_of

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("wanted", "accepts", "language"),
    [
        ("fr", "es", "fr"),
        (None, "de-DE,es;q=0.8,en;q=0.5", "es"),
        (None, "FR-ca", "fr"),
        ("xx", "", "en"),
        (None, "<script>", "en"),
    ],
)
def test_a_language_is_the_persons_else_the_browsers(
    wanted: str | None, accepts: str, language: str
) -> None:
    assert chosen_language(wanted, accepts) == language


def test_values_are_written_as_in_the_language_and_zone() -> None:
    french = Formats("fr", zone_of("Europe/Madrid"), NOW)
    assert french.money("1234.50", "EUR") == "1\u202f234,50\xa0€"
    assert french.money(None, "EUR") == "–"
    assert french.money("many", "EUR") == "many EUR"
    assert french.ago(NOW + timedelta(days=3)) == "dans 3 jours"
    assert "13:00:00 CET" in french.exact(NOW)
    assert Formats("en", zone_of("No/Where"), NOW).exact(NOW).endswith("12:00:00 UTC")
    assert Formats("es", UTC, NOW).days_left(NOW - timedelta(days=1)) == 0


def test_a_percent_in_what_is_filled_in_stays() -> None:
    assert Text("%(feed)s: the last run failed", {"feed": "100%"}).said("es") == (
        "100%: el último envío falló"
    )


def test_a_long_id_is_cut_in_its_middle() -> None:
    assert cut_middle("short") == "short"
    assert cut_middle("a" * 20 + "b" * 20) == "a" * 11 + "…" + "b" * 11


def a_request(body: bytes, piece: int, kind: str = "multipart/form-data; boundary=XX") -> Request:
    pieces = [body[start : start + piece] for start in range(0, len(body), piece)]

    async def receive() -> dict[str, object]:
        more = pieces.pop(0) if pieces else b""
        return {"type": "http.request", "body": more, "more_body": bool(pieces)}

    headers = [(b"content-type", kind.encode())]
    return Request({"type": "http", "method": "POST", "headers": headers}, receive)


BODY = (
    b'--XX\r\nContent-Disposition: form-data; name="csrf"\r\n\r\nt0ken\r\n'
    b'--XX\r\nContent-Disposition: form-data; name="mode"\r\n\r\n\r\n'
    b'--XX\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n'
    b"Content-Type: text/csv\r\n\r\nid\r\n1\r\n--XX--\r\n"
)


async def rest_of(rest: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in rest])


@pytest.mark.parametrize("piece", [1, 7, 64, 10_000])
async def test_the_fields_before_a_file_are_read_and_the_file_passed_on(piece: int) -> None:
    form, kind, rest = await open_upload(a_request(BODY, piece))
    assert (form.text("csrf"), form.text("mode")) == ("t0ken", "")
    assert kind == "multipart/form-data; boundary=XX"
    assert (
        await rest_of(rest)
        == BODY[BODY.index(b'--XX\r\nContent-Disposition: form-data; name="file"') :]
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--XX--\r\n",
        b'--XX\r\nContent-Disposition: form-data; name="csrf"\r\n\r\nt\r\n--XX--\r\n',
        b"--XX\r\nContent-Disposition: form-data\r\n\r\nt\r\n--XX\r\n",
        b'--XX\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + b"x" * 70_000,
    ],
)
async def test_what_is_no_such_form_is_refused(body: bytes) -> None:
    with pytest.raises(FormUnreadable):
        await open_upload(a_request(body, 1_000))
