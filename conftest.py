"""The cast: a user, another, staff, a partner; and a clean slate for each of them."""

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import TransactionTestCase
from rest_framework.test import APIClient

from accounts.enums import Role, Scope
from accounts.services import issue_api_key
from accounts.tests.factories import PartnerFactory, UserFactory
from accounts.tokens import issue_tokens


@pytest.fixture(autouse=True, scope="session")
def flush_past_the_ledgers_guards():
    """The ledger refuses TRUNCATE; only the test database's owner may empty it."""
    teardown = TransactionTestCase._fixture_teardown

    def unguarded_teardown(self):
        with connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
        try:
            teardown(self)
        finally:
            with connection.cursor() as cursor:
                cursor.execute("SET session_replication_role = origin")

    TransactionTestCase._fixture_teardown = unguarded_teardown
    yield
    TransactionTestCase._fixture_teardown = teardown


@pytest.fixture(autouse=True)
def _empty_cache():
    cache.clear()


@pytest.fixture
def user(db):
    return UserFactory(is_verified=True)


@pytest.fixture
def other_user(db):
    return UserFactory(is_verified=True)


@pytest.fixture
def admin_user(db):
    return UserFactory(is_verified=True, role=Role.ADMIN)


@pytest.fixture
def super_admin(db):
    return UserFactory(is_verified=True, role=Role.SUPER_ADMIN)


@pytest.fixture
def api():
    return APIClient()


@pytest.fixture
def client_for():
    def signed_in_client(user):
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {issue_tokens(user=user).access}")
        return client

    return signed_in_client


@pytest.fixture
def partner_api(db):
    _, key = issue_api_key(
        partner_id=PartnerFactory().id, name="tests", scopes=[Scope.METERING_WRITE]
    )
    client = APIClient()
    client.credentials(HTTP_X_API_KEY=key)
    return client
