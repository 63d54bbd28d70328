"""Which environment variables each member reads, from its settings class."""

from functools import cache
from importlib import import_module
from importlib.util import find_spec

from pydantic_settings import BaseSettings


@cache
def known_variables(member: str) -> frozenset[str]:
    """The variables of `member` (`auth-service`), as its settings class declares them."""
    name = f"{member.replace('-', '_')}.settings"
    if find_spec(name) is None:
        return frozenset()
    module = import_module(name)
    return frozenset(
        (str(kind.model_config.get("env_prefix", "")) + field).upper()
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, BaseSettings)
        if kind.__module__ == module.__name__
        for field in kind.model_fields
    )
