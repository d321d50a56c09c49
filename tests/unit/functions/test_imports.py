"""What a cold start loads: nothing but what the function's work needs."""

import json
import os
import subprocess
import sys

from flowforge.local.project import find_project

LOAD = """
import importlib.util, json, sys
bare = set(sys.modules)
for path in sys.argv[1:]:
    spec = importlib.util.spec_from_file_location("handler", path)
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
print(json.dumps(sorted({name.partition(".")[0] for name in set(sys.modules) - bare})))
"""
ENVIRONMENT = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "FLOWFORGE_DATA_BUCKET": "none",
    "FLOWFORGE_STAGE": "dev",
    "FLOWFORGE_STATE_MACHINE_ARN": "none",
    "FLOWFORGE_START_REQUESTS_URL": "none",
    "FLOWFORGE_START_REQUESTS_DLQ_URL": "none",
    "DATABASE_URL": "postgresql://flowforge:none@127.0.0.1:1/none",
}
# The S3 client with what it is made of (zstd too, where that is installed), the logger and the metrics, the models: what every
# function works with.
OF_EVERY_FUNCTION = {
    *("boto3", "botocore", "s3transfer", "jmespath", "urllib3", "backports", "dateutil", "six", "certifi"),
    "aws_lambda_powertools",
    *("pydantic", "pydantic_core", "annotated_types", "typing_extensions", "typing_inspection"),
}
# What unpacks zstd until Python 3.14 does: one small extension module. Record and start read no files.
UNPACKER = {"backports"}
# The engine, in which the surrogate key's hash is a plugin.
ENGINE = {"polars", "polars_hash", "_polars_runtime_32"}
# SQLAlchemy, part of which is made by Cython, its driver, and what that speaks SCRAM with.
DATABASE = {"sqlalchemy", "pg8000", "scramp", "asn1crypto", "cython_runtime"}
STEPS = ("bronze_ingest", "silver_transform", "gold_publish")
CONTROL = ("plan_execution", "record_event", "start_execution", "reconcile")


def loaded(*functions: str) -> set[str]:
    """The libraries that a fresh process loads for these functions' handlers: what is neither Python's own nor ours."""
    paths = [str(find_project() / "functions" / function / "handler.py") for function in functions]
    done = subprocess.run(
        [sys.executable, "-c", LOAD, *paths], env={**os.environ, **ENVIRONMENT}, capture_output=True, text=True, check=True
    )
    libraries = set(json.loads(done.stdout)) - sys.stdlib_module_names - {"flowforge"}
    # Python's own names of the main module, and of its constants for one machine.
    return {name for name in libraries if name != "__mp_main__" and not name.startswith(("_sysconfigdata", "_cython"))}


def test_the_steps_load_the_engine_s3_logger_and_models_and_nothing_else() -> None:
    assert loaded(*STEPS) == OF_EVERY_FUNCTION | ENGINE | UNPACKER


def test_the_control_plane_loads_the_database_and_no_engine() -> None:
    assert loaded(*CONTROL) == OF_EVERY_FUNCTION | UNPACKER | DATABASE
