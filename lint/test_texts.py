"""The console's catalogues of texts: none is missing, and what is filled in fits."""

from babel.messages.catalog import Message

from lint.texts import LANGUAGES, fault, faults, made, texts


def test_every_text_is_translated() -> None:
    assert len(texts()) > 500
    assert [fault for language in LANGUAGES for fault in faults(language, made(language))] == []


def test_what_a_translation_fills_in_is_what_its_original_does() -> None:
    assert fault(Message("%(count)s products", "%(count)s produits")) is None
    assert fault(Message("%(count)s products", "%(nombre)s produits")) is not None
    assert fault(Message("products", "")) == "not translated"
    assert fault(Message(("%(num)s a", "%(num)s b"), ("%(num)s c", ""))) == "not translated"
