"""What the tables of a job are called in the catalog."""

from flowforge.model.job import Job
from flowforge.model.table_options import Layer

LATEST = "_latest"


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


def table_names(workflow_slug: str, job: Job, layer: Layer) -> list[str]:
    """The names that a job takes in a layer's database."""
    name = table_name(workflow_slug, job, layer)
    return [name, latest_view(name)] if layer in (Layer.SILVER, Layer.GOLD) else [name]
