"""Start Python programs by forking a process that has imported their modules already.

Four services and a sandbox spend some ten seconds of processor time importing before they serve;
tests start them by the dozen. What is forked is a process like any other: it has the environment,
folder, output and process group its command names, runs `python -m MODULE` from its first line,
and can be killed.

On Linux. The starting process becomes a subreaper, so that what is forked is its own child: it
learns of the end by `waitpid`, and its death kills the child (`PR_SET_PDEATHSIG`). Elsewhere
programs are started as usual.
"""

import ast
import contextlib
import ctypes
import gc
import importlib
import importlib.util
import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx2
from httpx2._transports import default as transports

from stack.private_files import PRIVATE_UMASK, open_private
from stack.processes import Child, Command, spawn_program

MIGRATE = "stack.migrate"
SERVED_WITH = ["pydantic.v1", "anyio._backends._asyncio", "uvicorn.lifespan.off", "encodings.idna"]
"""What a service imports only when it serves or asks others."""
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Program:
    """`python -m <module> <arguments>`; `environment` is the whole of it.

    Its standard output and error are appended to the files of these names.
    """

    module: str
    arguments: Sequence[str]
    environment: dict[str, str]
    folder: str
    stdout: str
    stderr: str


class ForkedChild:
    """A child of ours that another process forked; what `subprocess.Popen` would be for it."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def wait(self) -> int:
        """Wait for its end; its exit code, or the negative number of the signal that killed it."""
        if self.returncode is None:
            _, status = os.waitpid(self.pid, 0)
            self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless its end was waited for."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)


class ForkServer:
    """A process that imports what it is asked to run, once, and starts it by forking itself.

    It starts when it is first asked; the first program of each module waits for the import.
    """

    def __init__(self) -> None:
        self._server: subprocess.Popen[bytes] | None = None

    def stop(self) -> None:
        """End the server; what it started runs on."""
        if self._server is not None:
            self._server.communicate(timeout=10)
            self._server = None

    def spawn(self, command: Command) -> Child:
        """Start `command`: forked if it runs a module as we do ourselves, else as usual."""
        is_python_module = tuple(command.argv[:2]) == (sys.executable, "-m")
        if not is_python_module or command.account is not None:
            return spawn_program(command)
        command.log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self.run(
            Program(
                command.argv[2],
                command.argv[3:],
                dict(command.environment),
                str(command.folder or Path.cwd()),
                str(command.log),
                str(command.log),
            )
        )

    def run(self, program: Program) -> Child:
        """Start a program, in a session of its own.

        Raises `RuntimeError` when the server has ended.
        """
        if sys.platform != "linux":
            return _start(program)
        server = self._server = self._server or _start_server()
        assert server.stdin is not None  # noqa: S101 - for mypy: both are pipes
        assert server.stdout is not None  # noqa: S101 - for mypy
        server.stdin.write(json.dumps(asdict(program)).encode() + b"\n")
        answer = server.stdout.readline()
        if not answer:
            raise RuntimeError("the fork server has ended")
        return ForkedChild(int(answer))


def _start_server() -> subprocess.Popen[bytes]:
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    return subprocess.Popen(
        [sys.executable, "-m", "stack.forkserver"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
        start_new_session=True,
    )


def _start(program: Program) -> subprocess.Popen[bytes]:
    with (
        open(program.stdout, "ab", opener=open_private) as stdout,
        open(program.stderr, "ab", opener=open_private) as stderr,
    ):
        return subprocess.Popen(
            [sys.executable, "-m", program.module, *program.arguments],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            env=program.environment,
            cwd=program.folder,
            start_new_session=True,
            umask=PRIVATE_UMASK,
        )


# ---- in the server's process


def main() -> None:
    """Fork for each line of standard input, having imported the module it names.

    Returns in every forked process once its program has run, and at the end of the input.
    """
    requests = os.fdopen(os.dup(0), "rb", buffering=0)
    share_tls_context()
    for module in SERVED_WITH:
        importlib.import_module(module)
    while line := requests.readline():
        program = Program(**json.loads(line))
        for module in _modules_of(program):
            _import(module)
        gc.freeze()  # else each child would copy what is ours to look for garbage in it
        pid = _fork_orphan()
        if pid is None:
            requests.close()
            _become(program)
            return
        os.write(1, b"%d\n" % pid)


def share_tls_context() -> None:
    """Have all HTTP clients of this process use one TLS context, unless they bring their own: to
    read the authorities' certificates takes 20 ms of processor time, for each client."""
    vars(transports)["create_ssl_context"] = cache(httpx2.create_ssl_context)
    httpx2.AsyncClient()


def _modules_of(program: Program) -> Sequence[str]:
    """The modules it runs: migrations run those of the services, which will be started too."""
    if program.module != MIGRATE:
        return [program.module]
    return [MIGRATE, *program.arguments, "common.postgres.migrate"]


def _import(module: str) -> None:
    """Import what `python -m MODULE` will import first; a failure shows when it is run."""
    with contextlib.suppress(Exception):
        found = importlib.util.find_spec(module)
        if found is not None and found.submodule_search_locations is not None:
            found = importlib.util.find_spec(f"{module}.__main__")
        if found is not None and found.origin is not None:
            for name in _imported_by(Path(found.origin).read_text(), found.parent or ""):
                with contextlib.suppress(ImportError):
                    importlib.import_module(name)


def _imported_by(code: str, package: str) -> Iterator[str]:
    """The modules a program of this package imports, and names that may be modules. Pure."""
    for node in ast.parse(code).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            name = importlib.util.resolve_name("." * node.level + node.module, package)
            yield name
            yield from (f"{name}.{alias.name}" for alias in node.names)


def _fork_orphan() -> int | None:
    """Fork a child that our own starter adopts; its process id, None in that child itself."""
    reading, writing = os.pipe()
    between = os.fork()
    if between:
        os.close(writing)
        with os.fdopen(reading, "rb") as answer:
            pid = int(answer.read())
        os.waitpid(between, 0)
        return pid
    os.close(reading)
    between = os.getpid()
    pid = os.fork()
    if pid:
        os.write(writing, b"%d" % pid)
        os._exit(0)
    os.close(writing)
    os.setsid()
    while os.getppid() == between:
        time.sleep(0.001)
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    return None


def _become(program: Program) -> None:
    """Run the program as if this process had been started for it."""
    os.environ.clear()
    os.environ.update(program.environment)
    os.chdir(program.folder)
    os.umask(PRIVATE_UMASK)
    sys.path[0] = program.folder  # as `-m` has it
    _redirect(os.devnull, 0, os.O_RDONLY)
    _redirect(program.stdout, 1, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    if program.stderr == program.stdout:
        os.dup2(1, 2)
    else:
        _redirect(program.stderr, 2, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    _forget_environment()
    sys.argv = [program.module, *program.arguments]
    runpy.run_module(program.module, run_name="__main__", alter_sys=True)


def _redirect(path: str, number: int, flags: int) -> None:
    opened = open_private(path, flags)
    os.dup2(opened, number)
    os.close(opened)


def _forget_environment() -> None:
    """Let modules that read the environment before read it again."""
    tempfile.tempdir = None
    failpoints: Any = sys.modules.get("common.failpoints")
    if failpoints is not None:
        failpoints.arm(os.environ.get("FAILPOINTS", ""))


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


if __name__ == "__main__":
    main()
