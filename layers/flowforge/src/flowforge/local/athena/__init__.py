"""Athena on the laptop: its API over DuckDB, which reads the tables as the catalog says they are."""
