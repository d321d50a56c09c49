"""Files that were read, and tables that were published."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create them."""
    op.execute("CREATE TYPE file_status AS ENUM ('processing', 'completed', 'failed')")
    op.execute("CREATE TYPE layer AS ENUM ('source', 'bronze', 'silver', 'gold', 'quarantine')")
    op.execute(
        """
        CREATE TABLE processed_files (
            id BIGINT GENERATED ALWAYS AS IDENTITY,
            workflow_id TEXT NOT NULL,
            job_id TEXT NOT NULL,
            key TEXT NOT NULL,
            version TEXT NOT NULL,
            etag TEXT NOT NULL,
            sha256 TEXT,
            size_bytes BIGINT NOT NULL,
            status file_status NOT NULL,
            execution_id TEXT,
            error TEXT,
            discovered_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            ended_at TIMESTAMP WITH TIME ZONE,
            CONSTRAINT processed_files_pkey PRIMARY KEY (id),
            CONSTRAINT processed_files_workflow_id_job_id_fkey FOREIGN KEY (workflow_id, job_id)
                REFERENCES jobs (workflow_id, id) ON DELETE CASCADE,
            CONSTRAINT processed_files_workflow_id_job_id_key_version_key UNIQUE (workflow_id, job_id, key, version),
            CONSTRAINT processed_files_size_bytes_check CHECK (size_bytes >= 0),
            CONSTRAINT processed_files_sha256_check CHECK (sha256 ~ '^[0-9a-f]{64}$'),
            CONSTRAINT processed_files_execution_id_fkey FOREIGN KEY (execution_id)
                REFERENCES executions (id) ON DELETE SET NULL
        )
        """
    )
    op.execute("CREATE INDEX processed_files_content_idx ON processed_files (workflow_id, job_id, sha256)")
    op.execute("CREATE INDEX processed_files_execution_id_idx ON processed_files (execution_id)")
    op.execute(
        """
        CREATE TABLE catalog_assets (
            id BIGINT GENERATED ALWAYS AS IDENTITY,
            layer layer NOT NULL,
            table_name TEXT NOT NULL,
            environment environment NOT NULL,
            workflow_id TEXT,
            job_id TEXT,
            location TEXT DEFAULT '' NOT NULL,
            columns JSONB DEFAULT '[]'::jsonb NOT NULL,
            parent_tables JSONB DEFAULT '[]'::jsonb NOT NULL,
            row_count BIGINT,
            size_bytes BIGINT,
            contract_version INTEGER,
            run_id TEXT,
            execution_id TEXT,
            planned_at TIMESTAMP WITH TIME ZONE,
            refreshed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            description TEXT DEFAULT '' NOT NULL,
            owner TEXT DEFAULT '' NOT NULL,
            tags JSONB DEFAULT '[]'::jsonb NOT NULL,
            version INTEGER DEFAULT 1 NOT NULL,
            edited_at TIMESTAMP WITH TIME ZONE,
            edited_by TEXT,
            CONSTRAINT catalog_assets_pkey PRIMARY KEY (id),
            CONSTRAINT catalog_assets_columns_check CHECK (jsonb_typeof(columns) = 'array'),
            CONSTRAINT catalog_assets_parent_tables_check CHECK (jsonb_typeof(parent_tables) = 'array'),
            CONSTRAINT catalog_assets_tags_check CHECK (jsonb_typeof(tags) = 'array'),
            CONSTRAINT catalog_assets_workflow_id_job_id_fkey FOREIGN KEY (workflow_id, job_id)
                REFERENCES jobs (workflow_id, id) ON DELETE SET NULL,
            CONSTRAINT catalog_assets_execution_id_fkey FOREIGN KEY (execution_id)
                REFERENCES executions (id) ON DELETE SET NULL,
            CONSTRAINT catalog_assets_layer_table_name_environment_key UNIQUE (layer, table_name, environment),
            CONSTRAINT catalog_assets_layer_check CHECK (layer <> 'source'),
            CONSTRAINT catalog_assets_version_check CHECK (version >= 1),
            CONSTRAINT catalog_assets_row_count_check CHECK (row_count >= 0),
            CONSTRAINT catalog_assets_size_bytes_check CHECK (size_bytes >= 0)
        )
        """
    )
    op.execute("CREATE INDEX catalog_assets_execution_id_idx ON catalog_assets (execution_id)")
    op.execute("CREATE INDEX catalog_assets_job_idx ON catalog_assets (workflow_id, job_id)")
    op.execute("CREATE INDEX catalog_assets_tags_idx ON catalog_assets USING gin (tags)")


def downgrade() -> None:
    """Remove them, with what they hold."""
    op.execute("DROP TABLE catalog_assets")
    op.execute("DROP TABLE processed_files")
    op.execute("DROP TYPE layer")
    op.execute("DROP TYPE file_status")
