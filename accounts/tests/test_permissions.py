import pytest
from django.contrib.auth.models import AnonymousUser
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from accounts import services
from accounts.auth import calling_partner, signed_in
from accounts.authentication import ApiKeyAuthentication
from accounts.permissions import HasScope, IsAdmin, IsSignedIn
from accounts.tests.factories import PartnerFactory, UserFactory
from accounts.tokens import issue_tokens

pytestmark = pytest.mark.django_db


def answer_of(permission, *, authentication=None, **headers):
    class View(APIView):
        permission_classes = (permission,)

        def get(self, request):
            return Response(str(request.user.pk))

    if authentication:
        View.authentication_classes = (authentication,)
    return View.as_view()(APIRequestFactory().get("/", **headers))


def call(permission, **headers):
    return answer_of(permission, **headers).status_code


def bearer(user):
    return {"HTTP_AUTHORIZATION": f"Bearer {issue_tokens(user=user).access}"}


@pytest.fixture
def partner_key():
    partner = PartnerFactory()
    _, key = services.issue_api_key(partner_id=partner.id, name="x", scopes=["metering:write"])
    return {"HTTP_X_API_KEY": key}


@pytest.mark.parametrize(
    ("permission", "member", "staff", "partner"),
    [
        (IsSignedIn, 200, 200, 403),
        (IsAdmin, 403, 200, 403),
        (HasScope("metering:write"), 403, 403, 200),
        (HasScope("something:else"), 403, 403, 403),
    ],
    ids=["IsSignedIn", "IsAdmin", "HasScope", "HasScope-other"],
)
def test_people_and_partners_open_their_own_routes_only(
    permission, member, staff, partner, partner_key
):
    assert call(permission) == 401
    assert call(permission, **bearer(UserFactory())) == member
    assert call(permission, **bearer(UserFactory(role="admin"))) == staff
    assert call(permission, **bearer(UserFactory(role="super-admin"))) == staff
    assert call(permission, **partner_key) == partner


@pytest.mark.parametrize("permission", [IsSignedIn, IsAdmin])
def test_blocked_staff_open_nothing(permission):
    request = Request(APIRequestFactory().get("/"))
    request.user = UserFactory(role="admin", status="blocked")

    assert not permission().has_permission(request, APIView())


def test_partner_route_asks_for_a_key():
    answer = answer_of(HasScope("metering:write"), authentication=ApiKeyAuthentication)

    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'ApiKey realm="api"')


def test_other_schemes_are_nobody():
    assert call(IsSignedIn, HTTP_AUTHORIZATION="Basic eDp5") == 401


def test_callers_are_told_apart():
    request = Request(APIRequestFactory().get("/"))
    user, partner = UserFactory(), PartnerFactory()

    request.user = user
    assert signed_in(request) == user
    with pytest.raises(NotAuthenticated):
        calling_partner(request)

    request.user = partner
    assert calling_partner(request) == partner
    with pytest.raises(NotAuthenticated):
        signed_in(request)

    request.user = AnonymousUser()
    with pytest.raises(NotAuthenticated):
        signed_in(request)
