from datetime import timedelta

import pytest
from django.urls import reverse

from common.ids import uuid7
from wallets.models import Account, Entry, Grant, Hold, Transaction
from wallets.services import capture_hold, record_money_received, reverse_transaction
from wallets.tests.factories import NOON, figures, give, hold, wallet

pytestmark = pytest.mark.django_db

FAR = NOON + timedelta(days=9000)
MODELS = (Account, Transaction, Entry, Grant, Hold)


@pytest.fixture
def staff(client, admin_user):
    client.force_login(admin_user)
    return client


@pytest.fixture
def books(user):
    give(user, 100)
    capture_hold(hold_reference=hold(user, 20, expires_at=FAR), amount=15, reference="usage:1")
    charge = Transaction.objects.get(reference="usage:1")
    reverse_transaction(transaction_id=charge.id, reason="Oops", actor_id=None)
    record_money_received(amount_minor=1250, currency="USD", reference="payment:1")
    return wallet(user)


def page(model, name, *args):
    return reverse(f"admin:wallets_{model._meta.model_name}_{name}", args=args)


def submit(client, model, row, name, **fields):
    address = reverse(f"admin:wallets_{model._meta.model_name}_{name}", args=[row.pk])
    return client.post(address, {"_form_submitted": "on", **fields})


@pytest.mark.parametrize("model", MODELS)
def test_window_lists_finds_and_shows_rows(staff, books, user, model):
    listing = staff.get(page(model, "changelist"), {"q": user.email})
    assert listing.status_code == 200
    assert user.email in listing.content.decode()

    for row in model.objects.all():
        shown = staff.get(page(model, "change", row.pk))
        assert shown.status_code == 200


@pytest.mark.parametrize("model", MODELS)
def test_window_is_no_door(staff, books, model):
    row = model.objects.first()

    assert staff.get(page(model, "add")).status_code == 403
    assert staff.post(page(model, "change", row.pk), {}).status_code == 403
    assert staff.post(page(model, "delete", row.pk), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("model", MODELS)
def test_window_is_closed_to_customers(client, user, model):
    client.force_login(user)

    assert client.get(page(model, "changelist")).status_code == 302


def test_wallet_links_to_its_entries(staff, books):
    shown = staff.get(page(Account, "change", books.pk)).content.decode()

    target = f"{page(Entry, 'changelist')}?account__id__exact={books.pk}"
    assert target in shown
    assert staff.get(target).status_code == 200


def test_adjustment_from_the_admin_happens_once_however_often_it_is_sent(
    staff, admin_user, user, books
):
    fields = {"amount": "-30", "reason": "Typo in an order", "token": str(uuid7())}

    answers = [submit(staff, Account, books, "adjust_credits", **fields) for _ in range(2)]

    assert [answer.headers["HX-Redirect"] for answer in answers] == [
        page(Account, "change", books.pk)
    ] * 2
    taken = Transaction.objects.get(kind="adjustment")
    assert (taken.memo, taken.actor, figures(user)) == ("Typo in an order", admin_user, (70, 0))


def test_adjustment_that_the_ledger_refuses_says_why(staff, user, books):
    fields = {"amount": "-101", "reason": "Oops", "token": str(uuid7())}

    submit(staff, Account, books, "adjust_credits", **fields)

    assert "Not enough credits." in staff.get(page(Account, "change", books.pk)).content.decode()
    assert figures(user) == (100, 0)


@pytest.mark.parametrize("fields", [{"amount": "0", "reason": "Oops"}, {"amount": "5"}])
def test_adjustment_of_nothing_or_without_reason_shows_the_form_again(staff, user, books, fields):
    answer = submit(staff, Account, books, "adjust_credits", token=str(uuid7()), **fields)

    assert answer.status_code == 200
    assert "HX-Redirect" not in answer.headers
    assert figures(user) == (100, 0)


def test_adjustment_form_opens_with_a_token_of_its_own(staff, books):
    address = reverse("admin:wallets_account_adjust_credits", args=[books.pk])

    first, second = (staff.get(address).content for _ in range(2))

    assert b'name="token"' in first
    assert first != second


def test_system_account_is_not_adjusted(staff, books):
    system = Account.objects.filter(owner=None).first()
    fields = {"amount": "5", "reason": "Oops", "token": str(uuid7())}

    answer = submit(staff, Account, system, "adjust_credits", **fields)

    assert answer.status_code == 403
    assert "Adjust credits" not in staff.get(page(Account, "change", system.pk)).content.decode()
    assert not Transaction.objects.filter(kind="adjustment").exists()


def test_adjustment_of_an_unknown_account_is_not_found(staff):
    address = reverse("admin:wallets_account_adjust_credits", args=[uuid7()])
    fields = {"amount": "5", "reason": "Oops", "token": str(uuid7()), "_form_submitted": "on"}

    assert staff.post(address, fields).status_code == 404


def test_overdraft_limit_from_the_admin_is_written_down(staff, admin_user, books):
    submit(staff, Account, books, "limit_overdraft", limit="50", reason="Trusted")

    change = Transaction.objects.get(kind="overdraft")
    assert (change.memo, change.actor) == ("Limit 50: Trusted", admin_user)
    assert Account.objects.get(pk=books.pk).overdraft_limit == 50


def test_transaction_is_reversed_from_the_admin_with_a_reason(staff, admin_user, user, books):
    purchase = Transaction.objects.get(kind="purchase")

    answer = submit(staff, Transaction, purchase, "reverse_it", reason="Charged back")

    reversal = Transaction.objects.get(reverses=purchase)
    assert answer.headers["HX-Redirect"] == page(Transaction, "change", purchase.pk)
    assert (reversal.memo, reversal.actor, figures(user)) == ("Charged back", admin_user, (0, 0))


def test_reversal_without_reason_or_of_a_reversal_is_refused(staff, user, books):
    purchase = Transaction.objects.get(kind="purchase")
    reversal = Transaction.objects.get(kind="reversal")

    assert "HX-Redirect" not in submit(staff, Transaction, purchase, "reverse_it").headers
    submit(staff, Transaction, reversal, "reverse_it", reason="Oops")

    shown = staff.get(page(Transaction, "change", reversal.pk)).content.decode()
    assert "This transaction cannot be reversed." in shown
    assert figures(user) == (100, 0)


@pytest.mark.parametrize(
    ("model", "name"),
    [(Account, "adjust_credits"), (Account, "limit_overdraft"), (Transaction, "reverse_it")],
)
def test_actions_are_closed_to_everybody_but_staff(client, user, books, model, name):
    client.force_login(user)
    row = model.objects.order_by("created_at").first()

    answer = submit(client, model, row, name, reason="Oops", limit="5", amount="5")

    assert answer.status_code in {302, 403}
    assert not Transaction.objects.filter(kind__in=["adjustment", "overdraft"]).exists()
    assert figures(user) == (100, 0)
