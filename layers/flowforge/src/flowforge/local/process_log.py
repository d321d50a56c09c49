"""What one process writes to its standard output, line by line, with the START, END and REPORT lines of Lambda."""

import os
import re
import select
import threading
import time

from flowforge.local.function_logs import TAIL_BYTES, FunctionLogs, LogLine

_READ_BYTES = 1 << 16
_EXECUTION_ID = re.compile(rb'"executionId"\s*:\s*"([^"\\]{1,120})"')


def execution_of(payload: bytes) -> str:
    """The execution that a call belongs to, as its payload names it; empty where it names none."""
    found = _EXECUTION_ID.search(payload)
    return found[1].decode(errors="replace") if found else ""


class ProcessLog:
    """The log of one process, which handles one call at a time: a line belongs to the call during which it was written.

    A process that handles no calls, a task's, tells its ``execution_id`` at once, and has an ``end`` and no ``begin``.

    A thread reads the pipe for as long as anybody holds its other end, so that a process is never held up by a full pipe.
    Before a line of Lambda's own is written, everything that the process wrote until then is read.
    """

    def __init__(self, function: str, stream: str, logs: FunctionLogs, *, execution_id: str = "") -> None:
        self._function = function
        self._stream = stream
        self._logs = logs
        self._lock = threading.Lock()
        self._rest = b""
        self._request_id = ""
        self._execution_id = execution_id
        self._tail = b""
        self._ended = False
        self._reading, self.writing = os.pipe()
        """``writing`` is the end for the process; whoever started the process closes it."""
        os.set_blocking(self._reading, False)
        threading.Thread(target=self._read, daemon=True, name=f"log-of-{function}").start()

    def begin(self, request_id: str, execution_id: str) -> None:
        """A call begins: its START line, and the lines from here on are its own."""
        with self._lock:
            self._drain()
            self._flush()
            self._request_id, self._execution_id, self._tail = request_id, execution_id, b""
            self._write([f"START RequestId: {request_id} Version: $LATEST"])

    def end(self, lines: list[str]) -> bytes:
        """The call has ended: these lines of Lambda's come last. The answer is the end of the call's log, 4 KB at most."""
        with self._lock:
            self._drain()
            self._flush()
            self._write(lines)
            self._request_id = self._execution_id = ""
            return self._tail

    def _read(self) -> None:
        poller = select.poll()
        poller.register(self._reading, select.POLLIN)
        while not self._ended:
            poller.poll()
            with self._lock:
                self._drain()
        with self._lock:
            self._flush()
            os.close(self._reading)
            self._reading = -1

    def _drain(self) -> None:
        while self._reading >= 0 and not self._ended:
            try:
                data = os.read(self._reading, _READ_BYTES)
            except BlockingIOError:
                return
            if not data:
                self._ended = True
                return
            *lines, self._rest = (self._rest + data).split(b"\n")
            self._write([line.decode(errors="backslashreplace") for line in lines])

    def _flush(self) -> None:
        """Write what came without a line break as a line."""
        if self._rest:
            self._write([self._rest.decode(errors="backslashreplace")])
            self._rest = b""

    def _write(self, lines: list[str]) -> None:
        now = time.time_ns() // 1_000_000
        self._logs.write(
            [LogLine(now, self._function, self._stream, self._request_id, self._execution_id, line) for line in lines]
        )
        if self._request_id:
            text = "".join(f"{line}\n" for line in lines).encode()
            self._tail = (self._tail + text)[-TAIL_BYTES:]
