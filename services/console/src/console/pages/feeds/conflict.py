"""Somebody else saved the feed's configuration meanwhile: what to do, and what they changed."""

from http import HTTPStatus

from console.answers.catalog import Diff, FeedDetails
from console.panels import Panel, panel
from console.services import CATALOG, Problem
from console.texts import N_
from console.viewer import Member

LONGEST_VERSION = 9
CHANGED = Problem(
    title=N_("Somebody saved another configuration meanwhile"),
    status=409,
    remedy=N_(
        "What you typed is not saved. Open the page as it is now, and make the change there."
    ),
)


def in_plain_words(problem: Problem) -> Problem:
    """A version that changed meanwhile, otherwise than services say it to programs."""
    return CHANGED if problem.status == HTTPStatus.PRECONDITION_FAILED else problem


async def saved_meanwhile(
    viewer: Member, feed: FeedDetails, problem: Problem | None, since: str
) -> Panel[Diff] | None:
    """What others changed since the version that a form was made of; None where nothing is in
    conflict."""
    if problem is not CHANGED:
        return None
    is_version = since.isdecimal() and len(since) <= LONGEST_VERSION
    if not is_version or not 0 < int(since) < feed.configuration_version:
        return Panel()
    return await panel(
        viewer.get(
            CATALOG,
            viewer.m("/feeds/{}/versions/{}/diff"),
            feed.feed_id,
            str(feed.configuration_version),
            answer=Diff,
            query={"against": since},
        )
    )
