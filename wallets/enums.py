from django.db import models

CREDIT = "CREDIT"  # the asset of wallets; every other asset is an ISO 4217 currency


class AccountKind(models.TextChoices):
    """Whose account it is. ``WALLET`` belongs to a user, all others to the system."""

    WALLET = "wallet"
    CREDITS_SOLD = "credits_sold"
    PROMOTIONS = "promotions"
    ADJUSTMENTS = "adjustments"
    USAGE = "usage"
    EXPIRED = "expired"
    GATEWAY_CLEARING = "gateway_clearing"
    REVENUE = "revenue"


class TransactionKind(models.TextChoices):
    """Why something moved."""

    PURCHASE = "purchase"
    INITIAL_PACKAGE = "initial_package"
    BONUS = "bonus"
    ADJUSTMENT = "adjustment"
    USAGE = "usage"
    RELEASE = "release", "hold released"
    TRANSFER = "transfer"
    EXPIRY = "expiry"
    REVERSAL = "reversal"
    RECEIPT = "receipt", "money received"
    OVERDRAFT = "overdraft", "overdraft limit changed"


class GrantSource(models.TextChoices):
    """Where a lot of credits came from."""

    PURCHASE = "purchase"
    INITIAL_PACKAGE = "initial_package"
    BONUS = "bonus"
    ADJUSTMENT = "adjustment"
    TRANSFER = "transfer"

    @property
    def is_promotional(self) -> bool:
        """Given, not paid for: spendable, but never leaves by transfer."""
        return self in {self.INITIAL_PACKAGE, self.BONUS, self.ADJUSTMENT}


class HoldStatus(models.TextChoices):
    OPEN = "open"
    CAPTURED = "captured"
    RELEASED = "released"
    EXPIRED = "expired"


class HoldChange(models.TextChoices):
    """What a ``BalancesChanged`` calls a change of the reserved amount alone."""

    PLACED = "hold_placed"
    EXPIRED = "hold_expired"


class Direction(models.TextChoices):
    """Which way an entry moves a wallet."""

    INCREASE = "increase"
    DECREASE = "decrease"
