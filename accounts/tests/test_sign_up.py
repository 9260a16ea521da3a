from importlib import import_module

import pytest
from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.core import mail

from accounts import services
from accounts.models import User
from accounts.tests.factories import PASSWORD, UserFactory
from common.models import OutboxEvent
from common.testing import drain_outbox, run_concurrently

pytestmark = pytest.mark.django_db


def sign_up(**fields):
    return services.sign_up(
        **{"email": "ada@example.com", "name": "Ada", "password": PASSWORD} | fields
    )


def published():
    return list(OutboxEvent.objects.order_by("id").values_list("type", "payload"))


def test_sign_up_opens_an_unverified_account():
    user = sign_up(email=" Ada@Example.COM ", name=" Ada ")

    user.refresh_from_db()
    assert (user.email, user.name, user.role) == ("ada@example.com", "Ada", "user")
    assert (user.status, user.is_verified, user.token_version) == ("active", False, 0)
    assert user.check_password(PASSWORD)
    assert published() == [("accounts.user_signed_up", {"user_id": str(user.id)})]


def test_sign_up_mails_a_verification_link():
    user = sign_up()

    drain_outbox()

    [message] = mail.outbox
    assert message.to == ["ada@example.com"]
    assert message.subject == "Please confirm your e-mail address"
    assert f"{settings.BASE_URL}/verify-email?token=" in message.body
    assert user.name not in message.body
    assert message.extra_headers == {"X-Event-Id": str(OutboxEvent.objects.get().id)}


def test_sign_up_of_a_known_address_changes_nothing_and_tells_its_owner():
    known = UserFactory(email="ada@example.com", name="Ada the first")
    password_before = known.password

    assert sign_up(email="ADA@example.com", password="another-horse-battery") == known
    drain_outbox()

    known.refresh_from_db()
    assert (known.name, known.password) == ("Ada the first", password_before)
    assert published() == [("accounts.sign_up_repeated", {"user_id": str(known.id)})]
    [message] = mail.outbox
    assert (message.to, message.subject) == (["ada@example.com"], "You already have an account")
    assert message.extra_headers == {"X-Event-Id": str(OutboxEvent.objects.get().id)}


def test_sign_up_of_a_known_address_takes_as_many_statements(django_assert_num_queries):
    with django_assert_num_queries(6):
        sign_up()
    with django_assert_num_queries(6):
        sign_up()


@pytest.mark.parametrize(
    "password", ["short7!", "password123", "12345678"], ids=["short", "common", "digits"]
)
def test_sign_up_with_a_weak_password_opens_nothing(password):
    with pytest.raises(services.WeakPassword) as caught:
        sign_up(password=password)

    assert caught.value.field == "password"
    assert not User.objects.exists()
    assert published() == []


def test_sign_up_with_the_address_as_password_opens_nothing():
    with pytest.raises(services.WeakPassword):
        sign_up(email="adalovelace@example.com", password="adalovelace")


@pytest.mark.django_db(transaction=True)
def test_concurrent_sign_ups_open_one_account():
    results = run_concurrently([sign_up] * 4)

    user = User.objects.get()
    assert results == [user] * 4
    assert sorted(kind for kind, _ in published()) == [
        "accounts.sign_up_repeated",
        "accounts.sign_up_repeated",
        "accounts.sign_up_repeated",
        "accounts.user_signed_up",
    ]


def test_passwords_are_hashed_with_argon2_outside_tests(settings):
    base = import_module("zaaz.settings.base")
    settings.PASSWORD_HASHERS = base.PASSWORD_HASHERS

    encoded = make_password(PASSWORD)

    assert encoded.startswith("argon2$argon2id$")
    assert check_password(PASSWORD, encoded)
