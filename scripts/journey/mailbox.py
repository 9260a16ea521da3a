"""The development mailbox: a folder into which Django writes what it would send."""

import re
from email import message_from_string, policy
from pathlib import Path

SEPARATOR = re.compile(r"^-{79}$", re.MULTILINE)


def newest_mail(folder: Path, *, to: str) -> str | None:
    """Return the text of the last message to that address."""
    for file in sorted(folder.glob("*.log"), reverse=True):
        for text in reversed(SEPARATOR.split(file.read_text())):
            message = message_from_string(text.lstrip(), policy=policy.default)
            if message["To"] == to:
                return str(message.get_content())
    return None


def verification_token(text: str, *, base_url: str) -> str | None:
    """Find the token of the verification link.

    >>> verification_token("open http://x/verify-email?token=abc now", base_url="http://x")
    'abc'
    """
    found = re.search(re.escape(f"{base_url}/verify-email?token=") + r"(\S+)", text)
    return found[1] if found else None
