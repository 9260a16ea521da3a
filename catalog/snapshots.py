"""Writes down what a package is, whenever that is not what its newest history says."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import F

from catalog.models import (
    Package,
    PackageFeature,
    PackageFeatureConfig,
    PackageHistory,
    PackagePlan,
)
from common import clock

ChildT = TypeVar("ChildT", PackageFeature, PackageFeatureConfig, PackagePlan)


def record_versions(packages: Sequence[Package], *, actor_id: UUID | None) -> None:
    """Append a history to each of these locked packages that differs from its newest one.

    Afterwards the newest history of each is exactly what the tables say.
    """
    now = clock.now()
    newest = {
        history.package_id: history.snapshot
        for history in PackageHistory.objects.filter(
            package__in=packages, version=F("package__version")
        )
    }
    histories = []
    for package, snapshot in _take_snapshots(packages):
        if newest.get(package.id) == snapshot:
            continue
        package.version += 1
        package.updated_at = now
        histories.append(
            PackageHistory(
                package=package,
                version=package.version,
                snapshot=snapshot,
                actor_id=actor_id,
                created_at=now,
            )
        )
    Package.objects.bulk_update(
        [history.package for history in histories], ["version", "updated_at"]
    )
    PackageHistory.objects.bulk_create(histories)


def _take_snapshots(packages: Sequence[Package]) -> Iterable[tuple[Package, dict[str, Any]]]:
    ids = [package.id for package in packages]
    features = _by_package(
        PackageFeature.objects.select_related("feature")
        .filter(package__in=ids)
        .order_by("feature_id")
    )
    plans = _by_package(
        PackagePlan.objects.select_related("plan").filter(package__in=ids).order_by("id")
    )
    configs = _by_package(
        PackageFeatureConfig.objects.filter(package__in=ids, is_active=True).order_by("id")
    )
    for package in packages:
        yield (
            package,
            {
                "package": _describe_package(package),
                "features": [_describe_feature(row) for row in features[package.id]],
                "plans": [_describe_plan(row) for row in plans[package.id]],
                "configs": [_describe_config(row) for row in configs[package.id]],
            },
        )


def _by_package(rows: Iterable[ChildT]) -> defaultdict[UUID, list[ChildT]]:
    grouped = defaultdict(list)
    for row in rows:
        grouped[row.package_id].append(row)
    return grouped


def _describe_package(package: Package) -> dict[str, Any]:
    return {
        "id": str(package.id),
        "value": package.value,
        "name": package.name,
        "description": package.description,
        "badge": package.badge,
        "points": package.points,
        "is_active": package.is_active,
        "is_initial": package.is_initial,
    }


def _describe_feature(row: PackageFeature) -> dict[str, Any]:
    return {"id": str(row.feature_id), "value": row.feature.value, "name": row.feature.name}


def _describe_plan(row: PackagePlan) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "plan": str(row.plan_id),
        "name": row.plan.name,
        "duration_days": row.plan.duration_days,
        "price_usd_minor": row.price_usd_minor,
        "price_bdt_minor": row.price_bdt_minor,
        "previous_price_usd_minor": row.previous_price_usd_minor,
        "previous_price_bdt_minor": row.previous_price_bdt_minor,
        "credits": row.credits,
        "credits_valid_days": row.credits_valid_days,
        "is_initial": row.is_initial,
        "is_active": row.is_active and row.plan.is_active,
    }


def _describe_config(row: PackageFeatureConfig) -> dict[str, Any]:
    return {
        "feature": row.feature_id and str(row.feature_id),
        "feature_endpoint": row.feature_endpoint_id and str(row.feature_endpoint_id),
        "config": row.config,
    }
