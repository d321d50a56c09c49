"""The end of silver_transform: quarantine, archive, table and head become visible, in this order, once per run."""

from collections.abc import Callable, Mapping

from flowforge.lake import keys
from flowforge.lake.lake import ObjectVersion
from flowforge.lake.publish import ATTEMPT_ID, RUN_ID, publish
from flowforge.model.errors import CommitConflict
from flowforge.model.silver_config import MergeStrategy
from flowforge.model.step import PublishedObject, StepResult
from flowforge.steps.attempt import Attempt, Written, prepared_result, published_attempt, require_equations
from flowforge.steps.context import StepContext
from flowforge.steps.observations import keep_observations
from flowforge.steps.run_rows import SilverWork
from flowforge.steps.shown_run import may_amend, record_rebuild, show_run
from flowforge.steps.silver_table import SilverTable

TRIES = 3
"""How often a table that others change is made anew from the rows at hand, before the whole step is run again."""


def published_before(context: StepContext) -> StepResult | None:
    """What an earlier try of this run was about to answer, where its table is visible or archived already."""
    strategy = context.job.destination_config.silver_config.merge_strategy
    if strategy.keeps_one_object:
        places = [keys.silver_current_key(*context.slugs), keys.silver_archive_key(*context.slugs, context.run_id)]
    elif strategy is MergeStrategy.APPEND and context.planned.rebuild is not None:
        places = [keys.silver_rebuilt_key(*context.slugs, context.planned_at, context.run_id)]
    else:
        places = [keys.silver_run_key(*context.slugs, context.planned_at, context.run_id)]
    if strategy is MergeStrategy.VERSIONED and not may_amend(context, places[0]):
        return None
    for place in places:
        attempt_id = published_attempt(context.lake, place, context.run_id)
        if attempt_id is not None:
            return prepared_result(context.lake, attempt_id)
    return None


def commit(context: StepContext, attempt: Attempt, work: SilverWork, make_table: Callable[[], SilverTable]) -> StepResult:
    """Make the table and publish it; where another run was first, make it again from the same rows.

    Raises CommitConflict where others keep coming first, DataFault where rows are unaccounted for.
    """
    for _ in range(TRIES - 1):
        try:
            return _commit_once(context, attempt, work, make_table())
        except CommitConflict:
            # Between our publish and the look at it, another run can have replaced and archived what we published.
            earlier = published_before(context)
            if earlier is not None:
                return finish(context, earlier)
    return _commit_once(context, attempt, work, make_table())


def _commit_once(context: StepContext, attempt: Attempt, work: SilverWork, table: SilverTable) -> StepResult:
    require_equations(table.counts.broken_equations(), "silver_transform")
    quarantined = work.rows.quarantined
    outputs = _outputs(context, table, quarantined)
    result = context.result(
        table.counts,
        outputs,
        read_bytes=work.read_bytes,
        contract=work.contract,
        rules=work.rules,
        notes=work.notes,
        head="none" if table.written else "superseded",
        table_version=table.version,
    )
    attempt.prepare(result)
    seen: dict[str, ObjectVersion] = {}
    if quarantined is not None:
        seen[outputs[-1].key] = attempt.publish(quarantined, outputs[-1].key).version
    if table.written is None:
        return finish(context, result, seen)
    if table.replaces is not None:
        if context.planned.rebuild is None:
            keep_observations(context, table.replaces)
        if table.key == keys.silver_current_key(*context.slugs):
            _archive(context, table.replaces)
    replaces = table.replaces.etag if table.replaces else None
    published = attempt.publish(table.written, table.key, replaces=replaces, table_version=table.version)
    if published.attempt_id != attempt.id:
        result = prepared_result(context.lake, published.attempt_id) or result
    return finish(context, result, seen | {table.key: published.version})


def _outputs(context: StepContext, table: SilverTable, quarantined: Written | None) -> list[PublishedObject]:
    outputs = [PublishedObject(role="silver", key=table.key, etag="", rows=table.rows, size_bytes=table.size_bytes)]
    if quarantined is not None:
        key = keys.quarantine_key(*context.slugs, context.planned_at, context.run_id)
        outputs.append(
            PublishedObject(role="quarantine", key=key, etag="", rows=quarantined.rows, size_bytes=quarantined.version.size_bytes)
        )
    return outputs


def _archive(context: StepContext, table: ObjectVersion) -> None:
    """Keep the table that is about to be replaced, under the run that wrote it; never overwritten.

    A table that no run of ours wrote is kept under its ETag.
    """
    run_id = table.metadata.get(RUN_ID) or f"etag-{table.etag.strip(chr(34))}"
    key = keys.silver_archive_key(*context.slugs, run_id)
    publish(context.lake, table, key, run_id=run_id, attempt_id=table.metadata.get(ATTEMPT_ID, ""))


def finish(context: StepContext, result: StepResult, seen: Mapping[str, ObjectVersion] | None = None) -> StepResult:
    """Keep what the run brought where later runs need it, fill in the ETags, and make a versioned run the table.

    ``seen``: what this attempt has published, as it saw it right afterwards; what is not there is looked at.
    """
    config = context.job.destination_config.silver_config
    versions = {output.key: (seen or {}).get(output.key) or context.lake.head(output.key) for output in result.outputs}
    table = versions[result.outputs[0].key]
    if config.keeps_observations and table is not None and table.metadata.get(RUN_ID) == context.run_id:
        keep_observations(context, table)
    outputs = tuple(output.model_copy(update={"etag": _etag(context, versions[output.key], result)}) for output in result.outputs)
    result = result.model_copy(update={"outputs": outputs})
    if config.merge_strategy is MergeStrategy.VERSIONED:
        result = result.model_copy(update={"head": show_run(context, result)})
    record_rebuild(context, outputs[0].key)
    return result


def _etag(context: StepContext, version: ObjectVersion | None, result: StepResult) -> str:
    """The ETag of what lies under a key; none where another run has replaced this run's object since."""
    if version is None:
        return ""
    is_ours = version.metadata.get(RUN_ID) == context.run_id or result.head == "superseded"
    return version.etag if is_ours else ""
