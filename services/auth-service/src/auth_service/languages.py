"""The languages that people are written to in."""

from typing import Literal, get_args

Language = Literal["en", "fr", "es"]
LANGUAGES: tuple[Language, ...] = get_args(Language)


def language_of(text: str) -> Language:
    """The language of this name; English for one that is none of ours."""
    for language in LANGUAGES:
        if language == text:
            return language
    return "en"
