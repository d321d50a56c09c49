"""The plan of an execution, made once: a repeated request reads the stored one."""

import hashlib
from collections.abc import Sequence
from datetime import UTC
from itertools import groupby

from flowforge.lake import keys
from flowforge.lake.contracts import latest_contract
from flowforge.lake.lake import Lake, ObjectVersion
from flowforge.model.errors import ConfigFault, DataFault, RetryLater
from flowforge.model.job import Job, JobType
from flowforge.model.plan import (
    JobPlan,
    Plan,
    PlannedJob,
    PlanRequest,
    PlanResponse,
    SourceFile,
    TaskSize,
)
from flowforge.model.source import UploadMode
from flowforge.model.step import Step
from flowforge.model.tier_choice import StepTiers
from flowforge.model.workflow import Workflow
from flowforge.orchestration.definitions import Definitions
from flowforge.orchestration.source_shapes import seen_shape
from flowforge.orchestration.special_plans import read_replay, rebuild_plan, replay_plan
from flowforge.orchestration.tiers import choose_tiers

RUN_ID_HEX_DIGITS = 12
"""With the date in front: a job would need about 17 million runs a day for an even chance of one repetition."""


def plan_execution(request: PlanRequest, lake: Lake, definitions: Definitions) -> Plan:
    """Fix everything that a clock or a listing could change, and store it.

    Raises ConfigFault for an unknown or invalid workflow, DataFault where a job has no file, or one of an unknown format.
    """
    key = keys.plan_key(request.execution_id)
    stored = lake.read(key)
    if stored is None:
        workflow = definitions(request.input.workflow_id)
        plan = _plan(request, lake, workflow)
        if lake.write(key, plan.to_json()):
            # Whoever reads the lake alone finds its tables by the definitions that were planned last.
            lake.overwrite(keys.workflow_key(workflow.id), workflow.to_json())
            return plan
        stored = lake.read(key)
        if stored is None:
            raise RetryLater(f"{key} could not be stored")
    return Plan.model_validate_json(stored[0])


def plan_response(plan: Plan) -> PlanResponse:
    """What the state machine goes on with: the jobs by order group, and where their steps begin."""
    ordered = sorted(plan.jobs, key=lambda planned: planned.job.order)
    return PlanResponse(
        execution_id=plan.execution_id,
        plan_key=keys.plan_key(plan.execution_id),
        groups=tuple(
            tuple(PlannedJob(job_id=planned.job.id, tiers=_task_sizes(planned.tiers)) for planned in group)
            for _, group in groupby(ordered, key=lambda planned: planned.job.order)
        ),
    )


def run_id(request: PlanRequest, job: Job) -> str:
    """The id of a job's run: the day it was planned, and a hash of execution and job, the same in every try."""
    digest = hashlib.sha256(f"{request.execution_id}\n{job.id}".encode()).hexdigest()
    return f"{request.started_at.astimezone(UTC):%Y%m%d}-{digest[:RUN_ID_HEX_DIGITS]}"


def _plan(request: PlanRequest, lake: Lake, workflow: Workflow) -> Plan:
    known = {job.id for job in workflow.jobs}
    for option, named in (("files", set(request.input.files)), ("jobs", set(request.input.jobs))):
        if unknown := sorted(named - known):
            raise ConfigFault(f"the input names {option} of {unknown[0]}, which is no job of {workflow.id}", option=option)
    given = request.input
    if given.rebuild is not None:
        job = workflow.job(given.rebuild)
        return _plan_of(request, workflow, [rebuild_plan(lake, workflow, job, run_id(request, job))])
    if given.replay is not None:
        job = workflow.job(read_replay(lake, given.replay, workflow.id).job_id)
        return _plan_of(request, workflow, [replay_plan(lake, workflow, job, run_id(request, job), given.replay)])
    jobs = []
    for job in workflow.jobs:
        if given.jobs and job.id not in given.jobs:
            continue
        contract = latest_contract(lake, workflow.id, job.id)
        sources = tuple(_sources(lake, workflow, job, request.input.files.get(job.id)))
        jobs.append(
            JobPlan(
                job=job,
                run_id=run_id(request, job),
                sources=sources,
                tiers=choose_tiers(job, sources),
                contract_version=contract.version if contract else None,
            )
        )
    return _plan_of(request, workflow, jobs)


def _plan_of(request: PlanRequest, workflow: Workflow, jobs: Sequence[JobPlan]) -> Plan:
    return Plan(
        execution_id=request.execution_id,
        workflow_id=workflow.id,
        workflow_slug=workflow.slug,
        planned_at=request.started_at.astimezone(UTC),
        jobs=tuple(jobs),
    )


def _sources(lake: Lake, workflow: Workflow, job: Job, chosen: tuple[str, ...] | None) -> list[SourceFile]:
    """The job's files in the order in which they are read: as chosen, or in order of arrival; none where it reads tables."""
    if job.type is JobType.GOLD_ANALYTICS:
        if chosen is not None:
            raise ConfigFault(f"{job.name} reads tables by SQL, and the input names files for it", option="files")
        return []
    prefix = keys.landing_prefix(workflow.id, job.id)
    wanted = job.source_config.file_config
    if chosen is None:
        arrived = sorted(lake.list_objects(prefix), key=lambda item: (item.last_modified, item.key))
        names = [item.key for item in arrived if wanted.wants(item.key.removeprefix(prefix))]
    else:
        names = list(chosen)
    if not names:
        raise DataFault(f"{job.name}: no file under {prefix} matches {wanted.wanted!r}; upload one and run again")
    if len(names) > 1 and wanted.upload_mode is UploadMode.SINGLE:
        raise DataFault(
            f"{job.name}: uploadMode is 'single', and {len(names)} files under {prefix} match {wanted.wanted!r}; remove "
            "the others, name one by filePath, or let uploadMode be 'pattern'"
        )
    if len(set(names)) != len(names):
        raise ConfigFault(f"{job.name}: a file is named twice in the input", option="files")
    return [_source(lake, prefix, key, job) for key in names]


def _source(lake: Lake, prefix: str, key: str, job: Job) -> SourceFile:
    name = key.removeprefix(prefix)
    if not key.startswith(prefix) or "/" in name:
        raise ConfigFault(f"{key} is not a file under {prefix}, where this job reads", file=name, option="files")
    version: ObjectVersion | None = lake.head(key)
    if version is None:
        raise DataFault(f"{name} is not in landing ({key})", file=name)
    seen = seen_shape(lake, version, name, job.source_config)
    return SourceFile(
        key=key,
        name=name,
        etag=version.etag,
        version_id=version.version_id,
        size_bytes=version.size_bytes,
        format=seen.format,
        text_bytes=seen.text_bytes,
        scratch_bytes=seen.scratch_bytes,
        row_bytes=seen.row_bytes,
        columns=seen.columns,
    )


def _task_sizes(tiers: StepTiers) -> dict[Step, TaskSize]:
    return {
        step: TaskSize(tier=choice.tier, cpu=str(choice.cpu_units), memory=str(choice.memory_mib))
        for step, choice in tiers.chosen().items()
    }
