"""The tables. Importing this package declares all of them in one ``METADATA``."""

from flowforge.metadata.schema.access import api_tokens, audit_log, users
from flowforge.metadata.schema.base import METADATA
from flowforge.metadata.schema.catalog import catalog_assets, processed_files
from flowforge.metadata.schema.connections import connections
from flowforge.metadata.schema.quality import (
    quality_results,
    quality_rules,
    quarantine_reviews,
    reconciliation_results,
)
from flowforge.metadata.schema.runs import executions, job_executions, start_wishes, step_results
from flowforge.metadata.schema.workflows import contracts, jobs, reserved_names, workflows

__all__ = [
    "METADATA",
    "api_tokens",
    "audit_log",
    "catalog_assets",
    "connections",
    "contracts",
    "executions",
    "job_executions",
    "jobs",
    "processed_files",
    "quality_results",
    "quality_rules",
    "quarantine_reviews",
    "reconciliation_results",
    "reserved_names",
    "start_wishes",
    "step_results",
    "users",
    "workflows",
]
