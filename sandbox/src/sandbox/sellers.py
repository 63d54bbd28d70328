"""The sandbox's sellers: who they are and what belongs to their shops."""

from dataclasses import dataclass, field, replace

COUNTRY_PRICES = [
    "RU",
    "US",
    "CA",
    "ES",
    "FR",
    "UK",
    "NL",
    "IL",
    "BR",
    "CL",
    "AU",
    "UA",
    "BY",
    "JP",
    "TH",
    "SG",
    "KR",
    "ID",
    "MY",
    "PH",
    "VN",
    "IT",
    "DE",
    "SA",
    "AE",
    "PL",
    "TR",
]
"""Countries a price of their own may be set for (note UK)."""


@dataclass(frozen=True)
class Carrier:
    """A logistics service a seller may ship with; `pattern` may be missing."""

    service_name: str
    display_name: str
    company: str
    pattern: str | None
    needs_website: bool = False


@dataclass(frozen=True)
class Group:
    """A group of a seller's products, and those below it."""

    id: int
    name: str
    children: tuple["Group", ...] = ()


@dataclass(frozen=True)
class Seller:
    """A shop; templates and size charts are (id, name); no `brands` means all of them."""

    id: str
    name: str
    login_id: str
    country: str
    currency: str
    locale: str
    freight_templates: tuple[tuple[int, str], ...]
    promise_templates: tuple[tuple[int, str], ...]
    groups: tuple[Group, ...] = ()
    size_charts: tuple[tuple[int, str], ...] = ()
    forbidden_roots: frozenset[int] = frozenset()
    brands: frozenset[int] = frozenset()
    carriers: tuple[Carrier, ...] = field(default_factory=tuple)

    @property
    def all_groups(self) -> tuple[tuple[int, str], ...]:
        """Every group a product may be in, as (id, name)."""
        below = (child for group in self.groups for child in group.children)
        return tuple((group.id, group.name) for group in (*self.groups, *below))

    @property
    def member_number(self) -> int:
        """The seller as a number of 32 bits, as product methods have it."""
        return int(self.id) % 1_000_000_000


_POST = r"^[a-zA-Z]{2}[A-Za-z0-9]{9}[a-zA-Z]{2}$"
_COMMON_CARRIERS = (
    Carrier("CPAM", "China Post Registered Air Mail", "CPAM", _POST),
    Carrier("EMS", "EMS", "EMS", _POST),
    Carrier("UPS", "UPS Express Saver", "UPS", r"^1Z[A-Za-z0-9]{16}$"),
    Carrier("CAINIAO_STANDARD", "AliExpress Standard Shipping", "CAINIAO_STANDARD", None),
    Carrier("Other", "Seller's Shipping Method", "Other", None, needs_website=True),
)


def _others(country: str) -> tuple[Carrier, ...]:
    return (
        Carrier(
            f"OTHER_{country}_LOCAL", f"Other ({country}, local)", "Other", None, needs_website=True
        ),
        Carrier(
            f"OTHER_{country}_OVERSEAS",
            f"Other ({country}, cross-border)",
            "Other",
            None,
            needs_website=True,
        ),
    )


_SPAIN = (
    Carrier(
        "CAINIAO_OVERSEA_STD_SERVICE_ES",
        "Euro-business Parcel",
        "CAINIAO_OVERSEA_STD_SERVICE_ES",
        r"(^[0-9]{12}$)",
    ),
    Carrier("SPAIN_LOCAL_CORREOS", "Correos", "SPAIN_LOCAL_CORREOS", r"^[A-Z0-9]{23}$"),
    Carrier("SPAIN_LOCAL_SEUR", "SEUR", "SPAIN_LOCAL_SEUR", r"^[0-9]{14,20}$"),
)

SELLERS: dict[str, Seller] = {
    seller.id: seller
    for seller in (
        Seller(
            id="2200100001",
            name="Sandbox Shop One",
            login_id="cn2200100001",
            country="US",
            currency="USD",
            locale="en_US",
            freight_templates=((1000100001, "free shipping"), (1000100002, "weight based")),
            promise_templates=(
                (0, "Service Template for New Sellers"),
                (551040, "Returns 30 days"),
            ),
            carriers=_COMMON_CARRIERS + _others("US"),
        ),
        Seller(
            id="2200100002",
            name="Sandbox Shop Two",
            login_id="cn2200100002",
            country="CN",
            currency="USD",
            locale="en_US",
            freight_templates=((1000200001, "standard"),),
            promise_templates=((0, "Service Template for New Sellers"),),
            groups=(
                Group(262007001, "New arrivals"),
                Group(1000000349089, "Mujer", (Group(1000000349090, "Vestidos"),)),
            ),
            size_charts=((900001, "Tops"), (9007199254740995, "Shoes")),
            forbidden_roots=frozenset({2, 201169612}),
            carriers=_COMMON_CARRIERS + _others("CN"),
        ),
        Seller(
            id="2200100003",
            name="Tienda Sandbox Tres",
            login_id="es2200100003",
            country="ES",
            currency="EUR",
            locale="es_ES",
            freight_templates=((1000300001, "envio gratis"), (1000300002, "peninsula")),
            promise_templates=(
                (0, "Plantilla por defecto"),
                (551041, "Devoluciones"),
                (9007199254740993, "Devoluciones ampliadas"),
            ),
            groups=(Group(263007001, "Mujer"),),
            brands=frozenset({201512802, 200005349}),
            carriers=_COMMON_CARRIERS + _SPAIN + _others("ES"),
        ),
    )
}


def add_sellers(count: int) -> None:
    """Let there be so many sellers beyond those above, all alike but for their ids."""
    first = next(iter(SELLERS.values()))
    for number in range(1, count + 1):
        seller_id = str(2_200_200_000 + number)
        SELLERS[seller_id] = replace(
            first, id=seller_id, name=f"Sandbox Shop {number}", login_id=f"cn{seller_id}"
        )
