"""`channel feeds validate`: a feed's document, looked through without any service."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from channel_cli.output import AsJson, fail, out, table_of, write_json
from channel_cli.yaml_documents import NotYaml, Trouble, YamlDocument, read_yaml

ConfigurationFile = Annotated[
    Path, typer.Argument(exists=True, dir_okay=False, help="The configuration, YAML or JSON.")
]


class Finding(msgspec.Struct, frozen=True):
    """What is wrong with a document: the line, the path and why."""

    line: int
    path: str
    message: str


def validate(file: ConfigurationFile, as_json: AsJson = False) -> None:
    """Look a configuration through, without any service: its keys, matches, templates and rules.

    What only the service knows (fields, categories, shops) `channel feeds check` tries.
    """
    findings = [finding_of(trouble) for trouble in find_troubles(read_document(file))]
    if as_json:
        write_json(findings)
    elif findings:
        rows = ((one.line, one.path, one.message) for one in findings)
        out.print(table_of(("line", "where", "what is wrong"), rows, title=str(file)))
    else:
        out.print(f"{file} is a configuration; `channel feeds check` tries it on the catalogue.")
    if findings:
        raise typer.Exit(1)


def find_troubles(document: YamlDocument) -> list[Trouble]:
    """What keeps the document from being applied, by line."""
    # imported here: it is all that a service compiles of a feed, which no other command needs
    from catalog_service.feeds.document import find_faults  # noqa: PLC0415 - see above

    found = list(document.troubles)
    known = {trouble.path for trouble in found}
    found += [
        Trouble(document.line_of(fault.path), fault.path, fault.message)
        for fault in find_faults(document.value)
        if fault.path not in known
    ]
    return sorted(found, key=lambda trouble: trouble.line)


def finding_of(trouble: Trouble) -> Finding:
    """The trouble as it is shown."""
    return Finding(trouble.line, ".".join(map(str, trouble.path)), trouble.message)


def read_document(file: Path) -> YamlDocument:
    """The document in `file`; a file that is none ends the command with its place."""
    try:
        document = read_yaml(file.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        fail(f"{file} is not UTF-8: {error.reason} at byte {error.start}", "Save it as UTF-8.")
    except NotYaml as error:
        fail(f"{file} is not YAML: {error}", "Correct the file at that place.")
    if not isinstance(document.value, dict):
        fail(f"{file} holds no configuration", "See services/catalog-service/README.md.")
    return document


def load_configuration(file: Path) -> dict[str, Any]:
    """The document in `file` as a service takes it; one that a service would take otherwise than
    it is written ends the command, too."""
    document = read_document(file)
    if document.troubles:
        first = document.troubles[0]
        where = ".".join(map(str, first.path))
        fail(f"{file}, line {first.line}: {where}: {first.message}", "Correct the file there.")
    value: dict[str, Any] = document.value
    return value
