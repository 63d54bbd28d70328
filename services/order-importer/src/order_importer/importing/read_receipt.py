"""Who an order goes to and where, in clear: AliExpress masks addresses until they are decrypted."""

from dataclasses import dataclass

import msgspec

from aliexpress.addresses import CustomsData, decrypt_address, load_customs_data
from aliexpress.client import Client
from aliexpress.operation import AccessToken
from aliexpress.orders import OrderDetails, Receipt, load_receipt


@dataclass(frozen=True)
class BuyerDataOptions:
    """What is asked of AliExpress about buyers beside the order itself, a call each."""

    decrypts_addresses: bool = True
    reads_customs_data: bool = False


USUAL = BuyerDataOptions()


async def read_receipt(
    client: Client, token: AccessToken, details: OrderDetails, options: BuyerDataOptions
) -> Receipt:
    """The receipt of an order; what is masked of it is decrypted where AliExpress says by what.

    Its `raw` stays as received. Raises what `load_receipt` and `decrypt_address` raise.
    """
    receipt = await load_receipt(client, token, details.order_id)
    oaid = receipt.oaid or details.oaid
    if not (receipt.is_masked and options.decrypts_addresses) or oaid is None:
        return receipt
    clear = await decrypt_address(client, token, details.order_id, oaid)
    return msgspec.structs.replace(
        receipt,
        name=clear.name or receipt.name,
        detail_address=clear.detail_address or receipt.detail_address,
        address2=clear.address2,
        mobile=clear.mobile or receipt.mobile,
        phone_number=clear.phone_number or receipt.phone_number,
    )


async def read_customs_data(
    client: Client, token: AccessToken, order_id: str, options: BuyerDataOptions
) -> CustomsData | None:
    """Tax number and passport of the buyer, where they are to be asked for.

    Raises what `load_customs_data` raises.
    """
    if not options.reads_customs_data:
        return None
    return await load_customs_data(client, token, order_id)
