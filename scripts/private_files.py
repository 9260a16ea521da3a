"""Files that only their owner may read."""

import os
from pathlib import Path

from scripts.identity import Identity


def write_private(path: Path, text: str, *, owner: Identity | None = None) -> None:
    """Replace the file in one step; it is never readable by others, not even for a moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        if owner is not None:
            os.fchown(descriptor, owner.uid, owner.gid)
        file.write(text)
    fresh.replace(path)


def read_private(path: Path) -> str:
    return path.read_text().strip()
