"""Indexes for numbers over many executions: the records that they read, and the rows that they set aside."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the indexes. Nothing that is there changes."""
    op.execute(
        "CREATE INDEX step_results_read_idx ON step_results (execution_id) INCLUDE (rows_read) WHERE step = 'bronze_ingest'"
    )
    op.execute("CREATE INDEX step_results_set_aside_idx ON step_results (execution_id, job_id) WHERE rows_set_aside > 0")


def downgrade() -> None:
    """Drop them."""
    op.execute("DROP INDEX step_results_set_aside_idx")
    op.execute("DROP INDEX step_results_read_idx")
