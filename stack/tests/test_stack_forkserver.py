import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from stack.failures import StartFailed
from stack.forkserver import ForkServer, Program
from stack.processes import Command, Process, run_once
from stack.testing import eventually

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is forked")

PROGRAM = """
import json, os, signal, sys
print(json.dumps([__name__, sys.argv[1:], os.environ.get("COLOUR"), os.getcwd(), os.getpgrp()]))
print("beside", file=sys.stderr)
if "wait" in sys.argv:
    sys.stdout.flush()
    signal.pause()
sys.exit(7 if "fail" in sys.argv else 0)
"""


@pytest.fixture(scope="module")
def server() -> Iterator[ForkServer]:
    server = ForkServer()
    yield server
    server.stop()


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module; forked processes find it in the folder they run in."""
    (tmp_path / "some_program.py").write_text(PROGRAM)
    return "some_program"


def command(folder: Path, module: str, *arguments: str) -> Command:
    return Command(
        "program",
        [sys.executable, "-m", module, *arguments],
        folder / "log",
        environment={"COLOUR": "red", "PATH": os.defpath},
        folder=folder,
    )


async def is_always_ready(_pid: int) -> bool:
    return True


def test_a_forked_program_has_its_own_arguments_environment_folder_output_and_code(
    server: ForkServer, program: str, tmp_path: Path
) -> None:
    out, err = tmp_path / "out", tmp_path / "err"
    child = server.run(
        Program(program, ("a", "fail"), {"COLOUR": "red"}, str(tmp_path), str(out), str(err))
    )
    assert child.wait() == 7
    assert err.read_text() == "beside\n"
    assert json.loads(out.read_text()) == [
        "__main__",
        ["a", "fail"],
        "red",
        str(tmp_path),
        child.pid,
    ]


async def test_what_was_killed_comes_back_and_what_fails_says_so(
    server: ForkServer, program: str, tmp_path: Path
) -> None:
    process = Process(
        command(tmp_path, program, "wait"), is_ready=is_always_ready, spawn=server.spawn
    )
    await process.start()
    dead = await process.kill()
    await eventually(lambda: process.restarts == 1)
    await process.wait_until_ready()
    assert process.pid != dead
    victim = process._running
    await process.stop()
    assert victim is not None
    assert victim.returncode == -signal.SIGTERM
    with pytest.raises(StartFailed, match="exit code 7"):
        await run_once(
            command(tmp_path, program, "fail"), within=timedelta(seconds=30), spawn=server.spawn
        )


async def test_a_forked_program_dies_with_the_one_who_asked_for_it(
    program: str, tmp_path: Path
) -> None:
    starter = (
        "import os, signal, sys; from stack.forkserver import ForkServer, Program\n"
        "child = ForkServer().run(Program(*sys.argv[1:2], ['wait'], dict(os.environ),"
        " *sys.argv[2:]))\n"
        "print(child.pid, flush=True)\n"
        "signal.pause()"
    )
    log = tmp_path / "log"
    log.touch()
    with subprocess.Popen(
        [sys.executable, "-c", starter, program, str(tmp_path), str(log), str(log)],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        watched = os.pidfd_open(pid)
        await eventually(lambda: '"wait"' in log.read_text())  # it runs
        process.kill()
    assert select.select([watched], [], [], 10)[0]
    os.close(watched)


def test_what_is_no_module_is_started_as_usual(server: ForkServer, tmp_path: Path) -> None:
    child = server.spawn(Command("echo", ["/bin/echo", "hello"], tmp_path / "log"))
    assert isinstance(child, subprocess.Popen)
    assert child.wait() == 0
