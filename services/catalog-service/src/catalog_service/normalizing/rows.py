"""What is written of an evaluated family: its row, and the event where it has changed. Pure but for
the clock, which a new revision takes its number from."""

from dataclasses import replace

from catalog_service.categories.schema import missing_attributes
from catalog_service.families.store import ProductKey
from catalog_service.normalizing.evaluate import Failed, failed_by
from catalog_service.normalizing.groups import groups_of, sought_of
from catalog_service.normalizing.normalize import Normalized, digest_of
from catalog_service.normalizing.reference_data import findable
from catalog_service.normalizing.store import NormalizedRow, Previous
from catalog_service.normalizing.turn import Task, Turn
from catalog_service.settings import SOURCE
from common import clock
from common.contracts.envelope import RecordTooLarge, encode
from common.contracts.product import Part, ProductNormalized
from common.errors import Issue


def rows_of(turn: Turn, previous: dict[ProductKey, Previous]) -> list[NormalizedRow]:
    """The rows to write; a family whose row cannot be made has failed."""
    rows: list[NormalizedRow] = []
    for task, result in turn.normalized:
        try:
            rows += row_of(task, result, previous.get(task.key), turn.inputs.get(task.key))
        except RecordTooLarge as large:
            turn.failed.append((task, Failed(_issue_of_size(large))))
        except Exception as error:
            turn.failed.append((task, failed_by(error)))
    return rows


def row_of(
    task: Task, result: Normalized, previous: Previous | None, inputs: bytes | None = None
) -> list[NormalizedRow]:
    """The row to write; none where there is nothing and never was. `inputs` is what the result was
    found from, where it is to stand until that changes.

    Raises `RecordTooLarge` where the codes of its SKUs alone are more than one message takes.
    """
    is_gone = result.absent_reason in {"deleted", "feed_removed"}
    if previous is None and is_gone:
        return []
    digest = digest_of(result, shop_id=task.feed.shop_id)
    event = _event(task, result, _revision(previous, digest))
    try:
        record = encode(event, source=SOURCE)
    except RecordTooLarge as large:
        result = _too_large(result, large)
        digest = digest_of(result, shop_id=task.feed.shop_id)
        event = _event(task, result, _revision(previous, digest))
        record = encode(event, source=SOURCE)
    errors = [issue for issue in result.issues if issue.severity == "error"]
    row = NormalizedRow(
        event=event,
        record=record,
        catalogue_id=task.feed.catalogue_id,
        state=result.state,
        digest=digest,
        category_id=result.category_id,
        category_path=result.category_path,
        title=result.title,
        image_urls=findable(result.image_urls),
        rules=sorted({issue.rule for issue in result.issues}),
        missing=sorted(set(missing_attributes(errors))),
        traceparent=task.traceparent,
        is_parent=is_parent(result, previous),
        due_at=result.due_at,
        groups=groups_of(result.issues, has_category=result.category_id is not None),
        sought=sought_of(task.family[2], result.title, result.sku_codes),
        inputs=inputs,
        quality=result.quality,
    )
    return [row]


def is_parent(result: Normalized, previous: Previous | None) -> bool:
    """Whether the family's row has or had children, after this result."""
    if result.is_parent is not None:
        return result.is_parent
    return previous is not None and previous.standing.was_parent


def _revision(previous: Previous | None, digest: bytes) -> int:
    """The next revision, or the previous one where nothing changed."""
    if previous is None:
        return clock.epoch_milliseconds()
    if previous.digest == digest:
        return previous.revision
    return max(previous.revision + 1, clock.epoch_milliseconds())


def has_changed(row: NormalizedRow, previous: dict[ProductKey, Previous]) -> bool:
    """Whether the row says anything new of its family: it is emitted then."""
    before = previous.get((row.event.merchant_id, row.event.feed_id, row.event.family_id))
    return before is None or before.revision != row.event.revision


def _event(task: Task, result: Normalized, revision: int) -> ProductNormalized:
    is_absent = result.absent_reason is not None
    return ProductNormalized(
        merchant_id=task.feed.merchant_id,
        feed_id=task.feed.feed_id,
        family_id=task.family[2],
        revision=revision,
        shop_id=task.feed.shop_id,
        presence="absent" if is_absent else "present",
        absent_reason=result.absent_reason,
        configuration_version=task.feed.configuration_version,
        product_ids=result.product_ids,
        sku_codes=result.sku_codes,
        content_part=result.content_part,
        content=result.content,
        offers_part=result.offers_part,
        offers=result.offers,
        stock_part=result.stock_part,
        stock=result.stock,
        changed_at=task.changed_at,
    )


def _too_large(result: Normalized, large: RecordTooLarge) -> Normalized:
    part = Part(is_valid=False, hash="too-large", issues=[_issue_of_size(large)])
    return replace(
        result,
        product_ids=[],
        content=None,
        content_part=part,
        offers=None,
        offers_part=part,
        stock=None,
        stock_part=part,
    )


def _issue_of_size(large: RecordTooLarge) -> Issue:
    return Issue(
        rule="M3.7",
        field="product",
        message=f"the product has {large.size_bytes} bytes, more than one message takes",
        remedy="Shorten its descriptions, or split the family.",
        refused_by="channel",
    )
