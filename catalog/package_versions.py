"""A package version as values, read from its snapshot. No database, no clock."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from catalog.feature_config import FeatureConfig
from common.errors import Invalid
from common.money import Currency

_SAYS_NOTHING = FeatureConfig()


@dataclass(frozen=True, kw_only=True)
class Offer:
    """What a buyer is shown, and therefore gets."""

    package_history_id: UUID
    package_id: UUID
    package_plan_id: UUID
    plan_id: UUID
    package_name: str
    plan_name: str
    duration_days: int
    credits: int
    credits_valid_days: int | None
    amount_minor: int
    currency: str


@dataclass(frozen=True, kw_only=True)
class PlanLine:
    """One plan of a package version."""

    package_plan_id: UUID
    plan_id: UUID
    plan_name: str
    duration_days: int
    credits: int
    credits_valid_days: int | None
    prices: dict[str, int]  # minor units by currency
    is_initial: bool
    is_active: bool


@dataclass(frozen=True, kw_only=True)
class ConfigRow:
    """A config and what it is for; both ids empty: the whole package."""

    feature_id: UUID | None
    feature_endpoint_id: UUID | None
    config: FeatureConfig


@dataclass(frozen=True, kw_only=True)
class PackageVersion:
    """An immutable version of a package. No feature ids means no features."""

    id: UUID
    package_id: UUID
    package_name: str
    feature_ids: frozenset[UUID]
    lines: tuple[PlanLine, ...]
    config_rows: tuple[ConfigRow, ...]

    def resolve_config(
        self, *, feature_id: UUID, endpoint_id: UUID, defaults: FeatureConfig
    ) -> FeatureConfig:
        """Decide key by key: endpoint row, feature row, package row, then ``defaults``."""
        rows = {(row.feature_id, row.feature_endpoint_id): row.config for row in self.config_rows}
        resolved = defaults
        for scope in ((None, None), (feature_id, None), (feature_id, endpoint_id)):
            resolved = rows.get(scope, _SAYS_NOTHING).over(resolved)
        return resolved

    def line_of_plan(self, plan_id: UUID) -> PlanLine | None:
        return next((line for line in self.lines if line.plan_id == plan_id), None)

    def offer(self, line: PlanLine, currency: str) -> Offer:
        """Refuse (Invalid) a line that is not for sale or has no price in ``currency``."""
        if not line.is_active:
            raise Invalid("This plan is not for sale.", field="plan")
        if currency not in line.prices:
            raise Invalid("There is no price in this currency.", field="currency")
        return Offer(
            package_history_id=self.id,
            package_id=self.package_id,
            package_plan_id=line.package_plan_id,
            plan_id=line.plan_id,
            package_name=self.package_name,
            plan_name=line.plan_name,
            duration_days=line.duration_days,
            credits=line.credits,
            credits_valid_days=line.credits_valid_days,
            amount_minor=line.prices[currency],
            currency=currency,
        )


def read_version(*, history_id: UUID, package_id: UUID, snapshot: dict[str, Any]) -> PackageVersion:
    """Read what ``catalog.snapshots`` wrote down."""
    return PackageVersion(
        id=history_id,
        package_id=package_id,
        package_name=snapshot["package"]["name"],
        feature_ids=frozenset(UUID(feature["id"]) for feature in snapshot["features"]),
        lines=tuple(_read_line(line) for line in snapshot["plans"]),
        config_rows=tuple(
            ConfigRow(
                feature_id=_read_id(row["feature"]),
                feature_endpoint_id=_read_id(row["feature_endpoint"]),
                config=FeatureConfig.parse(row["config"]),
            )
            for row in snapshot["configs"]
        ),
    )


def _read_id(value: str | None) -> UUID | None:
    return None if value is None else UUID(value)


def _read_line(line: dict[str, Any]) -> PlanLine:
    return PlanLine(
        package_plan_id=UUID(line["id"]),
        plan_id=UUID(line["plan"]),
        plan_name=line["name"],
        duration_days=line["duration_days"],
        credits=line["credits"],
        credits_valid_days=line["credits_valid_days"],
        prices={
            Currency.USD.value: line["price_usd_minor"],
            Currency.BDT.value: line["price_bdt_minor"],
        },
        is_initial=line["is_initial"],
        is_active=line["is_active"],
    )
