"""Workflows and their jobs, the names that they hold, and the index of their contracts.

A deleted workflow or job stays as a row, and keeps its slug, until the data below the slug is purged.
"""

from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    Text,
    false,
    text,
)

from flowforge.metadata.schema.base import (
    IDENTIFIER_PATTERN,
    METADATA,
    SLUG_PATTERN,
    document,
    held_enum,
    instant,
    matches,
    words,
)
from flowforge.model.environment import Environment
from flowforge.model.job import JobType
from flowforge.model.slug import MAX_SLUG_LENGTH
from flowforge.model.tier import PinnedTier
from flowforge.model.workflow_settings import Concurrency, DataClassification, Priority

environment_type = held_enum(Environment, "environment")


class ReservedName(StrEnum):
    """A kind of name that one job of a stage has: of a Gold dataset's folder, or of a table in a layer's database."""

    GOLD_DATASET = "gold_dataset"
    BRONZE_TABLE = "bronze_table"
    SILVER_TABLE = "silver_table"
    GOLD_TABLE = "gold_table"
    QUARANTINE_TABLE = "quarantine_table"


workflows = Table(
    "workflows",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("slug", Text, nullable=False, unique=True),
    words("description"),
    Column("environment", environment_type, nullable=False),
    words("application"),
    words("owner"),
    words("team"),
    Column("priority", held_enum(Priority, "priority"), nullable=False, server_default=text("'medium'")),
    Column(
        "data_classification",
        held_enum(DataClassification, "data_classification"),
        nullable=False,
        server_default=text("'internal'"),
    ),
    words("notification_email"),
    *document("tags", "array"),
    *document("triggers", "array"),
    Column("concurrency", held_enum(Concurrency, "concurrency"), nullable=False, server_default=text("'queue'")),
    Column("paused", Boolean, nullable=False, server_default=false()),
    Column("version", Integer, nullable=False, server_default=text("1")),
    instant("created_at", given=True),
    words("created_by"),
    instant("updated_at", given=True),
    words("updated_by"),
    instant("deleted_at"),
    matches("id", IDENTIFIER_PATTERN),
    matches("slug", SLUG_PATTERN),
    CheckConstraint(f"length(slug) <= {MAX_SLUG_LENGTH}", name="slug_length"),
    CheckConstraint("length(name) BETWEEN 1 AND 200", name="name"),
    CheckConstraint("version >= 1", name="version"),
)
Index(
    "workflows_newest_idx",
    workflows.c.created_at.desc(),
    workflows.c.id.desc(),
    postgresql_where=workflows.c.deleted_at.is_(None),
)

jobs = Table(
    "jobs",
    METADATA,
    Column("workflow_id", Text, ForeignKey("workflows.id", ondelete="CASCADE"), primary_key=True),
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("slug", Text, nullable=False),
    words("description"),
    Column("type", held_enum(JobType, "job_type"), nullable=False),
    Column("order_index", Integer, nullable=False),
    Column("tier", held_enum(PinnedTier, "pinned_tier"), nullable=False, server_default=text("'auto'")),
    *document("source_config"),
    *document("transformation_config"),
    *document("validation_config"),
    *document("destination_config"),
    Column("version", Integer, nullable=False, server_default=text("1")),
    instant("created_at", given=True),
    instant("updated_at", given=True),
    instant("deleted_at"),
    matches("id", IDENTIFIER_PATTERN),
    matches("slug", SLUG_PATTERN),
    CheckConstraint(f"length(slug) <= {MAX_SLUG_LENGTH}", name="slug_length"),
    CheckConstraint("length(name) BETWEEN 1 AND 200", name="name"),
    CheckConstraint("order_index >= 1", name="order_index"),
    CheckConstraint("version >= 1", name="version"),
)
Index("jobs_slug_key", jobs.c.workflow_id, jobs.c.slug, unique=True)
Index("jobs_id_idx", jobs.c.id)

reserved_names = Table(
    "reserved_names",
    METADATA,
    Column("kind", held_enum(ReservedName, "reserved_name"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("workflow_id", Text, nullable=False),
    Column("job_id", Text, nullable=False),
    ForeignKeyConstraint(["workflow_id", "job_id"], ["jobs.workflow_id", "jobs.id"], ondelete="CASCADE"),
)
Index("reserved_names_job_idx", reserved_names.c.workflow_id, reserved_names.c.job_id)

contracts = Table(
    "contracts",
    METADATA,
    Column("workflow_id", Text, primary_key=True),
    Column("job_id", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("object_key", Text, nullable=False, unique=True),
    Column("column_count", BigInteger),
    words("created_by"),
    instant("created_at", given=True),
    ForeignKeyConstraint(["workflow_id", "job_id"], ["jobs.workflow_id", "jobs.id"], ondelete="CASCADE"),
    CheckConstraint("version >= 1", name="version"),
)
