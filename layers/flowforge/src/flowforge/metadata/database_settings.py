"""Where the database is, how it is reached, and with how many connections; from the environment, checked once."""

import ipaddress
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from flowforge.metadata.variables import (
    CA_BUNDLE_VARIABLE,
    HOST_VARIABLE,
    NAME_VARIABLE,
    POOL_VARIABLE,
    PORT_VARIABLE,
    SECRET_VARIABLE,
    URL_VARIABLE,
)
from flowforge.model.errors import ConfigFault

DRIVER = "postgresql+pg8000"
NO_TLS, VERIFIED_TLS = "disable", "verify-full"
CERTIFICATES_OF_RDS = Path(__file__).parent / "certificates" / "rds.pem"
"""The authorities of Amazon RDS, where a stage has its database; the folder's README.md says where they are from."""


@dataclass(frozen=True)
class DatabaseSettings:
    """``url`` is without a driver's options; ``tls`` verifies the server, None where nothing leaves the machine.

    ``secret_arn``: where user and password are read, None where the URL has them. ``pool_size`` connections are kept and no
    more are made: 1 for a function, which answers one call at a time.
    """

    url: URL
    tls: ssl.SSLContext | None = None
    secret_arn: str | None = None
    pool_size: int = 1
    unix_socket: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "DatabaseSettings":
        """Read DATABASE_URL, or the host and the secret of a stage. Raises ConfigFault naming the variable that is wrong.

        A stage's server is verified by the authorities of RDS, unless a variable names others.
        """
        pool_size = _whole_number(environment.get(POOL_VARIABLE, "1"), POOL_VARIABLE)
        bundle = environment.get(CA_BUNDLE_VARIABLE) or None
        if text := environment.get(URL_VARIABLE):
            return cls.of_url(text, pool_size=pool_size, ca_bundle=bundle)
        host, secret_arn = environment.get(HOST_VARIABLE), environment.get(SECRET_VARIABLE)
        if not host or not secret_arn:
            raise ConfigFault(
                f"the database is not named: set {URL_VARIABLE}, or {HOST_VARIABLE} and {SECRET_VARIABLE}", option=URL_VARIABLE
            )
        port = _whole_number(environment.get(PORT_VARIABLE) or "5432", PORT_VARIABLE)
        url = URL.create(DRIVER, host=host, port=port, database=environment.get(NAME_VARIABLE, "flowforge"))
        return cls(url, _verified(bundle or str(CERTIFICATES_OF_RDS)), secret_arn, pool_size)

    @classmethod
    def of_url(cls, text: str, *, pool_size: int = 1, ca_bundle: str | None = None) -> "DatabaseSettings":
        """Read a URL as libpq takes it. ``sslmode`` is ``verify-full`` but for this machine; ``disable`` has to be stated."""
        try:
            url = make_url(text)
        except ArgumentError:
            # The text holds a password.
            raise ConfigFault(
                f"{URL_VARIABLE} is no URL: postgresql://user:password@host:5432/name", option=URL_VARIABLE
            ) from None
        if url.get_backend_name() not in ("postgresql", "postgres"):
            raise ConfigFault(
                f"{URL_VARIABLE} leads to {url.get_backend_name()}; only PostgreSQL holds the metadata", option=URL_VARIABLE
            )
        options = dict(url.query)
        unix_socket = options.pop("unix_sock", None)
        mode = options.pop("sslmode", NO_TLS if unix_socket or _is_this_machine(url.host) else VERIFIED_TLS)
        bundle = options.pop("sslrootcert", ca_bundle)
        if options:
            raise ConfigFault(f"{URL_VARIABLE}: unknown options {', '.join(sorted(options))}", option=URL_VARIABLE)
        if mode not in (NO_TLS, VERIFIED_TLS):
            raise ConfigFault(
                f"{URL_VARIABLE}: sslmode {mode} does not verify the server; state {VERIFIED_TLS} or {NO_TLS}",
                option=URL_VARIABLE,
            )
        tls = None if mode == NO_TLS else _verified(None if bundle is None else str(bundle))
        plain = url.set(drivername=DRIVER, query={})
        return cls(plain, tls, None, pool_size, None if unix_socket is None else str(unix_socket))

    @property
    def driver_options(self) -> dict[str, Any]:
        """What the driver is told beside the URL. Without TLS it must not try: its own default encrypts and verifies nobody."""
        options: dict[str, Any] = {"ssl_context": self.tls if self.tls is not None else False}
        if self.unix_socket is not None:
            options |= {"unix_sock": self.unix_socket, "host": None}
        return options


def _verified(bundle: str | None) -> ssl.SSLContext:
    """A context that checks the chain and the host's name, by a bundle of certificates or the machine's own."""
    if bundle is not None and not Path(bundle).is_file():
        raise ConfigFault(f"there is no file of certificates {bundle}", option=CA_BUNDLE_VARIABLE)
    try:
        return ssl.create_default_context(cafile=bundle)
    except ssl.SSLError as error:
        raise ConfigFault(f"{bundle} holds no certificates: {error}", option=CA_BUNDLE_VARIABLE) from error


def _is_this_machine(host: str | None) -> bool:
    if host in (None, "", "localhost"):
        return True
    try:
        return ipaddress.ip_address(str(host)).is_loopback
    except ValueError:
        return False


def _whole_number(text: str, variable: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise ConfigFault(f"{variable} is {text!r}; it has to be a whole number from 1", option=variable)
    return int(text)
