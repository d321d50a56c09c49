"""Users, tokens, and an audit log that can only grow."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create them."""
    op.execute("CREATE TYPE role AS ENUM ('viewer', 'operator', 'admin')")
    op.execute("CREATE TYPE actor_kind AS ENUM ('user', 'token', 'system')")
    op.execute(
        """
        CREATE TABLE users (
            sub TEXT NOT NULL,
            email TEXT DEFAULT '' NOT NULL,
            name TEXT DEFAULT '' NOT NULL,
            role role NOT NULL,
            created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            updated_by TEXT DEFAULT '' NOT NULL,
            CONSTRAINT users_pkey PRIMARY KEY (sub),
            CONSTRAINT users_sub_check CHECK (length(sub) BETWEEN 1 AND 255)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE api_tokens (
            id TEXT NOT NULL,
            name TEXT NOT NULL,
            secret_sha256 BYTEA NOT NULL,
            role role NOT NULL,
            environment environment NOT NULL,
            created_by TEXT DEFAULT '' NOT NULL,
            created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            expires_at TIMESTAMP WITH TIME ZONE,
            revoked_at TIMESTAMP WITH TIME ZONE,
            last_used_at TIMESTAMP WITH TIME ZONE,
            CONSTRAINT api_tokens_pkey PRIMARY KEY (id),
            CONSTRAINT api_tokens_secret_sha256_check CHECK (length(secret_sha256) = 32),
            CONSTRAINT api_tokens_name_check CHECK (length(name) BETWEEN 1 AND 200),
            CONSTRAINT api_tokens_expires_at_check CHECK (expires_at > created_at),
            CONSTRAINT api_tokens_secret_sha256_key UNIQUE (secret_sha256)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE audit_log (
            id BIGINT GENERATED ALWAYS AS IDENTITY,
            at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            actor_kind actor_kind NOT NULL,
            actor TEXT NOT NULL,
            action TEXT NOT NULL,
            entity_type TEXT NOT NULL,
            entity_id TEXT NOT NULL,
            before JSONB,
            after JSONB,
            request_id TEXT DEFAULT '' NOT NULL,
            CONSTRAINT audit_log_pkey PRIMARY KEY (id)
        )
        """
    )
    op.execute("CREATE INDEX audit_log_actor_idx ON audit_log (actor, id DESC)")
    op.execute("CREATE INDEX audit_log_entity_idx ON audit_log (entity_type, entity_id, id DESC)")
    op.execute(
        """
        CREATE FUNCTION refuse_change_of_audit_log() RETURNS trigger LANGUAGE plpgsql AS
        $$BEGIN RAISE EXCEPTION 'the audit log can only grow'; END$$
        """
    )
    op.execute(
        """
        CREATE TRIGGER audit_log_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_audit_log()
        """
    )


def downgrade() -> None:
    """Remove them, with what they hold."""
    op.execute("DROP TABLE audit_log")
    op.execute("DROP FUNCTION refuse_change_of_audit_log")
    op.execute("DROP TABLE api_tokens")
    op.execute("DROP TABLE users")
    op.execute("DROP TYPE actor_kind")
    op.execute("DROP TYPE role")
