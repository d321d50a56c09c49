"""Compares what is recorded of runs with what runs, every few minutes, so that lost messages cost time and nothing else."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from flowforge.lake.lake import Lake
from flowforge.orchestration.completions import Completions
from flowforge.orchestration.reconciling import reconcile
from flowforge.orchestration.run_events import RunEvents
from flowforge.orchestration.start_queue import StartQueue
from flowforge.orchestration.starting import Starter

logger = Logger(service="reconcile")
starter = Starter.from_environment()
events = RunEvents(Lake.from_environment(), starter.database, StartQueue.from_environment(), Completions.from_environment())


@logger.inject_lambda_context(clear_state=True)
def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Bring the recorded state up to what Step Functions says, and start what should have been."""
    done = asdict(reconcile(starter, events, datetime.now(UTC)))
    logger.info("reconciled", **done)
    return done
