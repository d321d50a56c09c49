"""Who signed in at the load balancer: the signed claims that it puts into a header of every request.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-authenticate-users.html: a token signed with ES256,
whose header names the key, the load balancer that signed it and the end of its validity. The keys of a region are public.
"""

import re
import threading
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

import jwt

HEADER = "x-amzn-oidc-data"
KEY_SECONDS = 5
MAX_KEYS = 20
"""A load balancer changes its key now and then; a header that names ever new ones must not fill the memory."""
_KEY_ID = re.compile(r"[0-9a-fA-F-]{8,64}")


class NotSignedIn(Exception):  # noqa: N818 -- an answer, not a failure
    """The header does not show who it is."""


@dataclass(frozen=True)
class Person:
    """Somebody who signed in, by the ``sub`` of the identity provider."""

    sub: str
    email: str = ""
    name: str = ""


class LoadBalancerIdentity:
    """Verifies the header of one load balancer, named by its ARN. ``fetch`` gets a public key by the key's id."""

    def __init__(self, load_balancer_arn: str, fetch: Callable[[str], str] | None = None) -> None:
        self._signer = load_balancer_arn
        self._region = load_balancer_arn.split(":")[3]
        self._fetch = fetch or self._public_key
        self._keys: dict[str, str] = {}
        self._lock = threading.Lock()

    def person(self, header: str) -> Person:
        """Whom the claims are of. Raises NotSignedIn for a header that is forged, of another load balancer, or too old."""
        try:
            told = jwt.get_unverified_header(header)
            if told.get("alg") != "ES256" or told.get("signer") != self._signer:
                raise NotSignedIn("the claims were not signed by this deployment's load balancer")
            claims = jwt.decode(
                header,
                self._key(str(told.get("kid", ""))),
                algorithms=["ES256"],
                options={"require": ["exp", "sub"], "verify_aud": False},
            )
        except jwt.PyJWTError as error:
            raise NotSignedIn(f"the claims are not valid: {error}") from error
        return Person(str(claims["sub"]), str(claims.get("email", "")), str(claims.get("name", "")))

    def _key(self, key_id: str) -> str:
        if not _KEY_ID.fullmatch(key_id):
            raise NotSignedIn("the claims name no key")
        with self._lock:
            known = self._keys.get(key_id)
        if known is None:
            known = self._fetch(key_id)
            with self._lock:
                if len(self._keys) >= MAX_KEYS:
                    self._keys.clear()
                self._keys[key_id] = known
        return known

    def _public_key(self, key_id: str) -> str:
        url = f"https://public-keys.auth.elb.{self._region}.amazonaws.com/{key_id}"
        try:
            with urllib.request.urlopen(url, timeout=KEY_SECONDS) as answer:
                return str(answer.read().decode("ascii"))
        except (OSError, UnicodeDecodeError) as error:
            raise NotSignedIn(f"the load balancer's key {key_id} is not to be had: {error}") from error
