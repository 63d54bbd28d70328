"""Composition root: who needs whom in catalog-service."""

from datetime import timedelta
from pathlib import Path

from aliexpress.limits_api import limits_router
from aliexpress.measure_limits import LIMITS_MEASURED_EVERY, measure_limits
from aliexpress.wiring import client_of
from catalog_service.arrivals.note_arrivals import save_noted
from catalog_service.categories.api import categories_router
from catalog_service.categories.attributes_api import attributes_router
from catalog_service.categories.marketplace import Marketplace
from catalog_service.categories.shop_trees import ShopTrees
from catalog_service.categories.store import FETCHING_SCHEMAS, FETCHING_TREES
from catalog_service.conditions.configurations.check_configurations import ConfigurationCheck
from catalog_service.conditions.observers import observers
from catalog_service.currencies.read_currency import CurrencyReader
from catalog_service.drafts.api import drafts_router
from catalog_service.drafts.evaluate_draft import DraftEvaluator
from catalog_service.drafts.store import EVALUATING
from catalog_service.families.store import NORMALIZING
from catalog_service.feeds.api import feeds_router
from catalog_service.feeds.versions_api import versions_router
from catalog_service.fields.api import fields_router
from catalog_service.fields.store import SUMMARISING
from catalog_service.fields.summarise import Summariser
from catalog_service.files.api import files_router, upload_router
from catalog_service.files.import_file import Importer
from catalog_service.files.leftovers import remove_leftovers
from catalog_service.files.store import IMPORTING
from catalog_service.files.uploads import UploadLimits, Uploads
from catalog_service.images.check_images import ImageChecker
from catalog_service.images.fetch_image import ImageFetcher
from catalog_service.images.store import CHECKING_IMAGES
from catalog_service.normalizing.api import republish_router
from catalog_service.normalizing.consumer import on_product_reported
from catalog_service.normalizing.mark_due import SaleCalendar
from catalog_service.normalizing.republish import Republisher
from catalog_service.normalizing.worker import Normalizer
from catalog_service.options.api import options_router
from catalog_service.photo_bank.api import photo_bank_router
from catalog_service.photo_bank.store import UPLOADING
from catalog_service.photo_bank.upload_photos import PhotoUploader
from catalog_service.preview.api import dry_run_router, preview_router
from catalog_service.preview.sku_api import sku_router
from catalog_service.preview.try_match import try_match_router
from catalog_service.proposals.api import proposals_router
from catalog_service.settings import SOURCE, CatalogSettings
from catalog_service.shops.consumer import ShopStates
from catalog_service.sources.api import sources_router
from catalog_service.sources.consumer import catalog_updated, find_declared_catalogues
from catalog_service.sources.producer_keys import ProducerKeys
from catalog_service.sources.signatures import SignatureCheck
from catalog_service.suggestions.api import suggestions_router
from catalog_service.suggestions.ask_platform import PlatformSuggestions
from catalog_service.suggestions.for_categories import CategorySuggestions
from catalog_service.suggestions.store import ASKING
from common.conditions import Conditions
from common.contracts.product import ProductReported
from common.contracts.shop import ShopState
from common.jobs import Job
from common.messaging.records import Subscription
from common.messaging.replay import Replayer
from common.postgres.counters import FOLDED_EVERY, fold
from common.service import Context, Parts, Service
from common.shop_tokens import ShopTokens

LEFTOVERS_EVERY = timedelta(hours=1)
ARRIVALS_EVERY = timedelta(minutes=1)


