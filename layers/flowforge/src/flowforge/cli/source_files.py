"""Which files on disk a run lands, and for which job, in which order."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from flowforge.cli.untrusted import printable
from flowforge.cli.usage import UsageError
from flowforge.lake.keys import landing_key
from flowforge.model.compression import unpacked_name
from flowforge.model.job import JobType
from flowforge.model.source_format import SourceFormat, named_format
from flowforge.model.workflow import Workflow

WILDCARDS = "*?["
NOTES = (".txt",)
"""In a folder, such a file is more often a note than a table; it is read where it is named."""


def named_files(arguments: Iterable[str], wanted: SourceFormat = SourceFormat.AUTO) -> list[Path]:
    """Find the files that the arguments name, in their order: files, folders (their data files by name), glob patterns.

    Of a folder only files of the format ``wanted`` are taken. Raises UsageError for an argument that names nothing, and for a
    folder with files of several formats where none is wanted.
    """
    return [path for argument in arguments for path in _named_by(argument, wanted)]


def matching_files(workflow: Workflow, folder: Path) -> dict[str, list[Path]]:
    """Find the files that each job's ``filePattern`` matches, by name. Raises UsageError where one matches none.

    A job that reads tables has none.
    """
    if not folder.is_dir():
        raise UsageError(f"--data: there is no folder {printable(str(folder))}")
    present = sorted((path for path in folder.iterdir() if path.is_file()), key=lambda path: path.name)
    files = {}
    for job in workflow.jobs:
        if job.type is JobType.GOLD_ANALYTICS:
            continue
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


def _in_folder(folder: Path, argument: str, wanted: SourceFormat) -> list[Path]:
    found: dict[Path, SourceFormat] = {}
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        kind = named_format(item.name)
        is_note = unpacked_name(item.name).lower().endswith(NOTES)
        if item.is_file() and kind is not None and not is_note and wanted in (kind, SourceFormat.AUTO):
            found[item] = kind
    kinds = sorted(set(found.values()))
    if not found:
        of = "" if wanted is SourceFormat.AUTO else f" of the format {wanted.value}"
        raise UsageError(f"the folder {printable(argument)} has no data file{of}")
    if len(kinds) > 1:
        raise UsageError(
            f"the folder {printable(argument)} has files of the formats {' and '.join(kinds)}: add --format {kinds[0]}"
        )
    return list(found)


def _named_by(argument: str, wanted: SourceFormat) -> list[Path]:
    path = Path(argument)
    if path.is_dir():
        return _in_folder(path, argument, wanted)
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
