from datetime import timedelta

import pytest

from common import clock
from common.errors import Invalid, NotFound
from common.ids import uuid7
from wallets.enums import HoldStatus
from wallets.errors import HoldClosed, HoldNotFound, InsufficientCredits, ReferenceReused
from wallets.models import Entry, Hold, Transaction
from wallets.services import capture_hold, expire_holds, place_hold, release_hold, spend_credits
from wallets.tests.factories import NOON, figures, give, hold, open_lots

pytestmark = pytest.mark.django_db

LATER = NOON + timedelta(minutes=15)


@pytest.fixture(autouse=True)
def at_noon():
    with clock.frozen(NOON):
        yield


@pytest.fixture
def held(user):
    """100 credits, 30 of them held as "h"."""
    give(user, 100)
    hold(user, 30, reference="h", expires_at=LATER)
    return user


def capture(amount, reference="c"):
    return capture_hold(hold_reference="h", amount=amount, reference=reference, memo="A poem")


def release(reference="r"):
    return release_hold(hold_reference="h", reference=reference)


# --- Placing ----------------------------------------------------------------


def test_hold_reserves_without_moving(user):
    give(user, 100)

    outcome = place_hold(user_id=user.id, amount=30, reference="h", expires_at=LATER)

    placed = Hold.objects.get()
    assert (outcome.hold_id, outcome.transaction_id, outcome.amount) == (placed.id, None, 30)
    assert (outcome.balance, outcome.available) == (100, 70)
    assert (placed.status, placed.amount, placed.expires_at) == (HoldStatus.OPEN, 30, LATER)
    assert (figures(user), Entry.objects.filter(amount=-30).count()) == ((100, 30), 0)


def test_hold_of_more_than_available_is_refused(held):
    with pytest.raises(InsufficientCredits) as caught:
        hold(held, 71, expires_at=LATER)

    assert caught.value.context == {"available": 70, "required": 71}
    assert figures(held) == (100, 30)


def test_hold_replayed_holds_once_even_with_a_new_deadline(held):
    again = place_hold(
        user_id=held.id, amount=30, reference="h", expires_at=LATER + timedelta(minutes=1)
    )

    assert (again.replayed, again.hold_id, again.amount) == (True, Hold.objects.get().id, 30)
    assert figures(held) == (100, 30)


def test_hold_with_reused_reference_is_refused(held, other_user):
    give(other_user, 100)

    with pytest.raises(ReferenceReused):
        hold(held, 31, reference="h", expires_at=LATER)
    with pytest.raises(ReferenceReused):
        hold(other_user, 30, reference="h", expires_at=LATER)

    assert (figures(held), figures(other_user)) == ((100, 30), (100, 0))


def test_hold_that_ends_now_or_holds_nothing_is_invalid(user):
    give(user, 100)

    with pytest.raises(Invalid) as caught:
        hold(user, 1, expires_at=NOON)
    assert caught.value.field == "expires_at"
    with pytest.raises(Invalid) as caught:
        hold(user, 0, expires_at=LATER)
    assert caught.value.field == "amount"


def test_hold_for_unknown_user_is_not_found():
    with pytest.raises(NotFound):
        place_hold(user_id=uuid7(), amount=1, reference="h", expires_at=LATER)


# --- Capturing --------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "captured", "moved", "shortfall"),
    [(0, 0, 0, 0), (20, 20, 20, 0), (30, 30, 30, 0), (50, 30, 50, 0), (120, 30, 100, 20)],
)
def test_capture_charges_frees_the_rest_and_records_what_is_missing(
    held, amount, captured, moved, shortfall
):
    outcome = capture(amount)

    closed = Hold.objects.get()
    assert (outcome.amount, outcome.shortfall, outcome.hold_id) == (moved, shortfall, closed.id)
    assert (outcome.balance, outcome.available) == (100 - moved, 100 - moved)
    assert (closed.status, closed.captured, closed.closed_at) == ("captured", captured, NOON)
    assert figures(held) == (100 - moved, 0)
    assert Transaction.objects.get(reference="c").memo == "A poem"


