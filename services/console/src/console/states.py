"""States in words, each with its tone: what a chip shows. Pure.

A tone is a colour and a shape (`console.css`), so that none is told by colour alone.
"""

from console.texts import N_

GOOD, BAD, WARN, BUSY, PLAIN = "good", "bad", "warn", "busy", "plain"

STATES: dict[str, tuple[str, str]] = {
    # shops
    "connected": (GOOD, N_("Connected")),
    "pending": (BUSY, N_("Pending")),
    "lapsed": (BAD, N_("Lapsed")),
    "disconnected": (BAD, N_("Disconnected")),
    # products
    "valid": (GOOD, N_("Ready")),
    "invalid": (BAD, N_("Not ready")),
    "content_invalid": (BAD, N_("Content not ready")),
    "offers_invalid": (WARN, N_("Price or stock not ready")),
    "excluded": (PLAIN, N_("Excluded")),
    "deleted": (PLAIN, N_("Deleted")),
    "feed_removed": (PLAIN, N_("Feed removed")),
    "desired": (PLAIN, N_("In the feed")),
    "live": (GOOD, N_("Online")),
    "online": (GOOD, N_("Online")),
    "online_as_wanted": (GOOD, N_("Online, nothing waits")),
    "rejected": (BAD, N_("Refused")),
    "withheld": (WARN, N_("Withheld")),
    "removals": (BUSY, N_("To be removed")),
    "removals_withheld": (WARN, N_("Removals withheld")),
    "drifted": (WARN, N_("Differs")),
    # runs and their items
    "queued": (BUSY, N_("Queued")),
    "planning": (BUSY, N_("Planning")),
    "planned": (BUSY, N_("Planned")),
    "awaiting_confirmation": (WARN, N_("Waits for you")),
    "running": (BUSY, N_("Running")),
    "completed": (GOOD, N_("Completed")),
    "completed_with_errors": (WARN, N_("Completed with errors")),
    "failed": (BAD, N_("Failed")),
    "superseded": (PLAIN, N_("Superseded")),
    "waiting_for_shop": (WARN, N_("Waits for the shop")),
    "sending": (BUSY, N_("Being sent")),
    "in_job": (BUSY, N_("At AliExpress")),
    "accepted": (GOOD, N_("Accepted")),
    "deferred": (BUSY, N_("Deferred")),
    # orders and parcels
    "new": (BUSY, N_("New")),
    "waiting_shipment": (WARN, N_("To ship")),
    "shipped": (GOOD, N_("Shipped")),
    "closed": (PLAIN, N_("Closed")),
    "other": (PLAIN, N_("Other")),
    "sent": (BUSY, N_("Sent")),
    "confirmed": (GOOD, N_("Confirmed")),
    "refused": (BAD, N_("Refused")),
    "already_there": (PLAIN, N_("Already there")),
    "gone": (PLAIN, N_("Gone")),
    # imports of files
    "uploading": (BUSY, N_("Uploading")),
    "waiting": (BUSY, N_("Waiting")),
    "reading": (BUSY, N_("Being read")),
    "completed_with_problems": (WARN, N_("Completed with problems")),
    "cancelled": (PLAIN, N_("Cancelled")),
    # dead letters
    "open": (BAD, N_("Open")),
    "replayed": (GOOD, N_("Replayed")),
    "parked": (BUSY, N_("Parked")),
    "discarded": (PLAIN, N_("Discarded")),
    # troubles and webhooks
    "critical": (BAD, N_("Critical")),
    "warning": (WARN, N_("Warning")),
    "quiet": (BUSY, N_("Over, watched")),
    "failing": (WARN, N_("Failing")),
    "disabled": (BAD, N_("Disabled")),
    "due": (BUSY, N_("Due")),
    "delivered": (GOOD, N_("Delivered")),
    # people
    "owner": (PLAIN, N_("Owner")),
    "agent": (PLAIN, N_("Agent")),
    "viewer": (PLAIN, N_("Viewer")),
    "operator": (PLAIN, N_("Operator")),
    # feeds
    "active": (GOOD, N_("Active")),
    "removed": (PLAIN, N_("Removed")),
    "paused": (WARN, N_("Paused")),
    # what would be done
    "create": (PLAIN, N_("Create")),
    "update": (PLAIN, N_("Update")),
    "delete": (PLAIN, N_("Delete")),
    "price": (PLAIN, N_("Price")),
    "stock": (PLAIN, N_("Stock")),
    "unchanged": (PLAIN, N_("Unchanged")),
    "product": (PLAIN, N_("Products")),
    "offer": (PLAIN, N_("Prices and stock")),
    "items": (PLAIN, N_("Items")),
    "missing": (WARN, N_("Missing")),
    "error": (BAD, N_("Error")),
    "advice": (PLAIN, N_("Advice")),
}


def chip_of(state: str) -> tuple[str, str]:
    """The tone and the English word of a state; one that is not known is shown as it is."""
    return STATES.get(state, (PLAIN, state.replace("_", " ").replace("-", " ")))
