"""Every mutant can still be applied, and the tests that must catch it are there."""

import pytest

from stack.settings import CHECKOUT

from .mutant import Mutant, check_applies, load_mutants, state_of_checkout

MUTANTS = load_mutants()


@pytest.fixture(scope="module")
def commit() -> str:
    return state_of_checkout()


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_applies_and_names_a_test(mutant: Mutant, commit: str) -> None:
    check_applies(mutant, commit)
    assert (CHECKOUT / mutant.tests[0]).exists()


def test_there_are_mutants() -> None:
    assert len(MUTANTS) >= 15
