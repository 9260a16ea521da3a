"""The planner alone: no database."""

from datetime import timedelta
from uuid import UUID

import pytest

from common.errors import Invalid, NotFound
from common.ids import uuid7
from wallets.enums import GrantSource, HoldStatus
from wallets.errors import HoldClosed, HoldNotFound, InsufficientCredits, ReferenceReused
from wallets.operations import (
    CaptureHold,
    ExpireHold,
    Grant,
    PlaceHold,
    ReleaseHold,
    Spend,
    Transfer,
)
from wallets.planning.checks import MAX_AMOUNT, MAX_BALANCE
from wallets.planning.lots import burn_rank, cost_of_portion
from wallets.planning.planner import plan_batch
from wallets.planning.state import Books, LotState, WalletState
from wallets.tests.factories import NOON

TOMORROW = NOON + timedelta(days=1)


def make_lot(amount=10, *, remaining=None, **terms):
    terms = {
        "source": GrantSource.PURCHASE,
        "is_promotional": False,
        "cost_minor": 0,
        "cost_currency": "",
        "expires_at": None,
        "priority": 0,
        "created_at": NOON,
    } | terms
    return LotState(
        id=uuid7(),
        account_id=uuid7(),
        transaction_id=uuid7(),
        amount=amount,
        remaining=amount if remaining is None else remaining,
        **terms,
    )


def make_books(*lots, overdraft_limit=0):
    """Books of one wallet with ``lots``, already in burn order."""
    balance = sum(lot.remaining for lot in lots)
    wallet = WalletState(uuid7(), uuid7(), balance, 0, overdraft_limit, 0)
    wallet.lots = sorted(lots, key=burn_rank)
    books = Books(lots={lot.id: lot for lot in lots})
    books.add_wallet(wallet)
    return books, wallet


def spend(wallet, amount, reference="spend", **terms):
    return Spend(user_id=wallet.user_id, amount=amount, reference=reference, **terms)


def errors(outcomes):
    return [type(outcome.error) for outcome in outcomes]


def test_burn_order_is_expiry_then_promotional_then_priority_then_age():
    oldest = make_lot(created_at=NOON - timedelta(days=9))
    first_class = make_lot(priority=-1)
    given = make_lot(is_promotional=True)
    late = make_lot(expires_at=TOMORROW)
    soon = make_lot(expires_at=NOON + timedelta(hours=1))
    plain = make_lot()

    order = sorted([plain, oldest, first_class, given, late, soon], key=burn_rank)

    assert order == [soon, late, given, first_class, oldest, plain]


def test_spend_burns_lots_in_order_and_splits_the_last():
    soon, later = make_lot(expires_at=TOMORROW), make_lot()
    books, wallet = make_books(later, soon)

    outcomes, plan = plan_batch([spend(wallet, 13)], books=books, now=NOON)

    assert outcomes[0].amount == 13
    assert (soon.remaining, later.remaining, wallet.balance) == (0, 7, 7)
    assert [(burn.lot_id, burn.amount) for burn in plan.burns] == [(soon.id, 10), (later.id, 3)]
    assert wallet.lots == [later]


def test_refused_operation_between_others_leaves_no_trace():
    books, wallet = make_books(make_lot(10))
    batch = [spend(wallet, 6, "a"), spend(wallet, 5, "b"), spend(wallet, 4, "c")]

    outcomes, plan = plan_batch(batch, books=books, now=NOON)

    assert errors(outcomes) == [type(None), InsufficientCredits, type(None)]
    assert outcomes[1].error.context == {"available": 4, "required": 5}
    assert [row.reference for row in plan.transactions] == ["a", "c"]
    assert wallet.balance == 0


def test_refused_reference_is_free_for_a_later_operation():
    books, wallet = make_books(make_lot(10))

    outcomes, _ = plan_batch([spend(wallet, 11), spend(wallet, 10)], books=books, now=NOON)

    assert errors(outcomes) == [InsufficientCredits, type(None)]
    assert not outcomes[1].replayed


def test_duplicate_in_one_batch_replays_and_other_content_is_refused():
    books, wallet = make_books(make_lot(10))
    batch = [spend(wallet, 3), spend(wallet, 3), spend(wallet, 4)]

    outcomes, plan = plan_batch(batch, books=books, now=NOON)

    assert [outcome.replayed for outcome in outcomes[:2]] == [False, True]
    assert outcomes[0].transaction_id == outcomes[1].transaction_id
    assert errors(outcomes)[2] == ReferenceReused
    assert outcomes[2].error.context == {"reference": "spend"}
    assert (len(plan.transactions), wallet.balance) == (1, 7)


