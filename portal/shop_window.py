"""What is on sale, as a customer compares it: in one currency, with its prices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from catalog.selectors import packages_on_sale
from common.money import Currency
from payments.selectors import methods_on_offer

if TYPE_CHECKING:
    from catalog.models import Package, PackagePlan
    from payments.models import PaymentMethod


@dataclass(frozen=True, kw_only=True)
class PlanOption:
    """Amounts in minor units of the window's currency; ``credits`` are whole credits."""

    id: UUID
    name: str
    duration_days: int
    amount_minor: int
    previous_amount_minor: int | None
    credits: int
    credits_valid_days: int | None
    is_chosen: bool


@dataclass(frozen=True, kw_only=True)
class PackageCard:
    """``idempotency_key`` makes one payment of all submissions of this card."""

    package: "Package"
    features: Sequence[str]
    free: Sequence[PlanOption]
    options: Sequence[PlanOption]
    idempotency_key: str


@dataclass(frozen=True, kw_only=True)
class ShopWindow:
    currency: str
    currencies: Sequence[str]
    cards: Sequence[PackageCard]
    methods: "Sequence[PaymentMethod]"
    chosen_method: str


def shop_window(*, currency: str, chosen: Mapping[str, str] | None = None) -> ShopWindow:
    """Lay out every package on sale.

    Args:
        chosen: the fields of a form that has to be shown again as it was sent.
    """
    chosen = chosen or {}
    currency = currency if currency in Currency.values else Currency.USD.value
    methods = [method for method in methods_on_offer() if currency in method.currencies]
    cards = [
        _card(package, currency, chosen)
        for package in packages_on_sale().order_by("sequence", "name", "id")
    ]
    known = {str(method.id) for method in methods}
    wanted = chosen.get("payment_method", "")
    return ShopWindow(
        currency=currency,
        currencies=Currency.values,
        cards=[card for card in cards if card.options or card.free],
        methods=methods,
        chosen_method=wanted if wanted in known else next((str(row.id) for row in methods), ""),
    )


def _card(package: "Package", currency: str, chosen: Mapping[str, str]) -> PackageCard:
    is_sent = chosen.get("package") == str(package.id)
    plans = list(package.plans.all())
    for_sale = [line for line in plans if _amount(line, currency) > 0]
    first = _first_choice(for_sale, chosen.get("plan", "") if is_sent else "")
    options = [(line, _option(line, currency, is_chosen=line is first)) for line in plans]
    return PackageCard(
        package=package,
        features=[row.feature.name for row in package.features.all()],
        free=[option for line, option in options if line not in for_sale],
        options=[option for line, option in options if line in for_sale],
        idempotency_key=(is_sent and chosen.get("idempotency_key")) or str(uuid4()),
    )


def _first_choice(lines: "Sequence[PackagePlan]", wanted: str) -> "PackagePlan | None":
    """The plan that was sent, else the one to be offered first, else the first."""
    by_preference = sorted(
        lines, key=lambda line: (str(line.plan_id) != wanted, not line.is_initial)
    )
    return next(iter(by_preference), None)


def _amount(line: "PackagePlan", currency: str) -> int:
    return line.price_usd_minor if currency == Currency.USD else line.price_bdt_minor


def _option(line: "PackagePlan", currency: str, *, is_chosen: bool) -> PlanOption:
    amount = _amount(line, currency)
    was_dollars = currency == Currency.USD
    previous = line.previous_price_usd_minor if was_dollars else line.previous_price_bdt_minor
    return PlanOption(
        id=line.plan_id,
        name=line.plan.name,
        duration_days=line.plan.duration_days,
        amount_minor=amount,
        previous_amount_minor=previous if previous is not None and previous > amount else None,
        credits=line.credits,
        credits_valid_days=line.credits_valid_days,
        is_chosen=is_chosen,
    )
