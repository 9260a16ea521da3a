"""Who is calling, for views behind ``IsSignedIn``, ``IsAdmin`` or ``HasScope``."""

from django.http import HttpRequest
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request

from accounts.models import Partner, User


def signed_in(request: Request | HttpRequest) -> User:
    """Tell which person is calling.

    Raises:
        NotAuthenticated: nobody is, or a partner.
    """
    if not isinstance(request.user, User):
        raise NotAuthenticated
    return request.user


def calling_partner(request: Request) -> Partner:
    """Tell which partner is calling.

    Raises:
        NotAuthenticated: nobody is, or a person.
    """
    if not isinstance(request.user, Partner):
        raise NotAuthenticated
    return request.user
