"""How a request shows who it comes from: a person's access token or a partner's API key."""

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts import services
from accounts.models import ApiKey, Partner, User
from accounts.tokens import TokenRefused, read_access_token
from common import clock


class TokenNotAccepted(AuthenticationFailed):
    """One answer for forged, expired, stale and blocked: it tells nothing but to sign in again."""

    default_detail = "This token is not valid, or no longer. Sign in again."
    default_code = "token_not_valid"


class SignInRefused(AuthenticationFailed):
    """One answer for an unknown address, a wrong password and a blocked account."""

    default_detail = "E-mail address and password do not match an account."
    default_code = "sign_in_refused"


class ApiKeyNotAccepted(AuthenticationFailed):
    default_detail = "This API key is not valid, or no longer."
    default_code = "api_key_not_valid"


class JwtAuthentication(BaseAuthentication):
    """``Authorization: Bearer <access token>``; ``request.user`` is a ``User``."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        try:
            user, _ = read_access_token(token.strip())
        except TokenRefused as error:
            raise TokenNotAccepted from error
        return user, None

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class ApiKeyAuthentication(BaseAuthentication):
    """``X-API-Key: <key>``; ``request.user`` is a ``Partner``, ``request.auth`` its ``ApiKey``."""

    def authenticate(self, request: Request) -> tuple[Partner, ApiKey] | None:
        key = request.headers.get("X-API-Key")
        if key is None:
            return None
        api_key = services.recognise_api_key(key=key, now=clock.now())
        if api_key is None:
            raise ApiKeyNotAccepted
        return api_key.partner, api_key

    def authenticate_header(self, request: Request) -> str:
        return 'ApiKey realm="api"'
