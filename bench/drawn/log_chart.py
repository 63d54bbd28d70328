"""Lines over sizes, both axes logarithmic, as SVG that can be read on light and on dark pages."""

import math
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 760, 90, 740, 76, 400
CAPTION_LETTERS = 112
LINE_HEIGHT = 16
LABEL_GAP = 14
"""Pixels that two values one above the other need."""
DOT_GAP = 9
"""Pixels between a dot's middle and the value above it."""
PADDING = 40
"""Pixels beside the least and the largest size, where their values are written."""
MOST_ROWS = 10
KEY_WIDTH = 165


@dataclass(frozen=True)
class Line:
    """A line's name in the key, and its values by size; sizes and values are above 0."""

    name: str
    values: dict[int, float]


@dataclass(frozen=True)
class Chart:
    """A picture: at most three lines, what its axes are, and what a reader must know."""

    title: str
    across: str
    upward: str
    lines: Sequence[Line]
    caption: str


@dataclass(frozen=True)
class Axis:
    """From its first number, which stands at the first pixel, to its last."""

    numbers: Sequence[float]
    first: float
    last: float

    def at(self, value: float) -> float:
        """The value's pixel."""
        span = math.log10(self.numbers[-1] / self.numbers[0])
        share = math.log10(value / self.numbers[0]) / span if span else 0.5
        return round(self.first + share * (self.last - self.first), 1)

    def ticks(self) -> Iterator[dict[str, object]]:
        """Its numbers, each where it stands."""
        for number in self.numbers:
            yield {"at": self.at(number), "text": shown(number)}


def round_numbers(values: Sequence[float]) -> list[float]:
    """The numbers that begin with 1, 2 or 5 around these; of many the powers of ten alone."""
    powers = range(math.floor(math.log10(min(values))), math.ceil(math.log10(max(values))) + 1)
    steps = [first * 10.0**power for power in powers for first in (1, 2, 5)]
    below = [step for step in steps if step <= min(values)][-1]
    above = next(step for step in steps if step >= max(values) and step > below)
    around = [step for step in steps if below <= step <= above]
    if len(around) <= MOST_ROWS:
        return around
    return [10.0**power for power in powers]


def shown(value: float) -> str:
    """A number as people read it: three digits at most, thousands apart."""
    if value >= 100:
        return f"{float(f'{value:.3g}'):,.0f}"
    return f"{value:.3g}"


def draw(chart: Chart, file: Path) -> None:
    """Write the picture."""
    everything = [value for line in chart.lines for value in line.values.values()]
    sizes = sorted({size for line in chart.lines for size in line.values})
    across = Axis(sizes, LEFT + PADDING, RIGHT - PADDING)
    upward = Axis(round_numbers(everything), BOTTOM, TOP)
    caption = textwrap.wrap(chart.caption, CAPTION_LETTERS)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined
    )
    file.write_text(
        environment.get_template("chart.svg.j2").render(
            chart=chart,
            width=WIDTH,
            height=BOTTOM + 64 + LINE_HEIGHT * len(caption),
            left=LEFT,
            right=RIGHT,
            top=TOP,
            bottom=BOTTOM,
            rows=list(upward.ticks()),
            columns=list(across.ticks()),
            lines=_lines(chart, across, upward),
            caption=caption,
        )
        + "\n"
    )


def _lines(chart: Chart, across: Axis, upward: Axis) -> list[dict[str, object]]:
    labels = _label_places(chart, upward)
    return [
        {
            "number": number,
            "name": line.name,
            "key_x": LEFT + number * KEY_WIDTH,
            "dots": [
                {
                    "x": across.at(size),
                    "y": upward.at(value),
                    "label_y": labels[number, size],
                    "text": shown(value),
                }
                for size, value in sorted(line.values.items())
            ],
        }
        for number, line in enumerate(chart.lines)
    ]


def _label_places(chart: Chart, upward: Axis) -> dict[tuple[int, int], float]:
    """Where each value is written: above its dot; above the highest of dots that are too near each
    other for that, in their order."""
    places: dict[tuple[int, int], float] = {}
    for size in {size for line in chart.lines for size in line.values}:
        near: list[tuple[float, int]] = []
        dots = (
            (upward.at(line.values[size]), number)
            for number, line in enumerate(chart.lines)
            if size in line.values
        )
        for dot in sorted(dots):  # from the top of the page downwards
            if near and dot[0] - near[-1][0] > LABEL_GAP * len(near) + LABEL_GAP:
                near = []
            near.append(dot)
            for place, (_, number) in enumerate(reversed(near)):
                places[number, size] = round(near[0][0] - DOT_GAP - LABEL_GAP * place, 1)
    return places
