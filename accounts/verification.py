"""The signed token of a verification link: bound to one account, one address and one day."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.core.signing import BadSignature, Signer

from accounts.models import User

LIFETIME = timedelta(hours=24)


@dataclass(frozen=True, kw_only=True)
class Claim:
    user_id: UUID
    email: str


def make_token(user: User, *, now: datetime) -> str:
    return _signer().sign_object(
        {
            "user_id": str(user.id),
            "email": user.email,
            "expires_at": int((now + LIFETIME).timestamp()),
        }
    )


def read_token(token: str, *, now: datetime) -> Claim | None:
    """Read what a token claims; None if it is forged or has expired."""
    try:
        content = _signer().unsign_object(token)
    except BadSignature:
        return None
    if datetime.fromtimestamp(content["expires_at"], UTC) <= now:
        return None
    return Claim(user_id=UUID(content["user_id"]), email=content["email"])


def _signer() -> Signer:
    # A dot needs no escaping in a link; the salt keeps other signed values out.
    return Signer(sep=".", salt="accounts.verification")
