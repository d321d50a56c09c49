"""The only place where an S3 key is made."""

import re
from datetime import UTC, datetime
from pathlib import PurePosixPath

from flowforge.model.errors import ConfigFault
from flowforge.model.step import Step

ATTEMPTS = "_attempts/"
WORKFLOWS = "workflows/"
ATHENA_RESULTS = "_athena/"
MAX_FILE_NAME_BYTES = 255
COMPACTED_NAME, REBUILT_NAME = "compacted.", "rebuilt."
"""No run's file begins with them: that begins with a slug, which has no point."""
PLAN = re.compile(r"runs/([^/]+)/plan\.json")
DATED_FILE = re.compile(r"\d{8}/[^/]+\.parquet")

_QUARANTINED = re.compile(r"quarantine/([^/]+)/([^/]+)/(?:malformed/)?\d{8}/[^/]+\.parquet")
_RESULT = re.compile(rf"runs/(?P<execution>[^/]+)/(?P<job>[^/]+)/(?P<step>{'|'.join(Step)})\.json")
_MALFORMED = re.compile(r"quarantine/[^/]+/[^/]+/malformed/")


def workflow_key(workflow_id: str) -> str:
    """Where the definition of a workflow lies."""
    return f"{WORKFLOWS}{workflow_id}.json"


def workflow_of(key: str) -> str:
    """The id of the workflow whose definition lies under a key."""
    return key.removeprefix(WORKFLOWS).removesuffix(".json")


def safe_file_name(name: str) -> str:
    """The last part of a path given by a person, without what a key or a file system cannot hold.

    Raises ConfigFault where no name is left.
    """
    base = PurePosixPath(name.replace("\\", "/")).name
    base = "".join(character for character in base if character.isprintable())
    if base in ("", ".", ".."):
        raise ConfigFault(f"{name!r} is no file name", file=name)
    if len(base.encode()) > MAX_FILE_NAME_BYTES:
        raise ConfigFault(f"the file name {base[:40]!r}… is longer than {MAX_FILE_NAME_BYTES} bytes", file=name)
    return base


def owned_prefixes(workflow_id: str, workflow_slug: str) -> list[str]:
    """Below them lie the data of a workflow, all but its Gold, in the order in which they are removed: what is derived first."""
    by_slug = [f"{layer}/{workflow_slug}/" for layer in ("quarantine", "silver", "bronze")]
    return [*by_slug, f"contracts/{workflow_id}/", landing_folder(workflow_id)]


def landing_folder(workflow_id: str) -> str:
    """Below it lie the landing folders of a workflow's jobs."""
    return f"landing/{workflow_id}/"


def landing_prefix(workflow_id: str, job_id: str) -> str:
    """The only prefix below which a job reads files."""
    return f"{landing_folder(workflow_id)}{job_id}/"


def landing_key(workflow_id: str, job_id: str, file_name: str) -> str:
    """Where a file of a job lands, under its safe base name."""
    return landing_prefix(workflow_id, job_id) + safe_file_name(file_name)


def landed_file(key: str) -> tuple[str, str, str] | None:
    """The workflow's id, the job's id and the file's name; None for a key that is no file directly below a job's prefix."""
    folder, *rest = key.split("/")
    if folder != "landing" or len(rest) != len(("workflow", "job", "name")) or not all(rest):
        return None
    workflow_id, job_id, name = rest
    return workflow_id, job_id, name


def bronze_prefix(workflow_slug: str, job_slug: str) -> str:
    """Below it lies the Bronze of every run of a job."""
    return f"bronze/{workflow_slug}/{job_slug}/"


def run_of_bronze(key: str, workflow_slug: str, job_slug: str) -> str:
    """The run whose Bronze lies under a key."""
    name = key.rpartition("/")[2].removeprefix(f"{workflow_slug}_{job_slug}_")
    return name.rpartition("_v")[0]


def bronze_key(workflow_slug: str, job_slug: str, planned_at: datetime, run_id: str, sequence: int) -> str:
    """The Parquet of one source file of a run; ``sequence`` counts the files from 1."""
    name = f"{workflow_slug}_{job_slug}_{run_id}_v{sequence:03}.parquet"
    return f"{bronze_prefix(workflow_slug, job_slug)}{_date(planned_at)}/{name}"


def silver_prefix(workflow_slug: str, job_slug: str) -> str:
    """Below it lies everything of a Silver table."""
    return f"silver/{workflow_slug}/{job_slug}/"


def is_dated(key: str, prefix: str) -> bool:
    """Whether a key below a table's prefix is a run's file in a dated folder."""
    return bool(DATED_FILE.fullmatch(key.removeprefix(prefix)))


