import pytest

from common import clock
from wallets.services import spend_credits
from wallets.tests.factories import FAR, NOON, give, hold, wallet
from wallets.verification import verify


@pytest.fixture
def noon():
    """The clock stands at NOON."""
    with clock.frozen(NOON):
        yield


@pytest.fixture
def books_are_right():
    """Whatever the test does, the ledger adds up afterwards."""
    yield
    assert [finding.culprits for finding in verify(now=clock.now()) if finding.wrong] == []


@pytest.fixture
def books(user):
    """A wallet of 100, of which 40 were spent and 20 are held."""
    give(user, 100, expires_at=FAR)
    spend_credits(user_id=user.id, amount=40, reference="usage:1")
    hold(user, 20, reference="hold:1", expires_at=FAR)
    return wallet(user)
