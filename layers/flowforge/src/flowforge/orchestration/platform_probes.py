"""Whether what the product stands on answers: asked at once, each with little time, by what the deployment has.

The database is not among them: who can ask has reached it.
"""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NoAnswer
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from flowforge.lake.lake import Lake
from flowforge.lake.service_errors import translate
from flowforge.model.errors import FlowForgeError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient

ANSWER_SECONDS = 3.0
PARTS_OF_ARN = 7
"""``arn:aws:states:region:account:stateMachine:name``; behind it stands an alias or the number of a version."""
Probe = Callable[[], None]
"""Asks, and raises FlowForgeError where it is not well."""


class Health(StrEnum):
    """``unknown``: this deployment has not told where it is."""

    OPERATIONAL = "operational"
    OUTAGE = "outage"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Found:
    """What a probe found: how long the answer took in milliseconds, or what was wrong."""

    health: Health
    milliseconds: int | None = None
    detail: str = ""


def lake_probe(lake: Lake) -> Probe:
    """The data bucket can be reached."""

    def ask() -> None:
        try:
            lake.client.head_bucket(Bucket=lake.bucket)
        except (ClientError, BotoCoreError) as error:
            raise translate(error, f"looking at the bucket {lake.bucket}") from error

    return ask


def state_machine_probe(arn: str, connect: "Callable[[], SFNClient]") -> Probe:
    """The state machine is there; of an alias the machine that it belongs to."""
    arn = ":".join(arn.split(":")[:PARTS_OF_ARN])

    def ask() -> None:
        try:
            connect().describe_state_machine(stateMachineArn=arn)
        except (ClientError, BotoCoreError) as error:
            raise translate(error, f"looking at the state machine {arn}", service="Step Functions") from error

    return ask


def queue_probe(url: str, connect: "Callable[[], SQSClient]") -> Probe:
    """A queue is there."""

    def ask() -> None:
        try:
            connect().get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
        except (ClientError, BotoCoreError) as error:
            raise translate(error, f"looking at the queue {url}", service="SQS") from error

    return ask


def stage_probes(machine_arn: str, queue_url: str, connect: Callable[[str], Any]) -> dict[str, Probe]:
    """The probes of a deployment by their names; ``connect`` makes the client of a service, once it is needed.

    They need states:DescribeStateMachine on the machine and sqs:GetQueueAttributes on the queue of wishes.
    """
    clients = cache(connect)
    return {
        "stateMachine": state_machine_probe(machine_arn, lambda: clients("stepfunctions")),
        "queue": queue_probe(queue_url, lambda: clients("sqs")),
    }


def ask_all(probes: Mapping[str, Probe]) -> dict[str, Found]:
    """Ask all at the same time; one that does not answer in three seconds is out."""
    if not probes:
        return {}
    pool = ThreadPoolExecutor(len(probes), thread_name_prefix="probe")
    ends = time.monotonic() + ANSWER_SECONDS
    try:
        asked = {name: pool.submit(_ask, probe) for name, probe in probes.items()}
        found = {}
        for name, answer in asked.items():
            try:
                found[name] = answer.result(timeout=max(ends - time.monotonic(), 0))
            except NoAnswer:
                found[name] = Found(Health.OUTAGE, detail=f"no answer in {ANSWER_SECONDS:.0f} seconds")
        return found
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _ask(probe: Probe) -> Found:
    began = time.monotonic()
    try:
        probe()
    except FlowForgeError as error:
        return Found(Health.OUTAGE, detail=str(error))
    return Found(Health.OPERATIONAL, round((time.monotonic() - began) * 1000))
