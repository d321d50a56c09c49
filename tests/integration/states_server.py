"""A process that serves Step Functions over a journal, until it is killed. What the test of recovery runs.

Its one integration notes each call in a file, and answers when a file with the call's name lies beside it.
"""

import asyncio
import sys
import threading
from pathlib import Path
from typing import Any

from flowforge.local.http_server import BackgroundServer
from flowforge.local.states.api import states_route
from flowforge.local.states.fields import ArgumentNames
from flowforge.local.states.integrations import Call
from flowforge.local.states.journal import FolderJournal
from flowforge.local.states.service import StatesService


class WaitForFile:
    """``test:wait``: ends when the file ``Name`` is there."""

    arn = "arn:aws:states:::test:wait"
    resource_type = "test"
    resource = "wait"
    names = ArgumentNames(("Name",), ("Name",))

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def call(self, call: Call) -> Any:
        name = call.arguments["Name"]
        with (self._folder / "calls").open("a") as calls:
            calls.write(f"{name}\n")
        while not (self._folder / name).exists():
            await asyncio.sleep(0.01)
        return name


def main(folder: Path) -> None:
    service = StatesService([WaitForFile(folder)], journal=FolderJournal(folder / "executions"))
    server = BackgroundServer([states_route(service)], service.close)
    print(server.endpoint, flush=True)  # noqa: T201 -- the test reads it
    threading.Event().wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
