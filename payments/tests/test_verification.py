from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from catalog.models import Subscription
from common import clock
from common.testing import drain_outbox
from payments.enums import EventSource
from payments.models import PaymentTransaction
from payments.services.settlement import refresh_payment
from payments.tests.factories import make_payment
from payments.verification import CHECKS, DELIVERY_GRACE, NAMED_ROWS, verify
from wallets.enums import GrantSource, TransactionKind
from wallets.selectors import transactions_of_kind
from wallets.services import grant_credits, record_money_received


@pytest.fixture
def paid(payment, gateway):
    """A purchase that was paid and delivered: it has three events."""
    gateway.move("succeeded")
    refresh_payment(payment_id=payment.id, source=EventSource.WEBHOOK)
    drain_outbox()
    payment.refresh_from_db()
    return payment


def corrupt(table, change, condition="true", *parameters):
    """Change rows behind the back of every trigger and constraint."""
    behind_the_guards(f"UPDATE {table} SET {change} WHERE {condition}", parameters)  # noqa: S608


def behind_the_guards(statement, parameters=()):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(statement, parameters)
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")


def broken(now=None):
    """The names of the checks that fail, and the rows they name."""
    return {
        finding.check.name: [culprit.split(" ")[0] for culprit in finding.culprits]
        for finding in verify(now=now or clock.now())
        if finding.wrong
    }


def test_purchase_that_was_paid_and_delivered_is_right(paid):
    rows = {finding.check.name: finding.rows for finding in verify(now=clock.now())}

    assert broken(clock.now() + timedelta(days=1)) == {}
    assert rows == dict.fromkeys([check.name for check in CHECKS], 1) | {
        "events_are_allowed_moves": 3
    }


def test_purchase_that_is_not_paid_yet_is_right(payment):
    assert broken(clock.now() + timedelta(days=1)) == {}


def test_paid_purchase_that_nobody_delivers_is_named_after_five_minutes(payment, gateway):
    gateway.move("succeeded")
    refresh_payment(payment_id=payment.id, source=EventSource.WEBHOOK)

    assert broken() == {}
    assert broken(clock.now() + DELIVERY_GRACE) == {"paid_is_delivered": [str(payment.id)]}


@pytest.mark.parametrize(
    "change",
    [
        "status = 'failed', failed_at = now(), paid_at = NULL, fulfilled_at = NULL",
        "version = version + 1",
        "version = version - 1",
    ],
)
def test_payment_that_is_not_where_its_events_lead_is_named(paid, change):
    corrupt("payments_paymenttransaction", change)

    assert broken()["payments_follow_their_events"] == [str(paid.id)]


def test_payment_that_lost_an_event_is_named(paid):
    behind_the_guards("DELETE FROM payments_paymentevent WHERE version = 2")

    last = paid.events.get(version=3)
    assert broken() == {
        "payments_follow_their_events": [str(paid.id)],
        "events_are_allowed_moves": [str(last.id)],
    }


@pytest.mark.parametrize(
    ("version", "change", "astray"),
    [
        (1, "from_status = 'pending'", [1]),
        (2, "to_status = 'failed', from_status = 'succeeded'", [2, 3]),
        (3, "from_status = 'initiated'", [3]),
        (3, "from_status = 'nonsense'", [3]),
    ],
)
def test_event_that_is_no_allowed_move_is_named(paid, version, change, astray):
    corrupt("payments_paymentevent", change, "version = %s", version)

    ids = [str(event.id) for event in paid.events.filter(version__in=astray).order_by("id")]
    assert broken() == {"events_are_allowed_moves": ids}


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ("amount = amount - 1", "deliveries_granted_credits"),
        ("account_id = NULL", "deliveries_granted_credits"),
        ("kind = 'bonus'", "deliveries_granted_credits"),
    ],
)
def test_delivery_without_its_grant_is_named(paid, change, name):
    reference = f"payment:{paid.id}"
    corrupt("wallets_transaction", change, "reference = %s", reference)

    assert broken() == {name: [str(paid.id)]}


def test_delivery_without_its_money_is_named(paid):
    reference = f"payment:{paid.id}:money"
    corrupt("wallets_transaction", "amount = 1", "reference = %s", reference)

    assert broken() == {"deliveries_booked_money": [str(paid.id)]}


def test_delivery_without_its_subscription_is_named(paid):
    Subscription.objects.update(reference="payment:another")

    assert broken() == {"deliveries_started_a_subscription": [str(paid.id)]}


def test_delivery_that_is_forgotten_leaves_credits_and_money_that_nobody_paid(paid):
    PaymentTransaction.objects.update(fulfilled_at=None)

    grant = transactions_of_kind(TransactionKind.PURCHASE).get()
    receipt = transactions_of_kind(TransactionKind.RECEIPT).get()
    assert broken() == {
        "bought_credits_were_paid": [str(grant.id)],
        "booked_money_was_paid": [str(receipt.id)],
    }


def test_bought_credits_and_money_without_a_payment_are_named(user):
    grant = grant_credits(
        user_id=user.id, amount=5, source=GrantSource.PURCHASE, reference="payment:nobody"
    )
    receipt = record_money_received(amount_minor=5, currency="USD", reference="payment:nobody:m")
    grant_credits(user_id=user.id, amount=5, source=GrantSource.BONUS, reference="bonus:1")

    assert broken() == {
        "bought_credits_were_paid": [str(grant.transaction_id)],
        "booked_money_was_paid": [str(receipt.transaction_id)],
    }


def test_many_wrong_rows_are_counted_and_some_are_named(user, method):
    count = NAMED_ROWS + 1
    for _ in range(count):
        make_payment(status="pending", user=user, method=method)  # its only event leads elsewhere

    finding = next(verify(now=clock.now()))

    assert (finding.wrong, len(finding.culprits)) == (count, NAMED_ROWS)


def test_command_on_right_payments_lists_every_check(paid):
    out = StringIO()

    call_command("verify_payments", stdout=out)

    lines = out.getvalue().splitlines()
    assert len(lines) == len(CHECKS) + 1
    assert lines[0] == "[1/8] payments_follow_their_events: 1 rows, all right"
    assert lines[-1] == "What was paid is what was delivered."


def test_command_on_wrong_payments_names_the_row_and_fails(paid):
    corrupt("payments_paymenttransaction", "version = 9")
    out = StringIO()

    with pytest.raises(CommandError, match="1 of 8 checks failed"):
        call_command("verify_payments", stdout=out)

    assert f"    {paid.id} ({paid})" in out.getvalue()
