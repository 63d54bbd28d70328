"""`channel` as somebody else's installation would run it: by settings alone."""

from dataclasses import dataclass

from stack.run import Stack
from stack.system import AUTH, CATALOG, ORDERS, PUBLISHER, TRACES
from stack.testing import Programs, Result


@dataclass(frozen=True)
class ChannelCommand:
    """The command line, for the operator of a running system."""

    programs: Programs
    system: Stack

    async def __call__(self, *words: str, **environment: str) -> Result:
        """Run a command to its end; no secret may show in what it writes."""
        addresses = self.system.addresses
        settings = {
            "CHANNEL_AUTH_URL": self.system.url(AUTH.name),
            "CHANNEL_CATALOG_URL": self.system.url(CATALOG.name),
            "CHANNEL_PUBLISHER_URL": self.system.url(PUBLISHER.name),
            "CHANNEL_ORDERS_URL": self.system.url(ORDERS.name),
            **({"CHANNEL_TRACES_URL": addresses.urls[TRACES]} if TRACES in addresses.urls else {}),
            "CHANNEL_CLIENT_ID": addresses.operator_client_id,
            "CHANNEL_CLIENT_SECRET": addresses.operator_client_secret,
        }
        result = await self.programs.run("channel_cli", *words, environment=settings | environment)
        assert addresses.operator_client_secret not in result.out + result.err
        assert "Bearer" not in result.out + result.err
        return result
