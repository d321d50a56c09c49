"""Lets containers reach a server of the host that listens on 127.0.0.1 only.

`sam local invoke --docker-network host` leaves the container in the engine's default network (SAM CLI 1.170.0 skips that
name; aws/aws-sam-cli issues 3609 and 4236), where 127.0.0.1 is the container itself. So the containers join a network of
their own, and a relay listens on this machine's address in it, which that machine and its containers reach, nobody else.
"""

import contextlib
import socket
import socketserver
import subprocess
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

CHUNK_BYTES = 1 << 16


@dataclass(frozen=True)
class Relay:
    """A network of the container engine, and the URL at which its containers reach the server.

    ``others`` are host and port of further servers of this machine, in the order in which they were asked for.
    """

    network: str
    url: str
    others: tuple[tuple[str, int], ...] = ()


def _docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True).stdout.strip()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, address: str, port: int) -> None:
        super().__init__((address, 0), _Connection)
        self.port = port


class _Connection(socketserver.BaseRequestHandler):
    server: _Server
    request: socket.socket

    def handle(self) -> None:
        with socket.create_connection(("127.0.0.1", self.server.port)) as upstream:
            back = threading.Thread(target=_copy, args=(upstream, self.request))
            back.start()
            _copy(self.request, upstream)
            back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    """Pass on bytes until the source ends, and the end with them."""
    with contextlib.suppress(OSError):
        while chunk := source.recv(CHUNK_BYTES):
            target.sendall(chunk)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def _serving(address: str, port: int) -> Iterator[int]:
    """The port of the address that leads to one of 127.0.0.1."""
    with _Server(address, port) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()


@contextlib.contextmanager
def relayed(port: int, *others: int) -> Iterator[Relay]:
    """A network whose containers reach ``port`` and ``others`` of this machine's 127.0.0.1."""
    network = f"flowforge-{uuid.uuid4().hex[:12]}"
    _docker("network", "create", network)
    try:
        address = _docker("network", "inspect", network, "--format", "{{(index .IPAM.Config 0).Gateway}}")
        assert address, f"the engine names no gateway of {network}"
        with contextlib.ExitStack() as serving:
            first, *further = [serving.enter_context(_serving(address, number)) for number in (port, *others)]
            yield Relay(network, f"http://{address}:{first}", tuple((address, number) for number in further))
    finally:
        _docker("network", "rm", network)
