"""A run over a network that loses answers, refuses, stalls and cuts off ends as one over a good network.

A step that fails with an error that says "again" is run again, as the state machine does; any other error fails the test.
"""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from disturbed_runs import STEPS, elsewhere, over, prepared, state_of
from flowforge.lake.lake import Lake, StorageOptions
from flowforge.model.errors import CommitConflict, CommitUnknown, RetryLater
from flowforge.model.silver_config import MergeStrategy
from flowforge.model.step import Step
from lab import REGION, Run, create_bucket
from s3_proxy import FaultyProxy, Schedule, faulty_proxy

SEEDS = 25
FEW_SEEDS = 3
"""For a strategy that differs from another only in what Silver computes and in one more object."""
FAULTS = 4
PROBABILITY = 0.1
TRIES = 4 * FAULTS
READ_SECONDS = 0.3
AGAIN = (RetryLater, CommitConflict, CommitUnknown)


@pytest.fixture(scope="module")
def proxy(s3_url: str) -> Iterator[FaultyProxy]:
    with faulty_proxy(s3_url) as running:
        yield running


def through(proxy: FaultyProxy, lake: Lake, aws: boto3.session.Session) -> Lake:
    """The same bucket behind the proxy, by clients that give up soon and do not try again themselves."""
    client = aws.client(
        "s3",
        region_name=REGION,
        endpoint_url=proxy.url,
        config=Config(
            retries={"mode": "standard", "total_max_attempts": 1}, read_timeout=READ_SECONDS, s3={"addressing_style": "path"}
        ),
    )
    engine: StorageOptions = {"aws_endpoint_url": proxy.url, "max_retries": 0, "timeout": f"{READ_SECONDS}s"}
    return Lake(lake.bucket, client, lake.storage_options | engine)


def run_until_done(run: Run, step: Step) -> None:
    for _ in range(TRIES):
        try:
            run.step(step)
        except AGAIN:
            continue
        return
    raise AssertionError(f"{step} did not come through in {TRIES} tries")


CASES = [
    (strategy, seed) for strategy in MergeStrategy for seed in range(FEW_SEEDS if strategy is MergeStrategy.SCD_TYPE_2 else SEEDS)
]


@pytest.fixture(scope="module")
def beginning(s3_url: str, aws: boto3.session.Session) -> Callable[[MergeStrategy], tuple[Run, dict[str, Any]]]:
    """Per strategy a planned run over tables that an earlier one left, and what it leaves over a good network."""

    @functools.cache
    def begin(strategy: MergeStrategy) -> tuple[Run, dict[str, Any]]:
        lake = Lake.connect(f"data-faults-{strategy.value.replace('_', '-')}", aws, endpoint_url=s3_url)
        create_bucket(lake)
        start = prepared(lake, strategy, Step.BRONZE_INGEST, files=1)
        undisturbed = elsewhere(start, "undisturbed")
        undisturbed.gold()
        return start, state_of(undisturbed.lab)

    return begin


@pytest.mark.parametrize(("strategy", "seed"), CASES)
def test_whatever_the_network_does_no_row_is_truncated_missing_or_doubled(
    beginning: Callable[[MergeStrategy], tuple[Run, dict[str, Any]]],
    aws: boto3.session.Session,
    proxy: FaultyProxy,
    strategy: MergeStrategy,
    seed: int,
) -> None:
    start, expected = beginning(strategy)
    quiet = elsewhere(start, f"seed-{seed}")
    noisy = over(quiet, through(proxy, quiet.lab.lake, aws))
    with proxy.following(Schedule(seed, FAULTS, PROBABILITY)) as schedule:
        for step in STEPS:
            run_until_done(noisy, step)
    assert schedule.met
    assert state_of(quiet.lab) == expected, f"seed {seed}: {schedule.met}"
