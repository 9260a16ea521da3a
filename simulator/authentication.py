from typing import Any

from django.contrib.auth.models import AnonymousUser
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from simulator.models import Merchant
from simulator.selectors import merchant_with_key

SCHEME = "Bearer"
REFUSAL = "Send the secret key of a merchant: Authorization: Bearer sk_test_…"


class MerchantKeyAuthentication(BaseAuthentication):
    """``Authorization: Bearer sk_test_…``; every fault of the key gets the same answer."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, Merchant]:
        scheme, _, secret_key = request.headers.get("Authorization", "").partition(" ")
        is_bearer = scheme.lower() == SCHEME.lower()
        merchant = merchant_with_key(secret_key=secret_key.strip()) if is_bearer else None
        if merchant is None:
            raise AuthenticationFailed(REFUSAL)
        if not merchant.is_active:
            raise PermissionDenied("This merchant is suspended.", code="merchant_suspended")
        return AnonymousUser(), merchant

    def authenticate_header(self, request: Request) -> str:
        return SCHEME


class IsMerchant(BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:
        return isinstance(request.auth, Merchant)


def calling_merchant(request: Request) -> Merchant:
    """Return the merchant whose key came with the request; behind ``IsMerchant`` only."""
    assert isinstance(request.auth, Merchant)
    return request.auth
