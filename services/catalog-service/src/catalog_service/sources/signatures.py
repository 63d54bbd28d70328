"""Whether an event is of the merchant that it names, before anything in it is believed."""

import hmac
from collections.abc import Mapping, Sequence

from catalog_service.sources.producer_keys import MerchantKey, ProducerKeys
from common.contracts.envelope import raw_header
from common.contracts.signature import (
    BAD_SIGNATURE,
    FOREIGN_SIGNATURE,
    HEADER,
    UNKNOWN_KEY,
    UNSIGNED,
    Signature,
    authentication_code,
)
from common.messaging.records import Record, Rejected

_SIGN_AGAIN = (
    "Sign it with a live key of an API client of its merchant and publish it again, or ask the"
    " operator to replay this dead letter."
)


class SignatureCheck:
    """Finds the records that are not proven to be their merchant's.

    A wrong signature is always refused, a missing one where signatures `are_required`.
    """

    def __init__(self, keys: ProducerKeys, *, are_required: bool) -> None:
        self._keys = keys
        self._are_required = are_required

    async def refused(self, records: Sequence[Record]) -> Sequence[Rejected]:
        """Those of these records; by one request for all keys not known. Raises `Outage`."""
        headers = [raw_header(record.headers, HEADER) for record in records]
        signatures = [None if header is None else Signature.parse(header) for header in headers]
        named = {signature.key_id for signature in signatures if signature is not None}
        keys = await self._keys.find(named) if named else {}
        refused: list[Rejected] = []
        for record, header, signature in zip(records, headers, signatures, strict=True):
            if header is None:
                refusal = _unsigned(record) if self._are_required else None
            else:
                refusal = refusal_of(record, signature, keys)
            if refusal is not None:
                refused.append(refusal)
        return refused


def refusal_of(
    record: Record, signature: Signature | None, keys: Mapping[str, MerchantKey]
) -> Rejected | None:
    """Why a record with this signature is not its merchant's; None if it is. Pure."""
    if signature is None:
        return _refusal(record, BAD_SIGNATURE, f"the header {HEADER} is not v1=<key id>:<code>")
    known = keys.get(signature.key_id)
    if known is None:
        return _refusal(
            record, UNKNOWN_KEY, f"no client that writes catalogues has a key {signature.key_id}"
        )
    code = authentication_code(
        known.key.secret, record.topic, record.key or b"", record.value or b""
    )
    if not hmac.compare_digest(code, signature.code):
        return _refusal(
            record,
            BAD_SIGNATURE,
            f"key {signature.key_id} did not sign this topic, record key and value",
        )
    # the key names the merchant; that the data name the same one is checked when it is decoded
    if record.merchant_id != known.merchant_id:
        return _refusal(
            record,
            FOREIGN_SIGNATURE,
            f"key {signature.key_id} is of another merchant than {record.merchant_id}",
        )
    return None


def _unsigned(record: Record) -> Rejected:
    return _refusal(record, UNSIGNED, f"there is no header {HEADER}, and it is required here")


def _refusal(record: Record, reason: str, detail: str) -> Rejected:
    return Rejected(record, reason, detail, _SIGN_AGAIN, blames_origin=False)
