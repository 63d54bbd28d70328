"""Single values of the wire: money, times, ids, lists, names, flags."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aliexpress.wire import (
    Fields,
    Money,
    Refused,
    Unreadable,
    decode,
    encode,
    from_pacific,
    latest_written_alike,
    to_pacific,
    until_midnight_in_beijing,
)


def fields(json: str) -> Fields:
    return Fields(decode(json))


@pytest.mark.parametrize(
    ("json", "expected"),
    [
        ('{"amount":"1.01","currency_code":"USD"}', Money("1.01", "USD")),
        ('{"amount":1.10,"currency_code":"USD"}', Money("1.10", "USD")),
        (
            '{"amount":"0.10","cent":7,"cent_factor":100,"currency_code":"EUR"}',
            Money("0.07", "EUR"),
        ),
        (
            '{"amount_str":"x","cent":"1234","cent_factor":"1000","currency":{"currency_code":"KWD"}}',
            Money("1.234", "KWD"),
        ),
        ('{"cent":5,"cent_factor":1,"currency_code":"JPY"}', Money("5", "JPY")),
        (
            '{"amount":0,"cent":1550,"cent_factor":100,"currency_code":"EUR"}',
            Money("15.50", "EUR"),
        ),
        (
            '{"amount":"0","cent":7,"currency":{"currency_code":"EUR","default_fraction_digits":2}}',
            Money("0.07", "EUR"),
        ),
        (
            '{"amount":"0","cent":5,"currency":{"currency_code":"JPY","default_fraction_digits":0}}',
            Money("5", "JPY"),
        ),
        ('{"amount":"2.5","cent":1,"currency_code":"EUR"}', Money("2.5", "EUR")),
        ('{"cent":-150,"cent_factor":100,"currency_code":"EUR"}', Money("-1.50", "EUR")),
        ('{"cent":1,"cent_factor":0,"amount":"2.5","currency_code":"EUR"}', Money("2.5", "EUR")),
        ('"{\\"amount\\":\\"3\\",\\"currency_code\\":\\"EUR\\"}"', Money("3", "EUR")),
        ('{"amount":"99999999999999.99","currency_code":"IDR"}', Money("99999999999999.99", "IDR")),
        ('{"amount":"NaN","currency_code":"EUR"}', None),
        ('{"amount":"1e99","currency_code":"EUR"}', None),
        ('{"amount":"1.01"}', None),
        ('""', None),
        ("null", None),
        ("{}", None),
    ],
)
def test_money_of_both_shapes_is_exact(json: str, expected: Money | None) -> None:
    assert fields(f'{{"m":{json}}}').find_money("m") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-15 10:30:00", datetime(2024, 1, 15, 18, 30, tzinfo=UTC)),
        ("2024-07-15 10:30:00", datetime(2024, 7, 15, 17, 30, tzinfo=UTC)),
        ("2018-03-01 12:12", datetime(2018, 3, 1, 20, 12, tzinfo=UTC)),
        ("2016-06-26", datetime(2016, 6, 26, 7, 0, tzinfo=UTC)),
        ("2026-11-01 01:30:00", datetime(2026, 11, 1, 8, 30, tzinfo=UTC)),
        ("2026-03-08 02:30:00", datetime(2026, 3, 8, 10, 30, tzinfo=UTC)),
        ("20120801154115000-0700", datetime(2012, 8, 1, 22, 41, 15, tzinfo=UTC)),
        ("2024-01-15T10:30:00Z", datetime(2024, 1, 15, 10, 30, tzinfo=UTC)),
        ("1437129035362", datetime(2015, 7, 17, 10, 30, 35, 362000, tzinfo=UTC)),
        ("2024-13-01 00:00:00", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_times_are_pacific_with_daylight_saving(text: str, expected: datetime | None) -> None:
    assert from_pacific(text) == expected


@settings(deadline=None)
@given(st.integers(946684800, 2082758400).map(lambda at: datetime.fromtimestamp(at, UTC)))
def test_a_time_sent_and_read_back_is_at_most_the_repeated_hour_off(moment: datetime) -> None:
    back = from_pacific(to_pacific(moment))
    assert back is not None
    assert moment - back in {timedelta(), timedelta(hours=1)}


def test_a_day_in_beijing_ends_at_sixteen_hours_utc() -> None:
    at = datetime(2026, 11, 24, 15, 59, 30, tzinfo=UTC)
    assert until_midnight_in_beijing(at) == timedelta(seconds=30)
    assert until_midnight_in_beijing(at + timedelta(seconds=30)) == timedelta(days=1)


@pytest.mark.parametrize(
    "json",
    [
        '{"rows":{"row_dto":[{"id":1},{"id":2}]}}',
        '{"rows":[{"id":1},{"id":2}]}',
        '{"rows":{"another_name":[{"id":"1"},{"id":"2"}]}}',
        '{"rows":"[{\\"id\\":1},{\\"id\\":2}]"}',
        '{"rows":{"row_dto":"[{\\"id\\":1},{\\"id\\":2}]"}}',
        '{"rows":{"row_dto":["{\\"id\\":1}",null,{"id":2}]}}',
    ],
)
def test_a_list_is_read_from_all_its_forms(json: str) -> None:
    assert fields(json).read_all("rows", "row_dto", lambda row: row.id("id")) == ["1", "2"]


@pytest.mark.parametrize(
    "json",
    [
        '{"rows":{"row_dto":{"id":1,"name":"x"}}}',
        '{"rows":{"row_dto":[{"id":1,"name":"x"}]}}',
        '{"rows":{"id":1,"name":"x"}}',
        '{"rows":{"another_name":{"id":1,"name":"x"}}}',
    ],
)
def test_a_single_element_may_stand_for_its_list(json: str) -> None:
    assert fields(json).read_all("rows", "row_dto", lambda row: row.id("id")) == ["1"]


@pytest.mark.parametrize(
    "json", ["null", '""', "{}", "[]", '{"row_dto":[]}', '{"row_dto":""}', '"[]"', '" "']
)
def test_an_empty_list_has_many_faces(json: str) -> None:
    assert fields(f'{{"rows":{json}}}').objects("rows", "row_dto") == []
    assert fields("{}").objects("rows", "row_dto") == []


def test_an_object_where_a_number_stands_is_unreadable_and_named() -> None:
    with pytest.raises(Unreadable, match=r"\$\.rows\[0\]: an object is expected"):
        fields('{"rows":[7]}').objects("rows", "row_dto")


@pytest.mark.parametrize(
    ("json", "expected"),
    [
        ("200000000060054475", "200000000060054475"),
        ('"200000000060054475"', "200000000060054475"),
        ("18446744073709551615", "18446744073709551615"),
        ("2.0e3", "2000"),
        ("1.5", None),
        ("true", None),
        ('""', None),
        ("{}", None),
    ],
)
def test_ids_never_lose_a_digit(json: str, expected: str | None) -> None:
    assert fields(f'{{"id":{json}}}').find_id("id") == expected


@settings(deadline=None)
@given(st.integers(-(2**63), 2**64 - 1), st.booleans())
def test_every_64_bit_id_survives(number: int, is_text: bool) -> None:
    assert fields(encode({"id": str(number) if is_text else number})).id("id") == str(number)


@pytest.mark.parametrize("json", ["[1,2]", '{"number":[1,"2"]}', '{"number":[[1,2]]}', '"[1,2]"'])
def test_lists_of_ids(json: str) -> None:
    assert fields(f'{{"ids":{json}}}').texts("ids", "number") == ["1", "2"]


def test_names_come_out_of_their_json_string() -> None:
    read = fields('{"names":"{  \\"en\\": \\"Coat\\",\\"es\\":null, \\"de\\": 5 }"}')
    assert read.find_names("names") == {"en": "Coat", "de": "5"}


@pytest.mark.parametrize(
    ("json", "expected"),
    [("true", True), ('"True"', True), ("1", True), ('"0"', False), ("[]", None)],
)
def test_flags(json: str, expected: bool | None) -> None:
    assert fields(f'{{"flag":{json}}}').find_flag("flag") is expected


@pytest.mark.parametrize(
    ("result", "is_refused"),
    [
        ({"success": True, "error_code": "F00-00-10007-007", "error_message": "filler"}, False),
        ({"success": False, "rows": [1]}, True),
        ({"success": "false"}, True),
        ({"error_message": "no"}, True),
        ({"error_message": "filler", "rows": [1]}, False),
        ({"error_code": 0}, False),
        ({"error_code": 11}, True),
        ({}, False),
    ],
)
def test_a_flag_decides_and_filler_beside_data_does_not(
    result: dict[str, Any], is_refused: bool
) -> None:
    if is_refused:
        with pytest.raises(Refused):
            Fields(result).refuse_unless_successful("rows")
    else:
        Fields(result).refuse_unless_successful("rows")


@pytest.mark.parametrize(
    ("moment", "latest"),
    [
        pytest.param("2027-11-07T08:20:00", "2027-11-07T09:20:00", id="repeated-hour-first"),
        pytest.param("2027-11-07T09:20:00", "2027-11-07T09:20:00", id="repeated-hour-second"),
        pytest.param("2027-11-07T07:59:59", "2027-11-07T07:59:59", id="before"),
        pytest.param("2027-11-07T10:00:00", "2027-11-07T10:00:00", id="after"),
        pytest.param("2027-03-14T10:00:00", "2027-03-14T10:00:00", id="spring"),
    ],
)
def test_the_latest_moment_that_is_written_alike(moment: str, latest: str) -> None:
    first, last = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (moment, latest))
    assert latest_written_alike(first) == last
    assert to_pacific(first) == to_pacific(last)
