import pytest
from django.core import mail
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from accounts import services, tokens, verification
from accounts.api.serializers import PASSWORD_MAX_LENGTH
from accounts.api.urls import urlpatterns
from accounts.enums import Role
from accounts.models import User
from accounts.tests.factories import PASSWORD, UserFactory
from common import clock
from common.testing import drain_outbox

pytestmark = pytest.mark.django_db

SIGN_UP = {"email": "Ada@Example.com", "name": "Ada", "password": PASSWORD}


def profile(user):
    return {
        "id": str(user.id),
        "email": user.email,
        "name": user.name,
        "role": user.role,
        "is_verified": user.is_verified,
        "created_at": as_json(user.created_at),
        "updated_at": as_json(user.updated_at),
    }


def as_json(moment):
    return moment.isoformat().replace("+00:00", "Z")


# --- Sign-up and verification ---------------------------------------------


def test_sign_up_answers_the_same_for_new_and_known_addresses(api):
    answers = [api.post("/api/auth/signup", SIGN_UP) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [202, 202]
    first, second = (answer.json() for answer in answers)
    assert first == second == {"email": "ada@example.com", "detail": "Check your e-mail."}
    assert User.objects.count() == 1
    drain_outbox()
    assert [message.subject for message in mail.outbox] == [
        "Please confirm your e-mail address",
        "You already have an account",
    ]


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"email": "nobody"}, 400, "email"),
        ({"email": f"{'a' * 250}@example.com"}, 400, "email"),
        ({"email": None}, 400, "email"),
        ({"name": "A"}, 400, "name"),
        ({"name": "A" * 51}, 400, "name"),
        ({"name": "A\0da"}, 400, "name"),
        ({"password": "a" * (PASSWORD_MAX_LENGTH + 1)}, 400, "password"),
        ({"password": "short"}, 422, "password"),
        ({"role": "admin"}, 400, "role"),
    ],
)
def test_sign_up_with_bad_input_names_the_field(api, change, status, field):
    answer = api.post("/api/auth/signup", SIGN_UP | change)

    assert answer.status_code == status
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert not User.objects.exists()


def test_verification_answers_the_verified_user_as_often_as_it_is_asked(api):
    user = UserFactory(is_verified=False)
    body = {"token": verification.make_token(user, now=clock.now())}

    answers = [api.post("/api/auth/email-verification", body) for _ in range(2)]

    user.refresh_from_db()
    assert user.is_verified
    assert [answer.status_code for answer in answers] == [200, 200]
    assert [answer.json() for answer in answers] == [profile(user)] * 2


def test_verification_with_a_bad_token_is_refused(api):
    answer = api.post("/api/auth/email-verification", {"token": "forged"})

    assert answer.status_code == 422
    assert answer.json()["code"] == "verification_token_invalid"


def test_resend_mails_a_link_until_verified(client_for):
    user = UserFactory(is_verified=False)
    client = client_for(user)

    assert client.post("/api/auth/email-verification-source").status_code == 202
    drain_outbox()
    assert [message.to for message in mail.outbox] == [[user.email]]

    User.objects.update(is_verified=True)
    answer = client.post("/api/auth/email-verification-source")
    assert (answer.status_code, answer.json()["code"]) == (409, "already_verified")


# --- Sessions -------------------------------------------------------------


def test_sign_in_answers_user_and_working_tokens(api):
    user = UserFactory()

    answer = api.post("/api/auth/signin", {"email": user.email, "password": PASSWORD})

    assert answer.status_code == 200
    assert set(answer.json()) == {"user", "access", "refresh"}
    assert answer.json()["user"] == profile(user)
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {answer.json()['access']}")
    assert api.get("/api/users/self").json() == profile(user)


def test_sign_in_refused_has_one_body_for_every_reason(api):
    UserFactory(email="ada@example.com")
    UserFactory(email="blocked@example.com", status="blocked")

    answers = [
        api.post("/api/auth/signin", {"email": email, "password": password})
        for email, password in [
            ("ada@example.com", "wrong-horse"),
            ("nobody@example.com", PASSWORD),
            ("blocked@example.com", PASSWORD),
        ]
    ]

    assert [answer.status_code for answer in answers] == [401] * 3
    assert [answer["WWW-Authenticate"] for answer in answers] == ['Bearer realm="api"'] * 3
    assert one_body(answers)["code"] == "sign_in_refused"