def silver_run_key(workflow_slug: str, job_slug: str, planned_at: datetime, run_id: str) -> str:
    """A run's rows, for the strategies that keep runs apart."""
    return f"{silver_prefix(workflow_slug, job_slug)}{_date(planned_at)}/{workflow_slug}_{job_slug}_{run_id}.parquet"


def run_of_silver(key: str, workflow_slug: str, job_slug: str) -> str:
    """The run whose rows lie under the key of a dated file."""
    return key.rpartition("/")[2].removeprefix(f"{workflow_slug}_{job_slug}_").removesuffix(".parquet")


def silver_rebuilt_key(workflow_slug: str, job_slug: str, planned_at: datetime, run_id: str) -> str:
    """The rows of all runs that a rebuild made anew, for the strategy that adds the rows of each run."""
    return f"{silver_prefix(workflow_slug, job_slug)}{_date(planned_at)}/{REBUILT_NAME}{run_id}.parquet"


def silver_compacted_key(workflow_slug: str, job_slug: str, day: str, digest: str) -> str:
    """The rows of several files of a day (``yyyymmdd``) in one; ``digest`` follows from the files."""
    return f"{silver_prefix(workflow_slug, job_slug)}{day}/{COMPACTED_NAME}{digest}.parquet"


def is_made_of_others(key: str) -> bool:
    """Whether a dated file of Silver is no run's own: a rebuild or a compaction made it."""
    return key.rpartition("/")[2].startswith((REBUILT_NAME, COMPACTED_NAME))


def silver_table_key(workflow_slug: str, job_slug: str) -> str:
    """What rebuilds and compactions made of a Silver table; there is none before the first."""
    return f"{silver_prefix(workflow_slug, job_slug)}_table.json"


def silver_manifest_prefix(workflow_slug: str, job_slug: str) -> str:
    """Below it lies, for each day that needs it, the list of the files that are read."""
    return f"{silver_prefix(workflow_slug, job_slug)}manifests/"


def silver_current_key(workflow_slug: str, job_slug: str) -> str:
    """The table of the strategies that keep one. It has no date: a merge must not forget at midnight."""
    return f"{silver_current_prefix(workflow_slug, job_slug)}{workflow_slug}_{job_slug}_current.parquet"


def silver_current_prefix(workflow_slug: str, job_slug: str) -> str:
    """The folder of the one object that is the table, with nothing else in it."""
    return f"{silver_prefix(workflow_slug, job_slug)}current/"


def silver_archive_key(workflow_slug: str, job_slug: str, run_id: str) -> str:
    """Where the table that a run wrote is kept once another run replaces it."""
    return f"{silver_archive_prefix(workflow_slug, job_slug)}{run_id}.parquet"


def silver_archive_prefix(workflow_slug: str, job_slug: str) -> str:
    """Below it lie the tables that were replaced."""
    return f"{silver_prefix(workflow_slug, job_slug)}archive/"


def silver_observed_prefix(workflow_slug: str, job_slug: str, generation: str) -> str:
    """Below it lie the rows that each run brought to a table since it began; ``generation`` is the run that began it."""
    return f"{silver_prefix(workflow_slug, job_slug)}observed/{generation}/"


def silver_observed_key(workflow_slug: str, job_slug: str, generation: str, run_id: str) -> str:
    """The rows that one run brought to a table in which equal rows that follow each other are one row."""
    return f"{silver_observed_prefix(workflow_slug, job_slug, generation)}{run_id}.parquet"


def silver_head_key(workflow_slug: str, job_slug: str) -> str:
    """Which run's rows are the table now."""
    return f"{silver_prefix(workflow_slug, job_slug)}_head.json"


def gold_key(domain: str, dataset: str, planned_at: datetime, run_id: str) -> str:
    """A run's published dataset."""
    return f"{gold_prefix(domain, dataset)}{_date(planned_at)}/{dataset}_{run_id}.parquet"


def gold_prefix(domain: str, dataset: str) -> str:
    """Below it lie all runs of a dataset."""
    return f"gold/{domain}/{dataset}/"


def gold_head_key(domain: str, dataset: str) -> str:
    """Which run's dataset is published now."""
    return f"{gold_prefix(domain, dataset)}_head.json"


def quarantine_prefix(workflow_slug: str, job_slug: str) -> str:
    """Below it lie the rows that the runs of a job set aside."""
    return f"quarantine/{workflow_slug}/{job_slug}/"


def quarantine_key(workflow_slug: str, job_slug: str, planned_at: datetime, run_id: str) -> str:
    """The rows that a run set aside."""
    name = f"{workflow_slug}_{job_slug}_{run_id}.parquet"
    return f"{quarantine_prefix(workflow_slug, job_slug)}{_date(planned_at)}/{name}"


