from datetime import timedelta

import pytest
from django.contrib.auth import hashers
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import AccessToken

from accounts import services, tasks, tokens
from accounts.tests.factories import PASSWORD, UserFactory
from common import clock
from common.testing import run_concurrently

pytestmark = pytest.mark.django_db


def test_sign_in_with_the_right_password_answers_tokens_of_that_user():
    user = UserFactory(email="ada@example.com")

    session = services.sign_in(email=" ADA@example.com", password=PASSWORD)

    assert session.user == user
    bearer, expires_at = tokens.read_access_token(session.tokens.access)
    assert bearer == user
    left = expires_at - clock.now()
    assert timedelta(minutes=14) < left <= timedelta(minutes=15)


def test_sign_in_works_before_verification():
    UserFactory(email="ada@example.com", is_verified=False)

    assert services.sign_in(email="ada@example.com", password=PASSWORD) is not None


@pytest.mark.parametrize("circumstance", ["unknown", "wrong", "blocked"])
def test_sign_in_refused_hashes_one_password_and_issues_nothing(circumstance, monkeypatch):
    UserFactory(
        email="ada@example.com", status="blocked" if circumstance == "blocked" else "active"
    )
    hashed = []
    encode = hashers.MD5PasswordHasher.encode
    monkeypatch.setattr(
        hashers.MD5PasswordHasher,
        "encode",
        lambda self, password, salt: hashed.append(password) or encode(self, password, salt),
    )

    session = services.sign_in(
        email="bob@example.com" if circumstance == "unknown" else "ada@example.com",
        password="wrong-horse-battery" if circumstance == "wrong" else PASSWORD,
    )

    assert session is None
    assert len(hashed) == 1
    assert not OutstandingToken.objects.exists()


def test_refresh_token_is_not_stored():
    pair = tokens.issue_tokens(user=UserFactory())

    [record] = OutstandingToken.objects.all()
    assert record.token == ""
    assert timedelta(days=6, hours=23) < record.expires_at - clock.now() <= timedelta(days=7)
    assert pair.refresh


def test_refresh_token_rotates_into_a_new_pair():
    user = UserFactory()
    first = tokens.issue_tokens(user=user)

    second = tokens.rotate_tokens(refresh=first.refresh)

    assert tokens.read_access_token(second.access)[0] == user
    assert second.refresh != first.refresh
    assert tokens.rotate_tokens(refresh=second.refresh)


def test_refresh_token_used_again_is_refused():
    first = tokens.issue_tokens(user=UserFactory())
    tokens.rotate_tokens(refresh=first.refresh)

    with pytest.raises(tokens.TokenRefused):
        tokens.rotate_tokens(refresh=first.refresh)

    assert OutstandingToken.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_refresh_token_used_concurrently_works_once():
    pair = tokens.issue_tokens(user=UserFactory())

    results = run_concurrently([lambda: tokens.rotate_tokens(refresh=pair.refresh)] * 4)

    assert sum(isinstance(result, tokens.TokenPair) for result in results) == 1
    assert sum(isinstance(result, tokens.TokenRefused) for result in results) == 3
    assert OutstandingToken.objects.count() == 2


def test_access_token_does_not_refresh_and_refresh_token_does_not_open():
    pair = tokens.issue_tokens(user=UserFactory())

    with pytest.raises(tokens.TokenRefused):
        tokens.rotate_tokens(refresh=pair.access)
    with pytest.raises(tokens.TokenRefused):
        tokens.read_access_token(pair.refresh)


@pytest.mark.parametrize("raw", ["", "x", "a.b.c", "ü.ü.ü", "\0", "eyJhbGciOiJub25lIn0.e30."])
def test_garbage_is_no_token(raw):
    with pytest.raises(tokens.TokenRefused):
        tokens.read_access_token(raw)
    with pytest.raises(tokens.TokenRefused):
        tokens.rotate_tokens(refresh=raw)
    with pytest.raises(tokens.TokenRefused):
        tokens.revoke_token(refresh=raw)


def test_expired_access_token_is_refused():
    token = AccessToken(tokens.issue_tokens(user=UserFactory()).access)
    token.set_exp(lifetime=timedelta(seconds=-1))

    with pytest.raises(tokens.TokenRefused):
        tokens.read_access_token(str(token))


def test_block_ends_every_token_and_unblock_does_not_revive_them(admin_user):
    user = UserFactory()
    pair = tokens.issue_tokens(user=user)

    services.block_user(user_id=user.id, actor=admin_user)
    assert_useless(pair)

    services.unblock_user(user_id=user.id, actor=admin_user)
    assert_useless(pair)
    assert services.sign_in(email=user.email, password=PASSWORD) is not None


def assert_useless(pair):
    with pytest.raises(tokens.TokenRefused):
        tokens.read_access_token(pair.access)
    with pytest.raises(tokens.TokenRefused):
        tokens.rotate_tokens(refresh=pair.refresh)


def test_revoked_refresh_token_is_useless_and_revoking_again_is_fine():
    pair = tokens.issue_tokens(user=UserFactory())

    tokens.revoke_token(refresh=pair.refresh)
    tokens.revoke_token(refresh=pair.refresh)

    assert BlacklistedToken.objects.count() == 1
    with pytest.raises(tokens.TokenRefused):
        tokens.rotate_tokens(refresh=pair.refresh)


def test_task_forgets_expired_tokens_only():
    tokens.issue_tokens(user=UserFactory())
    tokens.issue_tokens(user=UserFactory())
    stale = OutstandingToken.objects.order_by("id").first()
    stale.expires_at = clock.now()
    stale.save()

    assert tasks.forget_expired_tokens() == 1
    assert tasks.forget_expired_tokens() == 0
    assert OutstandingToken.objects.count() == 1
