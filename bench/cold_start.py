"""How long a service takes from its start until it is ready (P6): `make bench-cold_start`.

Each service, on the whole system, in its role `all`: from making its process until `/health/ready`
answers 200, asked every 5 ms, against a process that imports the same libraries (what the
service's modules import of others, in the same order) and says so. Arms take turns (ROUNDS=5)
after a round that is not counted; of the system only auth-service, whose keys the others need, and
the stores run beside. Each service is stopped by SIGTERM and must end with exit code 0. Results go
to `bench/results/cold_start.json`.
"""

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import uvloop
from bench import ratios
from bench.ratios import results_file

from stack.run import Stack, running_stack
from stack.sandbox import answers
from stack.settings import StackSettings
from stack.system import AUTH, SERVICES, Ports, Service, service_command

ROUNDS = int(os.environ.get("ROUNDS", "5"))
RESULTS = results_file("cold_start")
OURS = ("aliexpress", "common", *(service.module for service in SERVICES))
LIST = """
import builtins, json, sys
ours, plain, found = sys.argv[2].split(","), builtins.__import__, {}
def is_ours(name):
    return name.partition(".")[0] in ours
def noted(name, globals=None, locals=None, fromlist=(), level=0):
    module = plain(name, globals, locals, fromlist, level)
    if not level and is_ours((globals or {}).get("__name__", "")) and not is_ours(name):
        found[name] = None
        parts = [f"{name}.{part}" for part in fromlist or ()]
        found.update((part, None) for part in parts if part in sys.modules)
    return module
builtins.__import__ = noted
__import__(sys.argv[1] + ".app")
print(json.dumps(list(found)))
"""
IMPORT = """
import importlib, sys
for name in sys.argv[1].split(","):
    importlib.import_module(name)
print("ready", flush=True)
"""


async def libraries_of(service: Service) -> str:
    """What the service's modules import of others, with commas between."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", LIST, service.module, ",".join(OURS)),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    return ",".join(json.loads(out))


async def importing(libraries: str) -> float:
    """Seconds until a process has imported them."""
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", IMPORT, libraries), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    line = await process.stdout.readline()
    took = time.perf_counter() - began
    if await process.wait() or line != b"ready\n":
        raise RuntimeError("the libraries were not imported")
    return took


async def starting(stack: Stack, service: Service) -> float:
    """Seconds until the service is ready; it is stopped then."""
    with (stack.logs / f"{service.name}.log").open("ab") as log:
        began = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            *service_command(service), env=stack.environment(service), stdout=log, stderr=log
        )
        while not await answers(f"{stack.url(service.name)}/health/ready"):
            if process.returncode is not None:
                raise RuntimeError(f"{service.name} has ended")
            await asyncio.sleep(0.005)
        took = time.perf_counter() - began
        process.terminate()
        if await process.wait():
            raise RuntimeError(f"{service.name} did not end well")
    return took


async def compare(stack: Stack, service: Service) -> dict[str, Any]:
    """All rounds of a service, in turns."""
    libraries = await libraries_of(service)
    ours, bare = [], []
    for number in range(ROUNDS + 1):
        seconds = await importing(libraries), await starting(stack, service)
        print(f"{service.name}, round {number}: {seconds[0]:.2f} s, {seconds[1]:.2f} s", flush=True)
        if number:
            bare.append(seconds[0])
            ours.append(seconds[1])
    return {
        "P6": ratios.ratio(ours, bare),
        "seconds": round(statistics.median(ours), 2),
        "seconds_of_imports": round(statistics.median(bare), 2),
        "rounds": [round(one, 2) for one in ours],
        "rounds_of_imports": [round(one, 2) for one in bare],
    }


async def main() -> None:
    """Every service; auth-service last."""
    result: dict[str, Any] = {
        "command": "make bench-cold_start",
        "rounds": ROUNDS,
        "machine": ratios.load(),
    }
    others = [service for service in SERVICES if service != AUTH]
    with tempfile.TemporaryDirectory(prefix="bench-cold-start-") as folder:
        Path(folder).chmod(0o711)
        settings = StackSettings(state_dir=Path(folder), traces=False)
        async with running_stack(settings, ports=Ports.free()) as stack:
            for service in others:
                await stack.process(service.name).stop()
            for service in others:
                result[service.name] = await compare(stack, service)
            await stack.process(AUTH.name).stop()
            result[AUTH.name] = await compare(stack, AUTH)
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))
    for service in SERVICES:
        found = result[service.name]["P6"]
        ratios.show("P6", service.name, found, wanted="at most 1.3, aim 1.1")


if __name__ == "__main__":
    uvloop.run(main())
