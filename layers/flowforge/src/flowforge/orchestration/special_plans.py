"""Plans of executions that read no file: a rebuild of Silver from stored Bronze, a replay of quarantined rows."""

from flowforge.lake.contracts import latest_contract
from flowforge.lake.lake import Lake
from flowforge.model.errors import ConfigFault
from flowforge.model.job import Job
from flowforge.model.plan import JobPlan
from flowforge.model.replay import Replay
from flowforge.model.workflow import Workflow
from flowforge.orchestration.stored_runs import bronze_sources, file_order, runs_of_the_table, stored_runs
from flowforge.orchestration.tiers import choose_tiers


def rebuild_plan(lake: Lake, workflow: Workflow, job: Job, run_id: str) -> JobPlan:
    """Make the job's Silver anew from the Bronze that is stored now. Raises ConfigFault where none is."""
    runs = runs_of_the_table(stored_runs(lake, workflow, job), job)
    sources = tuple(bronze_sources(runs))
    return JobPlan(
        job=job,
        run_id=run_id,
        sources=sources,
        tiers=choose_tiers(job, sources),
        contract_version=_contract_version(lake, workflow, job),
        rebuild=tuple(run for run, _ in runs),
        file_order=file_order(runs),
    )


def replay_plan(lake: Lake, workflow: Workflow, job: Job, run_id: str, key: str) -> JobPlan:
    """Take rows of the job's quarantine through again."""
    return JobPlan(
        job=job,
        run_id=run_id,
        sources=(),
        tiers=choose_tiers(job, ()),
        contract_version=_contract_version(lake, workflow, job),
        replay=key,
        file_order=file_order(stored_runs(lake, workflow, job)),
    )


def read_replay(lake: Lake, key: str, workflow_id: str) -> Replay:
    """The document of a replay. Raises ConfigFault where there is none, or one of another workflow."""
    stored = lake.read(key)
    if stored is None:
        raise ConfigFault(f"there is no replay under {key}", option="replay")
    try:
        replay = Replay.model_validate_json(stored[0])
    except ValueError as error:
        raise ConfigFault(f"{key} is no valid replay: {error}", file=key, option="replay") from error
    if replay.workflow_id != workflow_id:
        raise ConfigFault(f"{key} replays rows of {replay.workflow_id}, not of {workflow_id}", file=key, option="replay")
    return replay


def _contract_version(lake: Lake, workflow: Workflow, job: Job) -> int | None:
    contract = latest_contract(lake, workflow.id, job.id)
    return contract.version if contract else None
