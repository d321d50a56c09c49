"""The roles of the steps grant what the steps really ask of S3: no more, no less.

Requests are seen on the wire, before S3, because the engine reads and writes without botocore.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import unquote

import boto3
import pytest

from disturbed_runs import STEPS, prepared
from flowforge.lake.lake import Lake
from flowforge.model.errors import CommitConflict
from flowforge.model.replay import ReplayedRow
from flowforge.model.silver_config import MergeStrategy
from flowforge.model.step import Step
from infrastructure.test_roles import prefixes
from lab import Run, create_bucket
from s3_faults import answering
from s3_proxy import FaultyProxy, Seen, faulty_proxy

ROLES = {
    Step.BRONZE_INGEST: "BronzeIngestRole",
    Step.SILVER_TRANSFORM: "SilverTransformRole",
    Step.GOLD_PUBLISH: "GoldPublishRole",
}
ACTIONS = ("s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload")
UNSEEN = {
    # The engine uploads files above 32 MB in parts, and gives them up when a sink fails.
    ("s3:AbortMultipartUpload", "_attempts"),
    # The race is lost at the first publish, that of the quarantine; archive and table are published by the same requests.
    ("s3:AbortMultipartUpload", "silver"),
}
Permission = tuple[str, str]


def needed(seen: Seen) -> Iterator[Permission]:
    """The permissions that a request needs, by action and first part of the key.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html (operations and permissions),
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html (multipart uploads),
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html (If-Match also needs GetObject).
    """
    folder = unquote(seen.path).strip("/").partition("/")[2].partition("/")[0]
    if seen.method in ("GET", "HEAD"):
        if "list-type" in seen.query:
            return
        yield "s3:GetObject", folder
    elif seen.method == "PUT" or (seen.method == "POST" and "delete" not in seen.query):
        yield "s3:PutObject", folder
        if "if-match" in seen.headers:
            yield "s3:GetObject", folder
        if source := seen.headers.get("x-amz-copy-source"):
            yield "s3:GetObject", unquote(source).strip("/").partition("/")[2].partition("/")[0]
    elif seen.method == "POST":
        yield from (("s3:DeleteObject", key.partition("/")[0]) for key in deleted_keys(seen.body))
    elif seen.method == "DELETE":
        yield "s3:AbortMultipartUpload" if "uploadId" in seen.query else "s3:DeleteObject", folder


def deleted_keys(body: bytes) -> list[str]:
    return [part.partition(b"</Key>")[0].decode() for part in body.split(b"<Key>")[1:]]


@pytest.fixture(scope="module")
def used(s3_url: str, aws: boto3.session.Session) -> dict[Step, set[Permission]]:
    """What each step needed in runs of every strategy, undisturbed and after a lost race."""
    found: dict[Step, set[Permission]] = {step: set() for step in Step}
    with faulty_proxy(s3_url) as proxy:
        # One that keeps runs apart and one that keeps a single object, with its archive.
        for strategy in (MergeStrategy.APPEND, MergeStrategy.VERSIONED, MergeStrategy.MERGE):
            lake = Lake.connect(f"data-roles-{strategy.value}", aws, endpoint_url=proxy.url)
            create_bucket(lake)
            run = prepared(lake, strategy, Step.BRONZE_INGEST)
            for step in STEPS:
                found[step] |= permissions_of(proxy, partial(lose, lake, run, step))
                found[step] |= permissions_of(proxy, partial(run.step, step))
        [quarantine] = run.lab.keys_below("quarantine/")[-1:]
        found[Step.BRONZE_INGEST] |= permissions_of(proxy, run.lab.replay(quarantine, ReplayedRow(number=1)).bronze)
    return found


def lose(lake: Lake, run: Run, step: Step) -> None:
    """Run a step whose publish is refused each time."""
    with answering(lake, "CompleteMultipartUpload", 412, "PreconditionFailed"), pytest.raises(CommitConflict):
        run.step(step)


def permissions_of(proxy: FaultyProxy, act: Callable[[], object]) -> set[Permission]:
    proxy.seen.clear()
    act()
    return {permission for seen in proxy.seen for permission in needed(seen)}


def granted(application: Mapping[str, Any], role: str) -> set[Permission]:
    return {(action, folder) for action in ACTIONS for folder in prefixes(application, role, action)}


@pytest.mark.parametrize("step", Step)
def test_the_role_of_a_step_grants_exactly_what_the_step_asks_for(
    application: Mapping[str, Any], used: dict[Step, set[Permission]], step: Step
) -> None:
    permissions = granted(application, ROLES[step])
    assert used[step] - permissions == set(), "the step would be refused"
    assert permissions - used[step] - UNSEEN == set(), "nobody asks for these"


def test_the_worker_may_do_what_the_steps_may_together(application: Mapping[str, Any]) -> None:
    together = set().union(*(granted(application, role) for role in ROLES.values()))
    assert granted(application, "WorkerRole") == together
