"""Who a server runs as. PostgreSQL and RabbitMQ do not run as root, so root lends them `nobody`."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from scripts.console import Failed

# Either of them lets a process walk through folders that are closed to its user.
PASSING_CAPABILITIES = ("dac_read_search", "dac_override")


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A user and, where the way to the project is closed to that user, the right to walk it."""

    uid: int
    gid: int
    capability: str | None = None


def command_as(command: Sequence[str], identity: Identity | None, *, orphaned: str) -> list[str]:
    """Put the command under another identity, and have it sent a signal if its parent dies.

    Args:
        orphaned: name of the signal that the command gets when this process is killed.
    """
    setpriv = _setpriv()
    prefix = [setpriv, "--pdeathsig", orphaned]
    if identity is not None:
        prefix += ["--reuid", str(identity.uid), "--regid", str(identity.gid), "--clear-groups"]
    if identity is not None and identity.capability is not None:
        # access() of a process with another real user ignores capabilities unless
        # no_setuid_fixup is set, and PostgreSQL looks for its own binary with access().
        capability = f"+{identity.capability}"
        prefix += ["--securebits", "+no_setuid_fixup"]
        prefix += ["--inh-caps", capability, "--ambient-caps", capability]
    return [*prefix, "--", *command]


def unprivileged(*, owner_of: Path, must_run: Sequence[str]) -> Identity | None:
    """Who may own this data folder and run this command; None for an ordinary user.

    Nothing outside the project is changed: where a folder above it is closed to others (a clone
    in /root), the command keeps the one capability that walks through.

    Args:
        owner_of: the data folder; if it exists, its owner is kept.
        must_run: a harmless call of the program, to find out whether that user reaches it.
    """
    if os.geteuid() != 0:
        return None
    uid, gid = _owner(owner_of) or pwd.getpwnam("nobody")[2:4]
    for capability in (None, *PASSING_CAPABILITIES):
        identity = Identity(uid=uid, gid=gid, capability=capability)
        if _reaches(owner_of, must_run, identity):
            return identity
    raise Failed(
        f"user id {uid} reaches neither {owner_of} nor {must_run[0]}, and root may not "
        "lend it the right here; clone into a folder that others may enter, or set DATABASE_URL"
    )


def give(folder: Path, identity: Identity | None) -> None:
    """Make a private folder, and give it with all that is in it to that identity."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if identity is None or folder.stat().st_uid == identity.uid:
        return
    for path in (*folder.rglob("*"), folder):
        os.chown(path, identity.uid, identity.gid, follow_symlinks=False)


def _owner(folder: Path) -> tuple[int, int] | None:
    if not folder.exists() or folder.stat().st_uid == 0:
        return None
    return folder.stat().st_uid, folder.stat().st_gid


def _reaches(folder: Path, must_run: Sequence[str], identity: Identity) -> bool:
    parent = folder if folder.exists() else folder.parent
    for command in (["test", "-x", str(parent)], must_run):
        tried = command_as(command, identity, orphaned="KILL")
        if subprocess.run(tried, capture_output=True, check=False).returncode != 0:
            return False
    return True


@cache
def _setpriv() -> str:
    found = shutil.which("setpriv")
    if found is None:
        raise Failed("setpriv (package util-linux) is not on the PATH")
    return found
