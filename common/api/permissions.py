from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission

if TYPE_CHECKING:
    from rest_framework.request import Request
    from rest_framework.views import APIView


class DenyAll(BasePermission):
    """The project's default: a view that names no rule is closed."""

    def has_permission(self, request: "Request", view: "APIView") -> bool:
        return False
