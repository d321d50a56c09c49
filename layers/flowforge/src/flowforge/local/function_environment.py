"""The environment variables that a function's process gets."""

import time
import uuid
from collections.abc import Mapping
from pathlib import Path

from flowforge.local.loopback import NO_PROXY
from flowforge.local.process_environment import process_environment, scratch_environment
from flowforge.local.template import FunctionSpec


def new_stream_name() -> str:
    """The log stream of a new process, named as Lambda names it."""
    return time.strftime("%Y/%m/%d/[$LATEST]", time.gmtime()) + uuid.uuid4().hex


def function_environment(
    spec: FunctionSpec, *, of_stack: Mapping[str, str], runtime_api: str, stream: str, state: Path, scratch: Path
) -> dict[str, str]:
    """Join what Lambda sets, what the template declares and what leads to this stack.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
    """
    return {
        **process_environment(state),
        **scratch_environment(scratch),
        "POWERTOOLS_SERVICE_NAME": spec.name,
        **spec.environment,
        **of_stack,
        **NO_PROXY,
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "AWS_LAMBDA_FUNCTION_NAME": spec.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(spec.memory_mb),
        "AWS_LAMBDA_LOG_GROUP_NAME": spec.log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": stream,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "LAMBDA_TASK_ROOT": str(spec.folder),
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "_HANDLER": spec.handler,
    }
