"""The planner alone: no database."""

from datetime import timedelta

from wallets.enums import GrantSource, HoldStatus
from wallets.errors import HoldClosed, HoldNotFound, InsufficientCredits, ReferenceReused
from wallets.operations import CaptureHold, ExpireHold, Grant, PlaceHold, ReleaseHold
from wallets.planning.lots import burn_rank, cost_of_portion
from wallets.planning.planner import plan_batch
from wallets.tests.books import errors, make_books, make_lot, spend
from wallets.tests.factories import NOON, TOMORROW


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
