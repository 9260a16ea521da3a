from io import StringIO

import pytest
from django.core.management import call_command

from payments.gateways.simulator import SimulatorGateway
from payments.services.checkout import start_checkout
from payments.tests.crooked_gateway import SECRET_KEY, WEBHOOK_SECRET, crooked_gateway
from payments.tests.factories import CREDENTIALS, make_method, make_order
from payments.tests.simulator_process import running_simulator


@pytest.fixture
def gateway(settings):
    """A gateway over real HTTP that can be told to misbehave."""
    settings.GATEWAY_TIMEOUT_SECONDS = 20  # seconds; this machine may be busy
    with crooked_gateway() as running:
        yield running


@pytest.fixture
def impatient(gateway, settings):
    """For tests in which the gateway does not answer."""
    settings.GATEWAY_TIMEOUT_SECONDS = 1


@pytest.fixture
def adapter(gateway):
    return SimulatorGateway(**gateway.credentials)


@pytest.fixture
def method(db, gateway):
    """The payment method of that gateway."""
    return make_method(gateway.credentials)


@pytest.fixture
def payment(user, method):
    """A payment of 10.00 USD that waits on the gateway's page."""
    return start_checkout(user=user, order=make_order(method=method), idempotency_key="key")


@pytest.fixture
def customer(client_for, user):
    return client_for(user)


@pytest.fixture
def staff(client_for, admin_user):
    return client_for(admin_user)


@pytest.fixture
def simulator(transactional_db, live_server, settings):
    """The real simulator in its own process, with our own server for it to report to."""
    settings.BASE_URL = live_server.url
    settings.CHECKOUT_RETURN_ORIGINS = [live_server.url]
    with running_simulator() as base_url:
        method = make_method(CREDENTIALS | {"base_url": base_url})
        call_command(
            "create_merchant",
            name="ZaaZ",
            webhook_url=f"{live_server.url}/api/payments/webhook/{method.id}",
            secret_key=SECRET_KEY,
            webhook_secret=WEBHOOK_SECRET,
            stdout=StringIO(),
        )
        yield method
