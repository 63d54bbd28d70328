"""The whole state of the sandbox in one place, its parts wired together.

`settle()` lets everything happen that is due; it is called before every call is answered, so what
a caller sees never depends on how busy the sandbox was.
"""

from collections.abc import Callable

import msgspec

from sandbox.catalogue import Catalogue
from sandbox.clock import Clock, ClockState, wall_seconds
from sandbox.context import Context
from sandbox.faults import Faults
from sandbox.feeds.state import Feeds, Job
from sandbox.ledger import CallCounts, Entry, Ledger
from sandbox.limits import Limits
from sandbox.oauth.state import OAuth, OAuthState
from sandbox.orders.buyers import Buyers, Visit
from sandbox.orders.desk import Desk
from sandbox.orders.state import Order, OrderBooks
from sandbox.photos import Photo, PhotoBank
from sandbox.products.shelf import Shelf, Standing
from sandbox.products.state import Product, Shops
from sandbox.schema_store import SchemaChange, SchemaStore
from sandbox.settings import Settings
from sandbox.wire import Quirks

FIRST_IDS = {
    "product": 1_005_000_000_000_000,
    "sku": 12_000_000_000_000_000,
    "job": 200_000_000_060_000_000,
    "order": 8_100_000_000_000_000,
}
IDS_PER_SEED = 1_000_000_000


class State(msgspec.Struct):
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


class World:
    """The parts of the sandbox around one state."""

    def __init__(self, settings: Settings, state: State | None = None) -> None:
        self.settings = settings
        self.catalogue = Catalogue()
        self.counts = CallCounts()
        self.quirks = Quirks()
        self.faults = Faults(settings.seed)
        self.begin(state or State())

    def begin(self, state: State) -> None:
        """Take over a state; everything is built around it anew."""
        self.state = state
        self.clock = Clock(state.clock)
        self.ledger = Ledger(state.ledger, self.clock.now)
        context = Context(
            self.settings, self.ledger, self.clock.now, self._job_clock(), self.next_id
        )
        self.limits = Limits(self.settings, self.clock.now)
        self.oauth = OAuth(context, state.oauth)
        self.schemas = SchemaStore(
            self.catalogue, state.schema_changes, group_required=self.settings.group_required
        )
        self.photos = PhotoBank(state.photos, self.settings.url)
        self.shops = Shops(state.products)
        self.shelf = Shelf(
            context,
            self.shops,
            catalogue=self.catalogue,
            schemas=self.schemas,
            photos=self.photos,
            standings=state.standings,
        )
        self.feeds = Feeds(context, state.jobs, self.shelf, self.faults)
        self.desk = Desk(context, OrderBooks(state.orders), self.shops)
        self.buyers = Buyers(context, state.visits, self.desk)

    def reset(self) -> None:
        """Forget everything, as if started anew; the clock keeps its time."""
        self.faults.clear()
        self.counts.clear()
        self.quirks = Quirks()
        self.begin(State(clock=self.state.clock))

    def settle(self) -> None:
        """Let everything happen that is due."""
        self.shelf.finish_audits()
        self.feeds.advance()
        self.buyers.advance()
        self.desk.advance()

    def next_id(self, kind: str) -> int:
        """The next id of a kind; ids rise, and begin where the seed says."""
        count = self.state.counters.get(kind, 0) + 1
        self.state.counters[kind] = count
        return FIRST_IDS.get(kind, 0) + (self.settings.seed % 1000) * IDS_PER_SEED + count

    def _job_clock(self) -> Callable[[], float]:
        """The clock feeds and audits run on, in seconds."""
        if self.settings.job_clock == "wall":
            return wall_seconds
        return lambda: self.clock.now().timestamp()
