"""Where a variant finds its data and may write."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
CACHE = ROOT / ".bench"
"""Generated data, kept between invocations; git ignores it."""


@dataclass(frozen=True)
class Workplace:
    """The data of one scale, what was made of it by this version of the product, and a scratch folder of a variant's own."""

    scale: float
    scratch: Path

    @property
    def data(self) -> Path:
        """Files that follow from the scale alone."""
        return CACHE / f"scale-{self.scale:g}"

    @property
    def prepared(self) -> Path:
        """What this version of the product made of them; another version makes it anew."""
        return self.data / f"prepared-{sources_digest()}"


def sources_digest() -> str:
    """Twelve digits that change with the product's code and with the benchmark's."""
    digest = hashlib.sha256()
    for folder in (ROOT / "layers/flowforge/src", ROOT / "bench"):
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
