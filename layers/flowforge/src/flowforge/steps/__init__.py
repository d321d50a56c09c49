"""The three steps of a job, the same on every tier: read the lake, call medallion, publish."""
