"""New ids: a word for what it is, and enough of chance that no two are alike."""

import secrets

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_LENGTH = 20
"""100 bits."""


def new_id(kind: str) -> str:
    """An id such as ``wf_7k0...``."""
    return f"{kind}_{''.join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))}"
