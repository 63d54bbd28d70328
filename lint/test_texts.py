"""The console's catalogues of texts: what is filled in fits. `make check` looks at all of them."""

from babel.messages.catalog import Message

from lint.texts import fault


def test_what_a_translation_fills_in_is_what_its_original_does() -> None:
    assert fault(Message("%(count)s products", "%(count)s produits")) is None
    assert fault(Message("%(count)s products", "%(nombre)s produits")) is not None
    assert fault(Message("products", "")) == "not translated"
    assert fault(Message(("%(num)s a", "%(num)s b"), ("%(num)s c", ""))) == "not translated"
