"""What the small facts of troubles are called, in each language. Pure."""

from typing import NamedTuple

from auth_service.languages import Language


class Name(NamedTuple):
    """A fact's name in every language, in the order of `Language`."""

    en: str
    fr: str
    es: str


NAMES: dict[str, Name] = {
    "account": Name("account", "compte", "cuenta"),
    "carrier": Name("carrier", "transporteur", "transportista"),
    "cause": Name("cause", "cause", "causa"),
    "code": Name("code", "code", "código"),
    "covered_until": Name("imported until", "importé jusqu'au", "importado hasta"),
    "days_left": Name("days left", "jours restants", "días que quedan"),
    "deletions": Name("deletions", "suppressions", "eliminaciones"),
    "due_at": Name("to be shipped until", "à expédier avant", "enviar antes de"),
    "endpoint": Name("endpoint", "point d'accès", "punto de entrega"),
    "expires_at": Name("expires", "expire", "caduca"),
    "fields": Name("fields", "champs", "campos"),
    "file_name": Name("file", "fichier", "archivo"),
    "items": Name("items", "articles", "artículos"),
    "last": Name("last answer", "dernière réponse", "última respuesta"),
    "last_run_at": Name("last run", "dernier envoi", "último envío"),
    "percent": Name("percent", "pour cent", "por ciento"),
    "products": Name("products", "produits", "productos"),
    "reason": Name("reason", "raison", "motivo"),
    "refused": Name("refused", "refusés", "rechazados"),
    "run_kind": Name("run", "envoi", "envío"),
    "source": Name("source", "source", "fuente"),
    "version": Name("version", "version", "versión"),
}


def fact_name(fact: str, language: Language) -> str:
    """What the fact is called; one that is new here by its own name."""
    known = NAMES.get(fact)
    if known is None:
        return fact.replace("_", " ")
    name: str = getattr(known, language)
    return name
