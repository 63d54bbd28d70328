"""What the guard counts. Pure."""

from dataclasses import dataclass
from typing import Literal

Guard = Literal["removal", "configuration"]
"""removal: deletions and zeroings; configuration: content that stems from another one."""


@dataclass(frozen=True)
class Extent:
    """How many products and SKUs something concerns."""

    products: int
    skus: int
