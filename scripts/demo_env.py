"""The secrets of `make run`: made once for this clone, readable by their owner only."""

import base64
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from scripts.private_files import write_private

WEBHOOK_SECRET_BYTES = 32
FERNET_KEY_BYTES = 32


def _fernet_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(FERNET_KEY_BYTES)).decode()


def _webhook_secret() -> str:
    return f"whsec_{base64.b64encode(secrets.token_bytes(WEBHOOK_SECRET_BYTES)).decode()}"


SECRETS: Mapping[str, Callable[[], str]] = {
    "SECRET_KEY": lambda: secrets.token_urlsafe(48),
    "JWT_SIGNING_KEY": lambda: secrets.token_urlsafe(48),
    "API_KEY_PEPPER": lambda: secrets.token_urlsafe(48),
    "FIELD_ENCRYPTION_KEYS": _fernet_key,
    "DEMO_PASSWORD": lambda: secrets.token_urlsafe(12),
    "DEMO_SIMULATOR_SECRET_KEY": lambda: f"sk_test_{secrets.token_urlsafe(24)}",
    "DEMO_WEBHOOK_SECRET": _webhook_secret,
}


def demo_secrets(path: Path) -> dict[str, str]:
    """Read the secrets; make and keep those that are not there yet."""
    known = read_variables(path) if path.exists() else {}
    missing = {name: make() for name, make in SECRETS.items() if name not in known}
    if missing:
        write_variables(path, known | missing)
    return known | missing


def read_variables(path: Path) -> dict[str, str]:
    """Parse lines of NAME=value; blank lines and comments are skipped."""
    lines = (line.strip() for line in path.read_text().splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, _, value in pairs}


def write_variables(path: Path, variables: Mapping[str, str]) -> None:
    write_private(path, "".join(f"{name}={value}\n" for name, value in variables.items()))
