"""Where an order goes, in clear: AliExpress masks addresses until they are decrypted."""

import msgspec

from aliexpress.addresses import decrypt_address
from aliexpress.client import Client
from aliexpress.operation import AccessToken
from aliexpress.orders import OrderDetails, Receipt, load_receipt


async def read_receipt(client: Client, token: AccessToken, details: OrderDetails) -> Receipt:
    """The receipt of an order; what is masked of it is decrypted where AliExpress says by what.

    Its `raw` stays as received. Raises what `load_receipt` and `decrypt_address` raise.
    """
    receipt = await load_receipt(client, token, details.order_id)
    oaid = receipt.oaid or details.oaid
    if not receipt.is_masked or oaid is None:
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
