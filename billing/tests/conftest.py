import pytest
from django.core.cache import cache

from accounts.tests.factories import PartnerFactory
from billing.tests.factories import customer, open_shop


@pytest.fixture(autouse=True)
def cold_cache():
    """Rate cards of an earlier test describe rows that are gone."""
    cache.clear()


@pytest.fixture
def shop(db):
    return open_shop()


@pytest.fixture
def partner(db):
    return PartnerFactory()


@pytest.fixture
def buyer(db):
    """A user with 10,000 credits."""
    return customer()
