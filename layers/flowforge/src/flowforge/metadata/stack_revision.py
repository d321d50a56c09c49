"""The revision of a stage's database as a part of the application's stack, so that a release waits for it.

CloudFormation asks the function that runs this before it puts functions of a new release in place, and goes back when the answer
is a failure: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html (requests and responses).
"""

import json
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

from flowforge.metadata.database import Database
from flowforge.metadata.schema_check import problems_of
from flowforge.metadata.upgrade import downgrade, revision_of, revisions, upgrade
from flowforge.model.errors import ConfigFault

REQUEST_TYPE = "RequestType"
"""What every request of CloudFormation has, and no other."""
DELETE = "Delete"
RESOURCE_ID = "database-revision"
UPGRADE_CONNECTIONS = 2
"""One holds the lock of migrations, one migrates."""
ANSWER_SECONDS = 30
MAX_REASON_CHARACTERS = 1000
"""A response has at most 4,096 bytes."""

Put = Callable[[str, bytes], None]


def carry_out(database: Database, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Do one command: ``upgrade``, ``downgrade`` to a ``revision``, or ``check``. Raises ConfigFault, or as they do."""
    command = asked.get("command")
    if command == "check":
        with database.transaction() as connection:
            return {"revision": revision_of(connection), "problems": problems_of(connection)}
    if command == "upgrade":
        before, after = upgrade(database)
    elif command == "downgrade" and asked.get("revision"):
        before, after = downgrade(database, str(asked["revision"]))
    else:
        raise ConfigFault(
            'ask for {"command": "upgrade"}, {"command": "check"} or {"command": "downgrade", "revision": "0005"}',
            option="command",
        )
    return {"before": before, "after": after}


def answer_to_stack(database: Database, request: Mapping[str, Any], put: Put | None = None) -> dict[str, Any]:
    """Upgrade where a stack is created or updated, and tell CloudFormation how it ended, which waits for that.

    A database of a newer release is left as it is: the stack is on its way back to this release, whose code works with what the
    next one has added. So is the database of a stack that is deleted. The answer is what was told, without the address.
    """
    try:
        told = {"Status": "SUCCESS", "Reason": _upgraded(database, str(request[REQUEST_TYPE]))}
    except Exception as error:  # noqa: BLE001 -- whatever it was: unanswered, the stack would wait until its time is up
        told = {"Status": "FAILED", "Reason": f"{type(error).__name__}: {error}"[:MAX_REASON_CHARACTERS]}
    named = {name: request[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    body = {**told, **named, "PhysicalResourceId": request.get("PhysicalResourceId", RESOURCE_ID)}
    (put or _put)(str(request["ResponseURL"]), json.dumps(body).encode())
    return {"status": told["Status"], "reason": told["Reason"]}


def _upgraded(database: Database, kind: str) -> str:
    if kind == DELETE:
        return "the database stays as it is"
    with database.transaction() as connection:
        current = revision_of(connection)
    if current is not None and current not in revisions():
        return f"the database stays at {current}, which is of a newer release"
    before, after = upgrade(database)
    return f"the database is at {after}" if before == after else f"the database went from {before or 'nothing'} to {after}"


def _put(url: str, body: bytes) -> None:
    # The address is signed for requests without a type of content.
    request = urllib.request.Request(url, data=body, method="PUT", headers={"Content-Type": ""})  # noqa: S310 -- CloudFormation's
    urllib.request.urlopen(request, timeout=ANSWER_SECONDS).close()  # noqa: S310
