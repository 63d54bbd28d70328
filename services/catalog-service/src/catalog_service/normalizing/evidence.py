"""What a turn evaluates its families from, and which of them it need not evaluate again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from catalog_service.families.store import FamilyKey, ProductKey
from catalog_service.feeds.compile import CompiledFeed
from catalog_service.normalizing.evaluate import Failed, FeedUnusable, absence
from catalog_service.normalizing.inputs import digest_of_inputs
from catalog_service.normalizing.normalize import Normalized, Standing, Waiting
from catalog_service.normalizing.reference_data import ReferenceData, findable
from catalog_service.normalizing.rows import is_parent
from catalog_service.normalizing.store import Previous
from catalog_service.normalizing.turn import Task
from catalog_service.normalizing.variations import StoredMember
from catalog_service.photo_bank.store import PhotoKey


@dataclass(frozen=True)
class Evidence:
    """The families' rows as stored, how they were last found, their feeds by (merchant, feed), and
    what was looked up so far."""

    stored: Mapping[FamilyKey, list[StoredMember]]
    previous: Mapping[ProductKey, Previous]
    feeds: Mapping[tuple[str, str], CompiledFeed | FeedUnusable]
    known: ReferenceData

    def pictures(self, tasks: Sequence[Task]) -> set[tuple[str, str]]:
        """The pictures whose verdicts `is_unchanged` looks at."""
        return {
            (task.feed.merchant_id, url)
            for task in tasks
            if (last := self.previous.get(task.key)) is not None and last.inputs is not None
            for url in self._checked(task, last.image_urls)
        }

    def photos(self, tasks: Sequence[Task]) -> set[PhotoKey]:
        """The pictures in photo banks that `is_unchanged` looks at."""
        return {
            (task.feed.merchant_id, task.feed.shop_id, url)
            for task in tasks
            if (last := self.previous.get(task.key)) is not None and last.inputs is not None
            for url in self._banked(task, last.image_urls)
        }

    def is_unchanged(self, task: Task) -> bool:
        """Whether it would be evaluated from the same as what is stored of it."""
        last = self.previous.get(task.key)
        if last is None or last.inputs is None:
            return False
        inputs = self._inputs(task, last.standing, last.category_id, last.image_urls)
        return inputs == last.inputs

    def inputs(self, task: Task, result: Normalized | Waiting | Failed) -> bytes | None:
        """What the result was found from; None where it is not to stand, or follows from no rows.

        With how the family stands from now on: the result would be the same, since what it says of
        its row having children is what it said before, or follows from the rows. One that waits
        for uploads does not stand: it is to wait again.
        """
        if not isinstance(result, Normalized) or result.unuploaded_images:
            return None
        last = self.previous.get(task.key)
        standing = Standing() if last is None else last.standing
        stands = replace(standing, was_parent=is_parent(result, last))
        return self._inputs(task, stands, result.category_id, result.image_urls)

    def _inputs(
        self, task: Task, standing: Standing, category_id: str | None, image_urls: Sequence[str]
    ) -> bytes | None:
        members = self.stored.get(task.family, [])
        has_failed = isinstance(self.feeds.get(task.key[:2]), FeedUnusable)
        if has_failed or absence(task.feed, members) is not None:
            return None
        lookups = self.known.of(task.feed.merchant_id, task.feed.shop_id)
        looked_up = lookups.looked_up(
            category_id, self._checked(task, image_urls), self._banked(task, image_urls)
        )
        return digest_of_inputs(task.feed, members, standing, looked_up)

    def _checked(self, task: Task, image_urls: Sequence[str]) -> list[str]:
        feed = self.feeds.get(task.key[:2])
        checks = isinstance(feed, CompiledFeed) and (feed.form.image_checks or feed.form.photo_bank)
        return findable(image_urls) if checks else []

    def _banked(self, task: Task, image_urls: Sequence[str]) -> list[str]:
        feed = self.feeds.get(task.key[:2])
        is_banked = isinstance(feed, CompiledFeed) and feed.form.photo_bank
        return findable(image_urls) if is_banked else []
