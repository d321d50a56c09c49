"""Encodings of text: those that a job may name, and the byte order marks that name one themselves."""

import codecs

BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""A mark of UTF-32 begins with that of UTF-16, so it is looked for first (The Unicode Standard 17.0, section 23.8)."""
UTF_8 = "utf-8"
SINGLE_BYTE = "cp1252"
"""What text that is not UTF-8 is taken for: a superset of Latin-1's letters, which browsers read for it as well
(WHATWG Encoding Standard, "Names and labels")."""
NO_FILES = frozenset({"utf-7", "idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem"})
"""Python calls them encodings of text, and no table is stored in them."""


def encoding_of_mark(head: bytes) -> tuple[str, bytes] | None:
    """The encoding that a text's byte order mark names, and the mark; None where it begins with none."""
    return next(((encoding, mark) for mark, encoding in BYTE_ORDER_MARKS if head.startswith(mark)), None)


def known_encoding(name: str) -> str:
    """One name for an encoding, whatever it was called: ``latin-1`` and ``ISO-8859-1`` are ``iso8859-1``.

    Raises ValueError for a name that stands for no encoding of text.
    """
    try:
        "".encode(name)
        found = codecs.lookup(name).name
    except (LookupError, ValueError, UnicodeError) as error:
        raise ValueError(f"the encoding {name!r} is unknown; utf-8, utf-16, cp1252 and latin-1 are the usual ones") from error
    if found.replace("_", "-") in NO_FILES:
        raise ValueError(f"the encoding {name!r} is none that files are stored in")
    return UTF_8 if found == "utf-8-sig" else found
