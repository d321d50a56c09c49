"""Rules of quality and what they found, reconciliations, and what people decided on rows that were set aside."""

from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from flowforge.metadata.schema.base import METADATA, document, held_enum, instant, not_negative, words
from flowforge.model.quality_rule import Severity

severity_type = held_enum(Severity, "severity")
OF_A_JOB = ["jobs.workflow_id", "jobs.id"]
OF_A_RUN = ["job_executions.execution_id", "job_executions.job_id"]


class ReviewStatus(StrEnum):
    """What a person decided on a row of the quarantine."""

    QUARANTINED = "quarantined"
    APPROVED = "approved"
    REJECTED = "rejected"
    FIXED = "fixed"


quality_rules = Table(
    "quality_rules",
    METADATA,
    Column("workflow_id", Text, primary_key=True),
    Column("job_id", Text, primary_key=True),
    Column("rule", Text, primary_key=True),
    Column("type", Text, nullable=False),
    words("column_name"),
    Column("severity", severity_type, nullable=False),
    *document("definition"),
    instant("created_at", given=True),
    instant("updated_at", given=True),
    instant("retired_at"),
    ForeignKeyConstraint(["workflow_id", "job_id"], OF_A_JOB, ondelete="CASCADE"),
)

quality_results = Table(
    "quality_results",
    METADATA,
    Column("execution_id", Text, primary_key=True),
    Column("job_id", Text, primary_key=True),
    Column("rule", Text, primary_key=True),
    Column("column_name", Text, primary_key=True),
    Column("severity", severity_type, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("checked", BigInteger),
    instant("recorded_at", given=True),
    ForeignKeyConstraint(["execution_id", "job_id"], OF_A_RUN, ondelete="CASCADE"),
    not_negative("failed"),
    CheckConstraint("checked >= failed", name="checked"),
)
Index("quality_results_recorded_at_idx", quality_results.c.recorded_at)

reconciliation_results = Table(
    "reconciliation_results",
    METADATA,
    Column("execution_id", Text, primary_key=True),
    Column("job_id", Text, primary_key=True),
    Column("rule", Text, primary_key=True),
    Column("passed", Boolean, nullable=False),
    *document("outcome"),
    instant("recorded_at", given=True),
    ForeignKeyConstraint(["execution_id", "job_id"], OF_A_RUN, ondelete="CASCADE"),
)
Index("reconciliation_results_recorded_at_idx", reconciliation_results.c.recorded_at)

quarantine_reviews = Table(
    "quarantine_reviews",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("workflow_id", Text, nullable=False),
    Column("job_id", Text, nullable=False),
    Column("execution_id", Text, ForeignKey("executions.id", ondelete="SET NULL")),
    Column("object_key", Text, nullable=False),
    Column("object_etag", Text, nullable=False),
    Column("row_number", BigInteger, nullable=False),
    Column("status", held_enum(ReviewStatus, "review_status"), nullable=False, server_default=text("'quarantined'")),
    Column("fixed_values", JSONB(none_as_null=True)),
    words("note"),
    Column("replay_execution_id", Text),
    Column("reviewed_by", Text, nullable=False),
    instant("reviewed_at", given=True),
    ForeignKeyConstraint(["workflow_id", "job_id"], OF_A_JOB, ondelete="CASCADE"),
    UniqueConstraint("object_key", "row_number"),
    CheckConstraint("row_number >= 1", name="row_number"),
    CheckConstraint("(status = 'fixed') = (fixed_values IS NOT NULL)", name="fixed_values"),
)
Index("quarantine_reviews_job_idx", quarantine_reviews.c.workflow_id, quarantine_reviews.c.job_id, quarantine_reviews.c.status)
Index("quarantine_reviews_execution_id_idx", quarantine_reviews.c.execution_id)
