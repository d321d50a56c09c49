"""``flowforge --help`` answers at once: it loads what draws the page, and nothing that runs anything."""

import json
import subprocess
import sys

CODE = """
import io, json, sys
sys.argv, told, sys.stdout = ["flowforge", "--help"], sys.stdout, io.StringIO()
from flowforge.cli.main import app
try:
    app()
except SystemExit as end:
    code = end.code
print(json.dumps({"code": code, "modules": sorted(sys.modules)}), file=told)
"""
NEEDED_BY_COMMANDS = {"polars", "boto3", "botocore", "pydantic", "yaml", "jsonata", "starlette", "uvicorn", "psutil"}
# What typer itself draws a page without; each of these costs a tenth of a second or so.
SLOW = {"importlib.metadata", "email.message", "asyncio", "http.client"}


def test_help_loads_nothing_that_only_commands_need() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    assert answer["code"] == 0
    modules = set(answer["modules"])
    assert modules & (NEEDED_BY_COMMANDS | SLOW) == set()
    assert {name for name in modules if name.startswith(("flowforge.local", "flowforge.lake", "flowforge.model"))} == set()
