"""Leaves that may fit a category of the catalogue, with a score of 0 to 1 and why (M2.2). Pure.

The whole path counts, its last step the most, and of a leaf its own name more than those above it;
words that many leaves have count little. Whom the products are for must not be contradicted. What
AliExpress suggests for titles of the category is mixed in. Nothing is applied unasked.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log

from catalog_service.categories.tree import Tree
from catalog_service.categories.words import Words, audience_of, contradict, words_of

LEAST = 0.2
"""Below this a leaf is no suggestion."""
STEP_WEIGHTS = (1.0, 0.6, 0.35)
"""Of a path's last step, the one above it, and all others."""
ABOVE = 0.6
"""What a word of the last step counts that stands above a leaf only."""
OF_PATH, OF_LEAF = 0.55, 0.45
"""How much of the path the leaf has, and how much of the leaf the path has."""
OF_ABOVE = 0.5
"""What a word above a leaf counts, of the leaf's words."""
NOT_IN_NAME = 0.5
"""What a leaf is worth that shares no word of its own name."""
CONTRADICTS = 0.15
SPECIAL, UNSAID, NARROWER, WIDER = 0.75, 0.85, 0.9, 0.95
"""What a leaf is worth for whom: for others than the path says; for some of them, as maternity wear
is; for nobody in particular where the path says whom; for somebody where it does not; for more."""
TITLES = 0.4
"""How much of what is lacking to 1 the titles' words can add."""
PLATFORM = 0.7
"""How much of what is lacking to 1 AliExpress's own suggestions can add."""


@dataclass(frozen=True)
class Suggested:
    """A leaf that may fit: its path's names, how well (0 to 1), and why."""

    category_id: str
    path: tuple[str, ...]
    score: float
    why: str


@dataclass(frozen=True)
class _Spelling:
    """A leaf in one language: the words of its own name, and those of its whole path."""

    category_id: str
    own: Words
    products: frozenset[str]
    audience: frozenset[str]


class LeafNames:
    """The leaves of a tree by the words of their names, in all languages."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._spellings: list[_Spelling] = []
        self._by_word: defaultdict[str, list[int]] = defaultdict(list)
        self._by_own_word: defaultdict[str, list[int]] = defaultdict(list)
        for leaf in tree.leaves():
            path = tree.path(leaf.category_id)
            for language in ("", *leaf.names):
                steps = [words_of(node.names.get(language, node.name)) for node in path]
                self._add(leaf.category_id, steps)
        self._leaves = max(len({each.category_id for each in self._spellings}), 1)
        self._common = {word: log(1 + self._leaves / len(at)) for word, at in self._by_word.items()}
        self._rarest = log(1 + self._leaves)

    def _add(self, category_id: str, steps: Sequence[Words]) -> None:
        products = frozenset(word for step in steps for word in step.products)
        spelling = _Spelling(category_id, steps[-1], products, audience_of(steps))
        if self._spellings and self._spellings[-1] == spelling:
            return
        for word in products:
            self._by_word[word].append(len(self._spellings))
        for word in spelling.own.products:
            self._by_own_word[word].append(len(self._spellings))
        self._spellings.append(spelling)

    def weight(self, word: str) -> float:
        """The rarer a word among the leaves, the more it says."""
        return self._common.get(word, self._rarest)

    def suggest(
        self,
        path: Sequence[str],
        *,
        titles: Sequence[str] = (),
        of_platform: Sequence[Sequence[str]] = (),
        limit: int = 3,
    ) -> list[Suggested]:
        """The likeliest leaves for a path's steps; `titles` are of products that stand there,
        `of_platform` the leaves AliExpress suggests for each of some titles, the best first."""
        steps = [words_of(step) for step in path]
        named = [words_of(title) for title in titles]
        audience = audience_of(steps) or _of_all([title.audience for title in named])
        wanted = self._wanted(steps)
        spelled = {word: text for step in steps for word, text in step.spelled.items()}
        by_titles = [frozenset(title.products) for title in named]
        ranks = _ranks(of_platform)
        best: dict[str, tuple[float, _Spelling]] = {}
        for spelling in self._candidates(wanted, by_titles, ranks):
            score = self._score(spelling, wanted, by_titles) * _fits(spelling.audience, audience)
            if spelling.category_id in ranks:
                share = ranks[spelling.category_id]
                score += (1 - score) * PLATFORM * share * _fits(spelling.audience, audience)
            if score >= LEAST and score > best.get(spelling.category_id, (0.0, spelling))[0]:
                best[spelling.category_id] = score, spelling
        ranked = sorted(best.items(), key=lambda each: (-each[1][0], each[0]))
        return [
            Suggested(
                leaf,
                tuple(self._tree.path_names(leaf)),
                round(score, 3),
                ", ".join(_reasons(spelling, spelled, audience, by_titles, of_platform)),
            )
            for leaf, (score, spelling) in ranked[:limit]
        ]

    def _wanted(self, steps: Sequence[Words]) -> dict[str, tuple[float, bool]]:
        """The path's product words, each with its weight, and whether it is of the last step that
        names a product."""
        wanted: dict[str, tuple[float, bool]] = {}
        named = [step for step in reversed(steps) if step.products]
        for place, step in enumerate(named):
            of_step = STEP_WEIGHTS[min(place, len(STEP_WEIGHTS) - 1)]
            for word in step.products:
                wanted.setdefault(word, (of_step * self.weight(word), place == 0))
        return wanted

    def _candidates(
        self,
        wanted: Mapping[str, tuple[float, bool]],
        titles: Sequence[frozenset[str]],
        ranks: Mapping[str, float],
    ) -> Iterable[_Spelling]:
        """Leaves with a word of the path in their own name, or one of its last step above it; with
        a word that most titles have in their name; and those of the platform."""
        counts = Counter(word for title in titles for word in title)
        of_most = [word for word, count in counts.items() if 2 * count > len(titles)]
        named = {*wanted, *of_most}
        places = {place for word in named for place in self._by_own_word.get(word, ())}
        for word, (_, is_last) in wanted.items():
            places.update(self._by_word.get(word, ()) if is_last else ())
        yield from (self._spellings[place] for place in sorted(places))
        if ranks:
            for place, spelling in enumerate(self._spellings):
                if spelling.category_id in ranks and place not in places:
                    yield spelling

    def _score(
        self,
        spelling: _Spelling,
        wanted: Mapping[str, tuple[float, bool]],
        titles: Sequence[frozenset[str]],
    ) -> float:
        """How well the words of path and titles fit, whoever the products are for."""
        own = spelling.own.products
        in_titles = self._in_titles(own, titles)
        score = 0.0
        if any(word in spelling.products for word in wanted):
            score = OF_PATH * self._of_path(spelling, wanted)
            score += OF_LEAF * self._of_leaf(spelling, wanted)
            is_named = any(word in own for word in wanted)
            score *= 1 if is_named else NOT_IN_NAME + (1 - NOT_IN_NAME) * in_titles
        return score + (1 - score) * TITLES * in_titles

    def _of_path(self, spelling: _Spelling, wanted: Mapping[str, tuple[float, bool]]) -> float:
        """The share of the path's words that the leaf has."""
        whole = sum(weight for weight, _ in wanted.values())
        own = spelling.own.products
        found = sum(
            weight * (1 if word in own or not is_last else ABOVE)
            for word, (weight, is_last) in wanted.items()
            if word in spelling.products
        )
        return found / whole

    def _of_leaf(self, spelling: _Spelling, wanted: Mapping[str, tuple[float, bool]]) -> float:
        """The share of the leaf's words that the path has, those of its own name the most."""
        own = spelling.own.products
        whole = found = 0.0
        for word in spelling.products:
            weight = self.weight(word) * (1 if word in own else OF_ABOVE)
            whole += weight
            if word in wanted:
                found += weight
        return found / whole if whole else 0.0

    def _in_titles(self, own: Collection[str], titles: Sequence[frozenset[str]]) -> float:
        """How much of the leaf's own name the titles have, on average."""
        whole = sum(map(self.weight, own))
        if not whole or not titles:
            return 0.0
        found = sum(self.weight(word) for title in titles for word in own if word in title)
        return found / whole / len(titles)


