"""Who buyers are, drawn from a seed alone."""

from random import Random

from sandbox.orders.order import Buyer

_NAMES = (
    "Ada Lindqvist", "Bruno Alves", "Carmen Ortega", "Dmitri Sokolov", "Elena Rossi",
    "Farid Haddad", "Greta Novak", "Hugo Martin", "Ines Costa", "Jonas Weber",
)  # fmt: skip
_PLACES = (
    ("US", "United States", "California", "San Jose", "55 River Oaks Pl", "95134", "+1"),
    ("ES", "Spain", "Madrid", "Madrid", "Calle de Alcala 45, 3B", "28014", "+34"),
    ("FR", "France", "Ile-de-France", "Paris", "12 rue des Ecoles", "75005", "+33"),
    ("DE", "Germany", "Bayern", "Munchen", "Lindenweg 7", "80331", "+49"),
    ("BR", "Brazil", "Sao Paulo", "Campinas", "Rua das Flores 300", "13010-050", "+55"),
    ("PL", "Poland", "Mazowieckie", "Warszawa", "ul. Dluga 9/4", "00-238", "+48"),
)  # fmt: skip


def draw_buyer(draw: Random) -> Buyer:
    """A buyer with an address."""
    name = draw.choice(_NAMES)
    country, country_name, province, city, street, code, phone = draw.choice(_PLACES)
    return Buyer(
        login_id=f"{country.lower()}{draw.randrange(10**9, 10**10)}",
        name=name,
        phone_country=phone,
        mobile=str(draw.randrange(600_000_000, 700_000_000)),
        country=country,
        country_name=country_name,
        province=province,
        city=city,
        street=street,
        zip=code,
    )