def test_due_lot_is_not_spendable_and_expires_first():
    due, good = make_lot(5, expires_at=NOON), make_lot(5)
    books, wallet = make_books(due, good)

    outcomes, plan = plan_batch([spend(wallet, 6)], books=books, now=NOON)

    assert errors(outcomes) == [InsufficientCredits]
    assert [(row.kind, row.amount) for row in plan.transactions] == [("expiry", 5)]
    assert (wallet.balance, due.remaining) == (5, 0)


def test_lot_expires_from_the_very_moment_not_before():
    books, wallet = make_books(make_lot(5, expires_at=NOON))

    outcomes, _ = plan_batch([spend(wallet, 5)], books=books, now=NOON - timedelta(microseconds=1))

    assert errors(outcomes) == [type(None)]


def test_due_lot_under_a_hold_stays_and_goes_when_the_hold_closes():
    due = make_lot(10, expires_at=TOMORROW)
    books, wallet = make_books(due)
    place = PlaceHold(
        user_id=wallet.user_id, amount=7, reference="h", expires_at=TOMORROW + timedelta(days=1)
    )
    plan_batch([place], books=books, now=NOON)

    plan_batch([spend(wallet, 1)], books=books, now=TOMORROW)
    assert (wallet.balance, wallet.held, due.remaining) == (7, 7, 7)

    capture = CaptureHold(hold_reference="h", amount=4, reference="c")
    outcomes, plan = plan_batch([capture], books=books, now=TOMORROW)
    assert [(row.kind, row.amount) for row in plan.transactions] == [("usage", 4), ("expiry", 3)]
    assert (outcomes[0].balance, outcomes[0].available) == (0, 0)


def test_hold_placed_and_released_in_one_batch_is_written_closed():
    books, wallet = make_books(make_lot(10))
    place = PlaceHold(user_id=wallet.user_id, amount=7, reference="h", expires_at=TOMORROW)
    release = ReleaseHold(hold_reference="h", reference="r")
    again = ReleaseHold(hold_reference="h", reference="r2")

    outcomes, plan = plan_batch([place, release, again], books=books, now=NOON)

    assert errors(outcomes) == [type(None), type(None), HoldClosed]
    assert outcomes[2].error.context == {"status": "released"}
    assert [hold.status for hold in plan.new_holds] == [HoldStatus.RELEASED]
    assert (wallet.held, wallet.available) == (0, 10)


def test_hold_that_is_closed_or_not_due_is_left_alone_by_the_sweep():
    books, wallet = make_books(make_lot(10))
    place = PlaceHold(user_id=wallet.user_id, amount=7, reference="h", expires_at=TOMORROW)
    batch = [place, ExpireHold(hold_reference="h")]

    early, _ = plan_batch(batch, books=books, now=NOON)
    due, _ = plan_batch([batch[1]] * 2, books=books, now=TOMORROW)

    assert [outcome.amount for outcome in (early[1], *due)] == [0, 7, 0]
    assert (wallet.held, books.holds["h"].status) == (0, HoldStatus.EXPIRED)


def test_late_capture_that_meets_an_empty_wallet_is_remembered_and_changes_nothing():
    books, wallet = make_books(make_lot(7))
    place = PlaceHold(user_id=wallet.user_id, amount=7, reference="h", expires_at=TOMORROW)
    release = ReleaseHold(hold_reference="h", reference="r")
    plan_batch([place, release, spend(wallet, 7)], books=books, now=NOON)

    capture = CaptureHold(hold_reference="h", amount=5, reference="c")
    outcomes, plan = plan_batch([capture], books=books, now=NOON)

    assert (outcomes[0].amount, outcomes[0].shortfall) == (0, 5)
    assert [row.shortfall for row in plan.transactions] == [5]
    assert (plan.entries, plan.changes, plan.wallets) == ([], [], {})


def test_hold_of_a_wallet_that_is_not_locked_does_not_exist_yet():
    books, wallet = make_books(make_lot(10))
    place = PlaceHold(user_id=wallet.user_id, amount=7, reference="h", expires_at=TOMORROW)
    plan_batch([place], books=books, now=NOON)
    del books.wallets[wallet.id]

    outcomes, _ = plan_batch(
        [ReleaseHold(hold_reference="h", reference="r")], books=books, now=NOON
    )

    assert errors(outcomes) == [HoldNotFound]


