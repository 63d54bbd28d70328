"""What is called and by whom."""

import msgspec


class Operation(msgspec.Struct, frozen=True):
    """One API method of AliExpress.

    `name` is the method, or the path of a system interface (it begins with "/"). `is_write` says
    that a lost answer leaves its outcome unknown.
    """

    name: str
    is_write: bool = False

    @property
    def is_system(self) -> bool:
        """Whether it is a system interface, called by path and without a token."""
        return self.name.startswith("/")


class AccessToken(msgspec.Struct, frozen=True):
    """A seller's permission: `value` is secret and shows in no representation."""

    seller_id: str
    value: str

    def __repr__(self) -> str:
        return f"AccessToken(seller_id={self.seller_id!r})"


class AppCredentials(msgspec.Struct, frozen=True):
    """The app as AliExpress knows it: `secret` signs and shows in no representation."""

    key: str
    secret: str

    def __repr__(self) -> str:
        return f"AppCredentials(key={self.key!r})"
