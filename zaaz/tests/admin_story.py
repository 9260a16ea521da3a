"""A small main job that leaves rows for every page of the back office."""

from decimal import Decimal
from itertools import count

from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from accounts.enums import Scope
from accounts.services import issue_api_key
from accounts.tests.factories import PartnerFactory, UserFactory
from billing.services import prices
from billing.tests.factories import customer, end, model_fields, open_shop, started
from catalog.contents import ConfigTerms
from catalog.services import replace_configs
from catalog.tests.factories import FeatureEndpointFactory, FeatureFactory
from common import clock
from common.models import IdempotencyRecord
from payments.enums import PaymentStatus
from payments.models import PaymentMethod, WebhookEvent
from payments.services.fulfilment import fulfil_payment
from payments.tests.factories import CREDENTIALS, make_payment

SIMULATED = ("Merchant", "Payment", "Refund", "WebhookEvent", "WebhookDelivery", "StoredReply")

_numbers = count(1)


class Story:
    """One shop; ``play`` brings a customer, a purchase, calls and what surrounds them."""

    def __init__(self, *, actor):
        self.actor = actor
        self.shop = open_shop()

    def play(self, *, times=1):
        for _ in range(times):
            number = next(_numbers)
            user, partner = UserFactory(), PartnerFactory()
            issue_api_key(partner_id=partner.id, name="production", scopes=[Scope.METERING_WRITE])
            self._offer(number)
            payment = self._sell(user, number)
            self._meter(partner)
            self._simulate(number)
            self._operate(payment, number)

    def _offer(self, number):
        actor_id, name = self.actor.id, f"model-{number}"
        prices.create_ai_model(actor_id=actor_id, **model_fields(f"extra-{name}"))
        prices.create_billing_setting(actor_id=actor_id, credit_price=Decimal(number))
        prices.create_credits_profit(actor_id=actor_id, name=name, percentage=Decimal(0))
        FeatureEndpointFactory(feature=FeatureFactory(parent=FeatureFactory()))

    def _sell(self, user, number):
        payment = make_payment(user=user, status=PaymentStatus.SUCCEEDED)
        fulfil_payment(payment_id=payment.id)
        package = payment.package_history.package
        config = ConfigTerms(config={"max_tokens": number})
        replace_configs(package_id=package.id, configs=[config], actor_id=self.actor.id)
        WebhookEvent.objects.create(
            payment_method=payment.payment_method,
            gateway_event_id=f"evt_{number}",
            event_type="payment.succeeded",
            gateway_reference=payment.gateway_reference,
            headers={},
            body="{}",
        )
        PaymentMethod.objects.create(
            name=f"Former method {number}",
            value="simulator",
            currencies=["USD"],
            credentials=CREDENTIALS,
            deleted_at=clock.now(),
        )
        return payment

    def _meter(self, partner):
        user = customer()
        end(partner, user, started(partner, user, self.shop.endpoint))
        started(partner, user, self.shop.endpoint, estimated_credits=10)

    def _simulate(self, number):
        """The simulator's own rows; its code is not ours to import."""
        model = {name: apps.get_model("simulator", name) for name in SIMULATED}
        merchant = model["Merchant"].objects.create(
            name=f"Shop {number}",
            secret_key_hash=f"{number:064}",
            secret_key_prefix="sk_test_shop",
            webhook_url="http://127.0.0.1:9/hook",
            webhook_secret="",
        )
        payment = model["Payment"].objects.create(
            merchant=merchant,
            amount=1250,
            amount_refunded=100,
            currency="USD",
            status="partially_refunded",
            reference=f"order-{number}",
            expires_at=clock.now(),
        )
        model["Refund"].objects.create(payment=payment, amount=100, reason="Asked for")
        event = model["WebhookEvent"].objects.create(payment=payment, type="refund.succeeded")
        model["WebhookDelivery"].objects.create(event=event, next_attempt_at=clock.now())
        model["StoredReply"].objects.create(merchant=merchant, route="payments", key="key")

    def _operate(self, payment, number):
        IdempotencyRecord.objects.create(
            scope=f"User:{payment.user_id}:/api/payments/initiate",
            key=f"key-{number}",
            request_hash="0" * 64,
            response_status=201,
            response_body={},
        )
        LogEntry.objects.log_actions(
            self.actor.pk, [payment], CHANGE, change_message="Looked at.", single_object=True
        )
        schedule, _ = IntervalSchedule.objects.get_or_create(every=number, period="seconds")
        PeriodicTask.objects.create(name=f"task-{number}", task="a.task", interval=schedule)
