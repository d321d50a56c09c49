"""The rules that the rows of Silver are held to, how many rows may break them, and the comparisons that Gold waits for."""

from fractions import Fraction
from typing import Annotated, Self

from pydantic import Field, model_validator

from flowforge.model.base import Document
from flowforge.model.quality_rule import QualityRule
from flowforge.model.reconciliation import ReconciliationRule

MAX_RULES_OF_SETS = 63
"""Which of them a row breaks is kept in 64 bits, of which one is left for a surrogate key that the source has."""


class ValidationConfig(Document):
    """The rules of Silver, the limits beyond which a run is refused as a whole, and the comparisons of layers before Gold.

    ``max_errors`` counts rows that go to quarantine, ``max_error_rate`` their share (0 to 1) of the rows that were read.
    """

    data_quality_rules: tuple[QualityRule, ...] = ()
    max_errors: Annotated[int, Field(ge=0)] | None = None
    max_error_rate: Annotated[float, Field(ge=0, le=1)] | None = None
    reconciliation_rules: tuple[ReconciliationRule, ...] = ()

    def is_exceeded(self, *, quarantined: int, read: int) -> bool:
        """Whether more rows go to quarantine than are allowed."""
        too_many = self.max_errors is not None and quarantined > self.max_errors
        # As written: 0.29 of 100 rows is 29, and not what the nearest binary number makes of it.
        return too_many or (self.max_error_rate is not None and quarantined > Fraction(str(self.max_error_rate)) * read)

    @model_validator(mode="after")
    def _rules_of_sets_have_a_bit_each(self) -> Self:
        of_sets = sum(rule.is_of_sets for rule in self.data_quality_rules)
        if of_sets > MAX_RULES_OF_SETS:
            raise ValueError(f"dataQualityRules: {of_sets} rules are unique or referential; {MAX_RULES_OF_SETS} are the most")
        return self

    @model_validator(mode="after")
    def _labels_are_unique(self) -> Self:
        labels = [rule.label for rule in self.data_quality_rules]
        twice = sorted({label for label in labels if labels.count(label) > 1})
        if twice:
            raise ValueError(f"dataQualityRules: {', '.join(twice)} stands there more than once")
        return self

    @model_validator(mode="after")
    def _comparisons_are_told_apart(self) -> Self:
        names = [rule.name for rule in self.reconciliation_rules]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"reconciliationRules: {', '.join(twice)} stands there more than once")
        return self
