import pytest
from django.test import Client
from rest_framework.test import APIClient

from simulator.tests.factories import MerchantFactory, PaymentFactory
from simulator.tests.merchant_server import merchant_server

SECRET_KEY = "sk_test_0123456789abcdef0123"


@pytest.fixture
def shop():
    """A merchant's web server on this machine."""
    with merchant_server() as server:
        yield server


@pytest.fixture
def merchant(db):
    return MerchantFactory(secret_key=SECRET_KEY, name="Corner Shop")


@pytest.fixture
def merchant_api(merchant):
    """The merchant's server, calling with its key."""
    return APIClient(headers={"Authorization": f"Bearer {SECRET_KEY}"})


@pytest.fixture
def new_payment():
    return {
        "amount": 1250,
        "currency": "USD",
        "reference": "order-1",
        "description": "Ten credits",
        "customer_email": "ada@example.com",
        "return_url": "https://shop.example/return?cart=7",
        "cancel_url": "https://shop.example/cancel",
        "metadata": {"cart": "7"},
    }


@pytest.fixture
def browser():
    """A customer's browser."""
    return Client()


@pytest.fixture
def payment(merchant):
    """A payment that waits for its customer."""
    return PaymentFactory(merchant=merchant, reference="order 1")
