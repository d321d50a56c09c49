"""A database full of workflows and executions, made by the server itself: what lists and details have to be quick with.

Every workflow has two jobs, every execution two jobs of three steps, rules, and rows set aside; every job has its tables.
Executions are spread over ninety days, the newest at ``now``.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

SPREAD = "90 days"
STATEMENTS = (
    """
    INSERT INTO workflows (id, name, slug, environment, description, team, tags, created_at)
    SELECT 'wf_' || n, 'Workflow ' || n, 'workflow-' || n, 'dev', 'What ' || n || ' sells', 'team ' || mod(n, 20),
           jsonb_build_array('t' || mod(n, 10)), CAST(:now AS timestamptz) - n * interval '1 hour'
    FROM generate_series(0, :workflows - 1) AS n
    """,
    """
    INSERT INTO jobs (workflow_id, id, name, slug, type, order_index, validation_config)
    SELECT 'wf_' || n, job, initcap(job), job, 'file-based', number,
           '{"dataQualityRules": [{"name": "has id", "column": "id", "ruleType": "not_null"}]}'
    FROM generate_series(0, :workflows - 1) AS n, (VALUES ('orders', 1), ('items', 2)) AS kind (job, number)
    """,
    """
    INSERT INTO quality_rules (workflow_id, job_id, rule, type, column_name, severity)
    SELECT workflow_id, id, 'has id', 'not_null', 'id', 'error' FROM jobs
    """,
    """
    INSERT INTO executions (id, workflow_id, status, started_at, ended_at, created_at, planned_at)
    SELECT 'exec_' || n, 'wf_' || mod(n, :workflows),
           (CASE WHEN mod(n, 997) = 0 THEN 'running' WHEN mod(n, 50) = 0 THEN 'cancelled' WHEN mod(n, 12) = 0 THEN 'failed'
                 ELSE 'succeeded' END)::execution_status,
           at + interval '2 seconds', CASE WHEN mod(n, 997) <> 0 THEN at + (20 + mod(n, 600)) * interval '1 second' END, at, at
    FROM generate_series(1, :executions) AS n,
         LATERAL (SELECT CAST(:now AS timestamptz) - (n - 1) * (CAST(:spread AS interval) / :executions) AS at) AS times
    """,
    """
    INSERT INTO job_executions (execution_id, job_id, workflow_id, status, run_id, started_at, ended_at, failed_step, error)
    SELECT e.id, job, e.workflow_id,
           (CASE WHEN e.status <> 'failed' THEN e.status::text WHEN job = 'items' THEN 'failed' ELSE 'succeeded' END)::job_status,
           e.id || '_' || job, e.started_at, e.ended_at,
           CASE WHEN e.status = 'failed' AND job = 'items' THEN 'silver_transform'::step END,
           CASE WHEN e.status = 'failed' AND job = 'items' THEN '{"error": "DataFault", "message": "row 7 is blank"}'::jsonb END
    FROM executions AS e, (VALUES ('orders'), ('items')) AS kind (job)
    """,
    """
    INSERT INTO step_results (execution_id, job_id, step, status, tier, attempt, started_at, ended_at, duration_seconds,
                              rows_read, rows_written, rows_set_aside, counts, outputs)
    SELECT j.execution_id, j.job_id, step::step, j.status, 'lambda', 1, j.started_at, j.ended_at, 4.5, 1000, 990,
           CASE WHEN is_bad THEN 10 ELSE 0 END, '{"read": 1000, "written": 990}',
           jsonb_build_array(jsonb_build_object('role', role, 'key', role || '/' || j.run_id || '.parquet', 'etag', 'e',
                                                'rows', 990, 'sizeBytes', 40000))
           || CASE WHEN is_bad THEN jsonb_build_array(jsonb_build_object('role', 'quarantine', 'etag', 'e', 'rows', 10, 'key',
                    'quarantine/' || j.workflow_id || '/' || j.job_id || '/20260101/' || j.run_id || '.parquet',
                    'sizeBytes', 900)) ELSE '[]'::jsonb END
    FROM job_executions AS j,
         (VALUES ('bronze_ingest', 'bronze'), ('silver_transform', 'silver'), ('gold_publish', 'gold')) AS kind (step, role),
         LATERAL (SELECT step = 'silver_transform' AND mod(hashtext(j.run_id), 20) = 0 AS is_bad) AS luck
    """,
    """
    INSERT INTO quality_results (execution_id, job_id, rule, column_name, severity, failed, checked, recorded_at)
    SELECT execution_id, job_id, 'has id', 'id', 'error', CASE WHEN mod(hashtext(run_id), 20) = 0 THEN 10 ELSE 0 END, 1000,
           coalesce(ended_at, started_at)
    FROM job_executions WHERE job_id = 'orders'
    """,
    """
    INSERT INTO catalog_assets (layer, table_name, environment, workflow_id, job_id, location, columns, parent_tables,
                                row_count, size_bytes, run_id, execution_id, planned_at, tags)
    SELECT layer::layer, replace(j.workflow_id, 'wf_', 'workflow_') || '_' || j.id, 'dev', j.workflow_id, j.id,
           's3://data/' || layer || '/' || j.workflow_id || '/' || j.id || '/',
           (SELECT jsonb_agg(jsonb_build_object('name', 'column_' || n, 'type', 'bigint', 'origins', '[]'::jsonb))
            FROM generate_series(1, 20) AS n),
           CASE WHEN parent IS NULL THEN '[]'
                ELSE jsonb_build_array(parent || '.' || replace(j.workflow_id, 'wf_', 'workflow_') || '_' || j.id) END,
           990, 40000, last.run_id, last.execution_id, CAST(:now AS timestamptz), '["gdpr"]'
    FROM jobs AS j
    JOIN (VALUES ('bronze', NULL), ('silver', 'bronze'), ('gold', 'silver')) AS kind (layer, parent) ON true
    LEFT JOIN LATERAL (
        SELECT x.run_id, x.execution_id FROM executions AS e JOIN job_executions AS x ON x.execution_id = e.id
        WHERE e.workflow_id = j.workflow_id AND x.job_id = j.id ORDER BY e.created_at DESC LIMIT 1
    ) AS last ON true
    """,
    """
    INSERT INTO processed_files (workflow_id, job_id, key, version, etag, size_bytes, status, execution_id, ended_at)
    SELECT workflow_id, job_id, 'landing/' || workflow_id || '/' || job_id || '/' || run_id || '.csv', run_id, run_id, 50000,
           'completed', execution_id, ended_at
    FROM job_executions
    """,
    """
    INSERT INTO audit_log (actor_kind, actor, action, entity_type, entity_id, after)
    SELECT 'user', 'anna', 'run', 'workflow', 'wf_' || mod(n, :workflows), '{}' FROM generate_series(1, :executions) AS n
    """,
)


@dataclass(frozen=True)
class Seed:
    """How much there is to be."""

    workflows: int
    executions: int
    now: datetime


def seed(connection: Connection, amount: Seed) -> None:
    """Fill an empty database at the newest revision. The planner knows of the rows once ``ANALYZE`` has run."""
    given = {**vars(amount), "spread": SPREAD}
    for statement in STATEMENTS:
        named = text(statement)
        connection.execute(named, {name: given[name] for name in named.compile().params})
