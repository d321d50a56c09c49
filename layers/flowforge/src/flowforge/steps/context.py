"""What a step knows before it reads any data: its request, its plan, its job."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from flowforge.lake.lake import Lake
from flowforge.model.contract import Contract
from flowforge.model.job import Job
from flowforge.model.layer import Compression
from flowforge.model.lineage import Lineage
from flowforge.model.plan import JobPlan, Plan
from flowforge.model.reconciliation import ReconciliationOutcome
from flowforge.model.step import (
    Counts,
    PublishedObject,
    RuleOutcome,
    Step,
    StepRequest,
    StepResult,
)

RUN_ID_METADATA = "flowforge.run_id"
EXECUTION_ID_METADATA = "flowforge.execution_id"
PLANNED_AT_METADATA = "flowforge.planned_at"
CONTRACT_VERSION_METADATA = "flowforge.contract_version"
WORKFLOW_ID_METADATA = "flowforge.workflow_id"
JOB_ID_METADATA = "flowforge.job_id"


@dataclass(frozen=True)
class StepContext:
    """A request with the plan it points to."""

    lake: Lake
    request: StepRequest
    plan: Plan
    planned: JobPlan
    started: float = field(default_factory=time.monotonic)
    results: dict[Step, StepResult] = field(default_factory=dict)
    """Of earlier steps of the same job, as far as they were read."""

    @property
    def job(self) -> Job:
        """The job's definition, as planned."""
        return self.planned.job

    @property
    def run_id(self) -> str:
        """The run's id, as planned."""
        return self.planned.run_id

    @property
    def planned_at(self) -> datetime:
        """The run's only clock."""
        return self.plan.planned_at

    @property
    def slugs(self) -> tuple[str, str]:
        """The slugs of workflow and job, which begin most keys."""
        return self.plan.workflow_slug, self.job.slug

    @property
    def compression(self) -> Compression:
        """The codec of the step's Parquet files."""
        layers = self.job.destination_config
        return {
            Step.BRONZE_INGEST: layers.bronze_config,
            Step.SILVER_TRANSFORM: layers.silver_config,
            Step.GOLD_PUBLISH: layers.gold_config,
        }[self.request.step].compression

    def metadata(self, layer: str, contract: Contract | None = None) -> dict[str, str]:
        """The key-value metadata of a Parquet file: where its rows come from."""
        values = {
            "flowforge.layer": layer,
            WORKFLOW_ID_METADATA: self.plan.workflow_id,
            JOB_ID_METADATA: self.job.id,
            EXECUTION_ID_METADATA: self.plan.execution_id,
            RUN_ID_METADATA: self.run_id,
            PLANNED_AT_METADATA: self.planned_at.isoformat(),
        }
        if contract is not None:
            values[CONTRACT_VERSION_METADATA] = str(contract.version)
        return values

    def result(
        self,
        counts: Counts,
        outputs: Sequence[PublishedObject],
        *,
        read_bytes: int,
        contract: Contract | None = None,
        rules: Sequence[RuleOutcome] = (),
        reconciliation: Sequence[ReconciliationOutcome] = (),
        notes: Sequence[str] = (),
        head: Literal["current", "superseded", "none"] = "none",
        table_version: int | None = None,
        lineage: Lineage | None = None,
    ) -> StepResult:
        """The answer of the step."""
        return StepResult(
            execution_id=self.plan.execution_id,
            job_id=self.job.id,
            run_id=self.run_id,
            step=Step(self.request.step),
            planned_at=self.planned_at,
            counts=counts,
            outputs=tuple(outputs),
            head=head,
            table_version=table_version,
            contract_version=contract.version if contract else None,
            rules=tuple(rules),
            reconciliation=tuple(reconciliation),
            notes=tuple(notes),
            lineage=lineage or Lineage(),
            read_bytes=read_bytes,
            duration_seconds=round(time.monotonic() - self.started, 3),
            finished_at=datetime.now(UTC),
        )
