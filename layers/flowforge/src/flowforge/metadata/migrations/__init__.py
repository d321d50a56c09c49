"""Revisions of the schema, for Alembic. See docs/reference/metadata.md for how one is made."""
