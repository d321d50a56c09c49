"""A workflow that a person wrote as YAML."""

from pathlib import Path

import yaml

from flowforge.cli.usage import UsageError
from flowforge.model.errors import ConfigFault
from flowforge.model.workflow import Workflow, read_workflow


def load_workflow(path: Path) -> Workflow:
    """Read and validate the file. Raises UsageError where there is none, ConfigFault naming the wrong line or field."""
    if not path.is_file():
        raise UsageError(f"--workflow: there is no file {path}")
    try:
        definition = yaml.safe_load(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise ConfigFault(f"{path}: the file is not UTF-8 (byte {error.start})", file=str(path)) from error
    except yaml.YAMLError as error:
        raise ConfigFault(f"{path}: {_problem(error)}", file=str(path)) from error
    if not isinstance(definition, dict):
        raise ConfigFault(f"{path}: a workflow is a mapping with the fields id, name and jobs", file=str(path))
    return read_workflow(definition, origin=str(path))


def _problem(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    return f"{where}{getattr(error, 'problem', None) or 'this is no YAML'}"
