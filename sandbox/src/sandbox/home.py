"""The page on which people look at the state."""

from itertools import islice

from sandbox.pages import render_page
from sandbox.sellers import SELLERS
from sandbox.server import Request, Response
from sandbox.state import State

SHOWN = 100


def home(state: State, request: Request) -> Response:
    """Sellers, and of the chosen one products, orders and the latest effects."""
    chosen = SELLERS.get(request.query.get("seller", next(iter(SELLERS))))
    seller_id = chosen.id if chosen else ""
    shop = state.shops.of(seller_id)
    latest = islice(reversed(shop.products.values()), SHOWN)
    products = [
        {
            "id": product.id,
            "title": product.title,
            "category": state.catalogue.path_name(state.catalogue.categories[product.category_id]),
            "status": product.status,
            "skus": product.skus.values(),
        }
        for product in latest
    ]
    effects = len(state.ledger)
    entries = list(state.ledger.read(seller_id=seller_id, since_sequence=effects - SHOWN * 10))
    return render_page(
        "home.html",
        now=state.clock.now().isoformat(timespec="seconds"),
        is_frozen=state.clock.is_frozen,
        effects=effects,
        sellers=SELLERS.values(),
        chosen=chosen,
        products=products,
        product_count=len(shop.products),
        orders=list(
            islice(state.orders.repository.of(seller_id).created_between(None, None), SHOWN)
        ),
        entries=entries[::-1][:SHOWN],
    )
