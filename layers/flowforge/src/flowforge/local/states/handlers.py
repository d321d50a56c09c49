"""Reading ``Retry`` and ``Catch``: what a state does about its failures."""

from flowforge.local.states.definition import Catcher, Retrier
from flowforge.local.states.errors import ALL
from flowforge.local.states.fields import CATCHER_FIELDS, ERROR_MEMBERS, MAXIMAL_SECONDS, RETRIER_FIELDS, Fields

# https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html: MaxDelaySeconds is below a year.
_MAXIMAL_DELAY_SECONDS = 31_622_400


def read_retriers(fields: Fields) -> tuple[Retrier, ...]:
    """The ``Retry`` field of a state."""
    entries = fields.nested("Retry")
    found = []
    for index, entry in enumerate(entries):
        entry.allow(RETRIER_FIELDS, "a retrier")
        jitter = entry.literal("JitterStrategy", str, "NONE")
        if jitter not in ("FULL", "NONE"):
            fields.diagnostics.add("Value should be one of the following: [FULL, NONE]", f"{entry.place}/JitterStrategy")
        found.append(
            Retrier(
                error_equals=_error_names(entry, last=index == len(entries) - 1),
                interval_seconds=int(entry.number("IntervalSeconds", 1, minimum=1, maximum=MAXIMAL_SECONDS)),
                backoff_rate=float(entry.number("BackoffRate", 2.0, minimum=1, maximum=1e9, whole=False)),
                max_attempts=int(entry.number("MaxAttempts", 3, minimum=0, maximum=MAXIMAL_SECONDS)),
                max_delay_seconds=int(entry.number("MaxDelaySeconds", 1, minimum=1, maximum=_MAXIMAL_DELAY_SECONDS))
                if "MaxDelaySeconds" in entry.values
                else None,
                full_jitter=jitter == "FULL",
            )
        )
    return tuple(found)


def read_catchers(fields: Fields) -> tuple[Catcher, ...]:
    """The ``Catch`` field of a state."""
    entries = fields.nested("Catch")
    found = []
    for index, entry in enumerate(entries):
        entry.allow(CATCHER_FIELDS, "a catcher")
        entry.require("Next")
        place = f"Catch[{index}]"
        found.append(
            Catcher(
                error_equals=_error_names(entry, last=index == len(entries) - 1),
                next=entry.literal("Next", str, ""),
                output=entry.template("Output", f"{place}/Output", reserved=ERROR_MEMBERS),
                assign=entry.assignments(f"{place}/Assign", reserved=ERROR_MEMBERS),
            )
        )
    return tuple(found)


def _error_names(fields: Fields, *, last: bool) -> tuple[str, ...]:
    fields.require("ErrorEquals")
    names = tuple(fields.literal("ErrorEquals", list, []))
    place = f"{fields.place}/ErrorEquals"
    if not all(isinstance(name, str) and name for name in names) or not names:
        fields.diagnostics.add("Expected a non-empty list of error names", place)
        return ()
    if ALL in names and (len(names) > 1 or not last):
        fields.diagnostics.add(f"'{ALL}' must stand alone, and in the last entry", place)
    return names
