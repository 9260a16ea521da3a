"""The one way in which balances change: a list of operations, in one transaction.

A batch locks its wallets in the order of their ids, reads what it needs,
decides in memory in arrival order, and writes with one statement a table.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import IntegrityError, transaction
from psycopg.errors import UniqueViolation

from common import clock
from common.events import publish
from wallets.events import BalancesChanged
from wallets.loading import load_books
from wallets.operations import Operation, Outcome
from wallets.planning.planner import plan_batch
from wallets.writing import write_plan

RETRIES = 5


def post_batch(operations: Sequence[Operation], *, now: datetime | None = None) -> list[Outcome]:
    """Carry out ``operations`` in order, all in one transaction, and answer each.

    A refused operation leaves no trace: its outcome has the error, and the
    others go on without it. What the batch changed is published as one event.

    Args:
        now: when it happens; the present moment unless told.
    """
    if not operations:
        return []
    at = now or clock.now()
    for _ in range(RETRIES):
        try:
            return _post(operations, at)
        except IntegrityError as error:
            # The same reference, for another wallet, was committed by somebody
            # after we looked. Look again: this time it is there to be seen.
            if not isinstance(error.__cause__, UniqueViolation):
                raise
    return _post(operations, at)


@transaction.atomic
def _post(operations: Sequence[Operation], now: datetime) -> list[Outcome]:
    books = load_books(operations)

    outcomes, plan = plan_batch(operations, books=books, now=now)

    write_plan(plan, now=now)
    if plan.changes:
        publish(BalancesChanged(changes=plan.changes))
    return outcomes
