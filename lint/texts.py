"""The console's texts in every language: `python -m lint.texts` keeps the catalogues in step.

It writes `services/console/src/console/locales/<language>/console.po` anew: texts that the code and
the templates have, their translations kept, others dropped. `--check` writes nothing and fails when
a catalogue is stale, or a text lacks its translation or fills in other things than its original.
"""

import argparse
import io
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po

CONSOLE = Path("services/console/src/console")
LOCALES = CONSOLE / "locales"
LANGUAGES = ("fr", "es")
KEYWORDS = {"N_": None, "_": None, "gettext": None, "ngettext": (1, 2)}
FILLED_IN = re.compile(r"%\((\w+)\)s")


@cache
def texts() -> list[str | tuple[str, ...]]:
    """Every text to be translated, in the order of the files."""
    found: dict[str | tuple[str, ...], None] = {}
    for file in sorted(CONSOLE.rglob("*.py")):
        for _, text, *_ in extract_from_file("python", file, keywords=KEYWORDS):
            found[text] = None
    options = {"extensions": "jinja2.ext.do", "trim_blocks": "true", "lstrip_blocks": "true"}
    for file in sorted(CONSOLE.rglob("*.html")):
        method = "jinja2.ext:babel_extract"
        for _, text, *_ in extract_from_file(method, file, options=options):
            found[text] = None
    return [text for text in found if text]


def made(language: str) -> Catalog:
    """The catalogue of a language as it should be: the texts, with the translations there are."""
    file = LOCALES / language / "console.po"
    former = Catalog(locale=language)
    if file.exists():
        with file.open("rb") as read:
            former = read_po(read, locale=language)
    catalogue = Catalog(locale=language, fuzzy=False)
    for text in texts():
        known = former.get(text if isinstance(text, str) else text[0])
        catalogue.add(text, known.string if known else None)
    return catalogue


def written(catalogue: Catalog) -> bytes:
    """The catalogue's file, without dates, so that equal contents are equal."""
    out = io.BytesIO()
    write_po(out, catalogue, width=100, omit_header=True)
    head = [
        'msgid ""',
        'msgstr ""',
        '"Content-Type: text/plain; charset=utf-8\\n"',
        f'"Language: {catalogue.locale}\\n"',
        f'"Plural-Forms: {catalogue.plural_forms}\\n"',
    ]
    return ("\n".join(head) + "\n\n").encode() + out.getvalue()


def faults(language: str, catalogue: Catalog) -> Iterator[str]:
    """What is missing or does not fit."""
    for message in catalogue:
        if message.id and (why := fault(message)):
            yield f"{language}: {why}: {message.id!r}"


def fault(message: Message) -> str | None:
    """Why a translation cannot be used, if so."""
    originals = (message.id,) if isinstance(message.id, str) else message.id
    strings = (message.string,) if isinstance(message.string, str) else message.string
    if not strings or not all(strings):
        return "not translated"
    wanted = set(FILLED_IN.findall(originals[-1]))
    if any(set(FILLED_IN.findall(string)) != wanted for string in strings):
        return "fills in other things than its original"
    return None


def main() -> int:
    """Write, or with `--check` compare; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail when stale")
    is_check = parser.parse_args().check
    found = []
    for language in LANGUAGES:
        catalogue = made(language)
        file, content = LOCALES / language / "console.po", written(catalogue)
        if not is_check:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        elif not file.exists() or file.read_bytes() != content:
            found.append(f"{file} is stale: type `make texts`")
        found += faults(language, catalogue)
    for each in found:
        print(each)
    if not found:
        print(f"texts: ok ({len(texts())} in {len(LANGUAGES)} languages)")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
