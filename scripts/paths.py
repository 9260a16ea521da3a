"""Where things lie. Everything that a run makes lies under ``var/``."""

from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
VENV = PROJECT / ".venv"
VAR = PROJECT / "var"
LOGS = VAR / "log"
MAIL = VAR / "mail"
METRICS = VAR / "metrics"
STATE_FILE = VAR / "run.json"
ENVIRONMENT_FILE = VAR / "run.env"
SECRETS_FILE = VAR / "demo.env"
PARTNER_KEY_FILE = VAR / "partner.key"
RUN_LOCK = VAR / "run.lock"
TEST_LOCK = VAR / "test.lock"
TEST_STATE = VAR / "test"


def tool(name: str) -> str:
    """Name a command of the virtual environment."""
    return str(VENV / "bin" / name)


def shown(path: Path) -> str:
    """Shorten the path to what a person in the project folder would type."""
    return str(path.relative_to(PROJECT)) if path.is_relative_to(PROJECT) else str(path)
