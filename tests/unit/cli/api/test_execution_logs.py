"""``flowforge execution logs`` reads pages on until there are no more; what an API tells comes as its route describes it."""

import json
from io import StringIO
from typing import Any, cast

from rich.console import Console

from flowforge.cli.api.client import Answer, Api
from flowforge.cli.api.session import Session
from flowforge.cli.execution_logs import print_logs


def line(message: str, **more: Any) -> dict[str, Any]:
    told = {"timestamp": "2026-11-23T12:00:00Z", "function": "bronze_ingest", "level": "INFO", "jobId": "orders", "step": None}
    return {**told, "message": message, **more}


class Told:
    """An API that tells these pages, one after the other, and keeps by which cursor each was asked for."""

    def __init__(self, *pages: tuple[list[dict[str, Any]], str | None, bool]) -> None:
        self.pages = list(pages)
        self.cursors: list[str | None] = []

    def get(self, path: str, *, limit: int, next: str | None) -> Answer:  # noqa: A002, ARG002 -- as the query is called
        assert path == "/api/executions/exec_1/logs"
        self.cursors.append(next)
        lines, following, complete = self.pages.pop(0)
        return Answer({"executionId": "exec_1", "lines": lines, "next": following, "isComplete": complete})


def printed(api: Told, *, as_json: bool = False, **options: Any) -> tuple[str, list[float]]:
    out, pauses = StringIO(), list[float]()
    session = Session(cast(Api, api), Console(file=out, width=200), Console(file=StringIO()), as_json)
    assert print_logs(session, "exec_1", **{"job_id": None, "follow": False, **options}, pause=pauses.append) == 0
    return out.getvalue(), pauses


def test_a_search_that_took_too_long_for_one_request_goes_on() -> None:
    api = Told(([line("one")], "c1", False), ([], "c2", False), ([line("two\x1b[2J", level=None)], "c3", True))
    assert printed(api) == (
        "2026-11-23T12:00:00Z INFO    bronze_ingest/orders  one\n"
        "2026-11-23T12:00:00Z         bronze_ingest/orders  two\\x1b[2J\n",
        [],
    )
    assert api.cursors == [None, "c1", "c2"]


def test_following_waits_for_more_until_the_execution_has_ended() -> None:
    api = Told(([line("one")], "c1", True), ([], "c1", True), ([line("two", jobId="items"), line("three")], None, True))
    told, pauses = printed(api, follow=True, job_id="orders", as_json=True)
    assert [json.loads(each)["message"] for each in told.splitlines()] == ["one", "three"]
    assert len(pauses) == 2
