"""The product at work in the benchmark: one job over a lake in a folder, by the same plan and steps as everywhere."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.folder_lake import FolderLake, link_lake
from bench.lineitem import KEY, TYPES, csv_path
from bench.workplace import Workplace
from flowforge.lake import keys
from flowforge.lake.lake import Lake
from flowforge.model.plan import ExecutionInput, PlanRequest
from flowforge.model.step import Step, StepRequest, StepResult
from flowforge.model.workflow import read_workflow
from flowforge.orchestration.planning import plan_execution
from flowforge.steps.context import StepContext
from flowforge.steps.run_step import read_plan, run_step

WORKFLOW_ID = "wf_bench"
JOB_ID = "job_lineitem"
MIDNIGHT = datetime(2026, 1, 1, tzinfo=UTC)
SUMS = {
    "sum_qty": "sum(l_quantity)",
    "sum_base_price": "sum(l_extendedprice)",
    "avg_qty": "avg(l_quantity)",
    "avg_price": "avg(l_extendedprice)",
    "avg_disc": "avg(l_discount)",
    "count_order": "count(*)",
}
"""The aggregates of TPC-H Q1 that are of plain columns; its other two are sums of products."""
PRICING_SUMMARY = {"aggregationEnabled": True, "aggregationGroupBy": ["l_returnflag", "l_linestatus"], "aggregates": SUMS}
MILLION_GROUPS = {
    "aggregationEnabled": True,
    "aggregationGroupBy": ["l_partkey", "l_suppkey"],
    "aggregates": {"quantity": "sum(l_quantity)", "price": "sum(l_extendedprice)", "orders": "count(*)"},
}
COPY: dict[str, Any] = {}


@dataclass(frozen=True)
class Job:
    """The job as the benchmark wants it: its strategy for Silver, and what Gold is."""

    strategy: str = "versioned"
    gold: "dict[str, Any] | None" = None

    def definition(self) -> dict[str, Any]:
        """The workflow's definition."""
        job = {
            "id": JOB_ID,
            "name": "Lineitem",
            "transformationConfig": {
                "columnMappings": [{"sourceColumn": name, "dataType": kind} for name, kind in TYPES.items()]
            },
            "destinationConfig": {
                "silverConfig": {"primaryKey": list(KEY), "mergeStrategy": self.strategy},
                "goldConfig": self.gold or COPY,
            },
        }
        return {"id": WORKFLOW_ID, "name": "Bench", "jobs": [job]}


@dataclass(frozen=True)
class Run:
    """A planned execution of the job."""

    lake: Lake
    execution_id: str
    plan_key: str

    def request(self, step: Step) -> StepRequest:
        """The request of one step."""
        return StepRequest(schema_version=1, execution_id=self.execution_id, job_id=JOB_ID, step=step, plan_key=self.plan_key)

    def step(self, step: Step) -> StepResult:
        """Run one step."""
        return run_step(self.request(step), self.lake)

    def context(self, step: Step) -> StepContext:
        """What a step knows before it reads any data."""
        plan = read_plan(self.lake, self.plan_key)
        return StepContext(lake=self.lake, request=self.request(step), plan=plan, planned=plan.job(JOB_ID))


def plan(lake: Lake, job: Job, files: Sequence[str], *, number: int = 1) -> Run:
    """Plan the ``number``-th execution, over these files of the landing folder."""
    workflow = read_workflow(job.definition(), origin="the benchmark")
    chosen = tuple(keys.landing_key(WORKFLOW_ID, JOB_ID, name) for name in files)
    request = PlanRequest(
        execution_id=f"exec_{number}",
        started_at=MIDNIGHT + timedelta(hours=number),
        input=ExecutionInput(workflow_id=WORKFLOW_ID, files={JOB_ID: chosen}),
    )
    return Run(lake, request.execution_id, keys.plan_key(plan_execution(request, lake, lambda _: workflow).execution_id))


def planned(lake: Lake, number: int = 1) -> Run:
    """An execution that was planned before."""
    return Run(lake, f"exec_{number}", keys.plan_key(f"exec_{number}"))


def land(root: Path, path: Path) -> str:
    """Let a file lie in the landing folder of a lake, by a hard link; its name."""
    target = root / keys.landing_key(WORKFLOW_ID, JOB_ID, path.name)
    target.parent.mkdir(parents=True, exist_ok=True)
    os.link(path, target)
    return path.name


def new_lake(workplace: Workplace, csv: Path, job: Job) -> Run:
    """An empty lake in the scratch folder in which a file has landed, and the execution over it."""
    root = workplace.scratch / "lake"
    return plan(FolderLake(root), job, [land(root, csv)])


def staged_lake(workplace: Workplace, size: str, step: Step, job: Job) -> Run:
    """A lake of the scratch folder in which the steps before this one have been run; see ``prepare_stages``."""
    root = workplace.scratch / "lake"
    link_lake(stage_path(workplace, size, step), root)
    lake = FolderLake(root)
    if job != Job():
        _define_anew(lake, job)
    return planned(lake)


def stage_path(workplace: Workplace, size: str, step: Step) -> Path:
    """Where the lake lies that is ready for a step."""
    return workplace.prepared / f"{size}-before-{step.value}"


def prepare_stages(workplace: Workplace, size: str) -> None:
    """Make the lakes that are ready for Silver and for Gold."""
    before_silver, before_gold = (stage_path(workplace, size, step) for step in (Step.SILVER_TRANSFORM, Step.GOLD_PUBLISH))
    if before_gold.exists():
        return
    making = workplace.prepared / f"making-{size}"
    shutil.rmtree(making, ignore_errors=True)
    shutil.rmtree(before_silver, ignore_errors=True)
    run = plan(FolderLake(making), Job(), [land(making, csv_path(workplace, size))])
    run.step(Step.BRONZE_INGEST)
    link_lake(making, before_silver)
    run.step(Step.SILVER_TRANSFORM)
    making.rename(before_gold)


def _define_anew(lake: Lake, job: Job) -> None:
    """Let the planned job be another one, for the steps that have not run."""
    run = planned(lake)
    [chosen] = read_workflow(job.definition(), origin="the benchmark").jobs
    document = read_plan(lake, run.plan_key)
    jobs = tuple(item.model_copy(update={"job": chosen}) for item in document.jobs)
    lake.overwrite(run.plan_key, document.model_copy(update={"jobs": jobs}).to_json())
