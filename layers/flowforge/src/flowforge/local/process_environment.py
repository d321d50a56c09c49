"""The environment variables that every process of the stack's user code gets, whether a function's or a task's."""

import os
from collections.abc import Mapping
from pathlib import Path

from flowforge.local.loopback import NO_PROXY

# Everything else in the caller's environment (profiles, proxies, credentials) stays outside, as it would on AWS.
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR")


def process_environment(state: Path) -> dict[str, str]:
    """What the machine hands on, and what Python needs; ``state`` is the stack's state folder."""
    return {
        **{key: os.environ[key] for key in _PASSED_ON if key in os.environ},
        # Without compiled files a cold start takes three times as long; the sources' folders stay as they are.
        "PYTHONPYCACHEPREFIX": os.environ.get("PYTHONPYCACHEPREFIX", str(state / "pycache")),
        "PYTHONUNBUFFERED": "1",
        "TZ": ":UTC",
    }


def scratch_environment(scratch: Path) -> dict[str, str]:
    """What leads temporary files to a folder that is watched, and removed at the end."""
    return {"TMPDIR": str(scratch), "POLARS_TEMP_DIR": str(scratch / "polars")}


def task_environment(
    name: str, declared: Mapping[str, str], *, of_stack: Mapping[str, str], state: Path, scratch: Path
) -> dict[str, str]:
    """Join what a container declares, overrides included, with what leads to this stack.

    The agent's metadata endpoint (``ECS_CONTAINER_METADATA_URI_V4``) is not there.
    """
    return {
        **process_environment(state),
        "POWERTOOLS_SERVICE_NAME": name,
        **declared,
        **of_stack,
        **NO_PROXY,
        **scratch_environment(scratch),
        "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE",
    }
