"""The lines that Lambda writes at the end of a call's log."""

import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime

from flowforge.local.usage import MEBIBYTE

TIMED_OUT = "Sandbox.Timedout"


@dataclass(frozen=True)
class CallReport:
    """What a call took. ``init_seconds`` is None for a warm call; ``killed_by`` is the error of one that cost the process.

    The form is that of https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html; what a cold call takes to load
    is billed (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html).
    """

    request_id: str
    duration_seconds: float
    memory_mb: int
    peak_bytes: int
    init_seconds: float | None
    killed_by: bytes | None

    def lines(self) -> list[str]:
        """What ended the call, where something did, then END and REPORT."""
        error = None if self.killed_by is None else json.loads(self.killed_by)
        lines = [f"END RequestId: {self.request_id}", self._report(error)]
        if error is not None:
            moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            message = str(error.get("errorMessage", "")).removeprefix(f"RequestId: {self.request_id} Error: ")
            lines.insert(0, f"{moment} {self.request_id} {message}")
        return lines

    def _report(self, error: dict[str, str] | None) -> str:
        billed = math.ceil((self.duration_seconds + (self.init_seconds or 0.0)) * 1000)
        parts = [
            f"REPORT RequestId: {self.request_id}",
            f"Duration: {self.duration_seconds * 1000:.2f} ms",
            f"Billed Duration: {billed} ms",
            f"Memory Size: {self.memory_mb} MB",
            f"Max Memory Used: {math.ceil(self.peak_bytes / MEBIBYTE)} MB",
        ]
        if self.init_seconds is not None:
            parts.append(f"Init Duration: {self.init_seconds * 1000:.2f} ms")
        if error is not None:
            timed_out = error.get("errorType") == TIMED_OUT
            parts.append("Status: timeout" if timed_out else f"Status: error\tError Type: {error.get('errorType')}")
        return "\t".join(parts)
