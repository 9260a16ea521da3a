import pytest

from accounts.tests.factories import PartnerFactory
from billing.tests.factories import customer, end, open_shop, started
from billing.tests.http_calls import client_of


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


@pytest.fixture
def meter(partner):
    """The partner's client."""
    return client_of(partner)


@pytest.fixture
def open_key(partner, shop, buyer):
    """The usage key of a started call."""
    return started(partner, buyer, shop.endpoint)


@pytest.fixture
def settled_key(partner, buyer, open_key):
    """The usage key of a settled call."""
    end(partner, buyer, open_key)
    return open_key


@pytest.fixture
def staff(client_for, admin_user):
    return client_for(admin_user)


@pytest.fixture
def cast(api, client_for, user, staff, meter):
    """Clients of nobody, a user, staff and a partner."""
    return [api, client_for(user), staff, meter]
