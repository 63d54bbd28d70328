"""FastAPI's fields build their validators when they are first needed, not when a route is made.

Nearly every test of a service makes its app, and calls two of its sixty routes: to build the
validators of all costs 0.1 s of processor time, each time. Services that run as processes are left
as they are.
"""

import warnings
from functools import cached_property
from typing import Any

from fastapi._compat import v2
from pydantic import ConfigDict, TypeAdapter


class _DeferredAdapter:
    """What a `TypeAdapter` of these arguments is, from the first look at it on."""

    def __init__(self, annotation: Any, *, config: ConfigDict | None = None) -> None:
        self._annotation = annotation
        self._config = config

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # as FastAPI does where it builds them
            return TypeAdapter(self._annotation, config=self._config)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._adapter, name)


def defer_validators() -> None:
    """Have all apps made by this process from now on build validators late."""
    vars(v2)["TypeAdapter"] = _DeferredAdapter
