"""One job over a lake: lands files, plans, runs steps, reads tables. What the tests of the steps have in common."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends

from catalogs import cloned_catalog
from flowforge.lake import keys
from flowforge.lake.heads import read_head
from flowforge.lake.lake import Lake
from flowforge.lake.table_records import read_table_record
from flowforge.model.plan import ExecutionInput, PlanRequest
from flowforge.model.replay import Replay, ReplayedRow
from flowforge.model.step import Step, StepRequest, StepResult
from flowforge.model.workflow import read_workflow
from flowforge.orchestration.planning import plan_execution
from flowforge.steps.run_step import run_step

REGION = "us-east-1"
WORKFLOW_ID = "wf_shop"
JOB_ID = "job_orders"
DAWN = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


def create_bucket(lake: Lake) -> None:
    """Make the lake's bucket, versioned as the product's is."""
    lake.client.create_bucket(Bucket=lake.bucket)
    lake.client.put_bucket_versioning(Bucket=lake.bucket, VersioningConfiguration={"Status": "Enabled"})


def cloned(lake: Lake, name: str) -> Lake:
    """Another bucket with the same objects, made within the server: faster than running the steps before again.

    Where the lake has a catalog, the clone has one of its own that says the same of its own bucket.
    """
    clone = Lake(f"{lake.bucket}-{name}", lake.client, lake.storage_options, cloned_catalog(lake, name))
    create_bucket(clone)
    buckets = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets
    for key, versions in list(buckets[lake.bucket].keys.lists()):
        buckets[clone.bucket].keys.setlist(key, list(versions))
    return clone


@dataclass
class Run:
    """A planned execution of the lab's job."""

    lab: "Lab"
    execution_id: str
    plan_key: str

    def request(self, step: Step, job_id: str = JOB_ID) -> StepRequest:
        """The request of one step."""
        return StepRequest(schema_version=1, execution_id=self.execution_id, job_id=job_id, step=step, plan_key=self.plan_key)

    def step(self, step: Step, *, job_id: str = JOB_ID) -> StepResult:
        """Run one step."""
        return run_step(self.request(step, job_id), self.lab.lake)

    def bronze(self) -> StepResult:
        """Run the first step."""
        return self.step(Step.BRONZE_INGEST)

    def silver(self) -> StepResult:
        """Run the first two steps and answer with the second's result."""
        self.bronze()
        return self.step(Step.SILVER_TRANSFORM)

    def gold(self) -> StepResult:
        """Run all three steps and answer with the last one's result."""
        self.silver()
        return self.step(Step.GOLD_PUBLISH)


@dataclass
class Lab:
    """A workflow "Shop" with one job "Orders", and others where a test needs them."""

    lake: Lake
    job: dict[str, Any] = field(default_factory=dict)
    silver: dict[str, Any] = field(default_factory=dict)
    gold: dict[str, Any] = field(default_factory=dict)
    others: list[dict[str, Any]] = field(default_factory=list)
    _runs: int = 0

    def definition(self) -> dict[str, Any]:
        """The workflow's definition with what the test set."""
        job = {
            "id": JOB_ID,
            "name": "Orders",
            "destinationConfig": {"silverConfig": self.silver, "goldConfig": self.gold},
            **self.job,
        }
        return {"id": WORKFLOW_ID, "name": "Shop", "jobs": [*self.others, job]}

    def land(self, name: str, content: str | bytes, *, job_id: str = JOB_ID) -> str:
        """Put a file into the job's landing folder; its key."""
        key = keys.landing_key(WORKFLOW_ID, job_id, name)
        body = content.encode() if isinstance(content, str) else content
        self.lake.client.put_object(Bucket=self.lake.bucket, Key=key, Body=body)
        return key

    def plan(self, *file_keys: str, hours: int | None = None, others: dict[str, tuple[str, ...]] | None = None) -> Run:
        """Plan an execution over these files, ``hours`` after dawn (each run an hour after the one before)."""
        given = ExecutionInput(workflow_id=WORKFLOW_ID, files=({JOB_ID: file_keys} if file_keys else {}) | (others or {}))
        return self._planned(given, f"exec_{self._runs + 1}", hours)

    def rebuild(self, *, hours: int | None = None) -> Run:
        """Plan to make the job's Silver anew from stored Bronze."""
        given = ExecutionInput(workflow_id=WORKFLOW_ID, rebuild=JOB_ID)
        return self._planned(given, f"exec_{self._runs + 1}", hours)

    def replay(self, quarantine_key: str, *rows: ReplayedRow, hours: int | None = None) -> Run:
        """Plan to take rows of a quarantine through again."""
        seen = self.lake.head(quarantine_key)
        assert seen is not None
        document = Replay(
            workflow_id=WORKFLOW_ID, job_id=JOB_ID, quarantine_key=quarantine_key, quarantine_etag=seen.etag, rows=rows
        )
        key = keys.replay_key(document.execution_id)
        self.lake.overwrite(key, document.to_json())
        return self.replay_of(key, document.execution_id, hours=hours)

    def replay_of(self, key: str, execution_id: str, *, hours: int | None = None) -> Run:
        """Plan the replay that lies under a key."""
        return self._planned(ExecutionInput(workflow_id=WORKFLOW_ID, replay=key), execution_id, hours)

    def _planned(self, given: ExecutionInput, execution_id: str, hours: int | None) -> Run:
        self._runs += 1
        workflow = read_workflow(self.definition(), origin="the test")
        request = PlanRequest(
            execution_id=execution_id,
            started_at=DAWN + timedelta(hours=self._runs if hours is None else hours),
            input=given,
        )
        plan = plan_execution(request, self.lake, lambda _: workflow)
        return Run(self, request.execution_id, keys.plan_key(plan.execution_id))

    def ingest(self, content: str, *, name: str = "orders.csv", hours: int | None = None) -> Run:
        """Land one file and plan an execution over it."""
        return self.plan(self.land(name, content), hours=hours)

    def frame(self, key: str) -> pl.DataFrame:
        """The rows of a Parquet object."""
        return pl.read_parquet(self.lake.uri(key), storage_options=self.lake.storage_options, hive_partitioning=False)

    def silver_table(self) -> pl.DataFrame:
        """The Silver table as a reader finds it."""
        strategy = self.silver.get("mergeStrategy")
        if strategy in ("merge", "replace", "scd_type_2"):
            return self.frame(keys.silver_current_key("shop", "orders"))
        if strategy == "append":
            prefix = keys.silver_prefix("shop", "orders")
            record = read_table_record(self.lake, keys.silver_table_key("shop", "orders"))
            covered, made = (record.rebuild.covered, {record.rebuild.key}) if record.rebuild else ((), set())
            held = {key for files in record.compacted.values() for key in files}
            made |= set(record.compacted)
            dated = [key for key in self.keys_below(prefix) if keys.is_dated(key, prefix) and key not in held]
            runs = [key for key in dated if "rebuilt." not in key and "compacted." not in key]
            own = [key for key in runs if keys.run_of_silver(key, "shop", "orders") not in covered]
            return pl.concat(self.frame(key) for key in dated if key in made or key in own)
        head = read_head(self.lake, keys.silver_head_key("shop", "orders"))
        assert head is not None
        return self.frame(head.key)

    def keys_below(self, prefix: str) -> list[str]:
        """The keys of the objects below a prefix."""
        return [item.key for item in self.lake.list_objects(prefix)]
