"""The emulator of S3 and its neighbours: ministack, pinned, in an environment of its own, on 127.0.0.1 only."""

import http.client
import os
import shutil
import socket
import time
from collections.abc import Mapping
from pathlib import Path

from flowforge.local.errors import LocalStackError
from flowforge.local.loopback import NO_PROXY
from flowforge.local.processes import ChildProcess
from flowforge.local.project import find_project
from flowforge.local.reaper import Reaper
from flowforge.local.torn_writes import mend_torn_writes

MINISTACK = "ministack==1.5.33"
# Without DuckDB its Athena invents answers; without pytz DuckDB cannot read a timestamp with a zone.
COMPANIONS = ("duckdb==2.0.0", "pytz")
HEALTH_PATH = "/_ministack/health"
START_SECONDS = 90.0
STOP_SECONDS = 5.0
_POLL_SECONDS = 0.02
_LOG_TAIL_BYTES = 2000


class Emulator:
    """The emulator's process. ``start`` returns at once, ``wait_ready`` when it answers, ``stop`` when it is gone.


    Objects are kept in the state folder, unless ``keep`` is False: then they live in memory, and parts of large ones are
    read much faster, since the emulator reads the whole file for every range. ``mark`` goes into its environment.
    """

    def __init__(
        self,
        state: Path,
        reaper: Reaper,
        *,
        project: Path | None = None,
        mark: Mapping[str, str] | None = None,
        keep: bool = True,
    ) -> None:
        self._keep = "1" if keep else "0"
        self.port = free_port()
        self.log_path = state / "logs" / "emulator.log"
        self._state = state
        self._project = project
        self._mark = mark or {}
        self._reaper = reaper
        self._process: ChildProcess | None = None
        self._environment: dict[str, str] = {}
        self._offline = False

    @property
    def endpoint(self) -> str:
        """The URL that every AWS client of the laptop is pointed at."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the process. Raises LocalStackError where uv is not installed."""
        uv = find_uv(self._project)
        folders = {name: self._state / name for name in ("s3", "emulator", "athena", "tmp", "logs")}
        for folder in folders.values():
            folder.mkdir(parents=True, exist_ok=True)
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON"))},
            "PYTHONPYCACHEPREFIX": os.environ.get("PYTHONPYCACHEPREFIX", str(self._state / "pycache")),
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            # One without the other keeps the buckets and forgets the objects.
            "PERSIST_STATE": self._keep,
            "S3_PERSIST": self._keep,
            "S3_DATA_DIR": str(folders["s3"]),
            "STATE_DIR": str(folders["emulator"]),
            "ATHENA_DATA_DIR": str(folders["athena"]),
            "TMPDIR": str(folders["tmp"]),
            "LOG_LEVEL": "WARNING",
            # It would otherwise look for a container engine to clean up after itself.
            "DOCKER_HOST": "unix:///nonexistent",
            **NO_PROXY,
            **self._mark,
        }
        self._environment = environment
        self._launch(uv, offline=True)

    def wait_ready(self, *, seconds: float = START_SECONDS) -> None:
        """Wait until it answers. Raises LocalStackError, with the end of its log, where it ended or took too long."""
        if self._process is None:
            raise LocalStackError("the emulator was not started")
        deadline = time.monotonic() + seconds
        while not self._answers():
            code = self._process.poll()
            if code is not None and self._offline:
                self._process.stop(seconds=0)
                self._launch(find_uv(self._project), offline=False)
            elif code is not None:
                raise LocalStackError(f"the emulator ended with exit status {code} while starting.\n{self._log_tail()}")
            if time.monotonic() > deadline:
                raise LocalStackError(f"the emulator did not answer within {seconds:.0f} s.\n{self._log_tail()}")
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """End the process group; what S3 holds stays in the state folder."""
        if self._process is not None:
            self._process.stop(seconds=STOP_SECONDS)

    def ended(self) -> bool:
        """Whether it was started and has ended since, without being stopped."""
        return self._process is not None and self._process.poll() is not None

    def restart(self) -> None:
        """Start again, at the same port, after its end. Raises LocalStackError."""
        if self._process is not None:
            # What is left of its group may still hold the port.
            self._process.stop(seconds=0)
        self._launch(find_uv(self._project), offline=True)
        self.wait_ready()

    @property
    def pid(self) -> int | None:
        """The process id of its group; None before the start."""
        return None if self._process is None else self._process.pid

    def _launch(self, uv: str, *, offline: bool) -> None:
        # The first start fetches the packages; every later one is half a second faster, and possible at all without a
        # network, when uv does not ask the index again.
        self._offline = offline
        mend_torn_writes(self._state / "s3")
        extras = [argument for companion in COMPANIONS for argument in ("--with", companion)]
        mode = ["--offline"] if offline else []
        with self.log_path.open("ab") as log:
            self._process = ChildProcess.start(
                [uv, "tool", "run", *mode, *extras, "--from", MINISTACK, "ministack"],
                reaper=self._reaper,
                cwd=self._state,
                environment=self._environment,
                log=log,
            )

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", HEALTH_PATH)
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _log_tail(self) -> str:
        tail = self.log_path.read_bytes()[-_LOG_TAIL_BYTES:].decode(errors="replace").strip()
        return f"The end of {self.log_path}:\n{tail or '(it is empty)'}"


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def find_uv(project: Path | None = None) -> str:
    """The uv to use: the one named in UV, the one on PATH, or the one that make put into the project.

    Raises LocalStackError.
    """
    made = (project or find_project()) / ".tools" / "uv" / "bin" / "uv"
    for candidate in (os.environ.get("UV"), shutil.which("uv"), str(made)):
        if candidate and Path(candidate).is_file():
            return candidate
    raise LocalStackError(
        "uv is not on PATH and UV does not name it: install it (https://docs.astral.sh/uv/), or use make, which does"
    )
