"""When the demonstration says that all is well, and when not."""

import msgspec
import pytest

from channel_cli.answers import Cause, Issue, PreviewFamily, PublishedProduct
from channel_demo.report import Rejected, Report, find_faults
from channel_demo.survey import rejection_of

WELL = Report(
    source_products=10,
    families=6,
    online=4,
    rejected=[Rejected("P-1", None, "M3.6", "the title is missing", "Fill it.")],
    excluded=1,
    offers_updated=15,
    orders_at_marketplace=8,
    orders_imported=8,
    orders_shipped=1,
    dead_letters=0,
    seconds=1.0,
)


def test_a_run_that_adds_up_is_well() -> None:
    assert find_faults(WELL, offers_changed=15) == []


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        pytest.param({"online": 0, "excluded": 5}, "nothing is online", id="nothing-online"),
        pytest.param({"online": 3}, "online + rejected + excluded = 5", id="one-forgotten"),
        pytest.param({"orders_imported": 7}, "7 imported", id="order-missing"),
        pytest.param({"orders_shipped": 0}, "no order was shipped", id="nothing-shipped"),
        pytest.param({"dead_letters": 1}, "1 dead letters", id="dead-letter"),
        pytest.param({"offers_updated": 14}, "14 sent", id="offer-not-sent"),
        pytest.param(
            {"rejected": [Rejected("P-1", None, "", "not online, and no reason is known", "")]},
            "P-1 is not online without a reason",
            id="no-reason",
        ),
    ],
)
def test_what_does_not_add_up_is_told(changed: dict[str, object], says: str) -> None:
    report = msgspec.structs.replace(WELL, **changed)
    assert any(says in fault for fault in find_faults(report, offers_changed=15))


def test_where_nobody_could_order_nothing_has_to_be_shipped() -> None:
    none = {"orders_at_marketplace": 0, "orders_imported": 0, "orders_shipped": 0}
    assert find_faults(msgspec.structs.replace(WELL, **none), offers_changed=15) == []


def test_offers_of_a_users_own_file_are_not_counted_against_a_change() -> None:
    assert find_faults(WELL, offers_changed=None) == []


def test_a_rejection_names_the_first_error_not_the_advice_before_it() -> None:
    advice = Issue(rule="M3.14", field="f", message="m", remedy="r", severity="advice")
    error = Issue(rule="M3.9", field="price", message="no price", remedy="Fill it.", sku="S-1")
    family = PreviewFamily(family_id="P-1", state="invalid", issues=[advice, error])
    assert rejection_of(family, None) == Rejected("P-1", "S-1", "M3.9", "no price", "Fill it.")


def test_a_rejection_by_the_marketplace_names_the_rule_in_its_explanation() -> None:
    cause = Cause(code="sku-claimed", message="taken", explanation="One only (M1.7).", remedy="R")
    family = PreviewFamily(family_id="P-1", state="valid")
    published = PublishedProduct(family_id="P-1", status="rejected", causes=[cause])
    assert rejection_of(family, published) == Rejected("P-1", None, "M1.7", "taken", "R")
