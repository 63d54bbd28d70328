"""The kinds of conditions that catalog-service sees, with what the settings say of each."""

from collections.abc import Sequence

from catalog_service.conditions import store
from catalog_service.settings import CatalogSettings
from common.conditions import Observer


def observers(settings: CatalogSettings) -> Sequence[Observer]:
    """All of them."""
    return (
        Observer("configuration_broken", store.CONFIGURATION_BROKEN),
        Observer("import_failed", store.IMPORT_FAILED),
        Observer("deletions_withheld", store.DELETIONS_WITHHELD),
        Observer(
            "catalogue_silent",
            store.CATALOGUE_SILENT,
            lambda now: (now, settings.silent_after_times, settings.silent_after),
        ),
        Observer("source_quarantined", store.SOURCE_QUARANTINED),
        Observer("category_changed", store.CATEGORY_CHANGED, lambda now: (now,)),
    )
