from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from common.errors import Invalid
from payments.models import PaymentMethod
from payments.services.methods import ensure_payment_method
from payments.tests.factories import CREDENTIALS

pytestmark = pytest.mark.django_db

ARGUMENTS = [
    "--gateway=simulator",
    f"--base-url={CREDENTIALS['base_url']}",
    f"--secret-key={CREDENTIALS['secret_key']}",
    f"--webhook-secret={CREDENTIALS['webhook_secret']}",
    "--currency=USD",
    "--currency=BDT",
]


def ensure(**changes):
    defaults = {
        "value": "simulator",
        "is_test": True,
        "currencies": ["USD"],
        "credentials": CREDENTIALS,
    }
    return ensure_payment_method(**defaults | changes)


def run(*arguments):
    out = StringIO()
    call_command("ensure_payment_method", *arguments, stdout=out)
    return out.getvalue()


def test_ensure_payment_method_creates_it_once_and_brings_it_up_to_date():
    first = ensure()
    PaymentMethod.objects.update(is_active=False, name="Test card")

    again = ensure(currencies=["BDT", "BDT", "USD"])

    assert again.pk == first.pk
    assert (again.name, again.currencies, again.is_active) == ("Test card", ["BDT", "USD"], True)
    assert first.name == "Simulator"


def test_ensure_payment_method_leaves_the_trash_alone():
    first = ensure()
    first.soft_delete()

    again = ensure()

    assert again.pk != first.pk


@pytest.mark.parametrize("currencies", [[], ["EUR"], ["USD", "EUR"]])
def test_ensure_payment_method_with_other_currencies_changes_nothing(currencies):
    with pytest.raises(Invalid) as caught:
        ensure(currencies=currencies)

    assert caught.value.field == "currency"
    assert not PaymentMethod.objects.exists()


def test_ensure_payment_method_with_credentials_that_cannot_work_changes_nothing():
    with pytest.raises(Invalid) as caught:
        ensure(credentials=CREDENTIALS | {"webhook_secret": ""})

    assert caught.value.field == "webhook_secret"
    assert not PaymentMethod.objects.exists()


def test_command_twice_makes_one_method_and_prints_its_webhook_path():
    printed = [run(*ARGUMENTS, "--test"), run(*ARGUMENTS, "--test")]

    method = PaymentMethod.objects.get()
    assert printed == [f"/api/payments/webhook/{method.id}\n"] * 2
    assert (method.value, method.is_test, method.currencies) == (
        "simulator",
        True,
        ["USD", "BDT"],
    )
    assert method.credentials == CREDENTIALS


def test_command_for_live_money_at_the_simulator_is_refused():
    with pytest.raises(CommandError, match="is_test"):
        run(*ARGUMENTS)
