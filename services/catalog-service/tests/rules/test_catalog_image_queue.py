"""Whose picture is fetched next: merchants in turn, bounds kept, nothing forgotten."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from hypothesis import given
from hypothesis import strategies as st

from catalog_service.images.queue import PER_HOST, CheckQueue, ImageKey

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)


def keys(merchant: str, number: int, *, hosts: int = 1_000) -> list[ImageKey]:
    return [(merchant, f"https://h{n % hosts}.example/{n}.png") for n in range(number)]


def begin_all(queue: CheckQueue, now: datetime = NOW) -> list[ImageKey]:
    """What is begun until there is no room."""
    begun = []
    while key := queue.begin(now):
        begun.append(key)
    return begun


def test_a_merchant_has_its_slots_whatever_it_brings() -> None:
    queue = CheckQueue(per_merchant=8, over_all=64)
    queue.add(keys("a", 100), until=LATER)
    assert begin_all(queue) == keys("a", 8)
    queue.add(keys("b", 1), until=LATER)
    assert begin_all(queue) == keys("b", 1)


def test_a_check_that_ends_makes_room_at_once() -> None:
    queue = CheckQueue(per_merchant=2, over_all=64)
    queue.add(keys("a", 3), until=LATER)
    first, second = begin_all(queue)
    queue.end(second)
    assert begin_all(queue) == [keys("a", 3)[2]]
    queue.end(first)
    assert queue.merchants_waiting == []


def test_merchants_that_come_later_find_room_however_many_came_before() -> None:
    queue = CheckQueue(per_merchant=8, over_all=64)
    for number in range(10):
        queue.add(keys(f"m{number}", 100), until=LATER)
        assert queue.begin(NOW) is not None
        begin_all(queue)
        queue.add(keys(f"later{number}", 1), until=LATER)
        later = queue.begin(NOW)
        assert later == keys(f"later{number}", 1)[0]
        queue.end(later)


def test_a_host_is_asked_for_a_few_at_once_and_others_of_the_merchant_pass_it() -> None:
    queue = CheckQueue(per_merchant=8, over_all=64)
    other = ("a", "https://other.example/1.png")
    queue.add([*keys("a", 50, hosts=1), other], until=LATER)
    assert begin_all(queue) == [*keys("a", PER_HOST, hosts=1), other]


def test_a_host_that_is_away_is_given_up_for_its_merchant_alone() -> None:
    queue = CheckQueue(per_merchant=1, over_all=64)
    queue.add([*keys("a", 50, hosts=1), ("a", "https://other.example/1.png")], until=LATER)
    queue.add(keys("b", 2, hosts=1), until=LATER)
    first = queue.begin(NOW)
    assert first == keys("a", 1)[0]
    queue.give_up(first)
    queue.end(first)
    assert begin_all(queue) == [keys("b", 1)[0], ("a", "https://other.example/1.png")]


def test_what_was_not_begun_while_the_claim_lasted_is_given_up() -> None:
    queue = CheckQueue(per_merchant=1, over_all=64)
    queue.add(keys("a", 3), until=LATER)
    [first] = begin_all(queue)
    queue.end(first)
    assert begin_all(queue, now=LATER) == []
    assert queue.merchants_waiting == []


merchants = st.sampled_from("abcdef")
steps = st.one_of(
    st.tuples(st.just("add"), merchants, st.integers(1, 30), st.integers(1, 5)),
    st.tuples(st.just("end"), st.integers(0, 100)),
    st.tuples(st.just("give up"), st.integers(0, 100)),
)


@given(st.lists(steps, max_size=60), st.integers(1, 8), st.integers(1, 20))
def test_bounds_hold_and_every_address_is_begun_once(
    taken: list[tuple[str, int]] | list[tuple[str, str, int, int]],
    per_merchant: int,
    over_all: int,
) -> None:
    queue = CheckQueue(per_merchant=per_merchant, over_all=over_all)
    under_way: list[ImageKey] = []
    added: Counter[ImageKey] = Counter()
    begun: Counter[ImageKey] = Counter()
    for number, step in enumerate(taken):
        match step:
            case "add", str(merchant), int(count), int(hosts):
                new = [(m, f"{url}?{number}") for m, url in keys(merchant, count, hosts=hosts)]
                queue.add(new, until=LATER)
                added.update(new)
            case "end", int(place) if under_way:
                queue.end(under_way.pop(place % len(under_way)))
            case "give up", int(place) if under_way:
                away = under_way.pop(place % len(under_way))
                queue.give_up(away)
                queue.end(away)
                added = Counter(k for k in added if k in begun or not _is_beside(k, away))
        some = begin_all(queue)
        begun.update(some)
        under_way += some
        assert len(under_way) <= over_all
        assert all(n <= per_merchant for n in Counter(m for m, _ in under_way).values())
        of_host = Counter((m, urlsplit(url).netloc) for m, url in under_way)
        assert all(n <= PER_HOST for n in of_host.values())
    while under_way:
        queue.end(under_way.pop())
        some = begin_all(queue)
        begun.update(some)
        under_way += some
    assert begun == added
    assert queue.merchants_waiting == []


def _is_beside(key: ImageKey, other: ImageKey) -> bool:
    return key[0] == other[0] and urlsplit(key[1]).netloc == urlsplit(other[1]).netloc
