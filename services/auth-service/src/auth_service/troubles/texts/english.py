"""What troubles are called, mean and ask for, in English. Pure."""

from auth_service.troubles.texts.text import Text

TEXTS: dict[str, Text] = {
    "token_expiring": Text(
        "The connection of shop {shop} expires soon",
        "When it expires, products and prices are no longer updated and orders no longer imported.",
        "Renew it now with the same seller account: it takes a minute.",
    ),
    "token_expired": Text(
        "The connection of shop {shop} has expired",
        "Products and prices are not updated and orders not imported until it is renewed. "
        "Nothing is lost: everything catches up afterwards.",
        "Renew it with the same seller account.",
    ),
    "connection_ended": Text(
        "AliExpress has ended the connection of shop {shop}",
        "The authorisation was taken back before its time. Products and prices are not "
        "updated and orders not imported.",
        "Find out who took it back in the seller centre, then connect the shop again with "
        "the same seller account.",
    ),
    "banned": Text(
        "AliExpress refuses calls for shop {shop} for some time",
        "Part of what the channel does for this shop waits until AliExpress takes calls again.",
        "Nothing has to be done; it goes on by itself. If it comes often, ask the operator "
        "of this channel.",
    ),
    "import_failed": Text(
        "The last file for catalogue {catalogue} could not be imported",
        "The shop keeps showing what came before; changes in the file do not reach it.",
        "Look at the rows named in the import, correct the file and send it again.",
    ),
    "deletions_withheld": Text(
        "Deletions in catalogue {catalogue} wait for your confirmation",
        "The last full file lacked unusually many products, so none was deleted; the "
        "others were updated.",
        "If they are really gone, confirm the deletions; if not, send a complete file.",
    ),
    "catalogue_silent": Text(
        "Nothing comes for catalogue {catalogue} any more",
        "Prices and stock in the shop may be out of date.",
        "Check whether the system that sends this catalogue still runs.",
    ),
    "source_quarantined": Text(
        "Source {name} is in quarantine",
        "It sent mostly records that cannot be taken; its good ones wait and do not reach "
        "the shop.",
        "Correct what it sends, then have the quarantine lifted.",
    ),
    "configuration_broken": Text(
        "The configuration of feed {feed} cannot be used",
        "The feed does not prepare new or changed products.",
        "Open the feed's settings, correct what is marked and save.",
    ),
    "category_changed": Text(
        "AliExpress changed a category that feed {feed} uses",
        "Some products cannot be created or updated in that category.",
        "Match another category, or fill the attribute it now asks for.",
    ),
    "run_failed": Text(
        "The last run of feed {feed} failed",
        "What it should have sent is not in the shop yet.",
        "Look at the run's report; if it fails again, tell the operator of this channel.",
    ),
    "run_withheld": Text(
        "A run of feed {feed} waits for your confirmation",
        "What the guard withholds is not sent until you confirm.",
        "Look at the plan: confirm it if it is right, correct the catalogue or the feed if not.",
    ),
    "mostly_refused": Text(
        "AliExpress refused most items of feed {feed}",
        "These products are not in the shop as you want them.",
        "Open the report: it names each cause with what to do, the most frequent first.",
    ),
    "feed_idle": Text(
        "Feed {feed} has not sent anything for too long",
        "Prices and stock in the shop may be out of date.",
        "Look whether a run waits for a confirmation; if none does, tell the operator of "
        "this channel.",
    ),
    "drift": Text(
        "The shop differs from what feed {feed} has sent",
        "Somebody or something changes products at AliExpress itself; prices and stock are "
        "set right by the next offer run.",
        "Look at the differences, and stop whatever else changes these products.",
    ),
    "orders_failing": Text(
        "Orders of shop {shop} cannot be imported",
        "New orders and cancellations are not seen. Nothing is lost: they are imported "
        "once it works again.",
        "Look at the import's problem; if it names nothing you can correct, tell the "
        "operator of this channel.",
    ),
    "order_due": Text(
        "Order {order} has to be shipped within a day",
        "If it is not shipped in time, AliExpress may cancel it and count it against the shop.",
        "Ship it and enter the tracking number.",
    ),
    "order_late": Text(
        "Order {order} is late",
        "Its time to be shipped has passed; AliExpress may cancel it at any moment.",
        "Ship it at once, or agree on an extension with the buyer in the seller centre.",
    ),
    "order_unreadable": Text(
        "Order {order} cannot be read",
        "It is not in the list of orders; it is tried again by itself.",
        "Handle it in the seller centre until then, and tell the operator of this channel.",
    ),
    "parcel_refused": Text(
        "AliExpress refused a parcel of order {order}",
        "For AliExpress the order is not shipped.",
        "Read the reason at the order, correct carrier or tracking number and send the "
        "parcel again.",
    ),
    "webhook_disabled": Text(
        "Webhook endpoint {endpoint} was switched off",
        "The system behind it is no longer told of troubles.",
        "Repair that system, then enable the endpoint; deliveries can be replayed.",
    ),
}
