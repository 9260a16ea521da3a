"""Rules that span rows, checked after a change and inside its transaction.

A check locks what it relies on, so that two changes that only break a rule
together meet here, and the later one is refused.
"""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db.models import F, Model, Q, QuerySet

from catalog.feature_config import FeatureConfig
from catalog.locks import hold
from catalog.models import (
    Feature,
    FeatureEndpoint,
    Package,
    PackageFeature,
    PackageFeatureConfig,
    PackagePlan,
    Plan,
)
from catalog.selectors import ancestry
from common.errors import Conflict, Invalid


class FeatureCycle(Invalid):
    code = "feature_cycle"


class InUse(Conflict):
    code = "in_use"


class NeedsTrashed(Conflict):
    code = "needs_trashed"


def check_features(feature_ids: Sequence[UUID]) -> None:
    """Refuse a cycle, a living feature under a trashed one, and trashing what is used."""
    hold("catalog.feature_tree")
    features = {row.id: row for row in Feature.all_objects.all()}
    changed = [features[pk] for pk in feature_ids if pk in features]
    for feature in changed:
        if feature.deleted_at is None:
            _check_place(feature, features)
    gone = [feature.id for feature in changed if feature.deleted_at]
    _refuse_use(
        *Feature.objects.filter(parent__in=gone),
        *FeatureEndpoint.objects.filter(feature__in=gone),
        *_packages_with(PackageFeature.objects.filter(feature__in=gone)),
        *_packages_with(PackageFeatureConfig.objects.filter(feature__in=gone)),
    )


def _check_place(feature: Feature, features: dict[UUID, Feature]) -> None:
    path = list(ancestry(feature.id, features))
    if path[-1].parent_id is not None:
        names = " in ".join(step.name for step in path)
        raise FeatureCycle(f"This would put {names}.", field="parent")
    if any(step.deleted_at for step in path):
        raise NeedsTrashed("Its parent is in the trash.", field="parent")


def check_endpoints(endpoint_ids: Sequence[UUID]) -> None:
    """Refuse a living endpoint of a trashed feature, and trashing what a config names."""
    endpoints = list(FeatureEndpoint.all_objects.filter(pk__in=endpoint_ids))
    alive = [endpoint for endpoint in endpoints if endpoint.deleted_at is None]
    gone = [endpoint.id for endpoint in endpoints if endpoint.deleted_at]
    owners = {endpoint.feature_id for endpoint in alive}
    locked = Feature.objects.select_for_update(no_key=True).filter(pk__in=owners).order_by("pk")
    if owners - {feature.id for feature in locked}:
        raise NeedsTrashed("Its feature is in the trash.", field="feature")
    configs = PackageFeatureConfig.objects.filter(feature_endpoint__in=gone)
    moved = PackageFeatureConfig.objects.filter(feature_endpoint__in=alive).exclude(
        feature=F("feature_endpoint__feature")
    )
    _refuse_use(*_packages_with(configs), *_packages_with(moved))


def check_plans(plan_ids: Sequence[UUID]) -> None:
    """Refuse trashing what is sold, and switching off what the initial package stands on."""
    gone = Plan.all_objects.filter(pk__in=plan_ids, deleted_at__isnull=False)
    off = Plan.objects.filter(pk__in=plan_ids, is_active=False)
    lines = PackagePlan.objects.filter(
        Q(plan__in=gone) | Q(plan__in=off, is_initial=True, package__is_initial=True)
    )
    _refuse_use(*_packages_with(lines))


def check_packages(packages: Sequence[Package]) -> None:
    """Refuse losing the initial package or its plan, and living on trashed parts."""
    if any(package.is_initial and package.deleted_at for package in packages):
        raise Conflict("The initial package cannot go. Make another package initial first.")
    alive = [package.id for package in packages if package.deleted_at is None]
    configs = PackageFeatureConfig.objects.filter(package__in=alive)
    _refuse_trashed(
        *Feature.all_objects.filter(
            Q(pk__in=_column(PackageFeature.objects.filter(package__in=alive), "feature"))
            | Q(pk__in=_column(configs, "feature"))
        ),
        *FeatureEndpoint.all_objects.filter(pk__in=_column(configs, "feature_endpoint")),
        *Plan.all_objects.filter(
            pk__in=_column(PackagePlan.objects.filter(package__in=alive), "plan")
        ),
    )
    unsellable = PackagePlan.objects.filter(
        package__in=alive, package__is_initial=True, is_initial=True, plan__is_active=False
    )
    if unsellable.exists():
        raise Conflict("The initial package needs an initial plan that is active.", field="plans")


def check_configs(config_ids: Sequence[UUID]) -> None:
    """Refuse (Invalid) a malformed config, and one for what its package does not hold."""
    rows = list(PackageFeatureConfig.objects.filter(pk__in=config_ids))
    endpoints = {
        row.id: row
        for row in FeatureEndpoint.objects.select_for_update(no_key=True)
        .filter(pk__in=[row.feature_endpoint_id for row in rows])
        .order_by("pk")
    }
    packages = {row.package_id for row in rows}
    list(Package.all_objects.select_for_update().filter(pk__in=packages).order_by("pk"))
    held = set(
        PackageFeature.objects.filter(package__in=packages).values_list("package", "feature")
    )
    features = {row.id: row for row in Feature.all_objects.all()}
    for row in rows:
        FeatureConfig.parse(row.config)
        if row.feature_endpoint_id is not None:
            _check_endpoint(row, endpoints)
        if not covers(row, held, features):
            raise Invalid("The package does not hold this feature.", field="feature")


def _check_endpoint(row: PackageFeatureConfig, endpoints: dict[UUID, FeatureEndpoint]) -> None:
    endpoint = endpoints.get(row.feature_endpoint_id) if row.feature_endpoint_id else None
    if endpoint is None or endpoint.feature_id != row.feature_id:
        raise Invalid("The endpoint does not belong to the feature.", field="feature_endpoint")


def covers(
    row: PackageFeatureConfig, held: set[tuple[UUID, UUID]], features: dict[UUID, Feature]
) -> bool:
    """Tell whether the row's package holds its feature, itself or through an ancestor."""
    if row.feature_id is None:
        return True
    if row.feature_id not in features:
        return False
    return any((row.package_id, step.id) in held for step in ancestry(row.feature_id, features))


def _packages_with(rows: QuerySet[Any]) -> QuerySet[Package]:
    return Package.objects.filter(pk__in=rows.values("package"))


def _column(rows: QuerySet[Any], name: str) -> QuerySet[Any, Any]:
    return rows.filter(**{f"{name}__isnull": False}).values(name)


def _refuse_use(*users: Model) -> None:
    if used_by := _name(users):
        listed = ", ".join(f"{user['type']} {user['name']}" for user in used_by)
        raise InUse(f"Still used by {listed}.", used_by=used_by)


def _refuse_trashed(*parts: Any) -> None:
    if trashed := _name(part for part in parts if part.deleted_at):
        listed = ", ".join(f"{part['type']} {part['name']}" for part in trashed)
        raise NeedsTrashed(f"It needs what is in the trash: {listed}.", trashed=trashed)


def _name(rows: Iterable[Model]) -> list[dict[str, str]]:
    named = {(str(row._meta.verbose_name), str(row.pk)): str(row) for row in rows}
    return [{"type": kind, "id": pk, "name": name} for (kind, pk), name in named.items()]