def build(context: Context[CatalogSettings]) -> Parts:
    """The service's parts, wired; no I/O happens here."""
    settings, pool, poll = context.settings, context.pool, context.poll
    client = client_of(settings, pool)
    tokens = ShopTokens(
        settings.auth_url, settings.service_client_id, settings.service_client_secret
    )
    marketplace = Marketplace(
        pool,
        client,
        tokens,
        holder=settings.instance_id,
        schema_lifetime=settings.schema_lifetime,
        tree_lifetime=settings.tree_lifetime,
    )
    trees = ShopTrees(pool)
    category_suggestions = CategorySuggestions(pool, trees, lifetime=settings.tree_lifetime)
    platform = PlatformSuggestions(pool, client, tokens, holder=settings.instance_id)
    currencies = CurrencyReader(pool, client, tokens, holder=settings.instance_id)
    normalizer = Normalizer(pool)
    importer = Importer(pool, holder=settings.instance_id, deletion_share=settings.deletion_share)
    fetcher = ImageFetcher(settings.image_allowed_hosts)
    images = ImageChecker(
        pool,
        fetcher,
        at_once=settings.image_checks_at_once,
        over_all=settings.image_checks_over_all,
    )
    photos = PhotoUploader(pool, client, tokens, fetcher, holder=settings.instance_id)
    summariser = Summariser(pool, holder=settings.instance_id)
    uploads = Uploads(pool, UploadLimits.of(settings))
    drafts = DraftEvaluator(pool, lifetime=settings.draft_lifetime)
    shops = ShopStates(tokens.forget)
    keys = ProducerKeys(
        settings.auth_url, settings.service_client_id, settings.service_client_secret
    )
    signatures = SignatureCheck(keys, are_required=settings.requires_signatures)
    sources = context.consumer("catalog-service.sources", catalog_updated(signatures.refused))
    feeds = context.consumer(
        "catalog-service.feeds",
        Subscription(ShopState, shops.on_shop_state),
        Subscription(ProductReported, on_product_reported),
    )
    conditions = Conditions(pool, SOURCE, observers(settings))
    configurations = ConfigurationCheck(pool)
    replayer = Replayer(pool, [sources.applier, feeds.applier])
    return Parts(
        routers=[
            fields_router(pool),
            limits_router(pool),
            sources_router(pool),
            upload_router(pool, uploads),
            proposals_router(pool, uploads),
            files_router(pool),
            feeds_router(pool),
            versions_router(pool),
            republish_router(pool),
            categories_router(pool, trees),
            attributes_router(pool, trees, lifetime=settings.schema_lifetime),
            options_router(pool, trees, lifetime=settings.schema_lifetime),
            photo_bank_router(pool),
            preview_router(pool),
            sku_router(pool),
            try_match_router(pool),
            dry_run_router(pool),
            suggestions_router(pool, trees, category_suggestions),
            drafts_router(pool, most=settings.drafts_kept, lifetime=settings.draft_lifetime),
        ],
        consumers=[sources, feeds],
        jobs=[
            Job("normalizing", normalizer.run, every=poll, woken_by=[NORMALIZING]),
            Job("measure-limits", lambda: measure_limits(pool), every=LIMITS_MEASURED_EVERY),
            Job("counters", lambda: fold(pool), every=FOLDED_EVERY),
            Job("observing", normalizer.observe, every=timedelta(seconds=5)),
            *(Job(f"imports-{n}", importer.run, every=poll, woken_by=[IMPORTING]) for n in (1, 2)),
            Job("summaries", summariser.run, every=poll, woken_by=[SUMMARISING]),
            Job("arrivals", lambda: save_noted(pool), every=ARRIVALS_EVERY),
            Job("configurations", configurations.run, every=settings.conditions_every),
            Job("conditions", conditions.run, every=settings.conditions_every),
            Job("leftovers", lambda: remove_leftovers(pool), every=LEFTOVERS_EVERY),
            Job(
                "schemas",
                marketplace.fetch_schemas,
                every=poll,
                woken_by=[FETCHING_SCHEMAS],
            ),
            Job("images", images.run, every=poll, woken_by=[CHECKING_IMAGES]),
            Job("photos", photos.run, every=poll, woken_by=[UPLOADING]),
            Job("trees", marketplace.fetch_trees, every=poll, woken_by=[FETCHING_TREES]),
            Job("currencies", currencies.run, every=timedelta(seconds=5)),
            Job("title-suggestions", platform.run, every=poll, woken_by=[ASKING]),
            Job("drafts", drafts.run, every=poll, woken_by=[EVALUATING]),
            Job("sales", SaleCalendar(pool).run, every=timedelta(seconds=1)),
            Job("republishing", Republisher(pool).run, every=timedelta(seconds=1)),
            Job(
                "parked",
                lambda: replayer.sweep(find_declared_catalogues),
                every=timedelta(seconds=1),
            ),
        ],
        closers=[
            images.aclose,
            photos.aclose,
            marketplace.aclose,
            platform.aclose,
            client.aclose,
            tokens.aclose,
            keys.aclose,
            fetcher.aclose,
        ],
    )


SERVICE = Service("catalog-service", CatalogSettings, Path(__file__).parent / "migrations", build)
