"""The books.

An ``Account`` holds one asset for one owner. A ``Transaction`` is one thing
that happened, and its ``Entry`` rows, which sum to zero for each asset, are
what it moved. Wallets cache their sum in ``Account.balance``, which only
``wallets.posting`` changes, under the row's lock; system accounts are their
entries and nothing else, so that nobody queues for them. Credits in a wallet
are the rest of its ``Grant`` rows, which ``GrantBurn`` rows use up; ``Hold``
rows reserve some. Triggers (0002) refuse imbalance and change.
"""

from django.db import models
from django.db.models import F, Q

from common import clock
from common.ids import uuid7
from common.models import TimestampedModel
from wallets.enums import AccountKind, GrantSource, HoldStatus, TransactionKind
from wallets.operations import MEMO_MAX_LENGTH, REFERENCE_MAX_LENGTH


class Account(TimestampedModel):
    """Who has how much of an asset. Without an owner it belongs to the system."""

    owner = models.ForeignKey(
        "accounts.User", on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    kind = models.CharField(max_length=20, choices=AccountKind.choices)
    asset = models.CharField(max_length=6, help_text="CREDIT, or an ISO 4217 currency.")
    balance = models.BigIntegerField(default=0, help_text="Sum of the entries; system: 0.")
    held = models.BigIntegerField(default=0, help_text="Sum of the open holds.")
    overdraft_limit = models.BigIntegerField(
        default=0, help_text="How far below zero the available credits may go."
    )
    entry_count = models.BigIntegerField(default=0, help_text="Position of the latest entry.")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind=AccountKind.WALLET, owner__isnull=False)
                | (~Q(kind=AccountKind.WALLET) & Q(owner__isnull=True)),
                name="account_owned_exactly_when_wallet",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=AccountKind.values), name="account_kind_is_one_we_know"
            ),
            models.CheckConstraint(
                condition=Q(held__gte=0, overdraft_limit__gte=0, entry_count__gte=0),
                name="account_held_and_limit_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(balance__gte=F("held") - F("overdraft_limit")),
                name="account_not_overdrawn",
            ),
            models.CheckConstraint(
                condition=Q(owner__isnull=False)
                | Q(balance=0, held=0, overdraft_limit=0, entry_count=0),
                name="system_account_caches_nothing",
            ),
            models.UniqueConstraint(
                fields=["owner", "kind", "asset"], name="account_once_per_owner_kind_and_asset"
            ),
            models.UniqueConstraint(
                fields=["kind", "asset"],
                condition=Q(owner__isnull=True),
                name="system_account_once_per_kind_and_asset",
            ),
        ]
        indexes = [
            models.Index(
                fields=["-created_at", "-id"],
                condition=Q(kind=AccountKind.WALLET),
                name="wallet_latest_idx",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.asset} {self.id}"

    @property
    def available(self) -> int:
        return self.balance - self.held


class Hold(TimestampedModel):
    """Credits reserved for a while. Once closed, a row never changes again."""

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="holds", db_index=False
    )
    reference = models.CharField(max_length=REFERENCE_MAX_LENGTH)
    fingerprint = models.CharField(max_length=32, help_text="Of the content behind the reference.")
    amount = models.BigIntegerField(help_text="Whole credits.")
    captured = models.BigIntegerField(default=0, help_text="The part of the amount charged.")
    status = models.CharField(max_length=10, choices=HoldStatus.choices, default=HoldStatus.OPEN)
    expires_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["reference"], name="hold_once_per_reference"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="hold_amount_positive"),
            models.CheckConstraint(
                condition=Q(captured__gte=0, captured__lte=F("amount"))
                & (Q(captured=0) | Q(status=HoldStatus.CAPTURED)),
                name="hold_captured_within_amount",
            ),
            models.CheckConstraint(
                condition=Q(status__in=HoldStatus.values), name="hold_status_is_one_we_know"
            ),
            models.CheckConstraint(
                condition=Q(status=HoldStatus.OPEN, closed_at__isnull=True)
                | (~Q(status=HoldStatus.OPEN) & Q(closed_at__isnull=False)),
                name="hold_closed_exactly_when_dated",
            ),
        ]
        indexes = [
            models.Index(
                fields=["expires_at"], condition=Q(status=HoldStatus.OPEN), name="hold_due_idx"
            ),
            models.Index(fields=["account", "-created_at", "-id"], name="hold_of_account_idx"),
        ]

    def __str__(self) -> str:
        return f"Hold {self.reference} of {self.amount} ({self.status})"


