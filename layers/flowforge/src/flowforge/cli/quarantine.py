"""Rows that were set aside: which there are, why, and another way through for those that a person chose."""

from pathlib import Path

from rich import box
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table

from flowforge.cli.endings import SUCCESS, say
from flowforge.cli.fixes import replayed_rows
from flowforge.cli.preview import CELL_CHARACTERS, COLUMNS, REASON_CHARACTERS
from flowforge.cli.stack_execution import follow_to_the_end
from flowforge.cli.stack_runs import MANUAL, stack_runs
from flowforge.cli.stored_job import job_of_stack
from flowforge.cli.untrusted import cell, printable
from flowforge.cli.usage import UsageError
from flowforge.lake import keys
from flowforge.lake.lake import Lake, ObjectVersion
from flowforge.local.connection import StackConnection
from flowforge.medallion.silver import FAILED_RULES, REASON
from flowforge.model.job import Job
from flowforge.model.start import StartRequest
from flowforge.model.workflow import Workflow
from flowforge.orchestration.replays import store_replay
from flowforge.steps.engine_errors import engine_errors
from flowforge.steps.error_limits import require_run_was_taken
from flowforge.steps.quarantine_reader import NUMBER, QuarantineReader


def list_quarantines(stack: StackConnection, workflow_name: str, job_name: str | None, *, console: Console) -> int:
    """Print the runs of a job that set rows aside; the answer is the exit status."""
    lake = stack.lake()
    workflow, job = job_of_stack(stack, workflow_name, job_name)
    found = quarantines(lake, workflow, job)
    if not found:
        say(console, f"{printable(job.name)}: no row is in quarantine")
        return SUCCESS
    table = Table("Run", "Holds", "Rows", "Bytes", "S3 key", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for item in found:
        rows = QuarantineReader(lake, item.key).total()
        holds = "malformed records" if keys.holds_malformed(item.key) else "rows"
        run_id = keys.run_of_quarantine(item.key, workflow.slug, job.slug)
        table.add_row(cell(run_id), holds, f"{rows:,}", decimal(item.size_bytes), cell(item.key))
    console.print(table)
    return SUCCESS


def show_quarantine(
    stack: StackConnection,
    workflow_name: str,
    job_name: str | None,
    run_id: str | None,
    *,
    malformed: bool,
    limit: int,
    output: Path | None,
    console: Console,
) -> int:
    """Print the first rows of a quarantine with their numbers, or write all to a CSV file; the answer is the exit status."""
    lake = stack.lake()
    item = _chosen(lake, *job_of_stack(stack, workflow_name, job_name), run_id, malformed=malformed)
    reader = QuarantineReader(lake, item.key)
    rows, business = reader.rows(), reader.columns()
    with engine_errors(f"{item.key} could not be read"):
        if output is not None and malformed:
            rows.drop(NUMBER).sink_csv(output)
            say(console, f"Written to {output}: mend these records in their files, and deliver those again")
            return SUCCESS
        if output is not None:
            rows.select(NUMBER, *business).sink_csv(output)
            say(console, f"Written to {output}: mend it, leave out the rows that are not to come again, and replay with --fix")
            return SUCCESS
        shown = rows.head(limit).collect()
    total = reader.total()
    table = Table("Number", "File", "Row", "Reason", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for name in business[:COLUMNS]:
        table.add_column(cell(name, limit=CELL_CHARACTERS))
    for row in shown.iter_rows(named=True):
        cells = [cell("null" if row[name] is None else str(row[name]), limit=CELL_CHARACTERS) for name in business[:COLUMNS]]
        reason = cell(row[REASON] or ", ".join(row.get(FAILED_RULES, ())), limit=REASON_CHARACTERS)
        table.add_row(str(row[NUMBER]), cell(row["_source_file"]), str(row["_row_number"]), reason, *cells)
    console.print(table)
    say(console, f"{shown.height:,} of {total:,} rows of {item.key}")
    return SUCCESS


def replay_quarantine(
    stack: StackConnection,
    workflow_name: str,
    job_name: str | None,
    run_id: str | None,
    *,
    rows: str | None,
    fix: Path | None,
    values: tuple[str, ...],
    console: Console,
    errors: Console,
) -> int:
    """Take rows through again, and print what became of them; the answer is the exit status."""
    lake = stack.lake()
    workflow, job = job_of_stack(stack, workflow_name, job_name)
    item = _chosen(lake, workflow, job, run_id, malformed=False)
    require_run_was_taken(lake, item.key)
    total = QuarantineReader(lake, item.key).total()
    key = store_replay(lake, workflow.id, job.id, item, replayed_rows(total, rows=rows, fix=fix, values=values))
    wish = StartRequest(workflow_id=workflow.id, replay=key, idempotency_key=key, trigger=MANUAL)
    with stack_runs(stack) as runs:
        arn, to_follow = runs.start_once(wish, lambda text: say(console, text))
        if not to_follow:
            say(console, "These rows went through with the same values before; nothing was started")
            return SUCCESS
        alone = workflow.model_copy(update={"jobs": (job,)})
        return follow_to_the_end(stack.client("stepfunctions"), arn, lake, alone, console=console, errors=errors)


def quarantines(lake: Lake, workflow: Workflow, job: Job) -> list[ObjectVersion]:
    """The quarantines of a job, the oldest first: of a run the rows that Silver set aside, and the records that Bronze did."""
    return lake.list_objects(keys.quarantine_prefix(workflow.slug, job.slug))


def _chosen(lake: Lake, workflow: Workflow, job: Job, run_id: str | None, *, malformed: bool) -> ObjectVersion:
    """The quarantine of a run, or the only one. Raises UsageError where there is none, or more than one."""
    found: dict[str, ObjectVersion] = {}
    others = []
    for item in quarantines(lake, workflow, job):
        run = keys.run_of_quarantine(item.key, workflow.slug, job.slug)
        if keys.holds_malformed(item.key) is malformed:
            found[run] = item
        else:
            others.append(run)
    if run_id is None and len(found) == 1:
        return next(iter(found.values()))
    if run_id is not None and run_id in found:
        return found[run_id]
    if not malformed and others and (run_id in others or (run_id is None and not found)):
        raise UsageError(
            f"{printable(job.name)}: only records that could not be read were set aside, and these cannot be replayed: mend "
            "them in their file, and deliver that again; 'quarantine show --malformed' shows them"
        )
    if not found:
        raise UsageError(f"{printable(job.name)}: no {'malformed record' if malformed else 'row'} is in quarantine")
    told = "no such run has one" if run_id is not None else "say which"
    raise UsageError(f"--run: {told}; {printable(job.name)} has quarantines of {', '.join(found)}")
