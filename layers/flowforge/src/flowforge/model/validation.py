"""The rules that the rows of Silver are held to, and the comparisons that Gold waits for."""

from enum import StrEnum
from typing import Literal, Self

from pydantic import model_validator

from flowforge.model.base import Document
from flowforge.model.reconciliation import ReconciliationRule


class Severity(StrEnum):
    """What a broken rule does: ``error`` sends the row to quarantine, ``warning`` and ``info`` only count it."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class QualityRule(Document):
    """A rule that every row of Silver is held to. Null passes ``unique``; an empty text passes ``not_null``."""

    name: str | None = None
    column: str
    rule_type: Literal["not_null", "unique"]
    severity: Severity = Severity.ERROR

    @property
    def label(self) -> str:
        """The rule's name, or one made of its type and column."""
        return self.name or f"{self.rule_type}({self.column})"


class ValidationConfig(Document):
    """The rules of Silver, and the comparisons of layers before Gold is published."""

    data_quality_rules: tuple[QualityRule, ...] = ()
    reconciliation_rules: tuple[ReconciliationRule, ...] = ()

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
