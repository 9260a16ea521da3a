from datetime import datetime

from django.db.models import Q

from accounts import api_keys
from accounts.models import ApiKey


def usable_api_key(*, key: str, now: datetime) -> ApiKey | None:
    """Find a key and its partner; None if it is unknown, expired or revoked, or the partner off."""
    if not api_keys.is_well_formed(key):
        return None
    return (
        ApiKey.objects.select_related("partner")
        .filter(
            Q(expires_at__isnull=True) | Q(expires_at__gt=now),
            key_hash=api_keys.hash_key(key),
            revoked_at__isnull=True,
            partner__is_active=True,
        )
        .first()
    )
