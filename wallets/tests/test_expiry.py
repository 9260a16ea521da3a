from datetime import timedelta

import pytest

from accounts.tests.factories import UserFactory
from common import clock
from common.models import OutboxEvent
from wallets import services, tasks
from wallets.models import Entry, Hold, Transaction
from wallets.services import capture_hold, release_hold
from wallets.tests.factories import NOON, figures, give, hold, open_lots

pytestmark = pytest.mark.django_db

DEADLINE = NOON + timedelta(minutes=15)


@pytest.fixture(autouse=True)
def at_noon():
    with clock.frozen(NOON):
        yield


def changes():
    return OutboxEvent.objects.order_by("id").last().payload["changes"]


def test_due_hold_expires_and_frees_its_credits(user):
    give(user, 100)
    hold(user, 30, reference="h", expires_at=DEADLINE)

    assert services.expire_holds(now=DEADLINE) == 1

    assert list(Hold.objects.values_list("status", "closed_at")) == [("expired", DEADLINE)]
    assert figures(user) == (100, 0)
    assert [(change["kind"], change["delta"], change["available"]) for change in changes()] == [
        ("hold_expired", 0, 100)
    ]


def test_hold_before_its_time_is_left_alone(user):
    give(user, 100)
    hold(user, 30, expires_at=DEADLINE)

    assert services.expire_holds(now=DEADLINE - timedelta(microseconds=1)) == 0

    assert figures(user) == (100, 30)


def test_due_lot_expires_into_the_expired_account(user):
    give(user, 100, expires_at=DEADLINE)
    give(user, 50)

    assert services.expire_grants(now=DEADLINE) == 1

    assert (figures(user), open_lots(user)) == ((50, 0), [50])
    assert Entry.objects.get(account__kind="expired").amount == 100
    assert Transaction.objects.get(kind="expiry").amount == 100
    assert [(change["kind"], change["delta"]) for change in changes()] == [("expiry", -100)]


def test_lot_before_its_time_is_left_alone(user):
    give(user, 100, expires_at=DEADLINE)

    assert services.expire_grants(now=DEADLINE - timedelta(microseconds=1)) == 0

    assert figures(user) == (100, 0)


def test_due_lots_of_one_wallet_expire_in_one_transaction(user):
    for amount in (10, 20, 30):
        give(user, amount, expires_at=DEADLINE)

    assert services.expire_grants(now=DEADLINE) == 1

    assert Transaction.objects.get(kind="expiry").amount == 60


def test_due_lot_stays_as_far_as_an_open_hold_needs_it(user):
    give(user, 100, expires_at=DEADLINE)
    hold(user, 30, reference="h", expires_at=DEADLINE + timedelta(hours=1))

    assert services.expire_grants(now=DEADLINE) == 1
    assert figures(user) == (30, 30)
    assert services.expire_grants(now=DEADLINE) == 0

    clock.advance(timedelta(minutes=15))
    capture_hold(hold_reference="h", amount=20, reference="c")
    assert (figures(user), open_lots(user)) == ((0, 0), [])
    assert sum(Transaction.objects.filter(kind="expiry").values_list("amount", flat=True)) == 80


def test_due_lot_expires_when_the_hold_on_it_is_released_or_expires(user, other_user):
    for person in (user, other_user):
        give(person, 10, expires_at=DEADLINE)
        hold(person, 10, reference=f"h:{person.id}", expires_at=DEADLINE)
    clock.advance(timedelta(minutes=15))
    services.expire_grants(now=clock.now())
    assert (figures(user), figures(other_user)) == ((10, 10), (10, 10))

    released = release_hold(hold_reference=f"h:{user.id}", reference="r")
    services.expire_holds(now=clock.now())

    assert (released.balance, figures(user), figures(other_user)) == (0, (0, 0), (0, 0))


@pytest.mark.parametrize(
    ("task", "status"), [(tasks.expire_holds, "expired"), (tasks.expire_grants, "open")]
)
def test_task_run_twice_sweeps_once(user, task, status):
    give(user, 100, expires_at=DEADLINE)
    hold(user, 30, expires_at=DEADLINE)
    clock.advance(timedelta(minutes=15))

    assert (task(), task()) == (1, 0)

    assert Hold.objects.get().status == status


def test_task_goes_on_until_all_is_swept(monkeypatch):
    people = [UserFactory() for _ in range(5)]
    for person in people:
        give(person, 10, expires_at=DEADLINE)
        hold(person, 5, expires_at=DEADLINE)
        hold(person, 5, expires_at=DEADLINE)
    clock.advance(timedelta(minutes=15))
    monkeypatch.setattr(services, "SWEEP_LIMIT", 2)

    assert tasks.expire_holds() == 10
    assert tasks.expire_grants() == 0
    assert {figures(person) for person in people} == {(0, 0)}


def test_task_stops_after_its_rounds_and_the_next_run_goes_on(user, monkeypatch):
    give(user, 10)
    for _ in range(3):
        hold(user, 1, expires_at=DEADLINE)
    clock.advance(timedelta(minutes=15))
    monkeypatch.setattr(services, "SWEEP_LIMIT", 1)
    monkeypatch.setattr(tasks, "ROUNDS", 2)

    assert (tasks.expire_holds(), tasks.expire_holds()) == (2, 1)
    assert figures(user) == (10, 0)
