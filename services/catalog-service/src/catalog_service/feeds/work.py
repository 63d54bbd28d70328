"""How much work a product's matches and rules may do, counted before it is done. Pure.

A merchant's templates and exclusions run in a worker that serves every merchant. What they may
cost is therefore bounded by a count, not by a clock: the same product fails or passes the same way
on every machine. A unit is about what handling one character costs, some ten nanoseconds.
"""

STEP = 20
"""Units of any single step, such as reading a variable or testing a rule."""

CALL = 200
"""Units of applying a filter once, beside what it handles."""

PER_ITEM = 25
"""Units of an item of a list, beside its own characters."""

OF_FAMILY = 20_000_000
OF_ROW = 20_000
OF_TEMPLATE = 5_000_000


class TooMuchWork(Exception):
    """An evaluation would cost more than it may; the message says what to do less of."""


class FamilyTooCostly(Exception):
    """All evaluations of a family together would cost more than they may: none of them counts."""


class Budget:
    """The units that are left of what one evaluation may cost; `within` pays too."""

    __slots__ = ("_left", "_within")

    def __init__(self, units: int, within: "Budget | None" = None) -> None:
        self._left = units
        self._within = within

    def spend(self, units: int) -> None:
        """Pay before the work is done. Raises `TooMuchWork` where that much is not left."""
        if self._within is not None:
            self._within.spend(units)
        self._left -= units
        if self._left < 0:
            raise self._exhausted()

    def _exhausted(self) -> Exception:
        return TooMuchWork("it costs too much work: handle shorter texts, or fewer of them")

    def weigh(self, *values: object, factor: int = 1) -> None:
        """Pay `factor` times what the values weigh: their characters and items, all of them.

        What is named twice weighs twice, since whoever walks through it meets it twice.
        """
        if len(values) == 1 and isinstance(values[0], str):
            self.spend(factor * len(values[0]))
            return
        most = self.left // factor
        weight = 0
        waiting: list[object] = list(values)
        while waiting and weight <= most:
            value = waiting.pop()
            if isinstance(value, str):
                weight += len(value)
            elif isinstance(value, list | tuple):
                weight += PER_ITEM * len(value)
                if weight <= most:
                    waiting += value
            elif isinstance(value, dict):
                weight += 2 * PER_ITEM * len(value)
                if weight <= most:
                    waiting += value
                    waiting += value.values()
        self.spend(factor * weight)

    @property
    def left(self) -> int:
        """The units that may still be spent."""
        return self._left if self._within is None else min(self._left, self._within.left)


class FamilyBudget(Budget):
    """What one family may cost in one feed. Raises `FamilyTooCostly` where `Budget` raises."""

    __slots__ = ()

    def __init__(self, rows: int = 1) -> None:
        super().__init__(OF_FAMILY + OF_ROW * rows)

    def _exhausted(self) -> Exception:
        return FamilyTooCostly("the feed's rules and matches cost too much work for this product")
