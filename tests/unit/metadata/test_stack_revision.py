"""A stack is told how its database came to the release's revision, whatever happened to it."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from sqlalchemy import text

from databases import Server
from flowforge.metadata.database import Database
from flowforge.metadata.stack_revision import RESOURCE_ID, answer_to_stack, carry_out
from flowforge.metadata.upgrade import downgrade, revisions
from flowforge.model.errors import ConfigFault

REQUEST = {
    "RequestType": "Update",
    "ResponseURL": "https://example.com/signed",
    "StackId": "arn:stack",
    "RequestId": "unique",
    "LogicalResourceId": "DatabaseRevision",
    "PhysicalResourceId": RESOURCE_ID,
    "ResourceProperties": {"Release": "2611250102-a426108"},
}
NEWEST = revisions()[-1]


@pytest.fixture
def fresh(postgres: Server) -> Iterator[Database]:
    with postgres.opened(postgres.copy(), pool_size=2) as database:
        yield database


def told(database: Database, **changed: str) -> dict[str, Any]:
    """What a stack hears."""
    answers: list[tuple[str, Any]] = []
    answer_to_stack(database, {**REQUEST, **changed}, lambda url, body: answers.append((url, json.loads(body))))
    [(url, answer)] = answers
    assert url == REQUEST["ResponseURL"]
    assert {name: answer[name] for name in ("StackId", "RequestId", "LogicalResourceId", "PhysicalResourceId")} == {
        name: REQUEST[name] for name in ("StackId", "RequestId", "LogicalResourceId", "PhysicalResourceId")
    }
    return dict(answer)


def test_a_stack_goes_on_once_its_database_is_at_the_newest_revision(fresh: Database) -> None:
    downgrade(fresh, revisions()[-2])
    answer = told(fresh)
    assert answer["Status"] == "SUCCESS"
    assert f"from {revisions()[-2]} to {NEWEST}" in answer["Reason"]
    assert carry_out(fresh, {"command": "check"}) == {"revision": NEWEST, "problems": []}


def test_asked_again_the_answer_is_the_same_and_nothing_is_done(fresh: Database) -> None:
    assert told(fresh)["Reason"] == told(fresh)["Reason"] == f"the database is at {NEWEST}"


def test_a_stack_that_goes_back_to_this_release_leaves_a_newer_database_as_it_is(fresh: Database) -> None:
    with fresh.transaction() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    answer = told(fresh)
    assert (answer["Status"], answer["Reason"]) == ("SUCCESS", "the database stays at 9999, which is of a newer release")


def test_a_stack_that_is_deleted_leaves_its_database(fresh: Database) -> None:
    assert told(fresh, RequestType="Delete")["Status"] == "SUCCESS"
    assert carry_out(fresh, {"command": "check"})["revision"] == NEWEST


def test_a_database_that_cannot_be_upgraded_holds_the_release_and_says_why(fresh: Database) -> None:
    downgrade(fresh, revisions()[0])
    with fresh.transaction() as connection:
        connection.execute(text("DROP TABLE workflows CASCADE"))
    answer = told(fresh)
    assert answer["Status"] == "FAILED"
    assert "workflows" in answer["Reason"]


def test_the_answer_is_put_to_the_address_without_a_type_of_content(fresh: Database) -> None:
    # The address is signed, and the signature has none.
    seen: list[tuple[str, str | None, Any]] = []

    class Bucket(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen.append((self.path, self.headers["Content-Type"], json.loads(body)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nothing to standard error."""

    with HTTPServer(("127.0.0.1", 0), Bucket) as server:
        serving = threading.Thread(target=server.handle_request)
        serving.start()
        url = f"http://127.0.0.1:{server.server_port}/answer?signed=yes"
        assert answer_to_stack(fresh, {**REQUEST, "ResponseURL": url})["status"] == "SUCCESS"
        serving.join()
    [(path, kind, body)] = seen
    assert (path, kind, body["Status"]) == ("/answer?signed=yes", "", "SUCCESS")


def test_a_person_goes_down_and_up_and_is_told_of_an_unknown_command(fresh: Database) -> None:
    assert carry_out(fresh, {"command": "downgrade", "revision": revisions()[-2]})["after"] == revisions()[-2]
    assert carry_out(fresh, {"command": "upgrade"}) == {"before": revisions()[-2], "after": NEWEST}
    for asked in ({}, {"command": "downgrade"}, {"command": "drop"}):
        with pytest.raises(ConfigFault, match="upgrade"):
            carry_out(fresh, asked)
