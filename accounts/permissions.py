"""Who may call a route. People and partners never open each other's routes."""

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.models import ApiKey, User


class IsSignedIn(BasePermission):
    """Any person whose account is active."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return isinstance(request.user, User) and request.user.is_active


class IsAdmin(BasePermission):
    """Admins and super-admins."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        user = request.user
        return isinstance(user, User) and user.is_active and user.is_staff


def HasScope(scope: str) -> type[BasePermission]:  # noqa: N802 -- makes a permission class
    """Let in partners whose API key carries ``scope``."""

    class HasThisScope(BasePermission):
        def has_permission(self, request: Request, view: APIView) -> bool:
            return isinstance(request.auth, ApiKey) and scope in request.auth.scopes

    return HasThisScope
