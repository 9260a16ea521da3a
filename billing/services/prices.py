"""Changes prices: models, the credit price and the margin. Each change leaves a history row.

Sessions that are open keep the prices they were started with.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, TypedDict, TypeVar, Unpack
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from psycopg.errors import UniqueViolation

from billing import rate_card
from billing.errors import InitialRequired, PriceTaken
from billing.models import (
    AiModel,
    AiModelHistory,
    BillingSetting,
    BillingSettingHistory,
    CreditsProfit,
    CreditsProfitHistory,
    PriceRow,
)
from billing.pricing import plain
from common.errors import Invalid, NotFound

RowT = TypeVar("RowT", bound=PriceRow)

_UNIQUE_FIELDS = {
    "ai_model_once_per_name": "name",
    "ai_model_once_per_value": "value",
    "credits_profit_once_per_name": "name",
}


class AiModelFields(TypedDict, total=False):
    """Prices are USD per token; a new model must say both."""

    name: str
    value: str
    provider: str
    input_token_price: Decimal
    output_token_price: Decimal
    is_active: bool
    is_initial: bool


class BillingSettingFields(TypedDict, total=False):
    """``credit_price`` is USD per credit."""

    credit_price: Decimal
    is_active: bool
    is_initial: bool


class CreditsProfitFields(TypedDict, total=False):
    name: str
    percentage: Decimal
    is_active: bool


def create_ai_model(*, actor_id: UUID, **fields: Unpack[AiModelFields]) -> AiModel:
    """Price a model. The first active one becomes initial; a later initial one replaces it.

    Raises:
        Invalid: a field is missing or out of range, or it would be initial and inactive.
        PriceTaken: another model has this name or value.
    """
    return _create(AiModel(**fields), actor_id)


def update_ai_model(
    *, ai_model_id: UUID, actor_id: UUID, **fields: Unpack[AiModelFields]
) -> AiModel:
    """Change a model. What changes nothing makes no version.

    Raises:
        NotFound: there is no such model.
        InitialRequired: it is the initial one and would no longer be, or be inactive.
        Invalid, PriceTaken: as for ``create_ai_model``.
    """
    return _update(AiModel, ai_model_id, actor_id, dict(fields))


def create_billing_setting(
    *, actor_id: UUID, **fields: Unpack[BillingSettingFields]
) -> BillingSetting:
    """Propose a credit price. The first active one is in force; a later initial one replaces it.

    Raises:
        Invalid: the price is missing or not above 0, or it would be initial and inactive.
    """
    return _create(BillingSetting(**fields), actor_id)


def update_billing_setting(
    *, billing_setting_id: UUID, actor_id: UUID, **fields: Unpack[BillingSettingFields]
) -> BillingSetting:
    """Change a credit price. What changes nothing makes no version.

    Raises:
        NotFound: there is no such setting.
        InitialRequired: it is in force and would no longer be, or be inactive.
        Invalid: as for ``create_billing_setting``.
    """
    return _update(BillingSetting, billing_setting_id, actor_id, dict(fields))


def create_credits_profit(
    *, actor_id: UUID, **fields: Unpack[CreditsProfitFields]
) -> CreditsProfit:
    """Add a part of the margin, from 0 to 100 percent.

    Raises:
        Invalid: a field is missing or out of range.
        PriceTaken: another part has this name.
    """
    return _create(CreditsProfit(**fields), actor_id)


def update_credits_profit(
    *, credits_profit_id: UUID, actor_id: UUID, **fields: Unpack[CreditsProfitFields]
) -> CreditsProfit:
    """Change a part of the margin. What changes nothing makes no version.

    Raises:
        NotFound: there is no such part.
        Invalid, PriceTaken: as for ``create_credits_profit``.
    """
    return _update(CreditsProfit, credits_profit_id, actor_id, dict(fields))


@transaction.atomic
def _create(row: RowT, actor_id: UUID) -> RowT:
    if isinstance(row, AiModel | BillingSetting):
        initials = type(row).objects.filter(is_initial=True)
        row.is_initial = row.is_initial or (row.is_active and not initials.exists())
        _take_over(row, actor_id)
    _record(row, actor_id)
    return row


@transaction.atomic
def _update(model: type[RowT], row_id: UUID, actor_id: UUID, fields: dict[str, Any]) -> RowT:
    row = QuerySet(model).select_for_update().filter(pk=row_id).first()
    if row is None:
        raise NotFound("There is no such row.", field="id")
    changed = {name: value for name, value in fields.items() if getattr(row, name) != value}
    if not changed:
        return row
    if isinstance(row, AiModel | BillingSetting) and row.is_initial:
        for name in ("is_initial", "is_active"):
            if name in changed:
                raise InitialRequired("Make another one initial first.", field=name)
    for name, value in changed.items():
        setattr(row, name, value)
    row.version += 1
    if isinstance(row, AiModel | BillingSetting):
        _take_over(row, actor_id)
    _record(row, actor_id)
    return row


def _take_over(row: AiModel | BillingSetting, actor_id: UUID) -> None:
    """Lower the flag of whoever had it, if ``row`` claims it."""
    if not row.is_initial:
        return
    if not row.is_active:
        raise Invalid("The initial one must be active.", field="is_active")
    others = type(row).objects.select_for_update().filter(is_initial=True).exclude(pk=row.pk)
    for other in others:
        other.is_initial = False
        other.version += 1
        _record(other, actor_id)


def _record(row: PriceRow, actor_id: UUID) -> None:
    """Save a row with its after-image, and have the rate card compiled anew."""
    try:
        row.clean_fields()
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise Invalid(messages[0], field=field) from error
    with _taken_in_words():
        row.save()
    _append_history(row, actor_id)
    transaction.on_commit(rate_card.invalidate, robust=True)


@contextmanager
def _taken_in_words() -> Iterator[None]:
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        cause = error.__cause__
        assert isinstance(cause, UniqueViolation)  # fields and flags were checked before
        field = _UNIQUE_FIELDS.get(cause.diag.constraint_name or "", "is_initial")
        raise PriceTaken("Another one has this already.", field=field) from error


def _append_history(row: PriceRow, actor_id: UUID) -> None:
    after = {"version": row.version, "snapshot": _snapshot(row), "actor_id": actor_id}
    if isinstance(row, AiModel):
        AiModelHistory.objects.create(ai_model=row, **after)
    elif isinstance(row, BillingSetting):
        BillingSettingHistory.objects.create(billing_setting=row, **after)
    else:
        assert isinstance(row, CreditsProfit)
        CreditsProfitHistory.objects.create(credits_profit=row, **after)


def _snapshot(row: PriceRow) -> dict[str, Any]:
    bookkeeping = {"id", "version", "created_at", "updated_at"}
    values = {
        field.name: getattr(row, field.name)
        for field in row._meta.concrete_fields
        if field.name not in bookkeeping
    }
    return {
        name: plain(value) if isinstance(value, Decimal) else value
        for name, value in values.items()
    }