def _of_all(audiences: Sequence[frozenset[str]]) -> frozenset[str]:
    """For whom all titles are that say so; nobody in particular where they differ."""
    stated = [audience for audience in audiences if audience]
    return frozenset.intersection(*stated) if stated else frozenset()


def _fits(leaf: frozenset[str], path: frozenset[str]) -> float:
    if contradict(leaf, path):
        return CONTRADICTS
    if leaf == path:
        return 1.0
    if not leaf:
        return UNSAID
    if not path:
        return NARROWER
    return SPECIAL if leaf - path else WIDER


def _ranks(of_platform: Sequence[Sequence[str]]) -> dict[str, float]:
    """Each suggested leaf's share of first places; a second place is half of one."""
    shares: defaultdict[str, float] = defaultdict(float)
    for leaves in of_platform:
        for place, leaf in enumerate(leaves, start=1):
            shares[leaf] += 1 / place / len(of_platform)
    return shares


def _reasons(
    spelling: _Spelling,
    spelled: Mapping[str, str],
    audience: frozenset[str],
    titles: Sequence[frozenset[str]],
    of_platform: Sequence[Sequence[str]],
) -> Iterable[str]:
    """Why the leaf is suggested, in the path's own words."""
    own = spelling.own.products
    in_name = [text for word, text in spelled.items() if word in own]
    above = [text for word, text in spelled.items() if word in spelling.products - {*own}]
    if in_name:
        yield f"its name has {_listed(in_name)}"
    if above:
        yield f"its path has {_listed(above)}"
    in_titles = sum(any(word in title for word in own) for title in titles)
    if in_titles:
        yield f"{in_titles} of {len(titles)} titles have words of its name"
    count = sum(spelling.category_id in leaves for leaves in of_platform)
    if count:
        yield f"AliExpress suggests it for {count} of {len(of_platform)} titles"
    if contradict(spelling.audience, audience):
        yield "but it is for others"


def _listed(words: Sequence[str]) -> str:
    return ", ".join(f"{word!r}" for word in words)
