"""Read as much of a catalogue as a proposal needs: of a file, or of what was imported."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from catalog_service.describing.describe import DescribedRow, Describer, Description
from catalog_service.files.readers.items import BadLine, FileRefused, FileTruncated, Item
from catalog_service.files.readers.placeholders import without_placeholders
from catalog_service.files.readers.recognise import Options, RecognisedFile, recognise
from catalog_service.files.store import list_imports
from catalog_service.sources.store import list_products
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading

PAGE = 500
SHOWN_PROBLEMS = 20
MOST_PROBLEMS = 50_000
MOST_CHARACTERS = 100_000_000
"""Characters of an imported catalogue that are read."""


@dataclass
class ReadCatalogue:
    """A described catalogue: as which format it was read, and what was wrong in it."""

    read_as: str
    description: Description
    problems: list[BadLine] = field(default_factory=list)
    rejected: int = 0


def read_file(path: Path, options: Options) -> ReadCatalogue:
    """Describe a file's first rows. Raises `FileRefused` for one that cannot be read to there, with
    the line."""
    found = recognise(path, options)
    columns = found.columns if _is_plain(found) else None
    describer = Describer(found.format, columns, delimiter=found.delimiter)
    problems: list[BadLine] = []
    rejected = 0
    try:
        for row in _rows(found, options):
            if isinstance(row, BadLine):
                rejected += 1
                problems += [row] if rejected <= SHOWN_PROBLEMS else []
                if rejected > max(MOST_PROBLEMS, describer.rows):
                    break
            elif not describer.add(row):
                break
    except FileTruncated as truncated:
        raise FileRefused(str(truncated), truncated.remedy) from None
    if not describer.rows:
        first = f": line {problems[0].line}: {problems[0].message}" if problems else ""
        raise FileRefused(
            f"no row of the file is a product{first}",
            problems[0].remedy if problems else "Send a file with products.",
        )
    return ReadCatalogue(found.format, describer.result(), problems, rejected)


def _is_plain(found: RecognisedFile) -> bool:
    """Whether its rows are its products as they stand."""
    return found.format in {"csv", "tsv", "jsonl", "xml", "xlsx", "ods"}


def _rows(found: RecognisedFile, options: Options) -> Iterator[DescribedRow | BadLine]:
    if _is_plain(found):
        for row in found.rows():
            if isinstance(row, BadLine):
                yield row
            else:
                yield DescribedRow(without_placeholders(row[1]))
        return
    for entry in found.products(options, {}):
        if isinstance(entry, Item):
            yield DescribedRow(entry.fields, entry.parent_id)
        else:
            yield entry


async def read_catalogue(pool: Pool, merchant_id: str, catalogue_id: str) -> ReadCatalogue:
    """Describe the first products of a catalogue; its format is that of its last import."""
    async with reading(pool) as connection:
        imports = await list_imports(connection, merchant_id, catalogue_id, before=None, limit=1)
    read_as = (imports[0].format if imports else None) or "events"
    describer = Describer(read_as)
    after, characters = "", 0
    while True:
        async with reading(pool) as connection:
            page = await list_products(
                connection, merchant_id, catalogue_id, after=after, limit=PAGE
            )
        for product in page:
            characters += sum(len(str(value)) for value in product.fields.values())
            if not describer.add(DescribedRow(product.fields, product.parent_id)):
                return ReadCatalogue(read_as, describer.result())
        if len(page) < PAGE:
            return ReadCatalogue(read_as, describer.result())
        if characters > MOST_CHARACTERS:
            describer.is_partial = True
            return ReadCatalogue(read_as, describer.result())
        after = page[-1].product_id
