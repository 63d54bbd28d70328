"""What pages read of the services' answers, a module per service."""

import msgspec


class Answer(msgspec.Struct):
    """Part of an answer: what a page shows. Everything else of it is passed over."""
