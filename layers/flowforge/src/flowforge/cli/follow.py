"""Following an execution until it ends, by asking the service again and again, as with AWS."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from flowforge.cli.progress import Progress, progress_of

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient
    from mypy_boto3_stepfunctions.type_defs import DescribeExecutionOutputTypeDef

POLL_SECONDS = 0.2


def follow(
    stepfunctions: "SFNClient",
    execution_arn: str,
    show: Callable[[Progress], None],
    *,
    pause: Callable[[float], None] = time.sleep,
) -> "tuple[DescribeExecutionOutputTypeDef, Progress]":
    """Show the progress until the execution has ended; the answer is its last description and its last progress."""
    pages = stepfunctions.get_paginator("get_execution_history")
    while True:
        # Described first, so that the history of an ended execution is read whole.
        description = stepfunctions.describe_execution(executionArn=execution_arn)
        events = [event for page in pages.paginate(executionArn=execution_arn) for event in page["events"]]
        progress = progress_of(events)
        show(progress)
        if description["status"] != "RUNNING":
            return description, progress
        pause(POLL_SECONDS)
