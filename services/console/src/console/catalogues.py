"""Whether there is a catalogue of a name: declared again, its rows would be named otherwise."""

from http import HTTPStatus

from console.answers.catalog import Catalogue
from console.services import CATALOG, Refused
from console.viewer import Member


async def find_catalogue(viewer: Member, name: str) -> Catalogue | None:
    """The catalogue of that name, if there is one. Raises `Refused` for no name."""
    try:
        return await viewer.get(CATALOG, viewer.m("/catalogues/{}"), name, answer=Catalogue)
    except Refused as refused:
        if refused.problem.status == HTTPStatus.NOT_FOUND:
            return None
        raise
