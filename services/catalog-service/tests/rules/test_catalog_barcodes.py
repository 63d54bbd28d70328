"""Barcodes are checked by their last digit; a bad one is not sent and holds nothing back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog_service.normalizing.barcodes import BarcodeInvalid, read_barcode

from ..catalog_families import errors, evaluated, member

GOOD = [
    ("5901234123457", "5901234123457"),
    ("590-1234-12345-7", "5901234123457"),
    ("5 901234 123457", "5901234123457"),
    ("5\u00a0901234\u00a0123457", "5901234123457"),
    ("5901234123457.0", "5901234123457"),
    ("5.901234123457E+12", "5901234123457"),
    ("5,901234123457e12", "5901234123457"),
    ("96385074", "96385074"),
    ("036000291452", "036000291452"),
    ("0 36000 29145 2", "036000291452"),
    ("04252614", "04252614"),
    ("01234505", "01234505"),
    ("10012345000017", "10012345000017"),
    ("978-0-306-40615-7", "9780306406157"),
    ("0-306-40615-2", "0306406152"),
    ("0-8044-2957-X", "080442957X"),
    ("0-8044-2957-x", "080442957X"),
    ("4006381333931", "4006381333931"),
]
BAD = [
    "5901234123458",
    "5.90124E+12",
    "5.90123E+12",
    "4.00638E12",
    "96385075",
    "036000291453",
    "04252615",
    "10012345000018",
    "9780306406158",
    "0306406153",
    "0804429571",
    "12345",
    "123456789",
    "590123412345",
    "00000000",
    "0000000000000",
    "n/a",
    "EAN 5901234123457",
    "5901234123457, 96385074",
    "٥901234123457",
    "5901234123457²",
    "does not apply",
    "1e999999",
    "9" * 70,
]


@pytest.mark.parametrize(("written", "code"), GOOD)
def test_a_barcode_is_sent_as_its_digits(written: str, code: str) -> None:
    assert read_barcode(written) == code
    result = evaluated(member("a", ean=written), attributes={"ean_code": {"field": "ean"}})
    assert result.content is not None
    assert result.content.skus[0].ean_code == code
    assert "sku_info_list > ean_code" not in {issue.field for issue in result.issues}


@pytest.mark.parametrize("written", BAD)
def test_a_bad_barcode_is_advised_about_and_left_out(written: str) -> None:
    result = evaluated(member("a", ean=written), attributes={"ean_code": {"field": "ean"}})
    assert (result.state, errors(result)) == ("valid", [])
    assert result.content is not None
    assert result.content.skus[0].ean_code is None
    (issue,) = [issue for issue in result.issues if issue.field == "sku_info_list > ean_code"]
    assert (issue.severity, issue.value, issue.sku) == ("advice", written[:200], "a")


def test_no_barcode_is_no_issue_and_a_number_is_one() -> None:
    attributes = {"ean_code": {"field": "ean"}}
    for given_ean, code in ((None, None), ("", None), (5901234123457, "5901234123457")):
        result = evaluated(member("a", ean=given_ean), attributes=attributes)
        assert result.content is not None
        assert result.content.skus[0].ean_code == code
        assert "sku_info_list > ean_code" not in {issue.field for issue in result.issues}


@given(st.sampled_from([code for _, code in GOOD if len(code) > 10]), st.data())
def test_one_wrong_digit_is_always_found(code: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(code) - 1))
    digit = data.draw(st.sampled_from([d for d in "0123456789" if d != code[at]]))
    with pytest.raises(BarcodeInvalid):
        read_barcode(code[:at] + digit + code[at + 1 :])


@given(st.text(max_size=80))
def test_any_text_is_a_barcode_or_has_a_reason(text: str) -> None:
    try:
        code = read_barcode(text)
    except BarcodeInvalid:
        return
    assert len(code) in {8, 10, 12, 13, 14}
    assert read_barcode(code) == code
