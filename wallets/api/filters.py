from typing import Any

from django.db.models import QuerySet
from django_filters import rest_framework as filters

from wallets.enums import Direction, TransactionKind
from wallets.models import Account, Entry

_RANGE = ["exact", "gte", "lte", "gt", "lt"]


class ChoiceInFilter(filters.BaseInFilter, filters.ChoiceFilter):
    """Several choices, with commas between them."""


class WalletFilter(filters.FilterSet):
    user = filters.UUIDFilter(field_name="owner_id")

    class Meta:
        model = Account
        fields = {"balance": _RANGE, "held": _RANGE, "created_at": _RANGE}


class CreditsTransactionFilter(filters.FilterSet):
    user = filters.UUIDFilter(field_name="account__owner_id")
    reference = filters.CharFilter(field_name="transaction__reference")
    kind = filters.ChoiceFilter(field_name="transaction__kind", choices=TransactionKind.choices)
    kind__in = ChoiceInFilter(
        field_name="transaction__kind", lookup_expr="in", choices=TransactionKind.choices
    )
    type = filters.ChoiceFilter(choices=Direction.choices, method="filter_type")

    class Meta:
        model = Entry
        fields = {"created_at": _RANGE}

    def filter_type(self, rows: QuerySet[Entry], name: str, value: Any) -> QuerySet[Entry]:
        return (
            rows.filter(amount__gt=0) if value == Direction.INCREASE else rows.filter(amount__lt=0)
        )
