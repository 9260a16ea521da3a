"""Random histories: the ledger does what the model does, and the books stay right.

``LEDGER_EXAMPLES`` asks for more histories than the suite has time for.
"""

import os
from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from accounts.tests.factories import UserFactory
from common import clock
from wallets.enums import GrantSource
from wallets.models import Account, Grant, Transaction
from wallets.operations import (
    CaptureHold,
    LimitOverdraft,
    PlaceHold,
    ReleaseHold,
    Reverse,
    Spend,
    Transfer,
)
from wallets.operations import Grant as GrantOperation
from wallets.planning.lots import burn_rank
from wallets.services import expire_grants, expire_holds, post_batch
from wallets.tests.factories import NOON, new_reference
from wallets.tests.model_ledger import ModelLedger, RefusedError
from wallets.tests.model_ledger import Wallet as ModelWallet
from wallets.verification import verify

EXAMPLES = int(os.environ.get("LEDGER_EXAMPLES", "50"))
STEPS = 50
PEOPLE = 2

# Few people, small numbers, short times: operations must get into each other's way.
people = st.integers(0, PEOPLE - 1)
amounts = st.integers(1, 12)
hours = st.sampled_from([1, 2])


class LedgerMachine(RuleBasedStateMachine):
    """Operations wait in ``pending`` until a pause or a reversal posts them as one batch."""

    holds = Bundle("holds")
    pasts = Bundle("pasts")

    def __init__(self):
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.frozen = clock.frozen(NOON)
        self.frozen.__enter__()
        self.users = [UserFactory() for _ in range(PEOPLE)]
        self.model = ModelLedger(NOON)
        self.wallets = [ModelWallet() for _ in range(PEOPLE)]
        self.all_holds = []
        self.pending = []
        self.posted = []

    def teardown(self):
        self.frozen.__exit__(None, None, None)
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)

    # --- Rules ----------------------------------------------------------

    @initialize(target=pasts)
    def start(self):
        self.limit_overdraft(0, 10)
        return multiple(
            self.grant(0, 12, GrantSource.PURCHASE, 1), self.grant(1, 6, GrantSource.BONUS, None)
        )

    @rule(
        target=pasts,
        who=people,
        amount=amounts,
        source=st.sampled_from([GrantSource.PURCHASE, GrantSource.BONUS]),
        lifetime=st.one_of(st.none(), hours),
    )
    def grant(self, who, amount, source, lifetime):
        expires_at = self.later(lifetime) if lifetime else None
        operation = GrantOperation(
            user_id=self.users[who].id,
            amount=amount,
            source=source,
            expires_at=expires_at,
            reference=new_reference(),
        )
        return self.ask(
            operation,
            self.model.grant,
            self.wallets[who],
            amount,
            is_paid=not source.is_promotional,
            expires_at=expires_at,
        )

    @rule(target=pasts, who=people, amount=amounts, allow_partial=st.booleans())
    def spend(self, who, amount, allow_partial):
        operation = Spend(
            user_id=self.users[who].id,
            amount=amount,
            allow_partial=allow_partial,
            reference=new_reference(),
        )
        return self.ask(
            operation, self.model.spend, self.wallets[who], amount, allow_partial=allow_partial
        )

    @rule(target=holds, who=people, amount=amounts, lifetime=hours)
    def hold(self, who, amount, lifetime):
        expires_at = self.later(lifetime)
        operation = PlaceHold(
            user_id=self.users[who].id,
            amount=amount,
            expires_at=expires_at,
            reference=new_reference(),
        )
        try:
            hold = self.model.place(self.wallets[who], amount, expires_at=expires_at)
        except RefusedError as error:
            self.pending.append((operation, str(error)))
            return multiple()
        self.pending.append((operation, (amount, 0)))
        self.all_holds.append(hold)
        return operation.reference, hold

    @rule(target=pasts, held=holds, amount=st.integers(0, 20))
    def capture(self, held, amount):
        reference, hold = held
        operation = CaptureHold(hold_reference=reference, amount=amount, reference=new_reference())
        return self.ask(operation, self.model.capture, hold, amount)

    @rule(held=holds)
    def release(self, held):
        reference, hold = held
        operation = ReleaseHold(hold_reference=reference, reference=new_reference())
        try:
            self.model.release(hold)
        except RefusedError as error:
            self.pending.append((operation, str(error)))
        else:
            self.pending.append((operation, (0, 0)))

    @rule(target=pasts, sender=people, receiver=people, amount=amounts)
    def transfer(self, sender, receiver, amount):
        operation = Transfer(
            sender_id=self.users[sender].id,
            receiver_id=self.users[receiver].id,
            amount=amount,
            reference=new_reference(),
        )
        return self.ask(
            operation, self.model.transfer, self.wallets[sender], self.wallets[receiver], amount
        )

    @rule(earlier=pasts)
    def reverse(self, earlier):
        self.flush()
        reference, past = earlier
        operation = Reverse(
            transaction_id=Transaction.objects.get(reference=reference).id,
            reference=new_reference(),
        )
        self.ask(operation, self.model.reverse, past)

    @rule(who=people, limit=st.sampled_from([0, 5, 10]))
    def limit_overdraft(self, who, limit):
        operation = LimitOverdraft(
            user_id=self.users[who].id, limit=limit, reference=new_reference()
        )
        wallet = self.wallets[who]
        self.model.expire(wallet)
        if wallet.available + limit < 0:
            self.pending.append((operation, "overdraft_in_use"))
        else:
            wallet.limit = limit
            self.pending.append((operation, (0, 0)))

    # One rule for all that is no operation, so that most steps are operations.
    @rule(what=st.sampled_from(["tick", "tick", "sweep_holds", "sweep_grants", "replay"]))
    def pause(self, what):
        self.flush()
        getattr(self, what)()

    # --- Steps ----------------------------------------------------------

    def later(self, by):
        return clock.now() + timedelta(hours=by)

    def ask(self, operation, model_method, *args, **terms):
        """Let the model go first; what it answers is what the batch must answer."""
        try:
            moved, shortfall, past = model_method(*args, **terms)
        except RefusedError as error:
            self.pending.append((operation, str(error)))
            return multiple()
        self.pending.append((operation, (moved, shortfall)))
        return operation.reference, past

    def flush(self):
        outcomes = post_batch([operation for operation, _ in self.pending])
        for outcome, (operation, expected) in zip(outcomes, self.pending, strict=True):
            if outcome.error:
                assert outcome.error.code == expected, operation
            else:
                assert (outcome.amount, outcome.shortfall) == expected, operation
                self.posted.append((operation, expected))
        self.pending.clear()

    def tick(self):
        self.model.now = clock.advance(timedelta(hours=1))

    def sweep_holds(self):
        for hold in self.all_holds:
            self.model.sweep_hold(hold)
        expire_holds(now=clock.now())

    def sweep_grants(self):
        for wallet in self.wallets:
            self.model.expire(wallet)
        expire_grants(now=clock.now())

    def replay(self):
        outcomes = post_batch([operation for operation, _ in self.posted])
        for outcome, (_, expected) in zip(outcomes, self.posted, strict=True):
            assert outcome.replayed
            assert (outcome.amount, outcome.shortfall) == expected

    # --- What must always be true ---------------------------------------

    @invariant()
    def ledger_equals_model(self):
        if self.pending:
            return
        for user, expected in zip(self.users, self.wallets, strict=True):
            account = Account.objects.filter(owner=user).first() or Account()
            lots = Grant.objects.filter(account=account, remaining__gt=0)
            assert (account.balance, account.held) == (expected.balance, expected.held)
            assert [
                (lot.remaining, lot.expires_at, not lot.is_promotional)
                for lot in sorted(lots, key=burn_rank)
            ] == [(lot.remaining, lot.expires_at, lot.is_paid) for lot in expected.open_lots()]

    @invariant()
    def books_are_right(self):
        if not self.pending:
            broken = [finding for finding in verify(now=clock.now()) if finding.is_failure]
            assert broken == []


@pytest.mark.django_db
def test_ledger_does_what_the_model_does_in_every_history():
    run_state_machine_as_test(
        LedgerMachine,
        settings=settings(
            max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None, print_blob=True
        ),
    )
