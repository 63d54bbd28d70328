"""Of several states of a key the highest revision counts."""

from hypothesis import given
from hypothesis import strategies as st

from common.messaging.newest import newest


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9))))
def test_the_newest_state_of_each_key_wins_in_key_order(states: list[tuple[str, int]]) -> None:
    kept = newest(states, lambda state: (state[0],), lambda state: state[1])
    assert [key for key, _ in kept] == sorted({key for key, _ in states})
    for key, revision in kept:
        assert revision == max(number for other, number in states if other == key)
