"""Puts features, plans and configs into a package. Each list replaces the one before."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypedDict
from uuid import UUID

from django.db.models import Q

from catalog.integrity import covers
from catalog.models import (
    Feature,
    Package,
    PackageFeature,
    PackageFeatureConfig,
    PackagePlan,
    Plan,
)
from common import clock
from common.errors import Invalid


class PackageFields(TypedDict, total=False):
    """A package's own columns; ``value`` and ``name`` are needed to create one."""

    value: str
    name: str
    description: str
    badge: str
    points: list[str]
    sequence: int
    is_active: bool
    is_initial: bool


@dataclass(frozen=True, kw_only=True)
class PlanTerms:
    """What a package costs and grants for one plan. Prices in minor units."""

    plan_id: UUID
    price_usd_minor: int
    price_bdt_minor: int
    credits: int
    credits_valid_days: int | None = None
    is_initial: bool = False
    is_active: bool = True
    sequence: int = 0


@dataclass(frozen=True, kw_only=True)
class ConfigTerms:
    """A config and what it is for; both ids empty: the whole package."""

    config: dict[str, Any]
    feature_id: UUID | None = None
    feature_endpoint_id: UUID | None = None
    description: str = ""
    sequence: int = 0
    is_active: bool = True


_TERMS = ("price_usd_minor", "price_bdt_minor", "credits", "credits_valid_days")
_TERMS_AND_PLACE = (*_TERMS, "is_initial", "is_active", "sequence")
_PREVIOUS = ("previous_price_usd_minor", "previous_price_bdt_minor")


def lock_features(feature_ids: Sequence[UUID], package_id: UUID | None = None) -> None:
    """Refuse (Invalid) none, one twice, one that does not exist, and a new one that is off."""
    held = PackageFeature.objects.filter(package=package_id).values("feature")
    _lock_all("features", Feature.objects, held, feature_ids)


def lock_plans(terms: Sequence[PlanTerms], package_id: UUID | None = None) -> None:
    """Refuse (Invalid) none, one twice, one that does not exist, and a new one that is off."""
    held = PackagePlan.objects.filter(package=package_id).values("plan")
    _lock_all("plans", Plan.objects, held, [line.plan_id for line in terms])


def _lock_all(field: str, rows: Any, held: Any, ids: Sequence[UUID]) -> None:
    if not ids:
        raise Invalid(f"A package needs at least one of its {field}.", field=field)
    if len(set(ids)) < len(ids):
        raise Invalid(f"One of the {field} is named twice.", field=field)
    eligible = rows.filter(Q(is_active=True) | Q(pk__in=held), pk__in=ids).order_by("pk")
    locked = eligible.select_for_update(no_key=True, of=("self",))
    found = set(locked.values_list("pk", flat=True))
    if unknown := [str(pk) for pk in ids if pk not in found]:
        raise Invalid(
            f"These {field} do not exist or are switched off: {', '.join(unknown)}.",
            field=field,
            unknown=unknown,
        )


def replace_features(package: Package, feature_ids: Sequence[UUID]) -> None:
    """Make these all its features; trash the configs of what it no longer holds."""
    rows = PackageFeature.objects.filter(package=package)
    rows.exclude(feature__in=feature_ids).soft_delete()
    present = set(rows.values_list("feature", flat=True))
    PackageFeature.objects.bulk_create(
        PackageFeature(package=package, feature_id=pk) for pk in feature_ids if pk not in present
    )
    held = {(package.id, pk) for pk in feature_ids}
    features = {row.id: row for row in Feature.all_objects.all()}
    configs = PackageFeatureConfig.objects.filter(package=package)
    lost = [row.id for row in configs if not covers(row, held, features)]
    configs.filter(pk__in=lost).soft_delete()


def replace_plans(package: Package, terms: Sequence[PlanTerms]) -> None:
    """Make these all its plans; remember the previous price where one really changes.

    Raises:
        Invalid: several lines are flagged initial, or the initial one is switched off.
    """
    initial = _initial_line(terms)
    rows = PackagePlan.objects.filter(package=package)
    rows.exclude(plan__in=[line.plan_id for line in terms]).soft_delete()
    rows.update(is_initial=False)  # the flag is unique at every moment, so it comes off first
    present = {row.plan_id: row for row in rows}
    fresh = []
    for line in terms:
        row = present.get(line.plan_id)
        if row is None:
            row = PackagePlan(package=package, plan_id=line.plan_id)
            fresh.append(row)
        else:
            _remember_prices(row, line)
        for name in _TERMS_AND_PLACE:
            setattr(row, name, getattr(line, name))
        row.is_initial = line is initial
        row.updated_at = clock.now()
    PackagePlan.objects.bulk_create(fresh)
    PackagePlan.objects.bulk_update(present.values(), [*_TERMS_AND_PLACE, *_PREVIOUS, "updated_at"])


def _initial_line(terms: Sequence[PlanTerms]) -> PlanTerms:
    flagged = [line for line in terms if line.is_initial]
    if len(flagged) > 1:
        raise Invalid("Only one plan can be initial.", field="plans")
    if flagged and not flagged[0].is_active:
        raise Invalid("The initial plan must be active.", field="plans")
    for line in flagged or terms:
        if line.is_active:
            return line
    raise Invalid("At least one plan must be active.", field="plans")


def _remember_prices(row: PackagePlan, line: PlanTerms) -> None:
    if row.price_usd_minor != line.price_usd_minor:
        row.previous_price_usd_minor = row.price_usd_minor
    if row.price_bdt_minor != line.price_bdt_minor:
        row.previous_price_bdt_minor = row.price_bdt_minor


def replace_config_rows(package_id: UUID, terms: Sequence[ConfigTerms]) -> list[UUID]:
    """Make these all its configs, and return their ids.

    Raises:
        Invalid: two of the configs are for the same thing.
    """
    scopes = [(line.feature_id, line.feature_endpoint_id) for line in terms]
    if len(set(scopes)) < len(scopes):
        raise Invalid("Two configs are for the same thing.", field="configs")
    rows = PackageFeatureConfig.objects.filter(package=package_id)
    present = {
        (row.feature_id, row.feature_endpoint_id): row
        for row in rows.select_for_update().order_by("pk")
    }
    lost = [row.pk for scope, row in present.items() if scope not in scopes]
    rows.filter(pk__in=lost).soft_delete()
    ids = []
    for scope, line in zip(scopes, terms, strict=True):
        row = present.get(scope) or PackageFeatureConfig(
            package_id=package_id, feature_id=scope[0], feature_endpoint_id=scope[1]
        )
        row.config = line.config
        row.description = line.description
        row.sequence = line.sequence
        row.is_active = line.is_active
        row.save()
        ids.append(row.pk)
    return ids
