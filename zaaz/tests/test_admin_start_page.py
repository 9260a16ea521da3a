"""The overview and what the back office writes for people: every number is a true one."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django_celery_beat.models import PeriodicTask, PeriodicTasks

from common import clock
from common.admin_columns import TONES
from common.enums import DeliveryStatus
from common.models import EventDelivery
from common.testing import count_queries
from payments.enums import PaymentStatus
from payments.models import PaymentTransaction
from payments.tests.factories import make_payment
from wallets.services import record_money_received
from zaaz.tests.admin_story import Story
from zaaz.tests.test_admin_pages import MODELS

pytestmark = pytest.mark.django_db


@pytest.fixture
def office(client, super_admin):
    client.force_login(super_admin)
    return client


@pytest.fixture
def story(super_admin):
    story = Story(actor=super_admin)
    story.play()
    return story


def figures(office):
    shown = office.get(reverse("admin:index")).context["figures"]
    return {figure.title: (figure.value, figure.note, figure.is_alarming) for figure in shown}


def test_overview_of_nothing_says_so(office):
    assert figures(office) == {
        "Users": ("1", "signed up", False),
        "Credits in wallets": ("0", "0 of them held", False),
        "Received today": ("0", "payments since 00:00 UTC: 0", False),
        "Quarantined payments": ("0", "money and order do not match", False),
        "Dead letters": ("0", "deliveries to look at and replay", False),
        "Oldest undelivered event": ("none", "how far the workers are behind", False),
    }


def test_overview_counts_what_happened(office, story):
    make_payment(
        status=PaymentStatus.PENDING,
        quarantined_at=clock.now(),
        quarantine_reason="amount_mismatch",
        next_check_at=None,
    )
    EventDelivery.objects.filter(pk=EventDelivery.objects.first().pk).update(
        status=DeliveryStatus.DEAD
    )

    shown = figures(office)

    # 1,000 bought; 10,000 given, 1,575 of them charged.
    assert shown["Credits in wallets"] == ("9,425", "10 of them held", False)
    assert shown["Received today"] == ("10.00 USD", "payments since 00:00 UTC: 1", False)
    assert shown["Quarantined payments"][::2] == ("1", True)
    assert shown["Dead letters"][::2] == ("1", True)


def test_money_of_yesterday_is_not_received_today(office):
    with clock.frozen(clock.now() - timedelta(days=1)):
        record_money_received(amount_minor=5000, currency="USD", reference="yesterday")
    record_money_received(amount_minor=2900, currency="USD", reference="today")
    record_money_received(amount_minor=348_000, currency="BDT", reference="today too")

    shown = figures(office)["Received today"]

    assert shown == ("3,480.00 BDT + 29.00 USD", "payments since 00:00 UTC: 2", False)


def test_waiting_event_has_its_age(office, story):
    with clock.frozen(clock.now() + timedelta(seconds=90)):
        age = figures(office)["Oldest undelivered event"][0]

    assert 90 <= int(age.removesuffix(" s")) < 150


def test_every_figure_leads_to_the_list_behind_it(office, story):
    shown = office.get(reverse("admin:index")).context["figures"]

    for figure in shown:
        answer = office.get(figure.address)
        assert answer.status_code == 200
        assert "e" not in answer.wsgi_request.GET


def test_overview_makes_as_many_queries_for_five_customers_as_for_one(office, story):
    office.get(reverse("admin:index"))
    with count_queries() as few:
        office.get(reverse("admin:index"))
    story.play(times=4)
    with count_queries() as many:
        office.get(reverse("admin:index"))

    assert len(many) == len(few) <= 12


def test_payment_page_writes_money_credits_and_moments_for_people(office, story):
    payment = PaymentTransaction.objects.get()
    address = reverse("admin:payments_paymenttransaction_change", args=[payment.pk])

    shown = office.get(address).content.decode()

    assert "10.00 USD" in shown
    assert "1,000 credits available" in shown
    assert f"{payment.created_at:%Y-%m-%d %H:%M:%S} UTC" in shown
    assert payment.user.email in shown


def test_every_state_has_a_tone():
    states = {
        value
        for model in MODELS
        for field in model._meta.fields
        if field.name in {"status", "state", "verdict"}
        for value, _ in field.choices
    }

    assert states - set(TONES) == set()


def test_user_page_leads_to_everything_about_them(office, story):
    payment = PaymentTransaction.objects.get()
    user_page = reverse("admin:accounts_user_change", args=[payment.user_id])

    shown = office.get(user_page).content.decode()

    for name in ("payments_paymenttransaction", "wallets_account", "catalog_subscription"):
        address = reverse(f"admin:{name}_changelist")
        assert f"{address}?q={payment.user.email.replace('@', '%40')}" in shown
        found = office.get(address, {"q": payment.user.email}).context["cl"].queryset
        assert found.count() == 1


def test_periodic_task_is_paused_and_resumed_and_both_are_logged(office, story):
    task = PeriodicTask.objects.get(task="a.task")
    before = PeriodicTasks.last_change()

    for action in ("pause", "resume"):
        office.post(
            reverse("admin:django_celery_beat_periodictask_changelist"),
            {"action": action, "_selected_action": [task.pk]},
        )
        task.refresh_from_db()
        assert task.enabled is (action == "resume")

    assert PeriodicTasks.last_change() != before
    log = LogEntry.objects.filter(object_id=task.pk).order_by("pk")
    assert [entry.change_message for entry in log] == ["Paused.", "Resumed."]