def malformed_prefix(workflow_slug: str, job_slug: str) -> str:
    """Below it lie the records that the runs of a job could not read: a table of its own, since its columns are others."""
    return f"{quarantine_prefix(workflow_slug, job_slug)}malformed/"


def malformed_key(workflow_slug: str, job_slug: str, planned_at: datetime, run_id: str) -> str:
    """The records of a run's files that could not be read."""
    name = f"{workflow_slug}_{job_slug}_{run_id}.parquet"
    return f"{malformed_prefix(workflow_slug, job_slug)}{_date(planned_at)}/{name}"


def holds_malformed(key: str) -> bool:
    """Whether a key below the quarantine is that of records that could not be read."""
    return _MALFORMED.match(key) is not None


def run_of_quarantine(key: str, workflow_slug: str, job_slug: str) -> str:
    """The run that set aside what lies under the key."""
    return run_of_silver(key, workflow_slug, job_slug)


def slugs_of_quarantine(key: str) -> tuple[str, str] | None:
    """The slugs of the workflow and the job in whose quarantine a Parquet object lies; None for any other key."""
    found = _QUARANTINED.fullmatch(key)
    return (found[1], found[2]) if found else None


def contract_prefix(workflow_id: str, job_id: str) -> str:
    """Below it lie the versions of a job's contract."""
    return f"contracts/{workflow_id}/{job_id}/"


def contract_key(workflow_id: str, job_id: str, version: int) -> str:
    """One version of a job's contract."""
    return f"{contract_prefix(workflow_id, job_id)}v{version:06}.json"


def attempt_key(attempt_id: str, name: str) -> str:
    """What one attempt of a step writes before it publishes; nobody else reads it."""
    return f"{ATTEMPTS}{attempt_id}/{name}"


def plan_key(execution_id: str) -> str:
    """The plan of an execution."""
    return f"runs/{execution_id}/plan.json"


def execution_of_plan(key: str) -> str | None:
    """The execution whose plan lies under a key, or None where the key is no plan's."""
    found = PLAN.fullmatch(key)
    return found[1] if found else None


def replay_key(execution_id: str) -> str:
    """The rows of a quarantine that an execution takes through again."""
    return f"runs/{execution_id}/replay.json"


def results_of(all_keys: list[str], job_id: str, step: Step) -> list[str]:
    """Of keys below ``runs/`` those of a job's results of one step, of every execution."""
    parts = (key.split("/") for key in all_keys)
    return ["/".join(part) for part in parts if part[2:] == [job_id, f"{step.value}.json"]]


def execution_of(key: str) -> str:
    """The execution that a key below ``runs/`` belongs to."""
    return key.split("/")[1]


def result_key(execution_id: str, job_id: str, step: Step) -> str:
    """The result of a step."""
    return f"runs/{execution_id}/{job_id}/{step.value}.json"


def step_of_result(key: str) -> tuple[str, str, Step] | None:
    """Execution, job and step whose result lies under a key; None for any other key."""
    found = _RESULT.fullmatch(key)
    return (found["execution"], found["job"], Step(found["step"])) if found else None


def lineage_key(execution_id: str, job_id: str, step: Step) -> str:
    """Where the rows of a step come from."""
    return f"runs/{execution_id}/{job_id}/{step.value}.lineage.json"


def failure_key(execution_id: str, job_id: str, step: Step) -> str:
    """Why the last try of a step failed on a tier that answers with an exit code alone."""
    return f"runs/{execution_id}/{job_id}/{step.value}.failure.json"


def reconciliation_key(execution_id: str, job_id: str) -> str:
    """What the comparisons before a job's Gold found, whether they passed or not."""
    return f"runs/{execution_id}/{job_id}/reconciliation.json"


def reference_key(execution_id: str, job_id: str, number: int) -> str:
    """What a run read of another Silver table, kept so that each try of it reads the same; ``number`` counts from 1."""
    return f"runs/{execution_id}/{job_id}/reference_{number:02}.parquet"


def refusal_key(execution_id: str, job_id: str) -> str:
    """Word that a run's Silver was refused as a whole, because too many of its rows were bad."""
    return f"runs/{execution_id}/{job_id}/refused.json"


def job_error_key(execution_id: str, job_id: str) -> str:
    """The error that ended a job."""
    return f"runs/{execution_id}/{job_id}/error.json"


def record_key(execution_id: str) -> str:
    """How an execution ended."""
    return f"runs/{execution_id}/record.json"


def _date(planned_at: datetime) -> str:
    return f"{planned_at.astimezone(UTC):%Y%m%d}"
