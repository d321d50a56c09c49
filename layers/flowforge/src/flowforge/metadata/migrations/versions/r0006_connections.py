"""Connections to databases of others, with their secrets by name."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create them."""
    op.execute("CREATE TYPE connection_type AS ENUM ('postgresql', 'mysql', 'sql-server', 'oracle')")
    op.execute("CREATE TYPE test_status AS ENUM ('success', 'failed')")
    op.execute(
        """
        CREATE TABLE connections (
            id TEXT NOT NULL,
            name TEXT NOT NULL,
            description TEXT DEFAULT '' NOT NULL,
            type connection_type NOT NULL,
            host TEXT NOT NULL,
            port INTEGER NOT NULL,
            database TEXT NOT NULL,
            secret_arn TEXT NOT NULL,
            ssl_enabled BOOLEAN DEFAULT true NOT NULL,
            connection_timeout_seconds INTEGER DEFAULT '30' NOT NULL,
            version INTEGER DEFAULT '1' NOT NULL,
            last_tested_at TIMESTAMP WITH TIME ZONE,
            last_test_status test_status,
            last_test_message TEXT DEFAULT '' NOT NULL,
            created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            created_by TEXT DEFAULT '' NOT NULL,
            updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            CONSTRAINT connections_pkey PRIMARY KEY (id),
            CONSTRAINT connections_id_check CHECK (id ~ '^[A-Za-z0-9_-]{1,80}$'),
            CONSTRAINT connections_name_check CHECK (length(name) BETWEEN 1 AND 200),
            CONSTRAINT connections_port_check CHECK (port BETWEEN 1 AND 65535),
            CONSTRAINT connections_secret_arn_check CHECK (secret_arn LIKE 'arn:%:secretsmanager:%:secret:%'),
            CONSTRAINT connections_connection_timeout_seconds_check CHECK (connection_timeout_seconds BETWEEN 1 AND 300),
            CONSTRAINT connections_version_check CHECK (version >= 1),
            CONSTRAINT connections_last_test_check CHECK ((last_tested_at IS NULL) = (last_test_status IS NULL)),
            CONSTRAINT connections_name_key UNIQUE (name)
        )
        """
    )


def downgrade() -> None:
    """Remove them, with what they hold."""
    op.execute("DROP TABLE connections")
    op.execute("DROP TYPE test_status")
    op.execute("DROP TYPE connection_type")
