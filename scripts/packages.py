"""Programs from the distribution, installed where we are root and the distribution has apt."""

import os
import shutil
import subprocess
from pathlib import Path

from scripts.console import Failed, say, tail
from scripts.paths import LOGS

APT_LOG = LOGS / "apt.log"


def can_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(package: str) -> None:
    """Install one package of the distribution.

    Raises:
        Failed: apt refused; the message has the end of its log.
    """
    say(f"  installing {package} with apt-get ...")
    APT_LOG.parent.mkdir(parents=True, exist_ok=True)
    options = ["--yes", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"]
    for command in (["apt-get", "update"], ["apt-get", "install", *options, package]):
        if _logged(command, APT_LOG) != 0:
            raise Failed(f"{' '.join(command[:2])} failed for {package}\n{tail(APT_LOG)}")


def _logged(command: list[str], log: Path) -> int:
    # RUNLEVEL=1 keeps the package's own scripts from starting the server for the whole machine.
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    with log.open("ab") as output:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            check=False,
        ).returncode
