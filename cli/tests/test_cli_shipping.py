"""`channel orders ship` and `tracking`: what may be typed, and what is shown and answered."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import channel_cli.output
from channel_cli.__main__ import app
from channel_cli.client import Channel
from channel_cli.order_answers import Correction, RowProblem, Shipment, ShippedFile, ShippedRow
from channel_cli.shipping import as_settled, parcels_of


@pytest.fixture(autouse=True)
def installation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel_cli.output, "_printing", channel_cli.output._Printing())
    monkeypatch.setenv("CHANNEL_ORDERS_URL", "http://orders")
    monkeypatch.setenv("CHANNEL_AUTH_URL", "http://auth")
    monkeypatch.setenv("CHANNEL_CLIENT_ID", "c")
    monkeypatch.setenv("CHANNEL_CLIENT_SECRET", "s")


def file_of(*rows: ShippedRow) -> ShippedFile:
    outcomes = [row.outcome for row in rows]
    return ShippedFile(
        dry_run=False,
        accepted=outcomes.count("accepted"),
        already_there=outcomes.count("already_there"),
        refused=outcomes.count("refused"),
        items=list(rows),
    )


def shipment(shipment_id: str, state: str, **more: Any) -> Shipment:
    return Shipment(
        shipment_id=shipment_id, state=state, carrier="UPS", tracking_number="1Z", **more
    )


ACCEPTED = ShippedRow(line=2, outcome="accepted", order_id="7", shipment_id="s", state="pending")
SAME_PARCEL = ShippedRow(line=3, outcome="accepted", order_id="7", shipment_id="s", state="sent")
REFUSED = ShippedRow(
    line=4,
    outcome="refused",
    problem=RowProblem(title="order not found", remedy="Import orders.", rule="M8.4"),
)


def test_rows_of_one_parcel_are_followed_once() -> None:
    assert [one.shipment_id for one in parcels_of([ACCEPTED, SAME_PARCEL, REFUSED])] == ["s"]


def test_a_parcel_that_is_refused_in_the_end_is_a_row_refused() -> None:
    answer = file_of(ACCEPTED, SAME_PARCEL, REFUSED)
    confirmed = as_settled(answer, {"s": shipment("s", "confirmed")})
    assert [row.state for row in confirmed.items] == ["confirmed", "confirmed", None]
    assert (confirmed.accepted, confirmed.refused) == (2, 1)

    late = shipment("s", "refused", explanation="It is frozen.", remedy="Wait.")
    refused = as_settled(answer, {"s": late})
    assert (refused.accepted, refused.refused) == (0, 3)
    assert refused.items[0].problem == RowProblem(
        title="It is frozen.", remedy="Wait.", rule="M8.4"
    )


@pytest.mark.parametrize(
    ("words", "says"),
    [
        pytest.param(["ship"], "ORDER_ID", id="nothing"),
        pytest.param(["ship", "7"], "--carrier", id="no-carrier"),
        pytest.param(["ship", "7", "--carrier", "UPS"], "--tracking-number", id="no-number"),
        pytest.param(
            ["ship", "7", "--carrier", "UPS", "--tracking-number", "1", "--dry-run"],
            "--dry-run",
            id="one-parcel-tried",
        ),
        pytest.param(["ship", "7", "--file", "x.csv"], "--file", id="order-and-file"),
        pytest.param(["tracking", "7", "s"], "--number", id="no-right-number"),
    ],
)
def test_what_is_typed_wrongly_ends_with_2(words: Sequence[str], says: str) -> None:
    result = CliRunner().invoke(app, ["orders", *words])
    assert result.exit_code == 2
    assert says in result.stderr


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["orders", "ship", "--file", str(tmp_path / "none.csv")])
    assert result.exit_code == 1
    assert "cannot be read" in " ".join(result.stderr.split())


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize(("rows", "code"), [([ACCEPTED], 0), ([ACCEPTED, REFUSED], 3)])
def test_a_refused_row_ends_the_command_with_3(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    rows: list[ShippedRow],
    code: int,
    as_json: bool,
) -> None:
    sent: list[bytes] = []

    async def ship_file(_: Channel, *address: str, **__: Any) -> ShippedFile:
        sent.append(address[-1])  # type: ignore[arg-type]  # the content comes last
        return file_of(*rows)

    monkeypatch.setattr(Channel, "ship_file", ship_file)
    file = tmp_path / "parcels.csv"
    file.write_bytes(b"\xef\xbb\xbforder_id\n")
    words = ["orders", "ship", "--file", str(file), "--no-follow", *(["--json"] if as_json else [])]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == code, result.stderr
    assert sent == [b"\xef\xbb\xbforder_id\n"]
    if as_json:
        assert len(json.loads(result.stdout)["items"]) == len(rows)
    elif code:
        assert {"Import", "orders."} <= set(result.stdout.split())


@pytest.mark.parametrize(("state", "code"), [("confirmed", 0), ("pending", 0), ("refused", 3)])
def test_a_refused_correction_ends_the_command_with_3(
    monkeypatch: pytest.MonkeyPatch, state: str, code: int
) -> None:
    async def corrected(*_: Any, **__: Any) -> Correction:
        return Correction(
            correction_id="c",
            shipment_id="s",
            state=state,
            former_number="LP1",
            carrier="UPS",
            tracking_number="LP2",
        )

    monkeypatch.setattr(Channel, "correct_tracking", corrected)
    words = ["orders", "tracking", "7", "s", "--number", "LP2", "--no-follow", "--json"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == code
    assert json.loads(result.stdout)["state"] == state
