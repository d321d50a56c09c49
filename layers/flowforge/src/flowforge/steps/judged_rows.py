"""The rows of a run's Bronze, judged under a contract, and written: those that are accepted, and those that are set aside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flowforge.medallion.lookups import References
from flowforge.medallion.silver import Silver, Verdict
from flowforge.model.contract import Contract, ContractColumn, Origin
from flowforge.model.quality_rule import Severity
from flowforge.model.step import RuleOutcome
from flowforge.steps.arrival import GENERATION, arrival_of
from flowforge.steps.attempt import ACCEPTED, Attempt, Written
from flowforge.steps.bronze_reader import RunBronze
from flowforge.steps.context import StepContext
from flowforge.steps.run_rows import RunRows, SilverWork
from flowforge.steps.silver_identity import identity_metadata


@dataclass(frozen=True)
class JudgedRows:
    """A run's rows under the columns of a contract, with what becomes of each."""

    bronze: RunBronze
    columns: Sequence[ContractColumn]
    silver: Silver
    verdict: Verdict

    def write(self, context: StepContext, attempt: Attempt, contract: Contract | None, notes: Sequence[str]) -> SilverWork:
        """Write the accepted rows, and the quarantine where there is one."""
        arrival, verdict = arrival_of(context), self.verdict
        metadata = context.metadata("silver", contract) | identity_metadata(context, self.silver.key)
        metadata |= arrival.metadata() | {GENERATION: context.run_id}
        name = f"accepted{self.bronze.suffix}.parquet" if self.bronze.suffix else ACCEPTED
        accepted = attempt.write(self.silver.accepted(verdict), name, metadata=metadata)
        of_contract = context.metadata("quarantine", contract)
        quarantined = self.write_quarantine(context, attempt, of_contract) if verdict.quarantined else None
        rows = RunRows(
            read=self.bronze.count,
            accepted=accepted,
            duplicates=verdict.duplicates,
            quarantined=quarantined,
            filtered=verdict.filtered,
            columns=self.columns,
            key=self.silver.key,
            metadata=metadata,
            arrival=arrival,
        )
        return SilverWork(rows, contract, verdict.rules, notes)

    def write_quarantine(self, context: StepContext, attempt: Attempt, metadata: Mapping[str, str]) -> Written:
        """Write the rows that are set aside."""
        name = attempt.new_name(f"quarantine{self.bronze.suffix}")
        return attempt.write(self.silver.quarantine(self.verdict), name, metadata=context.metadata("quarantine") | dict(metadata))


def judge(context: StepContext, bronze: RunBronze, columns: Sequence[ContractColumn], references: References) -> JudgedRows:
    """Hold the rows of a run to the columns, the filters and the rules."""
    silver = Silver(bronze.frame, columns, context.job, references)
    return JudgedRows(bronze, columns, silver, silver.judge(bronze.count))


def notes_of_outcomes(outcomes: Sequence[RuleOutcome], columns: Sequence[ContractColumn]) -> list[str]:
    """What a person should know: columns of inferred types with values that do not fit, and broken rules that only warn."""
    inferred = {column.name: column for column in columns if column.origin is Origin.SOURCE and not column.declared}
    misfits = [
        f"{outcome.column}: {outcome.failed} values are no {inferred[outcome.column].data_type}; their rows are in quarantine, "
        "and silverConfig.typeWidening 'allow' would give the column a type that holds them"
        for outcome in outcomes
        if outcome.rule == f"cast({outcome.column})" and outcome.column in inferred
    ]
    warnings = [
        f"the rule {outcome.rule} is broken by {outcome.failed} of {outcome.checked} rows"
        for outcome in outcomes
        if outcome.severity == Severity.WARNING and outcome.failed
    ]
    return [*misfits, *warnings]
