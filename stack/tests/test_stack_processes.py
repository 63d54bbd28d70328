import os
import re
import signal
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from stack.failures import PortTaken, StartFailed
from stack.ports import LOOPBACK, free_port, kept_port, require_free
from stack.processes import Command, Process, run_once
from stack.testing import eventually

WAITS = "import time; open('ready', 'w').close(); time.sleep(600)"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + WAITS
BUSY = """
import threading
open("ready", "w").close()
for _ in range(8):
    threading.Thread(target=lambda: [None for _ in iter(int, 1)]).start()
"""
PARENT_OF_A_DEAF_ONE = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {DEAF!r}])
open("child", "w").write(str(child.pid))
child.wait()
"""


def process(folder: Path, program: str) -> Process:
    async def is_ready(_pid: int) -> bool:
        return (folder / "ready").exists()

    command = Command(
        "victim",
        [sys.executable, "-c", program],
        folder / "victim.log",
        folder=folder,
        stop_within=timedelta(seconds=0.5),
    )
    return Process(command, is_ready=is_ready, ready_within=timedelta(seconds=20))


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # a dead one that its new parent has not reaped yet is dead
    return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()


def _refuse(_pid: int) -> int:
    raise PermissionError("as a container may")


@pytest.mark.parametrize("is_told", [True, False])
async def test_a_killed_process_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_told: bool
) -> None:
    if not is_told:
        monkeypatch.setattr(os, "pidfd_open", _refuse)
    victim = process(tmp_path, WAITS)
    await victim.start()
    first = victim.pid
    assert await victim.kill() == first
    await eventually(lambda: victim.restarts == 1)
    assert victim.is_running
    assert victim.pid != first
    await victim.stop()
    assert not victim.is_running


async def test_a_stopped_process_stays_down_until_it_is_started(tmp_path: Path) -> None:
    victim = process(tmp_path, WAITS)
    await victim.start()
    first = victim.pid
    await victim.stop()
    await victim.stop()
    assert not is_alive(first)
    await victim.start()
    assert victim.pid != first
    await victim.stop()
    assert victim.restarts == 0


async def test_stopping_ends_what_the_process_started_even_if_deaf(tmp_path: Path) -> None:
    victim = process(tmp_path, PARENT_OF_A_DEAF_ONE)
    await victim.start()
    grandchild = int((tmp_path / "child").read_text())
    assert is_alive(grandchild)
    await victim.stop()
    await eventually(lambda: not is_alive(grandchild))


async def test_no_thread_of_a_suspended_process_goes_on(tmp_path: Path) -> None:
    victim = process(tmp_path, BUSY)
    await victim.start()
    threads = Path(f"/proc/{victim.pid}/task")
    await eventually(lambda: len(list(threads.iterdir())) == 9)
    for _ in range(20):
        await victim.suspend()
        states = {re.sub(r".*\) ", "", stat.read_text())[0] for stat in threads.glob("*/stat")}
        assert states == {"T"}
        victim.resume()
    await victim.stop()


@pytest.mark.parametrize("program", [WAITS, DEAF], ids=["polite", "deaf"])
async def test_a_suspended_process_can_be_stopped(tmp_path: Path, program: str) -> None:
    victim = process(tmp_path, program)
    await victim.start()
    pid = victim.pid
    await victim.suspend()
    await victim.stop()
    assert not is_alive(pid)


async def test_a_process_that_ends_while_starting_tells_the_end_of_its_log(tmp_path: Path) -> None:
    victim = process(tmp_path, "raise SystemExit('no such colour')")
    with pytest.raises(StartFailed, match="no such colour"):
        await victim.start()
    assert not victim.is_running


async def test_a_task_that_fails_or_hangs_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    def command(program: str) -> Command:
        return Command("task", [sys.executable, "-c", program], tmp_path / "log", folder=tmp_path)

    await run_once(command("print('done')"), within=timedelta(seconds=20))
    with pytest.raises(StartFailed, match="exit code 3"):
        await run_once(command("raise SystemExit(3)"), within=timedelta(seconds=20))
    with pytest.raises(StartFailed, match="took too long"):
        await run_once(
            command("import os; open('pid', 'w').write(str(os.getpid())); " + WAITS),
            within=timedelta(seconds=1),
        )
    assert not is_alive(int((tmp_path / "pid").read_text()))


RUNNER = """
import asyncio, sys
from pathlib import Path
sys.path[:0] = {path!r}
from test_stack_processes import WAITS, process
async def main():
    victim = process(Path({folder!r}), WAITS)
    await victim.start()
    print(victim.pid, flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs PR_SET_PDEATHSIG")
async def test_processes_die_with_a_runner_that_is_killed(tmp_path: Path) -> None:
    program = RUNNER.format(folder=str(tmp_path), path=[str(Path(__file__).parent)])
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as runner:
        assert runner.stdout is not None
        victim = int(runner.stdout.readline())
        assert is_alive(victim)
        runner.send_signal(signal.SIGKILL)
    await eventually(lambda: not is_alive(victim))


def test_a_taken_port_is_named_with_the_setting_that_moves_it() -> None:
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"port {port}.*auth-service.*AUTH_PORT"):
            require_free(port, owner="auth-service", setting="AUTH_PORT")
    require_free(port, owner="auth-service", setting="AUTH_PORT")


def test_a_port_is_kept_while_it_is_free(tmp_path: Path) -> None:
    memory = tmp_path / "ports.json"
    port = kept_port(memory, "kafka")
    assert kept_port(memory, "kafka") == port
    assert kept_port(memory, "postgres") != port
    with socket.create_server((LOOPBACK, port)):
        assert kept_port(memory, "kafka") != port


def test_a_free_port_is_given_to_nobody_but_a_server() -> None:
    """Seen: a service could not listen, since a connection had been given its port meanwhile."""
    port = free_port()
    with socket.socket() as connection, pytest.raises(OSError, match="in use"):
        connection.bind((LOOPBACK, port))
    with socket.create_server((LOOPBACK, port)) as server:
        assert server.getsockname()[1] == port
