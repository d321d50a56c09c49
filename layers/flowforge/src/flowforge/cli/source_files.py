"""Which files on disk a run lands, and for which job, in which order."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from flowforge.cli.untrusted import printable
from flowforge.cli.usage import UsageError
from flowforge.lake.keys import landing_key
from flowforge.model.text_files import is_table
from flowforge.model.workflow import Workflow

WILDCARDS = "*?["


def named_files(arguments: Iterable[str]) -> list[Path]:
    """Find the files that the arguments name, in their order: files, folders (their tables by name), glob patterns.

    Raises UsageError for an argument that names nothing.
    """
    return [path for argument in arguments for path in _named_by(argument)]


def matching_files(workflow: Workflow, folder: Path) -> dict[str, list[Path]]:
    """Find the files that each job's ``filePattern`` matches, by name. Raises UsageError where one matches none."""
    if not folder.is_dir():
        raise UsageError(f"--data: there is no folder {printable(str(folder))}")
    present = sorted((path for path in folder.iterdir() if path.is_file()), key=lambda path: path.name)
    files = {}
    for job in workflow.jobs:
        config = job.source_config.file_config
        files[job.id] = [path for path in present if config.wants(path.name)]
        if not files[job.id]:
            raise UsageError(
                f"--data: no file in {printable(str(folder))} matches {printable(config.wanted)!r}, "
                f"the filePattern of job {printable(job.name)!r}"
            )
    return files


def landing_keys(workflow: Workflow, files: Mapping[str, Iterable[Path]]) -> dict[str, dict[str, Path]]:
    """Give each file its landing key, by job and in order. Raises UsageError where two files would share one."""
    keys: dict[str, dict[str, Path]] = {}
    for job_id, paths in files.items():
        keys[job_id] = {}
        for path in paths:
            key = landing_key(workflow.id, job_id, path.name)
            if key in keys[job_id]:
                raise UsageError(
                    f"{printable(str(keys[job_id][key]))} and {printable(str(path))} would both land as "
                    f"{printable(key)}: rename one, or run them one after the other"
                )
            keys[job_id][key] = path
    return keys


def _named_by(argument: str) -> list[Path]:
    path = Path(argument)
    if path.is_dir():
        files = [item for item in path.iterdir() if item.is_file() and is_table(item.name)]
        if not files:
            raise UsageError(f"the folder {printable(argument)} has no file of delimited text")
        return sorted(files, key=lambda item: item.name)
    if path.exists():
        return [path]
    if not any(character in argument for character in WILDCARDS):
        raise UsageError(f"there is no file {printable(argument)}")
    # An anchored pattern is matched below its anchor, which is all that Path.glob takes.
    base = Path(path.anchor) if path.anchor else Path()
    matches = [item for item in base.glob(str(path.relative_to(base) if path.anchor else path)) if item.is_file()]
    if not matches:
        raise UsageError(f"no file matches {printable(argument)}")
    return sorted(matches, key=lambda item: (item.name, str(item)))
