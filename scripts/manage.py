"""`manage.py` with the variables of the running system: `make shell`, `make manage args=...`."""

import os
import subprocess
import sys

from scripts.console import complain
from scripts.paths import PROJECT
from scripts.state import running_system


def main() -> int:
    state = running_system()
    if state is None and "DATABASE_URL" not in os.environ:
        complain("nothing is running: start it with `make run`, or set the variables yourself")
        return 1
    variables = state.variables if state is not None else {}
    command = [sys.executable, str(PROJECT / "manage.py"), *sys.argv[1:]]
    return subprocess.run(command, env={**os.environ, **variables}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
