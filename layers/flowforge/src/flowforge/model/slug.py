"""The one place where a name becomes a slug, the form that S3 keys and table names carry."""

import re

from flowforge.model.errors import ConfigFault

MAX_SLUG_LENGTH = 63


def slugify(name: str) -> str:
    """Give the slug of a name.

    Lowercase; runs of ``_`` and white space become ``-``; all but a-z, 0-9 and ``-`` is dropped; ``-`` is squeezed and
    trimmed.

    Raises ConfigFault where nothing is left (a name in another script needs an explicit slug) or the slug is too long.
    """
    slug = re.sub(r"[_\s]+", "-", name.lower())
    slug = re.sub(r"[^a-z0-9-]", "", slug)
    slug = re.sub(r"-+", "-", slug).strip("-")
    if not slug:
        raise ConfigFault(
            f"the name {name!r} has no letter a-z and no digit, so no slug follows from it: state one in the field 'slug'",
            option="slug",
        )
    if len(slug) > MAX_SLUG_LENGTH:
        raise ConfigFault(
            f"the slug of {name!r} has {len(slug)} characters, more than {MAX_SLUG_LENGTH}: state a shorter one in 'slug'",
            option="slug",
        )
    return slug
