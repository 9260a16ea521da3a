"""What an API key looks like, and the only form in which it is kept."""

import hashlib
import hmac
import re
import secrets
import string
import zlib

from django.conf import settings

PREFIX_LENGTH = 11  # "zk_" and eight characters of the key
_SECRET_BYTES = 32  # 43 characters of url-safe Base64
_CHECKSUM_LENGTH = 6
_BASE_62 = string.digits + string.ascii_letters
_SHAPE = re.compile(r"zk_[A-Za-z0-9_-]{43}[A-Za-z0-9]{6}", re.ASCII)


def generate() -> str:
    body = f"zk_{secrets.token_urlsafe(_SECRET_BYTES)}"
    return body + _checksum(body)


def is_well_formed(key: str) -> bool:
    """Whether the shape and the checksum are right: refuses typing errors without a query."""
    if not _SHAPE.fullmatch(key):
        return False
    return key[-_CHECKSUM_LENGTH:] == _checksum(key[:-_CHECKSUM_LENGTH])


def hash_key(key: str) -> str:
    """HMAC-SHA-256 under the pepper: a copy of the database alone opens nothing.

    No salt and no slow hash, because a key has 256 random bits and is checked on every call.
    """
    return hmac.new(settings.API_KEY_PEPPER.encode(), key.encode(), hashlib.sha256).hexdigest()


def _checksum(body: str) -> str:
    number = zlib.crc32(body.encode())
    digits = ""
    for _ in range(_CHECKSUM_LENGTH):
        number, remainder = divmod(number, len(_BASE_62))
        digits = _BASE_62[remainder] + digits
    return digits
