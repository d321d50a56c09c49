"""Rules, their results, reconciliations and reviews of the quarantine."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create them."""
    op.execute("CREATE TYPE severity AS ENUM ('error', 'warning', 'info')")
    op.execute("CREATE TYPE review_status AS ENUM ('quarantined', 'approved', 'rejected', 'fixed')")
    op.execute(
        """
        CREATE TABLE quality_rules (
            workflow_id TEXT NOT NULL,
            job_id TEXT NOT NULL,
            rule TEXT NOT NULL,
            type TEXT NOT NULL,
            column_name TEXT DEFAULT '' NOT NULL,
            severity severity NOT NULL,
            definition JSONB DEFAULT '{}'::jsonb NOT NULL,
            created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            retired_at TIMESTAMP WITH TIME ZONE,
            CONSTRAINT quality_rules_pkey PRIMARY KEY (workflow_id, job_id, rule),
            CONSTRAINT quality_rules_definition_check CHECK (jsonb_typeof(definition) = 'object'),
            CONSTRAINT quality_rules_workflow_id_job_id_fkey FOREIGN KEY (workflow_id, job_id)
                REFERENCES jobs (workflow_id, id) ON DELETE CASCADE
        )
        """
    )
    op.execute(
        """
        CREATE TABLE quality_results (
            execution_id TEXT NOT NULL,
            job_id TEXT NOT NULL,
            rule TEXT NOT NULL,
            column_name TEXT NOT NULL,
            severity severity NOT NULL,
            failed BIGINT NOT NULL,
            checked BIGINT,
            recorded_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            CONSTRAINT quality_results_pkey PRIMARY KEY (execution_id, job_id, rule, column_name),
            CONSTRAINT quality_results_execution_id_job_id_fkey FOREIGN KEY (execution_id, job_id)
                REFERENCES job_executions (execution_id, job_id) ON DELETE CASCADE,
            CONSTRAINT quality_results_failed_check CHECK (failed >= 0),
            CONSTRAINT quality_results_checked_check CHECK (checked >= failed)
        )
        """
    )
    op.execute("CREATE INDEX quality_results_recorded_at_idx ON quality_results (recorded_at)")
    op.execute(
        """
        CREATE TABLE reconciliation_results (
            execution_id TEXT NOT NULL,
            job_id TEXT NOT NULL,
            rule TEXT NOT NULL,
            passed BOOLEAN NOT NULL,
            outcome JSONB DEFAULT '{}'::jsonb NOT NULL,
            recorded_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            CONSTRAINT reconciliation_results_pkey PRIMARY KEY (execution_id, job_id, rule),
            CONSTRAINT reconciliation_results_outcome_check CHECK (jsonb_typeof(outcome) = 'object'),
            CONSTRAINT reconciliation_results_execution_id_job_id_fkey FOREIGN KEY (execution_id, job_id)
                REFERENCES job_executions (execution_id, job_id) ON DELETE CASCADE
        )
        """
    )
    op.execute("CREATE INDEX reconciliation_results_recorded_at_idx ON reconciliation_results (recorded_at)")
    op.execute(
        """
        CREATE TABLE quarantine_reviews (
            id BIGINT GENERATED ALWAYS AS IDENTITY,
            workflow_id TEXT NOT NULL,
            job_id TEXT NOT NULL,
            execution_id TEXT,
            object_key TEXT NOT NULL,
            object_etag TEXT NOT NULL,
            row_number BIGINT NOT NULL,
            status review_status DEFAULT 'quarantined' NOT NULL,
            fixed_values JSONB,
            note TEXT DEFAULT '' NOT NULL,
            replay_execution_id TEXT,
            reviewed_by TEXT NOT NULL,
            reviewed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            CONSTRAINT quarantine_reviews_pkey PRIMARY KEY (id),
            CONSTRAINT quarantine_reviews_workflow_id_job_id_fkey FOREIGN KEY (workflow_id, job_id)
                REFERENCES jobs (workflow_id, id) ON DELETE CASCADE,
            CONSTRAINT quarantine_reviews_object_key_row_number_key UNIQUE (object_key, row_number),
            CONSTRAINT quarantine_reviews_row_number_check CHECK (row_number >= 1),
            CONSTRAINT quarantine_reviews_fixed_values_check CHECK ((status = 'fixed') = (fixed_values IS NOT NULL)),
            CONSTRAINT quarantine_reviews_execution_id_fkey FOREIGN KEY (execution_id)
                REFERENCES executions (id) ON DELETE SET NULL
        )
        """
    )
    op.execute("CREATE INDEX quarantine_reviews_execution_id_idx ON quarantine_reviews (execution_id)")
    op.execute("CREATE INDEX quarantine_reviews_job_idx ON quarantine_reviews (workflow_id, job_id, status)")


def downgrade() -> None:
    """Remove them, with what they hold."""
    op.execute("DROP TABLE quarantine_reviews")
    op.execute("DROP TABLE reconciliation_results")
    op.execute("DROP TABLE quality_results")
    op.execute("DROP TABLE quality_rules")
    op.execute("DROP TYPE review_status")
    op.execute("DROP TYPE severity")
