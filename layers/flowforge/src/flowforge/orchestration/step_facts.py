"""What a step's result tells beyond its state: tables, quality, comparisons, files and contracts, kept in the database.

Told twice, late or in any order, the rows end the same. Nothing here holds up the state of the run: each kind of fact has a
savepoint of its own, and one that cannot be read or kept is logged and left to the next telling.
"""

import json
import logging
from collections.abc import Callable

from sqlalchemy import Connection, select
from sqlalchemy.exc import DBAPIError

from flowforge.lake import keys
from flowforge.lake.contracts import read_contract
from flowforge.lake.lake import Lake
from flowforge.lake.lake_tables import LakeTable, job_tables
from flowforge.metadata import catalog_assets, quality_results
from flowforge.metadata.catalog_assets import PublishedTable
from flowforge.metadata.contract_index import note_contract
from flowforge.metadata.processed_files import FileVersion, begin_files, complete_files, end_files
from flowforge.metadata.run_state import record_step
from flowforge.metadata.schema import job_executions, workflows
from flowforge.metadata.schema.catalog import FileStatus
from flowforge.model.environment import Environment
from flowforge.model.errors import FlowForgeError
from flowforge.model.lineage import Lineage
from flowforge.model.plan import JobPlan, Plan
from flowforge.model.reconciliation import ReconciliationRecord
from flowforge.model.run_state import StepState
from flowforge.model.run_status import JobStatus
from flowforge.model.step import PublishedObject, RuleOutcome, Step, StepResult
from flowforge.orchestration.parent_tables import parent_tables
from flowforge.orchestration.table_facts import described_columns, table_facts

logger = logging.getLogger(__name__)


def record_step_facts(connection: Connection, plan: Plan, planned_job: JobPlan, result: StepResult, lake: Lake) -> bool:
    """Keep what a step's result tells of the catalog, of quality, reconciliation, processed files and contracts.

    Call it after ``run_state.record_step``, in the same transaction or a later one: the rows refer to the job's execution. The
    answer is whether everything was kept; False is no failure of the run, and telling the same result again mends it.

    It reads the step's lineage, the contract and heads (s3:GetObject on ``runs/``, ``contracts/``, ``silver/``, ``gold/``) and
    the tables' entries in the catalog (glue:GetTable in every layer's database). Raises only where the connection is lost.
    """
    told = _Telling(connection, plan, planned_job, lake)
    parts: list[tuple[str, Callable[[], None]]] = [
        ("the files", lambda: told.files(result)),
        ("the quality", lambda: told.quality(result.rules)),
        ("the comparisons", lambda: told.comparisons(result)),
        ("the contract", lambda: told.contract(result)),
    ]
    for table in told.tables(result):
        parts.append((f"the table {table.layer}.{table.name}", lambda table=table: told.table(table, result)))  # type: ignore[misc]
    kept = [_kept(connection, f"{what} of {result.step} of {plan.execution_id}/{result.job_id}", part) for what, part in parts]
    return all(kept)


def record_plan_facts(connection: Connection, plan: Plan) -> bool:
    """Take note that an execution reads the files of its plan: after ``run_state.record_plan``."""
    kept = [
        _kept(connection, f"the files of {plan.execution_id}/{planned.job.id}", _Telling(connection, plan, planned).begin)
        for planned in plan.jobs
    ]
    return all(kept)


def record_failure_facts(connection: Connection, plan: Plan, planned_job: JobPlan, message: str, lake: Lake) -> bool:
    """Keep what a job left that failed: its files, the comparisons that stopped it, the rules that refused its rows.

    Call it after ``run_state.record_job``. As ``record_step_facts`` otherwise.
    """
    told = _Telling(connection, plan, planned_job, lake)
    where = f"{plan.execution_id}/{planned_job.job.id}, which failed"
    kept = [
        _kept(connection, f"the files of {where}", lambda: told.failed_files(message)),
        _kept(connection, f"the comparisons of {where}", told.failed_comparisons),
        _kept(connection, f"the quarantine of {where}", told.refused),
    ]
    return all(kept)


def _kept(connection: Connection, what: str, part: Callable[[], None]) -> bool:
    """Whether a part was kept; where not, the transaction is as it was before the part."""
    try:
        with connection.begin_nested():
            part()
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        logger.warning("could not keep %s: %s", what, error.orig)
    except (FlowForgeError, ValueError) as error:
        # A document of the lake that is not valid raises a ValueError.
        logger.warning("could not keep %s: %s", what, error)
    else:
        return True
    return False


