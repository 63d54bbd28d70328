"""Secrets at rest, access tokens first of all: AES-GCM under a data key of their own, which a
master key wraps (AES-KW).

The additional data binds a ciphertext to its owner (a token to merchant, shop and generation):
moved to another row it does not open. Rotating the master key re-wraps the data keys, without
touching a ciphertext.
"""

import base64
import binascii
import os
from dataclasses import dataclass
from typing import Protocol

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

KEY_BYTES = 32
NONCE_BYTES = 12


class MasterKeysUnusable(Exception):
    """AUTH_MASTER_KEYS must be `id:base64,...`, each 32 bytes, the ids different."""


class SealBroken(Exception):
    """The token cannot be opened: its master key is gone, or it is not this row's token."""


class SealedFor(Protocol):
    """What a seal is bound to; its text names it in errors."""

    def additional_data(self) -> bytes:
        """The same bytes for the same owner, and for no other."""


@dataclass(frozen=True)
class Owner:
    """Whose token it is: what the seal is bound to."""

    merchant_id: str
    shop_id: str
    generation: int

    def __str__(self) -> str:
        return f"{self.merchant_id}/{self.shop_id}"

    def additional_data(self) -> bytes:
        """The same bytes for the same owner, and for no other."""
        return msgspec.json.encode([self.merchant_id, self.shop_id, self.generation])


@dataclass(frozen=True)
class RefreshOwner(Owner):
    """Whose refresh token it is: sealed for the same row, it opens in no access token's place."""

    def additional_data(self) -> bytes:
        """The same bytes for the same owner, and for no other."""
        return msgspec.json.encode([self.merchant_id, self.shop_id, self.generation, "refresh"])


@dataclass(frozen=True)
class SealedToken:
    """A token as stored: nothing in it is readable without the master key `key_id`."""

    key_id: str
    wrapped_key: bytes
    nonce: bytes
    ciphertext: bytes


class TokenVault:
    """Seals under the first master key and opens under any of them."""

    def __init__(self, master_keys: dict[str, bytes]) -> None:
        if not master_keys:
            raise MasterKeysUnusable("no key is given")
        self._keys = master_keys
        self.current_key_id = next(iter(master_keys))

    @classmethod
    def parse(cls, text: str) -> "TokenVault":
        """A vault of the keys in `id:base64,...`. Raises `MasterKeysUnusable`."""
        keys: dict[str, bytes] = {}
        for entry in text.split(","):
            key_id, _, encoded = entry.strip().partition(":")
            try:
                key = base64.b64decode(encoded, validate=True)
            except binascii.Error as error:
                raise MasterKeysUnusable(f"key {key_id} is not base64") from error
            if not key_id or len(key) != KEY_BYTES or key_id in keys:
                raise MasterKeysUnusable(f"key {key_id or '?'} is not {KEY_BYTES} bytes of its own")
            keys[key_id] = key
        return cls(keys)

    def seal(self, token: str, owner: SealedFor) -> SealedToken:
        """The token as it may be stored in its owner's row."""
        data_key, nonce = os.urandom(KEY_BYTES), os.urandom(NONCE_BYTES)
        ciphertext = AESGCM(data_key).encrypt(nonce, token.encode(), owner.additional_data())
        key_id = self.current_key_id
        return SealedToken(key_id, aes_key_wrap(self._keys[key_id], data_key), nonce, ciphertext)

    def open(self, sealed: SealedToken, owner: SealedFor) -> str:
        """The token. Raises `SealBroken`."""
        try:
            data_key = aes_key_unwrap(self._master_key(sealed), sealed.wrapped_key)
            token = AESGCM(data_key).decrypt(
                sealed.nonce, sealed.ciphertext, owner.additional_data()
            )
        except (InvalidUnwrap, InvalidTag) as error:
            raise SealBroken(str(owner)) from error
        return token.decode()

    def rewrap(self, sealed: SealedToken) -> SealedToken:
        """The same ciphertext, its data key under the current master key. Raises `SealBroken`."""
        try:
            data_key = aes_key_unwrap(self._master_key(sealed), sealed.wrapped_key)
        except InvalidUnwrap as error:
            raise SealBroken(sealed.key_id) from error
        wrapped = aes_key_wrap(self._keys[self.current_key_id], data_key)
        return SealedToken(self.current_key_id, wrapped, sealed.nonce, sealed.ciphertext)

    def _master_key(self, sealed: SealedToken) -> bytes:
        try:
            return self._keys[sealed.key_id]
        except KeyError:
            raise SealBroken(f"master key {sealed.key_id} is not configured") from None