def test_overdraft_is_spent_after_the_lots():
    lot = make_lot(5)
    books, wallet = make_books(lot, overdraft_limit=10)

    outcomes, _ = plan_batch([spend(wallet, 12), spend(wallet, 4, "b")], books=books, now=NOON)

    assert (wallet.balance, lot.remaining) == (-7, 0)
    assert outcomes[1].error.context == {"available": 3, "required": 4}


def test_grant_on_debt_is_burned_by_the_debt_at_once():
    books, wallet = make_books(overdraft_limit=10)
    grant = Grant(user_id=wallet.user_id, amount=9, source=GrantSource.BONUS, reference="g")

    _, plan = plan_batch([spend(wallet, 6), grant], books=books, now=NOON)

    assert (wallet.balance, plan.new_lots[0].remaining) == (3, 3)
    assert [burn.amount for burn in plan.burns] == [6]


def test_parts_of_a_lot_cost_together_what_the_lot_cost():
    lot = make_lot(7, cost_minor=100)
    costs = []
    for portion in (2, 2, 3):
        costs.append(cost_of_portion(lot, portion))
        lot.remaining -= portion

    assert costs == [28, 29, 43]


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"amount": 0}, "amount"),
        ({"amount": -1}, "amount"),
        ({"amount": MAX_AMOUNT + 1}, "amount"),
        ({"source": GrantSource.TRANSFER}, "source"),
        ({"priority": 2**15}, "priority"),
        ({"cost_minor": -1}, "cost_minor"),
        ({"cost_minor": 5}, "cost_currency"),
        ({"cost_minor": 5, "cost_currency": "XXX"}, "cost_currency"),
        ({"reference": ""}, "reference"),
        ({"reference": "x" * 201}, "reference"),
        ({"reference": "a\x00b"}, "reference"),
        ({"reference": "a\ud800b"}, "reference"),
        ({"memo": "x" * 501}, "memo"),
        ({"memo": "a\x00b"}, "memo"),
    ],
)
def test_grant_with_a_value_out_of_range_is_refused_and_names_it(terms, field):
    books, wallet = make_books()
    terms = {"amount": 1, "source": GrantSource.BONUS, "reference": "g"} | terms

    outcomes, plan = plan_batch([Grant(user_id=wallet.user_id, **terms)], books=books, now=NOON)

    assert (errors(outcomes), outcomes[0].error.field) == ([Invalid], field)
    assert (plan.transactions, wallet.balance) == ([], 0)


def test_reference_and_memo_may_hold_any_script():
    books, wallet = make_books(make_lot(10))

    outcomes, _ = plan_batch(
        [spend(wallet, 1, "usage:কথা", memo="emoji \U0001f600")], books=books, now=NOON
    )

    assert errors(outcomes) == [type(None)]


def test_wallet_never_holds_more_than_the_column_can_count():
    books, wallet = make_books()
    wallet.balance = MAX_BALANCE - 1
    grant = Grant(user_id=wallet.user_id, amount=2, source=GrantSource.BONUS, reference="g")

    outcomes, _ = plan_batch([grant], books=books, now=NOON)

    assert errors(outcomes) == [Invalid]


@pytest.mark.parametrize("side", ["sender_id", "receiver_id"])
def test_transfer_with_an_unknown_user_names_the_side(side):
    books, wallet = make_books(make_lot(10))
    sides = {"sender_id": wallet.user_id, "receiver_id": wallet.user_id} | {side: UUID(int=1)}

    outcomes, _ = plan_batch([Transfer(amount=1, reference="t", **sides)], books=books, now=NOON)

    assert (errors(outcomes), outcomes[0].error.field) == ([NotFound], side)


def test_same_content_has_the_same_fingerprint_whatever_the_memo_and_times():
    terms = {"user_id": UUID(int=1), "amount": 5, "reference": "h"}

    first = PlaceHold(expires_at=NOON, **terms)
    retry = PlaceHold(expires_at=TOMORROW, **terms)
    other = PlaceHold(expires_at=NOON, **(terms | {"amount": 6}))

    assert first.fingerprint() == retry.fingerprint() != other.fingerprint()
