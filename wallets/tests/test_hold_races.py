"""Two who want to close one hold, thousands of times, each on a connection of their own."""

import threading
from collections import Counter
from datetime import timedelta
from functools import partial

import pytest

from common import clock
from common.testing import run_concurrently
from wallets.errors import HoldClosed
from wallets.models import Hold, Transaction
from wallets.operations import CaptureHold, ExpireHold, PlaceHold, ReleaseHold
from wallets.services import post_batch
from wallets.tests.factories import figures, give
from wallets.verification import verify

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 2000  # of each pair
HELD, CHARGED = 10, 3

# What the two are told, how the hold ends, and how often it is charged. A late
# capture is charged from what is available; the sweep leaves a closed hold alone.
ENDS = {
    ("capture", "capture"): {
        ("moved 3", "refused, is captured", "captured", 1),
        ("refused, is captured", "moved 3", "captured", 1),
    },
    ("capture", "release"): {
        ("moved 3", "refused, is captured", "captured", 1),
        ("moved 3", "moved 0", "released", 1),
    },
    ("capture", "expire"): {
        ("moved 3", "moved 0", "captured", 1),
        ("moved 3", "moved 10", "expired", 1),
    },
    ("release", "release"): {
        ("moved 0", "refused, is released", "released", 0),
        ("refused, is released", "moved 0", "released", 0),
    },
    ("release", "expire"): {
        ("moved 0", "moved 0", "released", 0),
        ("refused, is expired", "moved 10", "expired", 0),
    },
    ("expire", "expire"): {
        ("moved 10", "moved 0", "expired", 0),
        ("moved 0", "moved 10", "expired", 0),
    },
}


def closer(verb, side, name):
    reference = f"{verb}:{side}:{name}"
    if verb == "capture":
        return CaptureHold(hold_reference=name, amount=CHARGED, reference=reference)
    if verb == "release":
        return ReleaseHold(hold_reference=name, reference=reference)
    return ExpireHold(hold_reference=name)


def told(outcome):
    if outcome.error is None:
        return f"moved {outcome.amount}"
    assert isinstance(outcome.error, HoldClosed)
    return f"refused, is {outcome.error.context['status']}"


def race(pair, names, now):
    """Two connections close each hold at the same moment, one way each; tell their outcomes."""
    start = threading.Barrier(2)

    def lane(side):
        outcomes = []
        for name in names:
            wanted = closer(pair[side], side, name)
            start.wait(timeout=60)
            outcomes += post_batch([wanted], now=now)
        return outcomes

    return run_concurrently([partial(lane, side) for side in (0, 1)])


@pytest.mark.parametrize("pair", ENDS, ids="-".join)
def test_hold_that_two_want_to_close_has_one_winner_each_time(user, pair):
    now = clock.now()
    soon = now + timedelta(minutes=1)
    names = [f"hold:{number}" for number in range(ROUNDS)]
    give(user, ROUNDS * HELD)
    post_batch(
        [PlaceHold(user_id=user.id, amount=HELD, reference=name, expires_at=soon) for name in names]
    )

    first, second = race(pair, names, soon)

    status = dict(Hold.objects.values_list("reference", "status"))
    charges = Counter(
        Transaction.objects.filter(kind="usage").values_list("hold__reference", flat=True)
    )
    seen = {
        (told(one), told(other), status[name], charges[name])
        for name, one, other in zip(names, first, second, strict=True)
    }
    assert seen == ENDS[pair]
    assert figures(user) == (ROUNDS * HELD - CHARGED * charges.total(), 0)
    assert [finding.culprits for finding in verify(now=now) if finding.wrong] == []
