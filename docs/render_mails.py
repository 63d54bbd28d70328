"""`make mail-pictures`: mails as pictures for docs/alerts.md. Needs Chromium, as Debian has it."""

import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from auth_service.languages import Language
from auth_service.mailing.content import Content, content_of
from auth_service.mailing.layout import as_html
from auth_service.troubles.texts.describe import describe
from auth_service.troubles.trouble import Found

PICTURES = Path(__file__).with_name("alerts")
NOW = datetime(2026, 12, 17, 8, 30, tzinfo=UTC)
LINK = "https://channel.example.com/v1/renew/acme/main"


def trouble(kind: str, event: str, language: Language, **facts: str) -> Content:
    """A mail of one trouble."""
    found = Found("acme", kind, "shop/main", NOW, shop_id="main", order_id="8100000000000001")
    text = describe(found, language)
    given = {
        "event": event,
        "name": "Acme",
        "title": text.title,
        "meaning": text.meaning,
        "remedy": text.remedy,
        "since": NOW.isoformat(),
        "ended_at": (NOW + timedelta(hours=2)).isoformat(),
        "times": 1,
        "facts": sorted(facts.items()),
        "link": LINK if kind.startswith("token") else None,
        "renews": True,
        "time_zone": "Europe/Madrid",
    }
    return content_of("trouble", language, given)


def digest() -> Content:
    """Many at once."""
    items = []
    kinds = (
        "feed_idle",
        "drift",
        "run_withheld",
        "mostly_refused",
        "run_failed",
        "category_changed",
    )
    for kind in kinds:
        text = describe(Found("acme", kind, "feed/summer", NOW, feed_id="summer"), "fr")
        items.append({"event": "opened", "title": text.title, "remedy": text.remedy})
    return content_of("digest", "fr", {"name": "Acme", "items": items, "link": None})


def mails() -> dict[str, tuple[Content, Language, int]]:
    """Each picture's name, its mail, and how high it is."""
    expires = (NOW + timedelta(days=7)).isoformat()
    given = {"name": "Ada", "merchant": "Acme", "link": LINK, "expires_at": expires}
    facts = {"account": "cn2200100001", "expires_at": expires, "days_left": "7"}
    return {
        "1-expires-soon": (trouble("token_expiring", "opened", "en", **facts), "en", 620),
        "2-over": (trouble("token_expiring", "closed", "es", **facts), "es", 410),
        "3-digest": (digest(), "fr", 790),
        "4-invitation": (content_of("invitation", "en", given), "en", 520),
    }


def main() -> int:
    """Returns the exit code."""
    browser = shutil.which("chromium")
    if browser is None:
        sys.stderr.write("there is no chromium: apt-get install chromium\n")
        return 1
    for name, (content, language, height) in mails().items():
        with tempfile.TemporaryDirectory() as folder:
            page = Path(folder, "mail.html")
            page.write_text(as_html(content, language))
            subprocess.run(
                [
                    browser,
                    "--headless",
                    "--no-sandbox",  # root has none, and the pages are ours
                    "--hide-scrollbars",
                    f"--user-data-dir={folder}/profile",
                    f"--window-size=680,{height}",
                    f"--screenshot={PICTURES / name}.png",
                    page.as_uri(),
                ],
                check=True,
                capture_output=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
