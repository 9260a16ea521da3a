import base64
import secrets
from datetime import timedelta

import factory

from common import clock
from simulator import ids
from simulator.enums import EventType, PaymentStatus
from simulator.models import Merchant, Payment, WebhookDelivery, WebhookEvent
from simulator.selectors import key_hash

WEBHOOK_SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()


class MerchantFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Merchant

    class Params:
        secret_key = factory.Sequence(lambda n: f"sk_test_merchant{n:016d}")

    name = factory.Sequence(lambda n: f"Shop {n}")
    secret_key_hash = factory.LazyAttribute(lambda merchant: key_hash(merchant.secret_key))
    secret_key_prefix = "sk_test_merc"
    webhook_url = "http://127.0.0.1:9/hook"
    webhook_secret = WEBHOOK_SECRET


class PaymentFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Payment

    merchant = factory.SubFactory(MerchantFactory)
    amount = 1250
    currency = "USD"
    reference = factory.Sequence(lambda n: f"order-{n}")
    return_url = "https://shop.example/return?cart=7"
    cancel_url = "https://shop.example/cancel"
    checkout_token = factory.LazyFunction(lambda: secrets.token_urlsafe(32))
    expires_at = factory.LazyFunction(lambda: clock.now() + timedelta(hours=1))

    class Params:
        paid = factory.Trait(status=PaymentStatus.SUCCEEDED, card_brand="visa", card_last4="4242")
        challenged = factory.Trait(
            status=PaymentStatus.REQUIRES_ACTION, card_brand="visa", card_last4="3155"
        )


class WebhookDeliveryFactory(factory.django.DjangoModelFactory):
    """A due delivery of a made-up event."""

    class Meta:
        model = WebhookDelivery

    event = factory.LazyAttribute(lambda delivery: _event(delivery.merchant))
    next_attempt_at = factory.LazyFunction(clock.now)

    class Params:
        merchant = factory.LazyFunction(MerchantFactory)


def _event(merchant):
    event_id = ids.event_id()
    return WebhookEvent.objects.create(
        id=event_id,
        payment=PaymentFactory(merchant=merchant),
        type=EventType.PAYMENT_SUCCEEDED,
        body=f'{{"id": "{event_id}"}}',
    )