class _Telling:
    """What is told of one job of an execution, and where it goes."""

    def __init__(self, connection: Connection, plan: Plan, planned: JobPlan, lake: Lake | None = None) -> None:
        self.connection, self.plan, self.planned = connection, plan, planned
        self._lake = lake
        self.job_id = planned.job.id

    @property
    def lake(self) -> Lake:
        if self._lake is None:
            raise RuntimeError("a plan alone is told without a lake")
        return self._lake

    def tables(self, result: StepResult) -> list[LakeTable]:
        """The tables that the step wrote; what a rebuild took for its Bronze was written by others."""
        if self.planned.rebuild is not None and result.step is Step.BRONZE_INGEST:
            return []
        return [
            table
            for table in job_tables(self.plan.workflow_id, self.plan.workflow_slug, self.planned.job)
            if any(output.role == table.layer and table.has_place_for(output.key) for output in result.outputs)
        ]

    def table(self, table: LakeTable, result: StepResult) -> None:
        """Publish a table as it is now. It is looked at under the row's lock, so who looks last has seen the most."""
        environment: Environment = self.connection.execute(
            select(workflows.c.environment).where(workflows.c.id == self.plan.workflow_id)
        ).scalar_one()
        catalog_assets.lock(self.connection, table.layer, table.name, environment)
        facts = table_facts(self.lake, table, result)
        catalog_assets.publish(
            self.connection,
            PublishedTable(
                layer=table.layer,
                table_name=table.name,
                environment=environment,
                workflow_id=self.plan.workflow_id,
                job_id=self.job_id,
                location=self.lake.uri(table.prefix),
                columns=described_columns(facts, self._lineage(table, result).columns),
                parents=parent_tables(self.connection, self.plan.workflow_slug, self.planned.job, table.layer, table.name),
                row_count=facts.row_count,
                size_bytes=facts.size_bytes,
                contract_version=result.contract_version,
                run_id=result.run_id,
                execution_id=self.plan.execution_id,
                planned_at=result.planned_at,
                as_found=facts.columns is not None,
            ),
        )

    def _lineage(self, table: LakeTable, result: StepResult) -> Lineage:
        """The lineage of the step's own table; nothing is told of the columns of what was set aside."""
        if not result.outputs or result.outputs[0].role != table.layer:
            return Lineage()
        stored = self.lake.read(keys.lineage_key(self.plan.execution_id, self.job_id, result.step))
        return Lineage.model_validate_json(stored[0]) if stored else result.lineage

    def quality(self, rules: tuple[RuleOutcome, ...]) -> None:
        quality_results.record_quality(self.connection, self.plan.execution_id, self.job_id, rules)

    def comparisons(self, result: StepResult) -> None:
        quality_results.record_reconciliation(self.connection, self.plan.execution_id, self.job_id, result.reconciliation)

    def failed_comparisons(self) -> None:
        """The comparisons that a run stored before it failed by them, which left no result."""
        stored = self.lake.read(keys.reconciliation_key(self.plan.execution_id, self.job_id))
        if stored is not None:
            record = ReconciliationRecord.model_validate_json(stored[0])
            quality_results.record_reconciliation(self.connection, self.plan.execution_id, self.job_id, record.outcomes)

    def refused(self) -> None:
        """The rules and the quarantine of a run that was refused as a whole, as its word of the refusal tells."""
        stored = self.lake.read(keys.refusal_key(self.plan.execution_id, self.job_id))
        if stored is None:
            return
        word = json.loads(stored[0])
        self.quality(tuple(RuleOutcome.model_validate(rule) for rule in word.get("rules", ())))
        seen = self.lake.head(word["quarantineKey"])
        job = select(job_executions.c.redrive, job_executions.c.status).where(
            job_executions.c.execution_id == self.plan.execution_id, job_executions.c.job_id == self.job_id
        )
        state = self.connection.execute(job).first()
        if seen is None or state is None or state.status is not JobStatus.FAILED:
            return
        output = PublishedObject(
            role="quarantine", key=seen.key, etag=seen.etag, rows=word["quarantined"], size_bytes=seen.size_bytes
        )
        refused = StepState(
            execution_id=self.plan.execution_id,
            job_id=self.job_id,
            step=Step.SILVER_TRANSFORM,
            redrive=state.redrive,
            status=JobStatus.FAILED,
            rows_read=word["read"],
            rows_set_aside=word["quarantined"],
            outputs=[output.model_dump(mode="json", by_alias=True)],
        )
        record_step(self.connection, refused)

    def contract(self, result: StepResult) -> None:
        version = result.contract_version
        if version is None or result.step is not Step.SILVER_TRANSFORM:
            return
        contract = read_contract(self.lake, self.plan.workflow_id, self.job_id, version)
        note_contract(
            self.connection,
            self.plan.workflow_id,
            self.job_id,
            version,
            keys.contract_key(self.plan.workflow_id, self.job_id, version),
            column_count=len(contract.columns) if contract else None,
            by=contract.run_id if contract else "",
        )

    def landed(self, sha256: dict[tuple[str, str], str] | None = None) -> list[FileVersion]:
        """The landing files that the job reads; a rebuild and a replay read none."""
        if self.planned.rebuild is not None or self.planned.replay is not None:
            return []
        known = sha256 or {}
        return [
            FileVersion(item.key, item.etag, item.size_bytes, item.version_id, known.get((item.key, item.etag)))
            for item in self.planned.sources
        ]

    def begin(self) -> None:
        begin_files(self.connection, self.plan.workflow_id, self.job_id, self.plan.execution_id, self.landed())

    def files(self, result: StepResult) -> None:
        """Bronze tells the hashes of the files; they are completed when the job's last step is."""
        known: dict[tuple[str, str], str] = {}
        if result.step is Step.BRONZE_INGEST:
            stored = self.lake.read(keys.lineage_key(self.plan.execution_id, self.job_id, result.step))
            parents = Lineage.model_validate_json(stored[0]).parents if stored else result.lineage.parents
            known = {(parent.key, parent.etag): parent.sha256 for parent in parents if parent.sha256}
        tell = complete_files if result.step is self.planned.job.steps[-1] else begin_files
        tell(self.connection, self.plan.workflow_id, self.job_id, self.plan.execution_id, self.landed(known))

    def failed_files(self, message: str) -> None:
        self.begin()
        end_files(self.connection, self.plan.execution_id, self.job_id, FileStatus.FAILED, message)
