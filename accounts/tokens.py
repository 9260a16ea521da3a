"""JSON web tokens: short access tokens, and refresh tokens that work once."""

from dataclasses import dataclass
from datetime import datetime
from typing import cast

from django.db import transaction
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token
from rest_framework_simplejwt.utils import datetime_from_epoch

from accounts.enums import UserStatus
from accounts.models import User

_VERSION_CLAIM = "token_version"


class TokenRefused(Exception):
    """Forged, expired, used up, or issued before the account was blocked or signed out."""


@dataclass(frozen=True, kw_only=True)
class TokenPair:
    access: str
    refresh: str


class SingleUseToken(RefreshToken):
    def check_blacklist(self) -> None:
        """Leave it to ``spend``, whose check and mark are one statement."""

    def spend(self) -> bool:
        """Use the token up. False if it was already: of two at once, one gets True."""
        _, is_first = cast("tuple[BlacklistedToken, bool]", self.blacklist())
        return is_first


def issue_tokens(*, user: User) -> TokenPair:
    refresh = SingleUseToken()
    refresh[api_settings.USER_ID_CLAIM] = str(user.id)
    refresh[_VERSION_CLAIM] = user.token_version
    # Only the id of the token is stored: its text would open the account.
    OutstandingToken.objects.create(
        user=user,
        jti=refresh["jti"],
        created_at=refresh.current_time,
        expires_at=datetime_from_epoch(refresh["exp"]),
    )
    return TokenPair(access=str(refresh.access_token), refresh=str(refresh))


@transaction.atomic
def rotate_tokens(*, refresh: str) -> TokenPair:
    """Exchange a refresh token for a new pair. It works once.

    Raises:
        TokenRefused: it is not, or no longer, good.
    """
    token = _read_refresh(refresh)
    user = _bearer_of(token)
    if not token.spend():
        raise TokenRefused
    return issue_tokens(user=user)


def revoke_token(*, refresh: str) -> None:
    """Make a refresh token useless. Repeating that is fine.

    Raises:
        TokenRefused: it is not one of ours, or has expired.
    """
    _read_refresh(refresh).spend()


def read_access_token(raw: str) -> tuple[User, datetime]:
    """Tell whose access token this is, and when it expires. One query.

    Raises:
        TokenRefused: it is not, or no longer, good.
    """
    try:
        token = AccessToken(cast("Token", raw))  # the library means its text
    except TokenError as error:
        raise TokenRefused from error
    return _bearer_of(token), datetime_from_epoch(token["exp"])


def _read_refresh(raw: str) -> SingleUseToken:
    try:
        return SingleUseToken(cast("Token", raw))  # the library means its text
    except TokenError as error:
        raise TokenRefused from error


def _bearer_of(token: Token) -> User:
    user = User.objects.filter(
        pk=token[api_settings.USER_ID_CLAIM],
        token_version=token[_VERSION_CLAIM],
        status=UserStatus.ACTIVE,
    ).first()
    if user is None:
        raise TokenRefused
    return user
