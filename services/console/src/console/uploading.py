"""Files of a catalogue on their way to catalog-service: passed on while they come."""

from collections.abc import AsyncIterator

from console.answers.catalog import Import
from console.services import CATALOG, Query
from console.viewer import Member

UPLOAD_SECONDS = 1_800.0


async def import_file(
    viewer: Member,
    catalogue_id: str,
    content_type: str,
    part: AsyncIterator[bytes],
    query: Query,
) -> Import:
    """Import the file, which is never held here as a whole. Raises `Refused` and `Away`."""
    return await viewer.send(
        "POST",
        CATALOG,
        viewer.m("/catalogues/{}/imports"),
        catalogue_id,
        answer=Import,
        within=UPLOAD_SECONDS,
        content=part,
        headers={"Content-Type": content_type},
        query=query,
    )
