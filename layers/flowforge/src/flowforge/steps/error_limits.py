"""The limits of bad rows: a run that exceeds them changes nothing, and leaves its quarantine and word of the refusal.

They hold for each run by itself, in a rebuild too; the rows of a replay, which a person chose one by one, have no limit.
"""

import json

from flowforge.lake import keys
from flowforge.lake.lake import Lake
from flowforge.model.errors import ConfigFault, DataFault
from flowforge.model.quality_rule import Severity
from flowforge.model.step import RuleOutcome
from flowforge.steps.attempt import Attempt
from flowforge.steps.context import StepContext
from flowforge.steps.judged_rows import JudgedRows
from flowforge.steps.silver_identity import parquet_metadata

REFUSED_METADATA = "flowforge.run_refused"
"""Stands in the quarantine of a run that was refused as a whole."""
SHOWN_RULES = 3


def require_few_errors(context: StepContext, attempt: Attempt, judged: JudgedRows) -> None:
    """Raise DataFault where more rows of a run are bad than the job allows. Their quarantine is published, and nothing else."""
    limits, quarantined, read = context.job.validation_config, judged.verdict.quarantined, judged.bronze.count
    if context.planned.replay is not None or not limits.is_exceeded(quarantined=quarantined, read=read):
        return
    written = judged.write_quarantine(context, attempt, {REFUSED_METADATA: "true"})
    key = keys.quarantine_key(*context.slugs, context.planned_at, context.run_id)
    attempt.publish(written, key)
    rules = [rule.model_dump(mode="json", by_alias=True) for rule in judged.verdict.rules]
    refusal = {"quarantineKey": key, "quarantined": quarantined, "read": read, "rules": rules}
    context.lake.write(keys.refusal_key(context.plan.execution_id, context.job.id), json.dumps(refusal))
    broken = sorted((outcome for outcome in judged.verdict.rules if _counts_as_error(outcome)), key=lambda item: -item.failed)
    shown = ", ".join(f"{outcome.rule}: {outcome.failed}" for outcome in broken[:SHOWN_RULES])
    allowed = " and ".join(
        f"{name} {value}"
        for name, value in (("maxErrors", limits.max_errors), ("maxErrorRate", limits.max_error_rate))
        if value is not None
    )
    of_run = f" of run {judged.bronze.run_id}" if context.planned.rebuild is not None else ""
    what = "the rebuild" if context.planned.rebuild is not None else "the run"
    raise DataFault(
        f"{context.job.name}: {quarantined} of {read} rows{of_run} are bad ({quarantined / read:.2%}), and {allowed} "
        f"allows fewer, so {what} changed nothing; most of them by {shown}. The rows are in {key}",
        file=key,
    )


def require_run_was_taken(lake: Lake, quarantine_key: str) -> None:
    """Raise ConfigFault where a quarantine is of a run that was refused as a whole: its good rows are nowhere either."""
    if parquet_metadata(lake, quarantine_key).get(REFUSED_METADATA):
        raise ConfigFault(
            f"{quarantine_key} is of a run that was refused as a whole, because too many of its rows were bad: mend the file, or "
            "raise maxErrors or maxErrorRate, and run the workflow again",
            file=quarantine_key,
            option="replay",
        )


def _counts_as_error(outcome: RuleOutcome) -> bool:
    return outcome.severity == Severity.ERROR and outcome.failed > 0
