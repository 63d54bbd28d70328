"""What WooCommerce calls the columns of its export in the shop's language. Pure.

Its export writes headers in the language of the shop's administrator: German, French and Spanish
beside English, as its own translations have them, older spellings too.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache

_TRANSLATIONS: Mapping[str, str] = {
    "ID": "ID",
    "Type": "Typ; Tipo",
    "SKU": "Artikelnummer; UGS",
    "GTIN, UPC, EAN, or ISBN": (
        "GTIN, UPC, EAN oder ISBN; GTIN, UPC, EAN ou ISBN; GTIN, UPC, EAN o ISBN"
    ),
    "Name": "Nom; Nombre",
    "Published": "Veröffentlicht; Publié; Publicado",
    "Is featured?": "Ist hervorgehoben?; Mis en avant ?; Mise en avant ?; ¿Está destacado?",
    "Visibility in catalog": (
        "Sichtbarkeit im Katalog; Visibilité dans le catalogue; Visibilidad en el catálogo"
    ),
    "Short description": "Kurzbeschreibung; Description courte; Descripción corta",
    "Description": "Beschreibung; Descripción",
    "Date sale price starts": (
        "Datum, an dem Angebotspreis beginnt; Date de début de promo; Date de début de promotion;"
        "Día en que empieza el precio rebajado"
    ),
    "Date sale price ends": (
        "Datum, an dem Angebotspreis endet; Date de fin de promo; Date de fin de promotion;"
        "Día en que termina el precio rebajado"
    ),
    "Tax status": "Steuerstatus; État de la TVA; Estado del impuesto",
    "Tax class": "Steuerklasse; Classe de TVA; Clase de impuesto",
    "In stock?": "Vorrätig?; Auf Lager?; En stock ?; ¿En inventario?; ¿Existencias?",
    "Stock": "Bestand; Lager; Lagerbestand; Inventario",
    "Low stock amount": (
        "Geringe Lagermenge; Montant de stock faible; Cantidad de bajo inventario;"
        "Cantidad de existencias bajas"
    ),
    "Backorders allowed?": (
        "Lieferrückstande erlaubt?; Lieferrückstände erlaubt?;"
        "Autoriser les commandes de produits en rupture ?;"
        "¿Permitir reservas de productos agotados?"
    ),
    "Sold individually?": (
        "Nur einzeln verkaufen?; Vendre individuellement ?; ¿Vendido individualmente?"
    ),
    "Allow customer reviews?": (
        "Kundenrezensionen erlauben?; Autoriser les avis clients ?;"
        "¿Permitir valoraciones de clientes?"
    ),
    "Purchase note": "Hinweis zum Kauf; Note de commande; Nota de compra",
    "Sale price": "Angebotspreis; Tarif promo; Precio rebajado",
    "Regular price": "Regulärer Preis; Tarif régulier; Precio normal",
    "Categories": "Kategorien; Catégories; Categorías",
    "Tags": "Schlagwörter; Étiquettes; Etiquetas",
    "Shipping class": "Versandklasse; Classe d’expédition; Clase de envío",
    "Images": "Bilder; Imágenes",
    "Download limit": "Downloadlimit; Limite de téléchargement; Límite de descargas",
    "Download expiry days": (
        "Ablauftage des Downloads; Jours d’expiration du téléchargement;"
        "Días de caducidad de la descarga"
    ),
    "Parent": "Übergeordnetes Produkt; Superior",
    "Grouped products": "Gruppierte Produkte; Groupes de produits; Productos agrupados",
    "Upsells": "Zusatzverkäufe; Produits suggérés; Ventas dirigidas",
    "Cross-sells": "Cross-Sells (Querverkäufe); Querverkäufe; Ventes croisées; Ventas cruzadas",
    "External URL": "Externe URL; URL externe; URL externa",
    "Button text": "Button-Text; Libellé du bouton; Texto del botón",
    "Position": "Posición",
    "Brands": "Marken; Marques; Marcas",
}
"""Headers by their English names, divided by semicolons."""
_NUMBERED: Mapping[str, str] = {
    "name": r"attribut (\d+) name|nom de l'attribut (\d+)|nombre del atributo (\d+)",
    "value(s)": (
        r"attribut (\d+) wert\(e\)|valeur\(s\) de l'attribut (\d+)|valor\(es\) del atributo (\d+)"
    ),
    "visible": r"attribut (\d+) (?:sichtbar|visible)|atributo visible (\d+)",
    "global": r"attribut (\d+) global|atributo global (\d+)",
    "default": r"attribut (\d+) (?:standard|par défaut)|atributo por defecto (\d+)",
}
"""Headers of the attributes, each with its number."""
_PATTERNS = {part: re.compile(pattern) for part, pattern in _NUMBERED.items()}


def _plain(header: str) -> str:
    """A header without its capitals, sorts of blanks and of apostrophes."""
    text = unicodedata.normalize("NFKC", header).casefold().replace("’", "'")
    return " ".join(text.split())


_ENGLISH = {
    _plain(translated): english
    for english, all_of_it in _TRANSLATIONS.items()
    for translated in all_of_it.split(";")
}


@lru_cache(maxsize=10_000)
def english_name(header: str) -> str:
    """What the English export calls the column; a header that is no translation as it stands."""
    if header in _TRANSLATIONS:
        return header
    plain = _plain(header)
    if (known := _ENGLISH.get(plain)) is not None:
        return known
    for part, pattern in _PATTERNS.items():
        if (found := pattern.fullmatch(plain)) is not None:
            return f"Attribute {next(filter(None, found.groups()))} {part}"
    return header


def own_names(headers: Iterable[str]) -> dict[str, str]:
    """What a file calls each column of the English export that it has; the first of several."""
    names: dict[str, str] = {}
    for header in headers:
        names.setdefault(english_name(header), header)
    return names
