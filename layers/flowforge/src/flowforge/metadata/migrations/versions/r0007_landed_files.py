"""Files that landed and that no execution has read yet."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Know them. Nothing that is there changes."""
    op.execute("ALTER TYPE file_status ADD VALUE 'landed' BEFORE 'processing'")


def downgrade() -> None:
    """Forget them: the files themselves stay, and are found in the landing folder."""
    op.execute("DELETE FROM processed_files WHERE status = 'landed'")
    op.execute("ALTER TYPE file_status RENAME TO file_status_with_landed")
    op.execute("CREATE TYPE file_status AS ENUM ('processing', 'completed', 'failed')")
    op.execute("ALTER TABLE processed_files ALTER COLUMN status TYPE file_status USING status::text::file_status")
    op.execute("DROP TYPE file_status_with_landed")
