"""Workflows and their jobs, the names they hold, and the index of contracts."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create them."""
    op.execute("CREATE TYPE environment AS ENUM ('dev', 'qa', 'uat', 'prod')")
    op.execute("CREATE TYPE priority AS ENUM ('critical', 'high', 'medium', 'low')")
    op.execute("CREATE TYPE data_classification AS ENUM ('public', 'internal', 'confidential', 'pii')")
    op.execute("CREATE TYPE concurrency AS ENUM ('queue', 'skip', 'parallel')")
    op.execute("CREATE TYPE job_type AS ENUM ('file-based', 'gold-analytics')")
    op.execute("CREATE TYPE pinned_tier AS ENUM ('auto', 'lambda', 'fargate')")
    op.execute(
        """
        CREATE TYPE reserved_name
        AS ENUM ('gold_dataset', 'bronze_table', 'silver_table', 'gold_table', 'quarantine_table')
        """
    )
    op.execute(
        """
        CREATE TABLE workflows (
            id TEXT NOT NULL,
            name TEXT NOT NULL,
            slug TEXT NOT NULL,
            description TEXT DEFAULT '' NOT NULL,
            environment environment NOT NULL,
            application TEXT DEFAULT '' NOT NULL,
            owner TEXT DEFAULT '' NOT NULL,
            team TEXT DEFAULT '' NOT NULL,
            priority priority DEFAULT 'medium' NOT NULL,
            data_classification data_classification DEFAULT 'internal' NOT NULL,
            notification_email TEXT DEFAULT '' NOT NULL,
            tags JSONB DEFAULT '[]'::jsonb NOT NULL,
            triggers JSONB DEFAULT '[]'::jsonb NOT NULL,
            concurrency concurrency DEFAULT 'queue' NOT NULL,
            paused BOOLEAN DEFAULT false NOT NULL,
            version INTEGER DEFAULT 1 NOT NULL,
            created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            created_by TEXT DEFAULT '' NOT NULL,
            updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            updated_by TEXT DEFAULT '' NOT NULL,
            deleted_at TIMESTAMP WITH TIME ZONE,
            CONSTRAINT workflows_pkey PRIMARY KEY (id),
            CONSTRAINT workflows_tags_check CHECK (jsonb_typeof(tags) = 'array'),
            CONSTRAINT workflows_triggers_check CHECK (jsonb_typeof(triggers) = 'array'),
            CONSTRAINT workflows_id_check CHECK (id ~ '^[A-Za-z0-9_-]{1,80}$'),
            CONSTRAINT workflows_slug_check CHECK (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
            CONSTRAINT workflows_slug_length_check CHECK (length(slug) <= 63),
            CONSTRAINT workflows_name_check CHECK (length(name) BETWEEN 1 AND 200),
            CONSTRAINT workflows_version_check CHECK (version >= 1),
            CONSTRAINT workflows_slug_key UNIQUE (slug)
        )
        """
    )
    op.execute("CREATE INDEX workflows_newest_idx ON workflows (created_at DESC, id DESC) WHERE deleted_at IS NULL")
    op.execute(
        """
        CREATE TABLE jobs (
            workflow_id TEXT NOT NULL,
            id TEXT NOT NULL,
            name TEXT NOT NULL,
            slug TEXT NOT NULL,
            description TEXT DEFAULT '' NOT NULL,
            type job_type NOT NULL,
            order_index INTEGER NOT NULL,
            tier pinned_tier DEFAULT 'auto' NOT NULL,
            source_config JSONB DEFAULT '{}'::jsonb NOT NULL,
            transformation_config JSONB DEFAULT '{}'::jsonb NOT NULL,
            validation_config JSONB DEFAULT '{}'::jsonb NOT NULL,
            destination_config JSONB DEFAULT '{}'::jsonb NOT NULL,
            version INTEGER DEFAULT 1 NOT NULL,
            created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            deleted_at TIMESTAMP WITH TIME ZONE,
            CONSTRAINT jobs_pkey PRIMARY KEY (workflow_id, id),
            CONSTRAINT jobs_source_config_check CHECK (jsonb_typeof(source_config) = 'object'),
            CONSTRAINT jobs_transformation_config_check CHECK (jsonb_typeof(transformation_config) = 'object'),
            CONSTRAINT jobs_validation_config_check CHECK (jsonb_typeof(validation_config) = 'object'),
            CONSTRAINT jobs_destination_config_check CHECK (jsonb_typeof(destination_config) = 'object'),
            CONSTRAINT jobs_id_check CHECK (id ~ '^[A-Za-z0-9_-]{1,80}$'),
            CONSTRAINT jobs_slug_check CHECK (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
            CONSTRAINT jobs_slug_length_check CHECK (length(slug) <= 63),
            CONSTRAINT jobs_name_check CHECK (length(name) BETWEEN 1 AND 200),
            CONSTRAINT jobs_order_index_check CHECK (order_index >= 1),
            CONSTRAINT jobs_version_check CHECK (version >= 1),
            CONSTRAINT jobs_workflow_id_fkey FOREIGN KEY (workflow_id)
                REFERENCES workflows (id) ON DELETE CASCADE
        )
        """
    )
    op.execute("CREATE INDEX jobs_id_idx ON jobs (id)")
    op.execute("CREATE UNIQUE INDEX jobs_slug_key ON jobs (workflow_id, slug)")
    op.execute(
        """
        CREATE TABLE reserved_names (
            kind reserved_name NOT NULL,
            name TEXT NOT NULL,
            workflow_id TEXT NOT NULL,
            job_id TEXT NOT NULL,
            CONSTRAINT reserved_names_pkey PRIMARY KEY (kind, name),
            CONSTRAINT reserved_names_workflow_id_job_id_fkey FOREIGN KEY (workflow_id, job_id)
                REFERENCES jobs (workflow_id, id) ON DELETE CASCADE
        )
        """
    )
    op.execute("CREATE INDEX reserved_names_job_idx ON reserved_names (workflow_id, job_id)")
    op.execute(
        """
        CREATE TABLE contracts (
            workflow_id TEXT NOT NULL,
            job_id TEXT NOT NULL,
            version INTEGER NOT NULL,
            object_key TEXT NOT NULL,
            column_count BIGINT,
            created_by TEXT DEFAULT '' NOT NULL,
            created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            CONSTRAINT contracts_pkey PRIMARY KEY (workflow_id, job_id, version),
            CONSTRAINT contracts_workflow_id_job_id_fkey FOREIGN KEY (workflow_id, job_id)
                REFERENCES jobs (workflow_id, id) ON DELETE CASCADE,
            CONSTRAINT contracts_version_check CHECK (version >= 1),
            CONSTRAINT contracts_object_key_key UNIQUE (object_key)
        )
        """
    )


def downgrade() -> None:
    """Remove them, with what they hold."""
    op.execute("DROP TABLE contracts")
    op.execute("DROP TABLE reserved_names")
    op.execute("DROP TABLE jobs")
    op.execute("DROP TABLE workflows")
    op.execute("DROP TYPE reserved_name")
    op.execute("DROP TYPE pinned_tier")
    op.execute("DROP TYPE job_type")
    op.execute("DROP TYPE concurrency")
    op.execute("DROP TYPE data_classification")
    op.execute("DROP TYPE priority")
    op.execute("DROP TYPE environment")
