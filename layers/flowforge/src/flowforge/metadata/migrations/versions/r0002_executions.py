"""Wishes, executions, jobs and steps."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create them."""
    op.execute("CREATE TYPE wish_status AS ENUM ('waiting', 'admitted', 'started', 'skipped', 'refused', 'cancelled')")
    op.execute("CREATE TYPE trigger_type AS ENUM ('manual', 'schedule', 'arrival', 'upstream')")
    op.execute("CREATE TYPE execution_status AS ENUM ('pending', 'running', 'succeeded', 'failed', 'cancelled')")
    op.execute("CREATE TYPE teller AS ENUM ('machine', 'record')")
    op.execute("CREATE TYPE job_status AS ENUM ('pending', 'running', 'skipped', 'cancelled', 'succeeded', 'failed')")
    op.execute("CREATE TYPE step AS ENUM ('bronze_ingest', 'silver_transform', 'gold_publish')")
    op.execute("CREATE TYPE tier AS ENUM ('lambda', 'fargate')")
    op.execute(
        """
        CREATE TABLE start_wishes (
            id BIGINT GENERATED ALWAYS AS IDENTITY,
            workflow_id TEXT NOT NULL,
            idempotency_key TEXT NOT NULL,
            idempotency_sha256 BYTEA NOT NULL,
            execution_id TEXT NOT NULL,
            status wish_status DEFAULT 'waiting' NOT NULL,
            request JSONB DEFAULT '{}'::jsonb NOT NULL,
            reason TEXT,
            trigger_type trigger_type NOT NULL,
            requested_by TEXT DEFAULT '' NOT NULL,
            requested_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            decided_at TIMESTAMP WITH TIME ZONE,
            CONSTRAINT start_wishes_pkey PRIMARY KEY (id),
            CONSTRAINT start_wishes_request_check CHECK (jsonb_typeof(request) = 'object'),
            CONSTRAINT start_wishes_idempotency_key_check CHECK (length(idempotency_key) BETWEEN 1 AND 4096),
            CONSTRAINT start_wishes_decided_at_check CHECK ((status = 'waiting') = (decided_at IS NULL)),
            CONSTRAINT start_wishes_reason_check CHECK (status NOT IN ('skipped', 'refused') OR reason IS NOT NULL),
            CONSTRAINT start_wishes_workflow_id_fkey FOREIGN KEY (workflow_id)
                REFERENCES workflows (id) ON DELETE CASCADE,
            CONSTRAINT start_wishes_execution_id_key UNIQUE (execution_id)
        )
        """
    )
    op.execute(
        """
        CREATE INDEX start_wishes_ahead_idx ON start_wishes (workflow_id, id) WHERE status IN ('waiting', 'admitted')
        """
    )
    op.execute("CREATE UNIQUE INDEX start_wishes_idempotency_key ON start_wishes (workflow_id, idempotency_sha256)")
    op.execute(
        """
        CREATE TABLE executions (
            id TEXT NOT NULL,
            workflow_id TEXT NOT NULL,
            wish_id BIGINT,
            redrive INTEGER DEFAULT 0 NOT NULL,
            status execution_status NOT NULL,
            teller teller DEFAULT 'machine' NOT NULL,
            trigger_type trigger_type DEFAULT 'manual' NOT NULL,
            trigger_detail TEXT DEFAULT '' NOT NULL,
            requested_by TEXT DEFAULT '' NOT NULL,
            plan_key TEXT,
            planned_at TIMESTAMP WITH TIME ZONE,
            started_at TIMESTAMP WITH TIME ZONE,
            ended_at TIMESTAMP WITH TIME ZONE,
            error TEXT,
            cause TEXT,
            cancel_requested_at TIMESTAMP WITH TIME ZONE,
            cancel_requested_by TEXT,
            created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            CONSTRAINT executions_pkey PRIMARY KEY (id),
            CONSTRAINT executions_id_check CHECK (id ~ '^[A-Za-z0-9_-]{1,80}$'),
            CONSTRAINT executions_redrive_check CHECK (redrive >= 0),
            CONSTRAINT executions_ended_at_check CHECK (ended_at IS NULL OR status NOT IN ('pending', 'running')),
            CONSTRAINT executions_workflow_id_fkey FOREIGN KEY (workflow_id)
                REFERENCES workflows (id) ON DELETE CASCADE,
            CONSTRAINT executions_wish_id_key UNIQUE (wish_id),
            CONSTRAINT executions_wish_id_fkey FOREIGN KEY (wish_id)
                REFERENCES start_wishes (id) ON DELETE SET NULL
        )
        """
    )
    op.execute(
        """
        CREATE INDEX executions_active_idx ON executions (workflow_id, updated_at) WHERE status IN ('pending', 'running')
        """
    )
    op.execute("CREATE INDEX executions_newest_idx ON executions (created_at DESC, id DESC)")
    op.execute("CREATE INDEX executions_of_workflow_idx ON executions (workflow_id, created_at DESC, id DESC)")
    op.execute(
        """
        CREATE TABLE job_executions (
            execution_id TEXT NOT NULL,
            job_id TEXT NOT NULL,
            workflow_id TEXT NOT NULL,
            redrive INTEGER DEFAULT 0 NOT NULL,
            status job_status NOT NULL,
            run_id TEXT,
            started_at TIMESTAMP WITH TIME ZONE,
            ended_at TIMESTAMP WITH TIME ZONE,
            failed_step step,
            error JSONB,
            updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            CONSTRAINT job_executions_pkey PRIMARY KEY (execution_id, job_id),
            CONSTRAINT job_executions_workflow_id_job_id_fkey FOREIGN KEY (workflow_id, job_id)
                REFERENCES jobs (workflow_id, id) ON DELETE CASCADE,
            CONSTRAINT job_executions_redrive_check CHECK (redrive >= 0),
            CONSTRAINT job_executions_execution_id_fkey FOREIGN KEY (execution_id)
                REFERENCES executions (id) ON DELETE CASCADE
        )
        """
    )
    op.execute("CREATE INDEX job_executions_of_job_idx ON job_executions (workflow_id, job_id)")
    op.execute(
        """
        CREATE TABLE step_results (
            execution_id TEXT NOT NULL,
            job_id TEXT NOT NULL,
            step step NOT NULL,
            redrive INTEGER DEFAULT 0 NOT NULL,
            status job_status NOT NULL,
            tier tier,
            attempt INTEGER,
            escalation JSONB,
            started_at TIMESTAMP WITH TIME ZONE,
            ended_at TIMESTAMP WITH TIME ZONE,
            duration_seconds DOUBLE PRECISION,
            rows_read BIGINT,
            rows_written BIGINT,
            rows_set_aside BIGINT,
            counts JSONB,
            outputs JSONB,
            notes JSONB,
            error JSONB,
            updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            CONSTRAINT step_results_pkey PRIMARY KEY (execution_id, job_id, step),
            CONSTRAINT step_results_execution_id_job_id_fkey FOREIGN KEY (execution_id, job_id)
                REFERENCES job_executions (execution_id, job_id) ON DELETE CASCADE,
            CONSTRAINT step_results_redrive_check CHECK (redrive >= 0),
            CONSTRAINT step_results_attempt_check CHECK (attempt >= 1),
            CONSTRAINT step_results_rows_read_check CHECK (rows_read >= 0),
            CONSTRAINT step_results_rows_written_check CHECK (rows_written >= 0),
            CONSTRAINT step_results_rows_set_aside_check CHECK (rows_set_aside >= 0)
        )
        """
    )


def downgrade() -> None:
    """Remove them, with what they hold."""
    op.execute("DROP TABLE step_results")
    op.execute("DROP TABLE job_executions")
    op.execute("DROP TABLE executions")
    op.execute("DROP TABLE start_wishes")
    op.execute("DROP TYPE tier")
    op.execute("DROP TYPE step")
    op.execute("DROP TYPE job_status")
    op.execute("DROP TYPE teller")
    op.execute("DROP TYPE execution_status")
    op.execute("DROP TYPE trigger_type")
    op.execute("DROP TYPE wish_status")
