"""The runs of a job whose Bronze is stored, as their results and plans under ``runs/`` tell."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from flowforge.lake import keys
from flowforge.lake.lake import Lake
from flowforge.model.errors import ConfigFault
from flowforge.model.job import Job
from flowforge.model.plan import Plan, SourceFile, StoredRun
from flowforge.model.silver_config import MergeStrategy
from flowforge.model.step import PublishedObject, Step, StepResult
from flowforge.model.workflow import Workflow

PARALLEL_READS = 16


def stored_runs(lake: Lake, workflow: Workflow, job: Job) -> list[tuple[StoredRun, tuple[PublishedObject, ...]]]:
    """The runs with their objects of Bronze, in the order of their plans. A rebuild has no Bronze of its own.

    A run whose Silver was refused as a whole is left out: it changed nothing, and what mended it came as a run of its own.
    """
    prefix = keys.bronze_prefix(workflow.slug, job.slug)
    listed = [item.key for item in lake.list_objects("runs/")]
    there = set(listed)
    taken = [
        key
        for key in keys.results_of(listed, job.id, Step.BRONZE_INGEST)
        if keys.refusal_key(keys.execution_of(key), job.id) not in there
    ]
    with ThreadPoolExecutor(PARALLEL_READS) as pool:
        found = pool.map(lambda key: _stored_run(lake, key, job.id), taken)
    runs = [item for item in found if item is not None and all(output.key.startswith(prefix) for output in item[1])]
    return sorted(runs, key=lambda item: (item[0].planned_at, item[0].run_id))


def _stored_run(lake: Lake, key: str, job_id: str) -> tuple[StoredRun, tuple[PublishedObject, ...]] | None:
    stored = lake.read(key)
    result = StepResult.model_validate_json(stored[0]) if stored else None
    plan = lake.read(keys.plan_key(result.execution_id)) if result else None
    if result is None or plan is None:
        return None
    planned = Plan.model_validate_json(plan[0]).job(job_id)
    if planned.rebuild is not None:
        return None
    bronze = result.outputs_of("bronze")
    run = StoredRun(
        run_id=result.run_id,
        planned_at=result.planned_at,
        is_replay=planned.replay is not None,
        files=tuple(source.name for source in planned.sources),
        objects=tuple(output.key for output in bronze),
    )
    return run, bronze


def runs_of_the_table(
    found: Sequence[tuple[StoredRun, tuple[PublishedObject, ...]]], job: Job
) -> list[tuple[StoredRun, tuple[PublishedObject, ...]]]:
    """The runs whose rows are the table: of a strategy that shows the newest run, that one and what was replayed since.

    Raises ConfigFault where no run has stored Bronze.
    """
    whole = [item for item in found if not item[0].is_replay]
    if not whole:
        raise ConfigFault(f"{job.name}: there is no stored Bronze to rebuild Silver from; run the workflow first")
    if job.destination_config.silver_config.merge_strategy not in (MergeStrategy.VERSIONED, MergeStrategy.REPLACE):
        return list(found)
    newest = whole[-1]
    return [newest, *(item for item in found if item[0].is_replay)]


def bronze_sources(runs: Sequence[tuple[StoredRun, tuple[PublishedObject, ...]]]) -> list[SourceFile]:
    """The objects of Bronze as the sources of a plan."""
    return [
        SourceFile(
            key=output.key,
            name=output.key.rpartition("/")[2],
            etag=output.etag,
            size_bytes=output.size_bytes,
            row_bytes=max(output.size_bytes / output.rows, 1.0) if output.rows else 1.0,
        )
        for _, outputs in runs
        for output in outputs
    ]


def file_order(runs: Sequence[tuple[StoredRun, tuple[PublishedObject, ...]]]) -> dict[str, tuple[str, ...]]:
    """The files of the runs that had several, by run."""
    return {run.run_id: run.files for run, _ in runs if len(run.files) > 1 and not run.is_replay}
