"""A workflow that a person wrote as YAML."""

from pathlib import Path

from pydantic import ValidationError

from flowforge.cli.usage import UsageError
from flowforge.cli.yaml_documents import read_file
from flowforge.model.errors import ConfigFault
from flowforge.model.workflow import Workflow, describe_problem, read_workflow
from flowforge.model.workflow_settings import WorkflowSettings


def load_workflow(path: Path) -> Workflow:
    """Read and validate the file. Raises UsageError where there is none, ConfigFault naming the wrong line or field.

    Settings such as an owner, as a file for ``flowforge workflow apply`` has them, are checked, and of no concern to a run.
    """
    if not path.is_file():
        raise UsageError(f"--workflow: there is no file {path}")
    documents = read_file(path)
    if len(documents) > 1:
        raise ConfigFault(f"{path}: there are {len(documents)} workflows in it, and a run is of one", file=str(path))
    definition = documents[0] if documents else None
    if not isinstance(definition, dict):
        raise ConfigFault(f"{path}: a workflow is a mapping with the fields id, name and jobs", file=str(path))
    names = {field.alias or name for name, field in WorkflowSettings.model_fields.items()}
    try:
        WorkflowSettings.model_validate({name: value for name, value in definition.items() if name in names})
    except ValidationError as error:
        lines = [describe_problem(problem["loc"], problem["msg"]) for problem in error.errors()]
        raise ConfigFault(f"{path}: {'; '.join(lines)}", file=str(path)) from error
    return read_workflow({name: value for name, value in definition.items() if name not in names}, origin=str(path))
