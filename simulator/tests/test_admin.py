import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from simulator.models import Merchant, Refund, StoredReply, WebhookDelivery
from simulator.tests.factories import WEBHOOK_SECRET, WebhookDeliveryFactory

pytestmark = pytest.mark.django_db

MODELS = ["merchant", "payment", "refund", "storedreply", "webhookevent", "webhookdelivery"]


@pytest.fixture
def office(client, super_admin):
    client.force_login(super_admin)
    return client


@pytest.fixture
def payment():
    delivery = WebhookDeliveryFactory()
    payment = delivery.event.payment
    Refund.objects.create(payment=payment, amount=1)
    StoredReply.objects.create(
        merchant=payment.merchant, route="POST /v1/payments", key="k", request_hash="h", body="{}"
    )
    return payment


@pytest.mark.parametrize("model", MODELS)
def test_lists_and_details_open(office, payment, model):
    site_model = next(
        m for m in admin.site._registry if m._meta.label_lower == f"simulator.{model}"
    )
    row = site_model.objects.get()

    listed = office.get(reverse(f"admin:simulator_{model}_changelist"), {"q": "pay"})
    shown = office.get(reverse(f"admin:simulator_{model}_change", args=[row.pk]))

    assert (listed.status_code, shown.status_code) == (200, 200)
    for page in (listed, shown):
        assert payment.checkout_token not in page.content.decode()
        assert WEBHOOK_SECRET not in page.content.decode()


@pytest.mark.parametrize("model", MODELS)
def test_nothing_is_added_or_deleted_here(office, payment, model):
    assert office.get(reverse(f"admin:simulator_{model}_add")).status_code == 403


@pytest.mark.parametrize("model", ["payment", "refund", "webhookevent", "webhookdelivery"])
def test_list_takes_as_many_queries_for_three_rows_as_for_one(office, payment, model):
    url = reverse(f"admin:simulator_{model}_changelist")
    office.get(url)
    with CaptureQueriesContext(connection) as one:
        office.get(url)

    for _ in range(2):
        delivery = WebhookDeliveryFactory()
        Refund.objects.create(payment=delivery.event.payment, amount=1)
    with CaptureQueriesContext(connection) as three:
        office.get(url)

    assert len(three) == len(one)


def test_merchant_can_be_suspended_and_moved(office, payment):
    merchant = payment.merchant
    url = reverse("admin:simulator_merchant_change", args=[merchant.pk])
    before = (merchant.secret_key_hash, merchant.webhook_secret)

    office.post(url, {"name": "New name", "webhook_url": "https://new.example/hook"})

    merchant = Merchant.objects.get()
    assert (merchant.name, merchant.is_active) == ("New name", False)
    assert merchant.webhook_url == "https://new.example/hook"
    assert (merchant.secret_key_hash, merchant.webhook_secret) == before


def test_merchant_with_a_bad_address_is_refused(office, payment):
    url = reverse("admin:simulator_merchant_change", args=[payment.merchant.pk])

    answer = office.post(url, {"name": "New name", "webhook_url": "ftp://new.example"})

    assert answer.status_code == 200
    assert Merchant.objects.get().name == payment.merchant.name


def test_send_again_queues_what_is_finished(office, payment):
    WebhookDelivery.objects.update(state="failed", attempts=7)
    delivery = WebhookDelivery.objects.get()

    answer = office.post(
        reverse("admin:simulator_webhookdelivery_changelist"),
        {"action": "send_again", "_selected_action": [str(delivery.pk)]},
        follow=True,
    )

    delivery.refresh_from_db()
    assert "1 will be sent again" in answer.content.decode()
    assert (delivery.state, delivery.attempts) == ("pending", 0)
