"""The worker's command line: the same request as on every tier, in three arguments."""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from pydantic import ValidationError

from flowforge.lake import keys
from flowforge.lake.lake import BUCKET_VARIABLE
from flowforge.model.step import Step, StepRequest

S3_SCHEME = "s3://"


@dataclass(frozen=True)
class Assignment:
    """What a worker is started for."""

    request: StepRequest
    bucket: str


def read_arguments(arguments: Sequence[str]) -> Assignment:
    """The request and its bucket. Ends the process with 2 and a usage message where they say none."""
    parser = _parser()
    given = parser.parse_args(arguments)
    bucket, key = _place_of(given.plan)
    bucket = bucket or os.environ.get(BUCKET_VARIABLE, "")
    execution_id = keys.execution_of_plan(key)
    if execution_id is None:
        _refuse(parser, f"--plan: {given.plan!r} is no plan; it ends in {keys.plan_key('EXECUTION')}")
    if not bucket:
        _refuse(parser, f"--plan: {given.plan!r} names no bucket, and {BUCKET_VARIABLE} is not set")
    try:
        request = StepRequest(schema_version=1, execution_id=execution_id, job_id=given.job, step=Step(given.step), plan_key=key)
    except ValidationError as error:
        _refuse(parser, "; ".join(f"{problem['input']!r}: {problem['msg']}" for problem in error.errors()))
    return Assignment(request, bucket)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("worker", description="Run one step of one job, as its plan says.", allow_abbrev=False)
    parser.add_argument("--step", required=True, choices=[step.value for step in Step], help="the step to run")
    parser.add_argument("--job", required=True, help="the job's id")
    parser.add_argument(
        "--plan", required=True, help=f"where the plan lies: s3://BUCKET/KEY, or the key in the bucket of {BUCKET_VARIABLE}"
    )
    return parser


def _place_of(plan: str) -> tuple[str, str]:
    """Bucket, empty where none is named, and key."""
    if not plan.startswith(S3_SCHEME):
        return "", plan
    bucket, _, key = plan.removeprefix(S3_SCHEME).partition("/")
    return bucket, key


def _refuse(parser: argparse.ArgumentParser, message: str) -> NoReturn:
    parser.error(message)
