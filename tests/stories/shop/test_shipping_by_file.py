"""A shop's people ship from a CSV file, and correct a number, by the command line."""

from pathlib import Path

from channel_demo import trade

from ..command_line import ChannelCommand
from ..sample import Sold

STANDARD = trade.CARRIER


async def test_a_file_is_tried_shipped_and_sent_again_then_a_number_is_corrected(
    channel: ChannelCommand, sold: Sold, tmp_path: Path
) -> None:
    session = sold.session
    code = sold.shop[-1].skus[0].sku_code
    one, two = [
        (
            await session.sandbox.place_order([(code, 1)], seed=seed, status=trade.WAITS_FOR_SELLER)
        ).order_id
        for seed in (980, 981)
    ]
    await trade.import_orders(session)
    template = await channel("orders", "template")
    file = tmp_path / "parcels.csv"
    file.write_text(
        template.out
        + f"{one},,{STANDARD},LP {one}\n{two},,{STANDARD},LP{two}\n404,,{STANDARD},LP4\n"
    )
    ship = ("orders", "ship", "--file", str(file), "--json")

    tried = await channel(*ship, "--dry-run")
    assert (tried.code, tried.document["accepted"], tried.document["refused"]) == (3, 2, 1)
    shipped = await channel(*ship)
    assert shipped.code == 3
    assert [row["state"] for row in shipped.document["items"]] == ["confirmed", "confirmed", None]
    assert shipped.document["items"][2]["problem"]["remedy"]
    again = await channel(*ship)
    assert (again.document["accepted"], again.document["already_there"]) == (0, 2)

    shipment_id = shipped.document["items"][0]["shipment_id"]
    right = ("--number", f"LP{one}9", "--json")
    corrected = await channel("orders", "tracking", one, shipment_id, *right)
    assert (corrected.code, corrected.document["state"]) == (0, "confirmed"), corrected.err
    parcels = {order.order_id: order.shipments for order in await session.sandbox.orders()}
    assert [parcel.tracking_number for parcel in parcels[one]] == [f"LP{one}9"]
    assert [parcel.tracking_number for parcel in parcels[two]] == [f"LP{two}"]
    refused = await channel("orders", "tracking", one, shipment_id, *right)
    assert (refused.code, refused.document["error"]["rule"]) == (1, "M8.4")