def test_capture_leaves_other_holds_alone(held):
    hold(held, 60, expires_at=LATER)

    outcome = capture(50)

    assert (outcome.amount, outcome.shortfall) == (40, 10)
    assert figures(held) == (60, 60)


def test_capture_replayed_returns_first_outcome(held):
    first = capture(120)
    give(held, 500)

    again = capture(120)

    assert (again.transaction_id, again.hold_id) == (first.transaction_id, first.hold_id)
    assert (again.amount, again.shortfall, again.replayed) == (100, 20, True)
    assert figures(held) == (500, 0)


def test_capture_with_reused_reference_and_other_amount_is_refused(held):
    capture(20)

    with pytest.raises(ReferenceReused):
        capture(21)

    assert figures(held) == (80, 0)


@pytest.mark.parametrize("amount", [0, 20])
def test_capture_of_a_captured_hold_is_refused(held, amount):
    capture(amount)

    with pytest.raises(HoldClosed) as caught:
        capture(20, reference="c2")

    assert caught.value.context == {"status": "captured"}
    assert figures(held) == (100 - amount, 0)


@pytest.mark.parametrize("end", ["released", "expired"])
def test_capture_of_a_freed_hold_charges_once_from_what_is_available(held, end):
    if end == "released":
        release()
    else:
        clock.advance(timedelta(minutes=15))
        expire_holds(now=clock.now())
    spend_credits(user_id=held.id, amount=90, reference="other")

    late = capture(20)

    assert (late.amount, late.shortfall, figures(held)) == (10, 10, (0, 0))
    assert list(Hold.objects.values_list("status", "captured")) == [(end, 0)]
    give(held, 50)
    with pytest.raises(HoldClosed) as caught:
        capture(20, reference="c2")
    assert caught.value.context == {"status": end}
    assert capture(20).replayed
    assert figures(held) == (50, 0)


def test_capture_of_a_hold_past_its_time_that_no_sweep_closed_still_has_its_credits(held):
    clock.advance(timedelta(hours=1))

    outcome = capture(30)

    assert (outcome.amount, outcome.shortfall) == (30, 0)


def test_capture_of_unknown_hold_is_not_found(held):
    for reference in ("x", "a\x00b"):
        with pytest.raises(HoldNotFound):
            capture_hold(hold_reference=reference, amount=1, reference="c")

    assert figures(held) == (100, 30)


def test_capture_of_a_negative_amount_is_invalid(held):
    with pytest.raises(Invalid):
        capture(-1)

    assert figures(held) == (100, 30)


# --- Releasing --------------------------------------------------------------


def test_release_frees_the_credits_and_is_remembered(held):
    outcome = release()

    assert (outcome.amount, outcome.available, outcome.hold_id) == (0, 100, Hold.objects.get().id)
    assert (figures(held), open_lots(held)) == ((100, 0), [100])
    assert list(Hold.objects.values_list("status", "closed_at")) == [("released", NOON)]


def test_release_replayed_returns_first_outcome(held):
    first = release()

    again = release()

    assert (again.transaction_id, again.replayed) == (first.transaction_id, True)


def test_release_of_a_closed_hold_says_how_it_ended(held):
    capture(20)

    with pytest.raises(HoldClosed) as caught:
        release()

    assert caught.value.context == {"status": "captured"}
    assert figures(held) == (80, 0)


def test_release_of_unknown_hold_is_not_found():
    with pytest.raises(HoldNotFound):
        release()


def test_release_with_a_used_reference_is_refused(held):
    capture(20, reference="r")

    with pytest.raises(ReferenceReused):
        release(reference="r")


def test_release_without_reference_is_invalid(held):
    with pytest.raises(Invalid):
        release(reference="")
