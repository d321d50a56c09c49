"""What the tables of a job are called in the catalog."""

from flowforge.model.job import Job
from flowforge.model.layer import Layer
from flowforge.model.step import Step

LATEST = "_latest"
MALFORMED = "_malformed"


def table_name(workflow_slug: str, job: Job, layer: Layer) -> str:
    """The layer's ``tableName``, or ``{workflow}_{job}`` with underscores; the quarantine is named as Silver is.

    A name that would begin with a digit, which Athena takes only in quotes, has ``t_`` before it.
    """
    config = job.destination_config
    stated = {
        Layer.BRONZE: config.bronze_config.table_name,
        Layer.SILVER: config.silver_config.table_name,
        Layer.QUARANTINE: config.silver_config.table_name,
        Layer.GOLD: config.gold_config.table_name,
    }[layer]
    default = f"{workflow_slug}_{job.slug}".replace("-", "_")
    return stated or (default if default[0].isalpha() else f"t_{default}")


def latest_view(name: str) -> str:
    """The view beside a table that shows the run which is the table now."""
    return f"{name}{LATEST}"


def malformed_table(name: str) -> str:
    """The table beside a quarantine that has the records which could not be read."""
    return f"{name}{MALFORMED}"


def table_names(workflow_slug: str, job: Job, layer: Layer) -> list[str]:
    """The names that a job takes in a layer's database."""
    if not WRITTEN_BY[layer].intersection(job.steps):
        return []
    name = table_name(workflow_slug, job, layer)
    return {
        Layer.BRONZE: [name],
        Layer.QUARANTINE: [name, malformed_table(name)],
        Layer.SILVER: [name, latest_view(name)],
        Layer.GOLD: [name, latest_view(name)],
    }[layer]


WRITTEN_BY = {
    Layer.BRONZE: {Step.BRONZE_INGEST},
    Layer.QUARANTINE: {Step.BRONZE_INGEST, Step.SILVER_TRANSFORM},
    Layer.SILVER: {Step.SILVER_TRANSFORM},
    Layer.GOLD: {Step.GOLD_PUBLISH},
}
