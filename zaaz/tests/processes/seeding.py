"""Fills the fresh database of a system; runs inside ``manage.py shell`` of that system."""

import json
from pathlib import Path

from django.core.management import call_command

from accounts.tests.factories import UserFactory
from accounts.tokens import issue_tokens
from catalog.models import Package, Plan
from payments.models import PaymentMethod
from wallets.enums import GrantSource
from wallets.services import grant_credits

CUSTOMERS = 24
CREDITS = 100_000  # of each customer, before anything is bought


def seed(report: str) -> None:
    """Migrate, load the demo and some customers; write what the tests must know as JSON."""
    call_command("migrate", verbosity=0)
    call_command("seed_demo", verbosity=0)
    customers = [_customer(number) for number in range(CUSTOMERS)]
    order = {
        "package": str(Package.objects.get(value="pro").id),
        "plan": str(Plan.objects.get(name="Monthly").id),
        "payment_method": str(PaymentMethod.objects.get(value="simulator").id),
        "currency": "USD",
    }
    Path(report).write_text(json.dumps({"customers": customers, "order": order}))


def _customer(number: int) -> dict[str, str]:
    user = UserFactory(email=f"customer{number}@example.com", password=None)
    grant_credits(
        user_id=user.id, amount=CREDITS, source=GrantSource.BONUS, reference=f"seed:{user.id}"
    )
    return {"id": str(user.id), "access": issue_tokens(user=user).access}
