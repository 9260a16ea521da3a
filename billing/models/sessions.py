from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from billing.enums import SessionFlag, SessionState
from billing.models.rate_cards import RateCard
from common import clock
from common.ids import uuid7


class UsageSession(models.Model):
    """One metered call, from the start that allowed it to the end that settled it."""

    usage_key = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    partner = models.ForeignKey("accounts.Partner", on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    feature_endpoint = models.ForeignKey(
        "catalog.FeatureEndpoint", on_delete=models.PROTECT, related_name="+"
    )
    feature_endpoint_value = models.CharField(max_length=100, help_text="As it was at the start.")
    subscription = models.ForeignKey(
        "catalog.Subscription", on_delete=models.PROTECT, null=True, related_name="+"
    )
    package_history = models.ForeignKey(
        "catalog.PackageHistory", on_delete=models.PROTECT, related_name="+"
    )
    rate_card = models.ForeignKey(RateCard, on_delete=models.PROTECT, related_name="+")
    config = models.JSONField(help_text="As resolved at the start.")
    options = ArrayField(models.CharField(max_length=100), default=list)
    word_count = models.PositiveIntegerField(null=True, help_text="As the partner last said.")
    state = models.CharField(max_length=10, choices=SessionState.choices, default=SessionState.OPEN)
    held_credits = models.BigIntegerField(help_text="0: there is no hold.")
    created_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField()

    settled_at = models.DateTimeField(null=True)
    request_hash = models.CharField(max_length=64, blank=True, help_text="Of the end that settled.")
    cost_credits = models.BigIntegerField(default=0, help_text="What the call costs, uncapped.")
    charged = models.BigIntegerField(default=0, help_text="What was really taken.")
    shortfall = models.BigIntegerField(default=0, help_text="What was owed and not there.")
    flags = ArrayField(models.CharField(max_length=20, choices=SessionFlag.choices), default=list)
    transaction = models.ForeignKey(
        "wallets.Transaction", on_delete=models.PROTECT, null=True, related_name="+"
    )
    balance_after = models.BigIntegerField(null=True)
    available_after = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    state=SessionState.SETTLED,
                    settled_at__isnull=False,
                    balance_after__isnull=False,
                    available_after__isnull=False,
                )
                & ~Q(request_hash="")
                | Q(
                    state__in=[SessionState.OPEN, SessionState.EXPIRED],
                    settled_at__isnull=True,
                    request_hash="",
                    charged=0,
                    shortfall=0,
                    cost_credits=0,
                ),
                name="session_has_result_exactly_when_settled",
            ),
            models.CheckConstraint(
                condition=Q(cost_credits=F("charged") + F("shortfall"))
                | Q(
                    cost_credits__gt=F("charged") + F("shortfall"),
                    flags__contains=[SessionFlag.CAPPED],
                ),
                name="session_cost_is_charged_short_or_capped",
            ),
            models.CheckConstraint(
                condition=Q(charged__gte=0, shortfall__gte=0, held_credits__gte=0),
                name="session_credits_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(charged=0) | Q(transaction__isnull=False),
                name="session_charge_has_its_transaction",
            ),
        ]
        indexes = [
            models.Index(
                fields=["user", "feature_endpoint", "created_at"], name="session_limits_idx"
            ),
            models.Index(
                fields=["expires_at"],
                condition=Q(state=SessionState.OPEN),
                name="session_running_out_idx",
            ),
            models.Index(fields=["created_at"], name="session_created_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.feature_endpoint_value} {self.usage_key}"

    @property
    def hold_reference(self) -> str:
        return f"usage-hold:{self.partner_id}:{self.usage_key}"

    @property
    def release_reference(self) -> str:
        return f"usage-release:{self.partner_id}:{self.usage_key}"

    @property
    def charge_reference(self) -> str:
        return f"usage:{self.partner_id}:{self.usage_key}"
