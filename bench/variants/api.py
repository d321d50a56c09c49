"""The lists and details of the API over HTTP, with a thousand workflows and a hundred thousand executions in the database."""

import http.client
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import boto3
from sqlalchemy import event, text

from bench.child import Work
from bench.seeded_metadata import Seed, seed
from bench.workplace import Workplace
from flowforge.lake.lake import Lake
from flowforge.local.leftovers import mark_of
from flowforge.local.postgres import Postgres
from flowforge.local.postgres_binaries import remove_database_beside
from flowforge.local.reaper import Reaper
from flowforge.metadata.database import Database
from flowforge.metadata.database_settings import DatabaseSettings
from flowforge.metadata.upgrade import upgrade
from flowforge.model.environment import Environment
from flowforge.orchestration.dead_letters import DeadLetters
from flowforge.orchestration.machine import Machine
from flowforge.orchestration.run_door import RunDoor
from flowforge.orchestration.start_queue import StartQueue
from flowforge.orchestration.starting import Starter
from flowforge.web.laptop import LaptopApi, laptop_api
from flowforge.web.services import Services

WORKFLOWS, EXECUTIONS = 1_000, 100_000
REQUESTS = 15
SESSION = boto3.session.Session(aws_access_key_id="x", aws_secret_access_key="x", region_name="us-east-1")
NO_MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:none"
ROUTES = (
    "/api/workflows",
    "/api/workflows?includeLastExecution=true&page=15",
    "/api/workflows?search=workflow%2099",
    "/api/workflows/available-upstream",
    "/api/workflows/wf_7",
    "/api/workflows/wf_7/executions",
    "/api/orchestration/overview?timeZone=Europe/Berlin",
    "/api/orchestration/monitor",
    "/api/orchestration/monitor?page=1900",
    "/api/orchestration/monitor?status=failed&timeRange=30d",
    "/api/orchestration/monitor?search=workflow%2099",
    "/api/orchestration/monitor/exec_51",
    "/api/orchestration/monitor/performance?timeRange=7d",
    "/api/orchestration/monitor/performance?timeRange=90d&timeZone=Asia/Kolkata",
    "/api/data-assets/list",
    "/api/data-assets/list?qualityStatus=failed&layers=silver&search=orders",
    "/api/data-assets/9",
    "/api/data-assets/9/quality",
    "/api/data-assets/lineage?assetId=9",
    "/api/quality/rules",
    "/api/executions/exec_51/quality",
    "/api/quarantine",
    "/api/quarantine?workflowIds=wf_7",
    "/api/audit",
    "/api/tokens",
)


def lists_and_details(workplace: Workplace) -> Work:
    """Ask every route some times, one request after the other, on a kept connection."""
    state = workplace.scratch.resolve()
    mark = mark_of(state)
    reaper = Reaper(mark)
    server = Postgres(state, reaper, mark=mark, options={"fsync": "off"})
    server.start()
    server.wait_ready()
    database = Database(DatabaseSettings.of_url(server.url, pool_size=4), socket_seconds=None)
    upgrade(database)
    now = datetime.now(UTC)
    scaled = Seed(max(int(WORKFLOWS * workplace.scale), 10), max(int(EXECUTIONS * workplace.scale), 100), now)
    with database.transaction() as connection:
        seed(connection, scaled)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))

    def work() -> dict[str, Any]:
        try:
            with (
                _service() as endpoint,
                laptop_api(Services(database, Environment.DEV, _lake(endpoint), _door(endpoint, database)), 0) as api,
            ):
                return {"routes": [_measured(api, database, route) for route in ROUTES]}
        finally:
            database.close()
            server.stop()
            reaper.close()
            remove_database_beside(state)

    return work


def _measured(api: LaptopApi, database: Database, route: str) -> dict[str, Any]:
    queries: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        queries.append(statement)

    client = http.client.HTTPConnection(urlsplit(api.url).netloc)
    seconds, size = [], 0
    event.listen(database.engine, "before_cursor_execute", note)
    for _ in range(REQUESTS):
        queries.clear()
        began = time.perf_counter()
        client.request("GET", route, headers={"Authorization": f"Bearer {api.token}"})
        answer = client.getresponse()
        size = len(answer.read())
        seconds.append(time.perf_counter() - began)
        if answer.status != http.HTTPStatus.OK:
            raise RuntimeError(f"{route} answered {answer.status}")
    event.remove(database.engine, "before_cursor_execute", note)
    client.close()
    return {
        "route": route,
        "queries": len(queries),
        "median_ms": statistics.median(seconds) * 1000,
        "worst_ms": max(seconds) * 1000,
        "kilobytes": size / 1000,
    }


@contextmanager
def _service() -> Iterator[str]:
    """A server that answers when the overview asks whether the bucket is there."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answering)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()


def _lake(endpoint: str) -> Lake:
    return Lake.connect("data", SESSION, endpoint_url=endpoint)


def _door(endpoint: str, database: Database) -> RunDoor:
    """A door through which nothing is started here."""
    sqs, machines = SESSION.client("sqs", endpoint_url=endpoint), SESSION.client("stepfunctions", endpoint_url=endpoint)
    return RunDoor(StartQueue(endpoint, sqs), Starter(database, Machine(NO_MACHINE, machines)), DeadLetters(endpoint, sqs))


class _Answering(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        self.send_response(http.HTTPStatus.OK)
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Nothing."""
