import pytest
from django.test import Client

from payments.tests.crooked_gateway import crooked_gateway
from payments.tests.factories import make_method


@pytest.fixture
def visitor(db):
    """A browser in which nobody has signed in."""
    return Client()


@pytest.fixture
def browser(user):
    """The browser of ``user``, who has signed in."""
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def gateway(settings):
    """A gateway over real HTTP that can be told to misbehave."""
    settings.GATEWAY_TIMEOUT_SECONDS = 20  # seconds; this machine may be busy
    with crooked_gateway() as running:
        yield running


@pytest.fixture
def method(db, gateway):
    return make_method(gateway.credentials)
