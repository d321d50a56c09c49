"""Wishes to run, executions, and what became of their jobs and steps.

A status is of a type whose values sort by rank, so the database itself compares (redrive, status).
"""

from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from flowforge.metadata.schema.base import IDENTIFIER_PATTERN, METADATA, document, held_enum, instant, matches, not_negative
from flowforge.model.run_status import ExecutionStatus, JobStatus, Teller
from flowforge.model.start import TriggerType
from flowforge.model.step import Step
from flowforge.model.tier import Tier

trigger_type = held_enum(TriggerType, "trigger_type")
job_status = held_enum(JobStatus, "job_status")


class WishStatus(StrEnum):
    """What became of a wish. Those that wait, and those that were admitted and not started yet, still have work ahead."""

    WAITING = "waiting"
    ADMITTED = "admitted"
    STARTED = "started"
    SKIPPED = "skipped"
    REFUSED = "refused"
    CANCELLED = "cancelled"


start_wishes = Table(
    "start_wishes",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("workflow_id", Text, ForeignKey("workflows.id", ondelete="CASCADE"), nullable=False),
    Column("idempotency_key", Text, nullable=False),
    Column("idempotency_sha256", LargeBinary, nullable=False),
    Column("execution_id", Text, nullable=False, unique=True),
    Column("status", held_enum(WishStatus, "wish_status"), nullable=False, server_default=text("'waiting'")),
    *document("request"),
    Column("reason", Text),
    Column("trigger_type", trigger_type, nullable=False),
    Column("requested_by", Text, nullable=False, server_default=text("''")),
    instant("requested_at", given=True),
    instant("decided_at"),
    CheckConstraint("length(idempotency_key) BETWEEN 1 AND 4096", name="idempotency_key"),
    CheckConstraint("(status = 'waiting') = (decided_at IS NULL)", name="decided_at"),
    CheckConstraint("status NOT IN ('skipped', 'refused') OR reason IS NOT NULL", name="reason"),
)
# A key may be longer than an index takes, so its hash is unique.
Index("start_wishes_idempotency_key", start_wishes.c.workflow_id, start_wishes.c.idempotency_sha256, unique=True)
Index(
    "start_wishes_ahead_idx",
    start_wishes.c.workflow_id,
    start_wishes.c.id,
    postgresql_where=text("status IN ('waiting', 'admitted')"),
)

executions = Table(
    "executions",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("workflow_id", Text, ForeignKey("workflows.id", ondelete="CASCADE"), nullable=False),
    Column("wish_id", BigInteger, ForeignKey("start_wishes.id", ondelete="SET NULL"), unique=True),
    Column("redrive", Integer, nullable=False, server_default=text("0")),
    Column("status", held_enum(ExecutionStatus, "execution_status"), nullable=False),
    Column("teller", held_enum(Teller, "teller"), nullable=False, server_default=text("'machine'")),
    Column("trigger_type", trigger_type, nullable=False, server_default=text("'manual'")),
    Column("trigger_detail", Text, nullable=False, server_default=text("''")),
    Column("requested_by", Text, nullable=False, server_default=text("''")),
    Column("plan_key", Text),
    instant("planned_at"),
    instant("started_at"),
    instant("ended_at"),
    Column("error", Text),
    Column("cause", Text),
    instant("cancel_requested_at"),
    Column("cancel_requested_by", Text),
    instant("created_at", given=True),
    instant("updated_at", given=True),
    matches("id", IDENTIFIER_PATTERN),
    not_negative("redrive"),
    CheckConstraint("ended_at IS NULL OR status NOT IN ('pending', 'running')", name="ended_at"),
)
Index("executions_newest_idx", executions.c.created_at.desc(), executions.c.id.desc())
Index("executions_of_workflow_idx", executions.c.workflow_id, executions.c.created_at.desc(), executions.c.id.desc())
Index(
    "executions_active_idx",
    executions.c.workflow_id,
    executions.c.updated_at,
    postgresql_where=text("status IN ('pending', 'running')"),
)

job_executions = Table(
    "job_executions",
    METADATA,
    Column("execution_id", Text, ForeignKey("executions.id", ondelete="CASCADE"), primary_key=True),
    Column("job_id", Text, primary_key=True),
    Column("workflow_id", Text, nullable=False),
    Column("redrive", Integer, nullable=False, server_default=text("0")),
    Column("status", job_status, nullable=False),
    Column("run_id", Text),
    instant("started_at"),
    instant("ended_at"),
    Column("failed_step", held_enum(Step, "step")),
    Column("error", JSONB(none_as_null=True)),
    instant("updated_at", given=True),
    ForeignKeyConstraint(["workflow_id", "job_id"], ["jobs.workflow_id", "jobs.id"], ondelete="CASCADE"),
    not_negative("redrive"),
)
Index("job_executions_of_job_idx", job_executions.c.workflow_id, job_executions.c.job_id)

step_results = Table(
    "step_results",
    METADATA,
    Column("execution_id", Text, primary_key=True),
    Column("job_id", Text, primary_key=True),
    Column("step", job_executions.c.failed_step.type, primary_key=True),
    Column("redrive", Integer, nullable=False, server_default=text("0")),
    Column("status", job_status, nullable=False),
    Column("tier", held_enum(Tier, "tier")),
    Column("attempt", Integer),
    Column("escalation", JSONB(none_as_null=True)),
    instant("started_at"),
    instant("ended_at"),
    Column("duration_seconds", Double),
    Column("rows_read", BigInteger),
    Column("rows_written", BigInteger),
    Column("rows_set_aside", BigInteger),
    Column("counts", JSONB(none_as_null=True)),
    Column("outputs", JSONB(none_as_null=True)),
    Column("notes", JSONB(none_as_null=True)),
    Column("error", JSONB(none_as_null=True)),
    instant("updated_at", given=True),
    ForeignKeyConstraint(
        ["execution_id", "job_id"], ["job_executions.execution_id", "job_executions.job_id"], ondelete="CASCADE"
    ),
    not_negative("redrive"),
    CheckConstraint("attempt >= 1", name="attempt"),
    not_negative("rows_read"),
    not_negative("rows_written"),
    not_negative("rows_set_aside"),
)
# What many executions read is told by the index alone; few steps have set rows aside.
Index(
    "step_results_read_idx",
    step_results.c.execution_id,
    postgresql_include=["rows_read"],
    postgresql_where=text("step = 'bronze_ingest'"),
)
Index(
    "step_results_set_aside_idx",
    step_results.c.execution_id,
    step_results.c.job_id,
    postgresql_where=text("rows_set_aside > 0"),
)
