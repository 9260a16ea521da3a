"""What the tests of adapters ask of a gateway."""

from uuid import UUID

from payments.gateways.base import CheckoutRequest

PAYMENT_ID = UUID("01900000-0000-7000-8000-000000000001")
REQUEST = CheckoutRequest(
    payment_id=PAYMENT_ID,
    amount_minor=1250,
    currency="USD",
    description="Pro, Monthly",
    customer_email="ada@example.com",
    return_url="http://localhost:8000/back",
    cancel_url="http://localhost:8000/back",
)


def fetch(adapter, gateway):
    (reference,) = gateway.payments
    return adapter.fetch_payment(gateway_reference=reference, payment_id=PAYMENT_ID)
