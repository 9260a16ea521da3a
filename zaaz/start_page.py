"""What the back office shows first: a few numbers, each from an index or one short scan."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.safestring import SafeString

from accounts.auth import signed_in
from accounts.models import User
from accounts.selectors import count_users
from billing.selectors import usages_visible_to
from common import clock, outbox
from common.admin import admin_link
from common.admin_columns import exact, money, whole
from payments.selectors import count_quarantined, payments_visible_to
from wallets.selectors import money_received, total_in_wallets

NEWEST = 5


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One number; ``page`` names the list behind it, ``query`` what to filter there."""

    title: str
    value: str
    note: str
    page: str
    query: str = ""
    is_alarming: bool = False

    @property
    def address(self) -> str:
        return reverse(f"admin:{self.page}_changelist") + self.query


def overview(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    viewer = signed_in(request)
    return context | {
        "figures": [*_business(), *_health()],
        "tables": [_newest_payments(viewer), _newest_usage(viewer)],
    }


def _business() -> list[Figure]:
    wallets = total_in_wallets()
    midnight = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    received = money_received(since=midnight)
    return [
        Figure(title="Users", value=f"{count_users():,}", note="signed up", page="accounts_user"),
        Figure(
            title="Credits in wallets",
            value=f"{wallets.balance:,}",
            note=f"{wallets.held:,} of them held",
            page="wallets_account",
            query="?kind__exact=wallet",
        ),
        Figure(
            title="Received today",
            value=" + ".join(money(row.amount_minor, row.currency) for row in received) or "0",
            note=f"payments since 00:00 UTC: {sum(row.count for row in received):,}",
            page="payments_paymenttransaction",
            query="?status__exact=succeeded",
        ),
    ]


def _health() -> list[Figure]:
    quarantined, dead = count_quarantined(), outbox.count_dead()
    waiting = outbox.oldest_pending_seconds()
    return [
        Figure(
            title="Quarantined payments",
            value=f"{quarantined:,}",
            note="money and order do not match",
            page="payments_paymenttransaction",
            query="?quarantined_at__isempty=0",
            is_alarming=quarantined > 0,
        ),
        Figure(
            title="Dead letters",
            value=f"{dead:,}",
            note="deliveries to look at and replay",
            page="common_eventdelivery",
            query="?status__exact=dead",
            is_alarming=dead > 0,
        ),
        Figure(
            title="Oldest undelivered event",
            value=f"{waiting:,.0f} s" if waiting else "none",
            note="how far the workers are behind",
            page="common_eventdelivery",
            query="?status__exact=pending",
        ),
    ]


def _newest_payments(viewer: User) -> dict[str, Any]:
    payments = payments_visible_to(viewer).select_related("user").order_by("-id")[:NEWEST]
    return {
        "title": "Newest payments",
        "headers": ["created", "user", "package", "amount", "status"],
        "rows": [
            [
                _at(payment, payment.created_at),
                admin_link(User, payment.user_id, payment.user),
                f"{payment.package_name}, {payment.plan_name}",
                money(payment.amount_minor, payment.currency),
                "Quarantined" if payment.is_quarantined else payment.get_status_display(),
            ]
            for payment in payments
        ],
    }


def _newest_usage(viewer: User) -> dict[str, Any]:
    usages = usages_visible_to(viewer).select_related("user").order_by("-created_at", "-id")
    return {
        "title": "Newest usage",
        "headers": ["used", "user", "model", "tokens in / out", "credits", "of them margin"],
        "rows": [
            [
                _at(usage, usage.created_at),
                admin_link(User, usage.user_id, usage.user),
                usage.ai_model_value,
                f"{whole(usage.input_tokens)} / {whole(usage.output_tokens)}",
                exact(usage.cost_credits),
                exact(usage.profit_credits),
            ]
            for usage in usages[:NEWEST]
        ],
    }


def _at(row: Model, moment: datetime) -> SafeString:
    return admin_link(type(row), row.pk, date_format(moment, "DATETIME_FORMAT"))
