"""The whole state of the sandbox in one place, its parts wired together.

`advance()` lets everything happen that is due; it is called before every call is answered, so what
a caller sees never depends on how busy the sandbox was.
"""

from collections.abc import Callable

import msgspec

from sandbox.catalogue import Catalogue
from sandbox.clock import Clock, ClockMoves, ClockState, wall_seconds
from sandbox.context import Context
from sandbox.faults import Faults
from sandbox.feeds.service import FeedService, Job
from sandbox.ledger import CallCounts, Entry, Ledger
from sandbox.limits import Limits
from sandbox.mails.mailbox import Mailbox
from sandbox.oauth.service import OAuthService, OAuthState
from sandbox.orders.order import Order
from sandbox.orders.repository import OrderRepository
from sandbox.orders.service import OrderService
from sandbox.orders.visits import Visit, Visits
from sandbox.photos import Photo, PhotoBank
from sandbox.products.service import ProductService, Standing
from sandbox.products.shops import Product, Shops
from sandbox.schema_store import SchemaChange, SchemaStore
from sandbox.settings import Settings
from sandbox.wire import Quirks

FIRST_IDS = {
    "product": 10_050_000_000_000_000,
    "sku": 12_000_000_000_000_000,
    "job": 200_000_000_060_000_000,
    "order": 81_000_000_000_000_000,
}
"""All beyond 2^53: a client that reads them as doubles is found out."""
IDS_PER_SEED = 1_000_000_000


class StoredState(msgspec.Struct):
    """Everything that is kept over a restart."""

    clock: ClockState = msgspec.field(default_factory=ClockState)
    counters: dict[str, int] = {}
    oauth: OAuthState = msgspec.field(default_factory=OAuthState)
    products: dict[int, Product] = {}
    jobs: dict[int, Job] = {}
    orders: dict[int, Order] = {}
    photos: dict[str, Photo] = {}
    schema_changes: list[SchemaChange] = []
    standings: dict[str, Standing] = {}
    ledger: list[Entry] = []
    visits: dict[str, Visit] = {}


class State:
    """The parts of the sandbox around one stored state."""

    def __init__(self, settings: Settings, stored: StoredState | None = None) -> None:
        self.settings = settings
        self.catalogue = Catalogue()
        self.counts = CallCounts()
        self.quirks = Quirks()
        self.faults = Faults(settings.seed)
        self.clock_moves = ClockMoves()
        self.mailbox = Mailbox(lambda: self.clock.now())  # noqa: PLW0108 - a reset makes it anew
        self.begin(stored or StoredState())

    def begin(self, stored: StoredState) -> None:
        """Take over a stored state and build every part around it."""
        self.stored = stored
        self.clock = Clock(stored.clock)
        self.ledger = Ledger(stored.ledger, self.clock.now)
        context = Context(
            self.settings, self.ledger, self.clock.now, self._job_clock(), self.next_id
        )
        self.limits = Limits(self.settings, self.clock.now)
        self.oauth = OAuthService(context, stored.oauth)
        self.schemas = SchemaStore(
            self.catalogue, stored.schema_changes, group_required=self.settings.group_required
        )
        self.photos = PhotoBank(stored.photos, self.settings.url)
        self.shops = Shops(stored.products)
        self.products = ProductService(
            context,
            self.shops,
            catalogue=self.catalogue,
            schemas=self.schemas,
            photos=self.photos,
            standings=stored.standings,
            takes_foreign_images=self._takes_foreign_images,
        )
        self.feeds = FeedService(context, stored.jobs, self.products, self.faults)
        self.orders = OrderService(
            context, OrderRepository(stored.orders), self.shops, self.catalogue
        )
        self.visits = Visits(context, stored.visits, self.orders)

    def reset(self) -> None:
        """Forget everything, as a new start would; the clock keeps its time."""
        self.faults.clear()
        self.counts.clear()
        self.quirks = Quirks()
        self.mailbox.clear()
        self.begin(StoredState(clock=self.stored.clock))

    def advance(self) -> None:
        """Let everything happen that is due."""
        self.products.finish_audits()
        self.feeds.advance()
        self.visits.advance()
        self.orders.advance()

    def next_id(self, kind: str) -> int:
        """The next id of a kind; ids rise, and begin where the seed says."""
        count = self.stored.counters.get(kind, 0) + 1
        self.stored.counters[kind] = count
        return FIRST_IDS.get(kind, 0) + (self.settings.seed % 1000) * IDS_PER_SEED + count

    def _takes_foreign_images(self) -> bool:
        return self.settings.foreign_images and not self.quirks.only_photo_bank

    def _job_clock(self) -> Callable[[], float]:
        """The clock feeds and audits run on, in seconds."""
        if self.settings.job_clock == "wall":
            return wall_seconds
        return lambda: self.clock.now().timestamp()
