from datetime import datetime

from django.db.models import Q

from accounts import api_keys, verification
from accounts.models import ApiKey, User


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


def account_of_link(*, token: str, now: datetime) -> User | None:
    """Find whose address a verification link is about; None if the link is good for nothing."""
    claim = verification.read_token(token, now=now)
    if claim is None:
        return None
    return User.objects.filter(pk=claim.user_id, email=claim.email).first()


def count_users() -> int:
    return User.objects.count()
