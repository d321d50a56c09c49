"""Looks after the parts of a running stack: what was killed is started again, and what it forgot is created again."""

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from flowforge.local.emulator import Emulator
from flowforge.local.errors import LocalStackError
from flowforge.local.functions import FunctionHost
from flowforge.local.reaper import Reaper

if TYPE_CHECKING:
    from flowforge.local.postgres import Postgres

_LOOK_SECONDS = 0.25
_PAUSE_SECONDS = 5.0
logger = logging.getLogger(__name__)


class Supervisor:
    """A thread that watches emulator, database, guardian and idle functions until it is closed.

    ``on_restart`` creates what is declared.
    """

    def __init__(
        self,
        emulator: Emulator,
        reaper: Reaper,
        functions: FunctionHost,
        on_restart: Callable[[], None],
        database: "Postgres | None" = None,
    ) -> None:
        self._emulator = emulator
        self._reaper = reaper
        self._functions = functions
        self._on_restart = on_restart
        self._database = database
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="supervisor")
        self._thread.start()

    def close(self) -> None:
        """Look no further; a restart under way is waited for."""
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closing.wait(_LOOK_SECONDS):
            if self._reaper.renew():
                logger.warning("the guardian had ended; there is a new one")
            dead = self._functions.sweep()
            if dead:
                logger.warning("%d idle processes of functions had ended", dead)
            if self._database is not None and self._database.ended():
                logger.warning("PostgreSQL had ended; it is started again")
                try:
                    self._database.restart()
                except LocalStackError:
                    logger.exception("PostgreSQL did not come back")
                    self._closing.wait(_PAUSE_SECONDS)
            if self._emulator.ended():
                logger.warning("the emulator had ended; it is started again")
                try:
                    self._emulator.restart()
                    self._on_restart()
                except LocalStackError:
                    logger.exception("the emulator did not come back")
                    self._closing.wait(_PAUSE_SECONDS)
                else:
                    logger.info("the emulator is back")
