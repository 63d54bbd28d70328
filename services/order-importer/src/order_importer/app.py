"""The composition root of order-importer: what it is made of, on one screen."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

from aliexpress.limits_api import limits_router
from aliexpress.measure_limits import LIMITS_MEASURED_EVERY, measure_limits
from aliexpress.wiring import client_of
from common.conditions import Conditions
from common.contracts.shop import ShopState
from common.jobs import Job
from common.messaging.records import Subscription
from common.postgres.unit_of_work import WorkKind
from common.service import Context, Parts, Service
from common.shop_tokens import ShopTokens
from order_importer.auditing.api import audit_router
from order_importer.auditing.audit_orders import audit_next, plan_audits
from order_importer.auditing.store import AUDITING
from order_importer.carriers.api import carrier_router
from order_importer.changes.api import change_router
from order_importer.changes.keep_feed import place_changes, remove_old_changes
from order_importer.changes.store import PLACING
from order_importer.conditions.observers import OBSERVERS
from order_importer.corrections.api import correction_router
from order_importer.corrections.send_correction import correct_next
from order_importer.corrections.store import CORRECTING
from order_importer.deadlines.api import deadline_router
from order_importer.deadlines.measure_open import measure_open
from order_importer.deadlines.publish_due import publish_due
from order_importer.erasure.api import erasure_router
from order_importer.erasure.erase_orders import erase_ended
from order_importer.importing.api import import_router
from order_importer.importing.import_orders import ImportOptions, import_next
from order_importer.importing.plan_imports import plan_imports
from order_importer.importing.read_receipt import BuyerDataOptions
from order_importer.imports.store import IMPORTING
from order_importer.listing.api import listing_router
from order_importer.measuring.measure_shops import measure_shops
from order_importer.orders.api import order_router
from order_importer.orders.events import SOURCE
from order_importer.overview.api import overview_router
from order_importer.settings import OrderSettings
from order_importer.shipment_files.api import shipment_file_router
from order_importer.shipping.api import shipment_router
from order_importer.shipping.send_shipment import send_next
from order_importer.shipping.store import SENDING
from order_importer.shops.consumer import ShopStates
from order_importer.shops.shop_access import ShopAccess

DAY = timedelta(days=1)
DEADLINES_EVERY = timedelta(seconds=5)
MEASURED_EVERY = timedelta(seconds=10)
REMOVED_EVERY = timedelta(hours=1)


def build(context: Context[OrderSettings]) -> Parts:
    """Wire the service; no I/O."""
    settings, pool, poll = context.settings, context.pool, context.poll
    client = client_of(settings, pool)
    tokens = ShopTokens(
        settings.auth_url, settings.service_client_id, settings.service_client_secret
    )
    access = ShopAccess(client, tokens, first_pause=settings.first_pause)
    options = ImportOptions(
        first=settings.first_import,
        preparation=settings.preparation,
        buyer_data=BuyerDataOptions(settings.decrypt_addresses, settings.read_customs_data),
    )
    shop_states = ShopStates(tokens.forget, import_every=settings.import_every)
    shops = context.consumer(
        "order-importer.shops", Subscription(ShopState, shop_states.on_shop_state)
    )

    def when_caught_up(name: str, run: Callable[[], Awaitable[bool]], work: WorkKind) -> Job:
        """A job that calls AliExpress: a shop that lapsed while this service was down must not be
        called (M1.3)."""
        return Job(name, run, every=poll, woken_by=[work], after=shops.caught_up)

    def importer(number: int) -> Job:
        holder = f"{settings.instance_id}/{number}"
        run = partial(import_next, pool, access, holder, options)
        return when_caught_up(f"import-{number}", run, IMPORTING)

    calling = (pool, access, settings.instance_id)
    conditions = Conditions(pool, SOURCE, OBSERVERS)
    return Parts(
        routers=[
            order_router(pool),
            limits_router(pool),
            overview_router(pool),
            listing_router(pool),
            change_router(pool),
            deadline_router(pool, settings.preparation),
            import_router(pool),
            shipment_router(pool, access),
            correction_router(pool, access),
            shipment_file_router(pool, access),
            carrier_router(pool, access),
            erasure_router(pool),
            audit_router(pool),
        ],
        consumers=[shops],
        jobs=[
            Job("plan-imports", lambda: plan_imports(pool), every=poll),
            Job("plan-audits", lambda: plan_audits(pool), every=poll),
            when_caught_up("audit-orders", partial(audit_next, *calling), AUDITING),
            *(importer(number) for number in range(settings.parallel_imports)),
            when_caught_up("send-shipments", partial(send_next, *calling), SENDING),
            Job("erase-buyers", lambda: erase_ended(pool, settings.erase_buyers_after), every=DAY),
            when_caught_up("send-corrections", partial(correct_next, *calling), CORRECTING),
            Job("publish-due", lambda: publish_due(pool), every=DEADLINES_EVERY),
            Job("measure-limits", lambda: measure_limits(pool), every=LIMITS_MEASURED_EVERY),
            Job("measure-shops", lambda: measure_shops(pool), every=MEASURED_EVERY),
            Job("conditions", conditions.run, every=settings.conditions_every),
            Job("measure-open", lambda: measure_open(pool), every=MEASURED_EVERY),
            Job("place-changes", lambda: place_changes(pool), every=poll, woken_by=[PLACING]),
            Job(
                "remove-changes",
                lambda: remove_old_changes(pool, settings.changes_kept),
                every=REMOVED_EVERY,
            ),
        ],
        closers=[client.aclose, tokens.aclose],
    )


SERVICE = Service(
    "order-importer",
    OrderSettings,
    Path(__file__).parent / "migrations",
    build,
    knows_its_parameters=True,
)
