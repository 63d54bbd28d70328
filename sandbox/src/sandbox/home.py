"""The page on which people look at the state."""

from itertools import islice

from sandbox.pages import render_page
from sandbox.sellers import SELLERS
from sandbox.server import Request, Response
from sandbox.world import World

SHOWN = 100


def home(world: World, request: Request) -> Response:
    """Sellers, and of the chosen one products, orders and the latest effects."""
    chosen = SELLERS.get(request.query.get("seller", next(iter(SELLERS))))
    seller_id = chosen.id if chosen else ""
    shop = world.shops.of(seller_id)
    latest = islice(reversed(shop.products.values()), SHOWN)
    products = [
        {
            "id": product.id,
            "title": product.title,
            "category": world.catalogue.path_name(world.catalogue.categories[product.category_id]),
            "status": product.status,
            "skus": product.skus.values(),
        }
        for product in latest
    ]
    effects = len(world.ledger)
    entries = list(world.ledger.read(seller_id=seller_id, since_sequence=effects - SHOWN * 10))
    return render_page(
        "home.html",
        now=world.clock.now().isoformat(timespec="seconds"),
        is_frozen=world.clock.is_frozen,
        effects=effects,
        sellers=SELLERS.values(),
        chosen=chosen,
        products=products,
        product_count=len(shop.products),
        orders=list(islice(world.desk.books.of(seller_id).created_between(None, None), SHOWN)),
        entries=entries[::-1][:SHOWN],
    )
