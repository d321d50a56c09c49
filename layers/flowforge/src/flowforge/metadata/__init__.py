"""The metadata of workflows and runs, in PostgreSQL: tables, migrations and queries."""
