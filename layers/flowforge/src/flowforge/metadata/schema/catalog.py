"""The files that jobs have read, and the tables that they publish with what people wrote of them."""

from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from flowforge.metadata.schema.base import METADATA, document, held_enum, instant, not_negative, words
from flowforge.metadata.schema.workflows import environment_type
from flowforge.model.layer import Layer


class FileStatus(StrEnum):
    """What became of a landing object, in the order of rank within an execution."""

    LANDED = "landed"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


processed_files = Table(
    "processed_files",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("workflow_id", Text, nullable=False),
    Column("job_id", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("etag", Text, nullable=False),
    Column("sha256", Text),
    Column("size_bytes", BigInteger, nullable=False),
    Column("status", held_enum(FileStatus, "file_status"), nullable=False),
    Column("execution_id", Text, ForeignKey("executions.id", ondelete="SET NULL")),
    Column("error", Text),
    instant("discovered_at", given=True),
    instant("ended_at"),
    ForeignKeyConstraint(["workflow_id", "job_id"], ["jobs.workflow_id", "jobs.id"], ondelete="CASCADE"),
    UniqueConstraint("workflow_id", "job_id", "key", "version"),
    not_negative("size_bytes"),
    CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256"),
)
Index("processed_files_content_idx", processed_files.c.workflow_id, processed_files.c.job_id, processed_files.c.sha256)
Index("processed_files_execution_id_idx", processed_files.c.execution_id)

catalog_assets = Table(
    "catalog_assets",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("layer", held_enum(Layer, "layer"), nullable=False),
    Column("table_name", Text, nullable=False),
    Column("environment", environment_type, nullable=False),
    Column("workflow_id", Text),
    Column("job_id", Text),
    Column("location", Text, nullable=False, server_default=text("''")),
    *document("columns", "array"),
    *document("parent_tables", "array"),
    Column("row_count", BigInteger),
    Column("size_bytes", BigInteger),
    Column("contract_version", Integer),
    Column("run_id", Text),
    Column("execution_id", Text),
    instant("planned_at"),
    instant("refreshed_at", given=True),
    words("description"),
    words("owner"),
    *document("tags", "array"),
    Column("version", Integer, nullable=False, server_default=text("1")),
    instant("edited_at"),
    Column("edited_by", Text),
    # The data outlives its job until it is purged.
    ForeignKeyConstraint(["workflow_id", "job_id"], ["jobs.workflow_id", "jobs.id"], ondelete="SET NULL"),
    ForeignKeyConstraint(["execution_id"], ["executions.id"], ondelete="SET NULL"),
    UniqueConstraint("layer", "table_name", "environment"),
    CheckConstraint("layer <> 'source'", name="layer"),
    CheckConstraint("version >= 1", name="version"),
    not_negative("row_count"),
    not_negative("size_bytes"),
)
Index("catalog_assets_job_idx", catalog_assets.c.workflow_id, catalog_assets.c.job_id)
Index("catalog_assets_execution_id_idx", catalog_assets.c.execution_id)
Index("catalog_assets_tags_idx", catalog_assets.c.tags, postgresql_using="gin")
