"""From what was typed to what is run: one workflow, and its files by job and landing key."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from flowforge.cli.checked_options import one_of
from flowforge.cli.job_options import JobOptions, workflow_from_options
from flowforge.cli.source_files import landing_keys, matching_files, named_files
from flowforge.cli.usage import UsageError
from flowforge.cli.workflow_file import load_workflow
from flowforge.local.sample_data import write_sample
from flowforge.model.compression import unpacked_name
from flowforge.model.job import JobType
from flowforge.model.source_format import SourceFormat
from flowforge.model.workflow import Workflow

SAMPLE_WORKFLOW = Path("examples") / "shop" / "workflow.yaml"


@dataclass(frozen=True)
class Typed:
    """The sources and options of ``flowforge run`` as they were typed."""

    files: tuple[str, ...] = ()
    workflow: Path | None = None
    data: Path | None = None
    sample: bool = False
    job: JobOptions = field(default_factory=JobOptions)


@dataclass(frozen=True)
class RunRequest:
    """A workflow, and per job its files by landing key, in the order in which they are read."""

    workflow: Workflow
    files: Mapping[str, Mapping[str, Path]]


def request_from(typed: Typed, *, project: Path, state: Path) -> RunRequest:
    """Decide what to run. Touches no service, so that nothing is landed where something is wrong.

    Raises UsageError for options and files, ConfigFault for a workflow's definition.
    """
    _refuse_contradictions(typed)
    if typed.sample:
        workflow, folder = load_workflow(project / SAMPLE_WORKFLOW), state / "sample"
        write_sample(folder)
        files = matching_files(workflow, folder)
    elif typed.workflow is not None:
        workflow = load_workflow(typed.workflow)
        files = _files_of(workflow, typed.data)
    else:
        wanted = one_of("--format", typed.job.format or SourceFormat.AUTO.value, SourceFormat)
        paths = named_files(typed.files, wanted)
        workflow = workflow_from_options(typed.job, default_name=Path(unpacked_name(paths[0].name)).stem)
        files = {workflow.jobs[0].id: paths}
    return RunRequest(workflow, landing_keys(workflow, files))


def _files_of(workflow: Workflow, data: Path | None) -> dict[str, list[Path]]:
    """The files of a workflow's jobs; one whose jobs all read tables has none."""
    if data is not None:
        return matching_files(workflow, data)
    if any(job.type is not JobType.GOLD_ANALYTICS for job in workflow.jobs):
        raise UsageError("--workflow needs to know where its files lie: add --data FOLDER")
    return {}


def _refuse_contradictions(typed: Typed) -> None:
    sources = {"FILES": bool(typed.files), "--workflow": typed.workflow is not None, "--sample": typed.sample}
    given = [source for source, present in sources.items() if present]
    if len(given) > 1:
        raise UsageError(f"{' and '.join(given)} name two things to run; give one of them")
    if typed.data is not None and typed.workflow is None:
        raise UsageError("--data says where the files of a workflow lie: add --workflow FILE")
    if not given:
        raise UsageError("nothing to run: name FILES, or --workflow FILE with --data FOLDER, or --sample")
    if typed.job.given() and not typed.files:
        raise UsageError(f"{', '.join(typed.job.given())} describe the job of FILES; with {given[0]} its own fields do that")
