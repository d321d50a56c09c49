"""What Alembic runs around the revisions. The connection is handed over; no file of settings is read."""

from alembic import context

from flowforge.metadata.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    # Each revision is a transaction, so one that fails leaves the database at the one before it.
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
