"""Of what is planted everything is found, where it is, and nothing else (M2 to M5)."""

import pytest

from .measure import measure, report_of
from .planting import DEFECTS

DEFECTS_PLANTED = 500


@pytest.mark.parametrize("seed", [1, 20261126])
def test_each_planted_defect_is_found_at_its_place_and_nothing_else(seed: int) -> None:
    figures = measure(seed, DEFECTS_PLANTED)
    report = report_of(figures)
    assert (report["defects"], report["families"]) == (DEFECTS_PLANTED, 2 * DEFECTS_PLANTED)
    assert (report["missed"], report["false"], figures.unnamed) == ([], [], [])
    assert set(figures.kinds.values()) == {defect.name for defect in DEFECTS}