class Transaction(models.Model):
    """One thing that happened, once. Rows are appended, never changed, never deleted.

    An operation that moved nothing (a release, a charge that met an empty
    wallet) leaves a row without entries, so that a repeat gets the same answer.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=20, choices=TransactionKind.choices)
    reference = models.CharField(max_length=REFERENCE_MAX_LENGTH)
    fingerprint = models.CharField(max_length=32, help_text="Of the content behind the reference.")
    account = models.ForeignKey(
        Account,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="The wallet it is about; a transfer: the sender's.",
    )
    hold = models.ForeignKey(
        Hold, on_delete=models.PROTECT, null=True, related_name="transactions", db_index=False
    )
    reverses = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, related_name="reversed_by"
    )
    amount = models.BigIntegerField(help_text="What moved: the sum of the positive entries.")
    shortfall = models.BigIntegerField(help_text="What was due beyond that, and not there.")
    memo = models.CharField(max_length=MEMO_MAX_LENGTH, blank=True)
    actor = models.ForeignKey(
        "accounts.User", on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["reference"], name="transaction_once_per_reference"),
            models.UniqueConstraint(
                fields=["hold", "kind"],
                condition=Q(hold__isnull=False),
                name="hold_charged_and_released_at_most_once",
            ),
            models.CheckConstraint(
                condition=Q(amount__gte=0, shortfall__gte=0),
                name="transaction_amounts_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=TransactionKind.values), name="transaction_kind_is_one_we_know"
            ),
            models.CheckConstraint(
                condition=Q(kind=TransactionKind.REVERSAL, reverses__isnull=False)
                | (~Q(kind=TransactionKind.REVERSAL) & Q(reverses__isnull=True)),
                name="transaction_reverses_exactly_when_reversal",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.reference}"


class Entry(models.Model):
    """What a transaction moved on one account. Rows are appended, never changed, never deleted."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    transaction = models.ForeignKey(Transaction, on_delete=models.PROTECT, related_name="entries")
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="entries", db_index=False
    )
    amount = models.BigIntegerField(help_text="Credits or minor units; negative when taken.")
    balance_after = models.BigIntegerField(null=True, help_text="Empty on system accounts.")
    position = models.BigIntegerField(
        null=True, help_text="1, 2, 3 ... within a wallet, in the order of its lock."
    )
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name_plural = "entries"
        constraints = [
            models.CheckConstraint(condition=~Q(amount=0), name="entry_moves_something"),
            models.CheckConstraint(
                condition=Q(balance_after__isnull=True, position__isnull=True)
                | Q(balance_after__isnull=False, position__isnull=False, position__gte=1),
                name="entry_has_balance_exactly_with_position",
            ),
            models.UniqueConstraint(
                fields=["account", "position"], name="entry_once_per_position_of_a_wallet"
            ),
        ]
        indexes = [
            models.Index(fields=["account", "-created_at", "-id"], name="entry_statement_idx"),
            models.Index(
                fields=["-created_at", "-id"],
                condition=Q(position__isnull=False),
                name="entry_of_wallets_latest_idx",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount:+d} on {self.account_id}"


class Grant(TimestampedModel):
    """A lot of credits: where they came from, what they cost, when they expire.

    Only ``remaining`` ever changes. ``wallets.planning.lots`` has the burn order.
    """

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="grants", db_index=False
    )
    transaction = models.ForeignKey(Transaction, on_delete=models.PROTECT, related_name="grants")
    source = models.CharField(max_length=20, choices=GrantSource.choices)
    is_promotional = models.BooleanField(help_text="Given, not paid for; never transferred.")
    amount = models.BigIntegerField(help_text="Whole credits.")
    remaining = models.BigIntegerField(help_text="Whole credits, not burned yet.")
    # Indexes ask this and not ``remaining``: burning a part of a lot then changes none of them.
    is_open = models.GeneratedField(
        expression=models.ExpressionWrapper(Q(remaining__gt=0), output_field=models.BooleanField()),
        output_field=models.BooleanField(),
        db_persist=True,
    )
    cost_minor = models.BigIntegerField(help_text="What was paid for the lot, in minor units.")
    cost_currency = models.CharField(max_length=3, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    priority = models.SmallIntegerField(help_text="Lower burns first among equals.")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="grant_amount_positive"),
            models.CheckConstraint(
                condition=Q(remaining__gte=0, remaining__lte=F("amount")),
                name="grant_remaining_within_amount",
            ),
            models.CheckConstraint(
                condition=Q(source__in=GrantSource.values), name="grant_source_is_one_we_know"
            ),
            models.CheckConstraint(
                condition=Q(cost_minor=0) | (Q(cost_minor__gt=0) & ~Q(cost_currency="")),
                name="grant_cost_has_currency",
            ),
        ]
        indexes = [
            models.Index(fields=["account"], condition=Q(is_open=True), name="grant_open_idx"),
            models.Index(
                fields=["expires_at"],
                condition=Q(is_open=True, expires_at__isnull=False),
                name="grant_due_idx",
            ),
            models.Index(fields=["account", "-created_at", "-id"], name="grant_of_account_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.remaining:,} of {self.amount:,} credits, {self.get_source_display()}"


class GrantBurn(models.Model):
    """What a transaction took from a lot. Rows are appended, never changed, never deleted."""

    id = models.BigAutoField(primary_key=True)
    transaction = models.ForeignKey(
        Transaction, on_delete=models.PROTECT, related_name="burns", db_index=False
    )
    grant = models.ForeignKey(Grant, on_delete=models.PROTECT, related_name="burns")
    amount = models.BigIntegerField(help_text="Negative when a reversal gives credits back.")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(amount=0), name="burn_takes_something"),
            models.UniqueConstraint(
                fields=["transaction", "grant"], name="burn_once_per_transaction_and_grant"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} of lot {self.grant_id}"
