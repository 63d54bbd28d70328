import base64

import pytest

from auth_service.sealing.token_vault import (
    MasterKeysUnusable,
    Owner,
    SealBroken,
    SealedToken,
    TokenVault,
)

CANARY = "50000canary-token-value"
OWNER = Owner("shein", "main", 3)


def keys(*ids: str) -> str:
    return ",".join(f"{i}:{base64.b64encode(i.encode().ljust(32, b'.')).decode()}" for i in ids)


def test_a_sealed_token_opens_for_its_owner_and_hides_its_value() -> None:
    vault = TokenVault.parse(keys("k1"))
    sealed = vault.seal(CANARY, OWNER)

    assert vault.open(sealed, OWNER) == CANARY
    assert CANARY.encode() not in sealed.ciphertext + sealed.wrapped_key + sealed.nonce


@pytest.mark.parametrize(
    "thief",
    [
        pytest.param(Owner("other", "main", 3), id="other-merchant"),
        pytest.param(Owner("shein", "second", 3), id="other-shop"),
        pytest.param(Owner("shein", "main", 4), id="other-generation"),
        pytest.param(Owner('shein","main', "", 3), id="joined-parts"),
    ],
)
def test_a_token_moved_to_another_row_does_not_open(thief: Owner) -> None:
    vault = TokenVault.parse(keys("k1"))
    sealed = vault.seal(CANARY, OWNER)

    with pytest.raises(SealBroken):
        vault.open(sealed, thief)


@pytest.mark.parametrize("part", ["wrapped_key", "nonce", "ciphertext"])
def test_a_token_with_a_changed_byte_does_not_open(part: str) -> None:
    vault = TokenVault.parse(keys("k1"))
    sealed = vault.seal(CANARY, OWNER)
    changed = bytearray(getattr(sealed, part))
    changed[3] ^= 1
    parts = {
        "wrapped_key": sealed.wrapped_key,
        "nonce": sealed.nonce,
        "ciphertext": sealed.ciphertext,
    }

    with pytest.raises(SealBroken):
        vault.open(SealedToken(sealed.key_id, **{**parts, part: bytes(changed)}), OWNER)


def test_master_keys_rotate_while_old_tokens_still_open() -> None:
    sealed = TokenVault.parse(keys("k1")).seal(CANARY, OWNER)
    both = TokenVault.parse(keys("k2", "k1"))

    assert both.open(sealed, OWNER) == CANARY
    rewrapped = both.rewrap(sealed)
    assert rewrapped.ciphertext == sealed.ciphertext
    assert TokenVault.parse(keys("k2")).open(rewrapped, OWNER) == CANARY
    with pytest.raises(SealBroken):
        TokenVault.parse(keys("k2")).open(sealed, OWNER)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("k1", id="no-key"),
        pytest.param("k1:%%%", id="not-base64"),
        pytest.param("k1:c2hvcnQ=", id="too-short"),
        pytest.param(f"{keys('k1')},{keys('k1')}", id="same-id-twice"),
        pytest.param(keys("k1")[2:], id="no-id"),
    ],
)
def test_master_keys_that_cannot_be_used_are_refused(text: str) -> None:
    with pytest.raises(MasterKeysUnusable):
        TokenVault.parse(text)
