"""Columns whose content only this application can read."""

import json
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.db import models


@lru_cache(maxsize=4)
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def cipher() -> MultiFernet:
    """Encrypts with the first key of FIELD_ENCRYPTION_KEYS, decrypts with any of them."""
    return _cipher(tuple(settings.FIELD_ENCRYPTION_KEYS))


class EncryptedJSONField(models.TextField[Any, Any]):
    """A JSON value, stored as a Fernet token (https://github.com/fernet/spec)."""

    def get_prep_value(self, value: Any) -> str | None:
        if value is None:
            return None
        return cipher().encrypt(json.dumps(value).encode()).decode()

    def from_db_value(self, value: str | None, *_: object) -> Any:
        return None if value is None else json.loads(cipher().decrypt(value.encode()))

    def to_python(self, value: Any) -> Any:
        return value