def one_body(answers):
    bodies = [answer.json() | {"request_id": ""} for answer in answers]
    assert all(body == bodies[0] for body in bodies)
    return bodies[0]


def test_sign_in_does_not_mind_a_stale_token_in_the_header(api):
    user = UserFactory()
    api.credentials(HTTP_AUTHORIZATION="Bearer stale")

    answer = api.post("/api/auth/signin", {"email": user.email, "password": PASSWORD})

    assert answer.status_code == 200


def test_refresh_rotates_and_refuses_the_used_token(api):
    pair = tokens.issue_tokens(user=UserFactory())

    answer = api.post("/api/auth/refresh-token", {"refresh": pair.refresh})
    again = api.post("/api/auth/refresh-token", {"refresh": pair.refresh})

    assert answer.status_code == 200
    assert set(answer.json()) == {"access", "refresh"}
    assert (again.status_code, again.json()["code"]) == (401, "token_not_valid")


def test_sign_out_makes_the_refresh_token_useless_and_may_be_repeated(api):
    body = {"refresh": tokens.issue_tokens(user=UserFactory()).refresh}

    assert [api.post("/api/auth/signout", body).status_code for _ in range(2)] == [204, 204]
    assert api.post("/api/auth/refresh-token", body).status_code == 401


def test_sign_out_with_a_forged_token_is_refused(api):
    assert api.post("/api/auth/signout", {"refresh": "forged"}).status_code == 401


def test_every_bad_access_token_has_one_body(admin_user):
    blocked, stale, gone = UserFactory(), UserFactory(), UserFactory()
    pairs = [tokens.issue_tokens(user=user) for user in (blocked, stale, gone)]
    services.block_user(user_id=blocked.id, actor=admin_user)
    services.change_role(user_id=stale.id, role=Role.EDITOR, actor=admin_user)
    User.objects.filter(pk=gone.pk).delete()

    answers = [
        APIClient(HTTP_AUTHORIZATION=f"bearer {raw}").get("/api/users/self")
        for raw in ["", "forged", "two words", pairs[0].refresh, *(pair.access for pair in pairs)]
    ]

    assert [answer.status_code for answer in answers] == [401] * 7
    assert one_body(answers)["code"] == "token_not_valid"


def test_bad_api_keys_are_not_authenticated(api, partner_api):
    api.credentials(HTTP_X_API_KEY="zk_nonsense")

    answer = api.get("/api/users/self")

    assert (answer.status_code, answer.json()["code"]) == (401, "api_key_not_valid")


# --- Profile --------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/api/users/self"),
        ("patch", "/api/users/self"),
        ("post", "/api/auth/email-verification-source"),
    ],
)
def test_personal_routes_are_for_people_who_are_signed_in(api, partner_api, method, path):
    assert getattr(api, method)(path, {}).status_code == 401
    assert getattr(partner_api, method)(path, {}).status_code == 403


@pytest.mark.parametrize("role", Role.values)
def test_profile_opens_for_every_role(client_for, role):
    user = UserFactory(role=role)

    assert client_for(user).get("/api/users/self").json() == profile(user)


def test_profile_changes_the_name(client_for, user):
    answer = client_for(user).patch("/api/users/self", {"name": " Grace "})

    assert answer.status_code == 200
    user.refresh_from_db()
    assert user.name == "Grace"
    assert answer.json() == profile(user)


@pytest.mark.parametrize(
    "body", [{"name": "G"}, {"name": None}, {}, {"name": "Grace", "email": "g@example.com"}]
)
def test_profile_refuses_what_people_may_not_change(client_for, user, body):
    answer = client_for(user).patch("/api/users/self", body)

    assert answer.status_code == 400
    name = user.name
    user.refresh_from_db()
    assert user.name == name


def test_schema_describes_both_ways_to_authenticate():
    schema = SchemaGenerator(patterns=urlpatterns).get_schema(request=None, public=True)

    assert schema["components"]["securitySchemes"] == {
        "accessToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
        "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    }
