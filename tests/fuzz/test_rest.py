"""Thousands of requests to each running service, from its OpenAPI document, right and wrong ones.

No answer has a status of 500 or above, none differs from what the document promises, none accepts
what the document forbids, and none is given without a token. Long form: `make fuzz`.
"""

import asyncio
import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from stack.system import AUTH, CATALOG, ORDERS, PUBLISHER

from .conftest import Target

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
LONG = ["--max-time", "150", "--max-examples", "20"]
SHORT = ["--phases", "fuzzing", "--max-examples", "1"]
LEAST = {"short": 30, "long": 5_000}
"""How many requests a service is sent at least."""


@pytest.mark.parametrize("name", [service.name for service in (AUTH, CATALOG, PUBLISHER, ORDERS)])
async def test_no_request_breaks_a_service_or_its_document(
    target: Target,
    name: str,
    pytestconfig: pytest.Config,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    length = pytestconfig.getoption("--length")
    url = target.system.url(name)
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIGURATION)),
        *("run", f"{url}/openapi.json", "--header", f"Authorization: Bearer {target.token}"),
        *(LONG if length == "long" else SHORT),
        *(
            "--continue-on-failure",
            "--warnings",
            "off",
            "--no-color",
            "--generation-database",
            "none",
        ),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=tmp_path,  # it keeps what failed, to try that first, and bodies may have 300 MB
        env=os.environ
        | {"FUZZ_KNOWN": json.dumps(target.known), "PYTHONPATH": str(pytestconfig.rootpath)},
    )
    written, _ = await running.communicate()
    text = written.decode()
    found = re.search(r"^  (\d+) generated", text, re.MULTILINE)
    record_property("summary", found[0].strip() if found else "nothing generated")
    assert running.returncode == 0, text
    assert found is not None
    assert int(found[1]) >= LEAST[length]
