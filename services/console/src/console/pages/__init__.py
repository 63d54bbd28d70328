"""The pages, an area each: `routes` reads in parallel, `views` makes what is shown, templates show
it."""

from console.pages.alerts.routes import router as alerts
from console.pages.catalogues.routes import router as catalogues
from console.pages.feeds.routes import router as feeds
from console.pages.operate.routes import router as operate
from console.pages.orders.routes import router as orders
from console.pages.people.routes import router as people
from console.pages.products.routes import router as products
from console.pages.runs.routes import router as runs
from console.pages.search.routes import router as search
from console.pages.shops.routes import router as shops
from console.pages.signing_in.routes import router as signing_in
from console.pages.today.routes import router as today

ROUTERS = (
    signing_in,
    today,
    shops,
    feeds,
    runs,
    products,
    orders,
    catalogues,
    alerts,
    people,
    operate,
    search,
)
