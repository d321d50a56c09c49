"""A workflow: ordered jobs under one name."""

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator

from flowforge.model.base import Document
from flowforge.model.errors import ConfigFault
from flowforge.model.gold_query import query_problem
from flowforge.model.job import Job, JobType
from flowforge.model.layer import LAYERS_OF_TABLES, Layer
from flowforge.model.names import Identifier, Slug, with_slug
from flowforge.model.quality_rule import ReferentialParameters
from flowforge.model.refused_options import refusal_of, without_harmless_options
from flowforge.model.step import Step
from flowforge.model.table_names import table_names
from flowforge.model.table_reference import resolve

MAX_JOBS = 200
"""An execution's history holds 25,000 events; a job takes 27, and 111 where each step used every retry of Lambda and moved to
Fargate, 8 more where it has an order group of its own (docs/adr/0018-two-hundred-jobs.md)."""


MADE_BY = {
    Layer.SOURCE: Step.BRONZE_INGEST,
    Layer.BRONZE: Step.BRONZE_INGEST,
    Layer.SILVER: Step.SILVER_TRANSFORM,
    Layer.GOLD: Step.GOLD_PUBLISH,
}
"""The step after which a layer can be read."""


class ArrivalTrigger(Document):
    """A file that arrives starts an execution on exactly that file; of one job, or without ``job_id`` of any job."""

    type: Literal["arrival"]
    job_id: Identifier | None = None


class Workflow(Document):
    """What a person defines and runs. Slugs of jobs are unique, and so are their Gold datasets."""

    schema_version: int = 1
    id: Identifier
    name: Annotated[str, Field(min_length=1, max_length=200)]
    slug: Slug
    description: str = ""
    triggers: tuple[ArrivalTrigger, ...] = ()
    jobs: Annotated[tuple[Job, ...], Field(min_length=1, max_length=MAX_JOBS)]

    @model_validator(mode="before")
    @classmethod
    def _slug_follows_from_the_name(cls, value: object) -> object:
        return with_slug(value)

    @model_validator(mode="after")
    def _jobs_are_distinct(self) -> Self:
        for field, values in (
            ("id", [job.id for job in self.jobs]),
            ("slug", [job.slug for job in self.jobs]),
            (
                "Gold dataset",
                [f"{job.destination_config.gold_config.domain}/{job.dataset}" for job in self.jobs],
            ),
        ):
            twice = sorted({value for value in values if values.count(value) > 1})
            if twice:
                raise ValueError(f"jobs: the {field} {', '.join(twice)} belongs to more than one job")
        return self

    @model_validator(mode="after")
    def _tables_are_distinct(self) -> Self:
        for layer in LAYERS_OF_TABLES:
            names = [name for job in self.jobs for name in table_names(self.slug, job, layer)]
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"jobs: the {layer} table {', '.join(twice)} belongs to more than one job: state a tableName")
        return self

    @model_validator(mode="after")
    def _triggers_name_jobs_once(self) -> Self:
        named = [trigger.job_id for trigger in self.triggers]
        unknown = sorted({job_id for job_id in named if job_id is not None} - {job.id for job in self.jobs})
        if unknown:
            raise ValueError(f"triggers: the workflow has no job {', '.join(unknown)}")
        reading_tables = [job.id for job in self.jobs if job.id in named and job.type is JobType.GOLD_ANALYTICS]
        if reading_tables:
            raise ValueError(f"triggers: no file arrives for {', '.join(reading_tables)}, which reads tables")
        if len(set(named)) != len(named) or (None in named and len(named) > 1):
            raise ValueError("triggers: the arrival of a job's files stands there more than once")
        return self

    @model_validator(mode="after")
    def _jobs_read_what_ran_before(self) -> Self:
        by_slug, by_id = {job.slug: job for job in self.jobs}, {job.id: job for job in self.jobs}
        for job in self.jobs:
            for option, reference in tables_read(job):
                table = resolve(reference, self.slug)
                if table.workflow_slug == self.slug:
                    _require_before(job, by_slug.get(table.job_slug), Layer.SILVER, reference, f"{option} of {job.id}")
            for rule in job.validation_config.reconciliation_rules:
                for other, layer in ((rule.source_job, rule.source_layer), (rule.target_job, rule.target_layer)):
                    if other not in (None, job.id):
                        where = f"reconciliationRules: {rule.name} of {job.id}"
                        _require_before(job, by_id.get(str(other)), layer, str(other), where)
        return self

    def starts_on_arrival(self, job_id: str) -> bool:
        """Whether a file of this job starts an execution."""
        return any(trigger.job_id in (None, job_id) for trigger in self.triggers)

    def job(self, job_id: str) -> Job:
        """The job of that id. Raises ConfigFault where there is none."""
        for job in self.jobs:
            if job.id == job_id:
                return job
        raise ConfigFault(f"workflow {self.id} has no job {job_id}; it has {', '.join(job.id for job in self.jobs)}")


def tables_read(job: Job) -> Iterator[tuple[str, str]]:
    """The Silver tables that a job reads besides its own, each behind the option that names it."""
    for lookup in job.transformation_config.lookups:
        yield f"lookups[{lookup.name}].sourceTable", lookup.source_table
    for rule in job.validation_config.data_quality_rules:
        parameters = rule.parsed
        if isinstance(parameters, ReferentialParameters):
            yield f"dataQualityRules[{rule.label}].parameters.table", parameters.table
    for alias, reference in job.destination_config.gold_config.tables.items():
        yield f"goldConfig.tables.{alias}", reference


def _require_before(job: Job, other: Job | None, layer: Layer, named: str, where: str) -> None:
    """Raise ValueError where a layer of another job is not there before a job that reads it."""
    if other is None or MADE_BY[layer] not in other.steps:
        raise ValueError(f"{where}: the workflow has no {layer} of {named}")
    if other.order >= job.order:
        raise ValueError(f"{where}: {other.id} has to run before; give it a lower order than {job.order}")


def read_workflow(definition: object, *, origin: str) -> Workflow:
    """Validate a definition that was read from YAML or JSON, with the SQL in it.

    Raises ConfigFault with one line per wrong field; ``origin`` names where the definition came from.
    """
    try:
        workflow = Workflow.model_validate(without_harmless_options(definition))
    except ValidationError as error:
        problems = error.errors()
        # pydantic drops the jobs that are wrong and then finds too few of them.
        if any(problem["loc"][:1] == ("jobs",) and len(problem["loc"]) > 1 for problem in problems):
            problems = [problem for problem in problems if (problem["loc"], problem["type"]) != (("jobs",), "too_short")]
        lines = [
            describe_problem(problem["loc"], refusal_of(problem["loc"], problem["input"]) or problem["msg"])
            for problem in problems
        ]
        raise ConfigFault(f"{origin}: " + "; ".join(lines), option=lines[0].partition(":")[0]) from error
    for number, job in enumerate(workflow.jobs):
        gold = job.destination_config.gold_config
        problem_of_sql = query_problem(gold) if gold.sql is not None else None
        if problem_of_sql:
            option = f"jobs[{number}].destinationConfig.goldConfig.sql"
            raise ConfigFault(f"{origin}: {option}: {problem_of_sql}", option=option)
    return workflow


def describe_problem(location: tuple[int | str, ...], message: str) -> str:
    """One line for one problem of a definition: where it stands, and what is wrong with it."""
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")
    what = message.removeprefix("Value error, ")
    if what == "Extra inputs are not permitted":
        what = "unknown here, or not supported by this version"
    return f"{where}: {what}" if where else what
