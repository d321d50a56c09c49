"""The revisions, each on the one before it."""
