"""``python -m flowforge.cli``: the command where it is not installed as a script."""

from flowforge.cli.main import app

app()
