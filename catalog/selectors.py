"""What the catalog can be asked. Everything about a version comes from its snapshot."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import F, Prefetch, QuerySet

from catalog.enums import SubscriptionStatus
from catalog.models import (
    Feature,
    FeatureEndpoint,
    Package,
    PackageFeature,
    PackageHistory,
    PackagePlan,
    Subscription,
)
from catalog.package_versions import Offer, PackageVersion, read_version
from common.errors import NotFound
from common.money import Currency

__all__ = [  # two of these are made elsewhere
    "EndpointRate",
    "Entitlement",
    "Offer",
    "PackageVersion",
    "active_children",
    "ancestry",
    "current_subscription",
    "endpoints_for_rate_card",
    "entitlement_of",
    "initial_offer",
    "offer",
    "offer_in_version",
    "package_version",
    "packages_on_sale",
    "packages_with_parts",
]


@dataclass(frozen=True, kw_only=True)
class Entitlement:
    """Which package version serves a user, and the period that its limits count in."""

    subscription_id: UUID | None
    package_history_id: UUID
    period_start: datetime
    period_end: datetime


@dataclass(frozen=True, kw_only=True)
class EndpointRate:
    """An endpoint as the rate card needs it. ``feature_path``: its feature, then ancestors."""

    id: UUID
    value: str
    feature_id: UUID
    feature_path: tuple[UUID, ...]
    min_credits: int
    is_active: bool


_versions: dict[UUID, PackageVersion] = {}  # versions never change, so neither does this


def package_version(package_history_id: UUID) -> PackageVersion:
    """Get one version, from memory if it was asked for before; NotFound if there is none."""
    return _package_versions([package_history_id])[package_history_id]


def _package_versions(ids: Iterable[UUID]) -> dict[UUID, PackageVersion]:
    wanted = set(ids)
    if unknown := wanted - _versions.keys():
        for history in PackageHistory.objects.filter(pk__in=unknown):
            _versions[history.id] = read_version(
                history_id=history.id, package_id=history.package_id, snapshot=history.snapshot
            )
    if not wanted <= _versions.keys():
        raise NotFound("There is no such package version.", field="package_history")
    return {pk: _versions[pk] for pk in wanted}


def offer(*, package_id: UUID, plan_id: UUID, currency: str) -> Offer:
    """Say what buying this package for this plan costs and grants now.

    Raises:
        NotFound: no such package on sale, or it is not sold for this plan.
        Invalid: the plan is switched off, or has no price in ``currency``.
    """
    current = _current_histories().filter(package_id=package_id, package__is_active=True)
    history_id = current.values_list("id", flat=True).first()
    if history_id is None:
        raise NotFound("There is no such package.", field="package")
    version = package_version(history_id)
    line = version.line_of_plan(plan_id)
    if line is None:
        raise NotFound("The package is not sold for this plan.", field="plan")
    return version.offer(line, currency)


def offer_in_version(*, package_history_id: UUID, package_plan_id: UUID, currency: str) -> Offer:
    """Say what was offered in one version, however old.

    Raises:
        NotFound: no such version, or it has no such line.
        Invalid: the line was switched off, or has no price in ``currency``.
    """
    version = package_version(package_history_id)
    for line in version.lines:
        if line.package_plan_id == package_plan_id:
            return version.offer(line, currency)
    raise NotFound("That version has no such plan.", field="package_plan")


def initial_offer() -> Offer | None:
    """Say what every verified user is granted once. The amount is the list price, in dollars."""
    version = _initial_version()
    if version is None:
        return None
    line = next(line for line in version.lines if line.is_initial)
    return version.offer(line, Currency.USD.value)


def _initial_version() -> PackageVersion | None:
    current = _current_histories().filter(package__is_initial=True)
    history_id = current.values_list("id", flat=True).first()
    return None if history_id is None else package_version(history_id)


def _current_histories() -> QuerySet[PackageHistory]:
    return PackageHistory.objects.filter(
        package__deleted_at__isnull=True, version=F("package__version")
    ).order_by("id")


def entitlement_of(*, user_ids: Sequence[UUID], at: datetime) -> dict[UUID, Entitlement]:
    """Say who is served by which version at ``at``.

    The running subscription decides; without one, the initial package. Users
    for whom neither exists are absent. Limits of the initial package count in
    calendar months (UTC).
    """
    running = list(
        Subscription.objects.filter(
            user_id__in=user_ids,
            status=SubscriptionStatus.ACTIVE,
            current_period_start__lte=at,
            current_period_end__gt=at,
        )
    )
    versions = _package_versions(row.package_history_id for row in running)
    entitled = {
        row.user_id: _entitlement(row, versions[row.package_history_id], at) for row in running
    }
    rest = [user_id for user_id in user_ids if user_id not in entitled]
    if rest and (initial := _initial_version()):
        entitled |= dict.fromkeys(rest, _initial_entitlement(initial, at))
    return entitled


def _entitlement(row: Subscription, version: PackageVersion, at: datetime) -> Entitlement:
    # A subscription that was extended spans several periods of its plan, laid
    # end to end and counted back from its end. Limits count in the one of now.
    line = version.line_of_plan(row.plan_id)
    assert line is not None  # start_subscription takes both from one offer
    length = timedelta(days=line.duration_days)
    periods_to_come = (row.current_period_end - at - timedelta.resolution) // length
    end = row.current_period_end - periods_to_come * length
    return Entitlement(
        subscription_id=row.id,
        package_history_id=version.id,
        period_start=max(row.current_period_start, end - length),
        period_end=end,
    )


def _initial_entitlement(version: PackageVersion, at: datetime) -> Entitlement:
    start = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return Entitlement(
        subscription_id=None,
        package_history_id=version.id,
        period_start=start,
        period_end=(start + timedelta(days=32)).replace(day=1),
    )


def endpoints_for_rate_card() -> list[EndpointRate]:
    """List every living endpoint, in two queries."""
    columns = Feature.all_objects.only("id", "parent_id", "is_active", "deleted_at")
    features = {feature.id: feature for feature in columns}
    rates = []
    for endpoint in FeatureEndpoint.objects.order_by("id"):
        path = list(ancestry(endpoint.feature_id, features))
        rates.append(
            EndpointRate(
                id=endpoint.id,
                value=endpoint.value,
                feature_id=endpoint.feature_id,
                feature_path=tuple(feature.id for feature in path),
                min_credits=endpoint.min_credits,
                is_active=endpoint.is_active
                and all(step.is_active and step.deleted_at is None for step in path),
            )
        )
    return rates


def ancestry(feature_id: UUID | None, features: Mapping[UUID, Feature]) -> Iterator[Feature]:
    """Walk from a feature to its root; from a cycle, return when a feature comes again."""
    seen: set[UUID] = set()
    while feature_id is not None:
        feature = features[feature_id]
        yield feature
        if feature_id in seen:
            return
        seen.add(feature_id)
        feature_id = feature.parent_id


def subscriptions() -> QuerySet[Subscription]:
    """Select every subscription that was ever started."""
    return Subscription.objects.all()


def current_subscription(*, user_id: UUID, at: datetime) -> Subscription:
    """Get what the user holds at ``at``; NotFound if that is nothing."""
    running = Subscription.objects.select_related("package", "plan").filter(
        user_id=user_id, status=SubscriptionStatus.ACTIVE, current_period_end__gt=at
    )
    if found := running.first():
        return found
    raise NotFound("There is no current subscription.")


def packages_with_parts() -> QuerySet[Package]:
    """List packages, trashed ones too, each with its features and plans."""
    return Package.all_objects.prefetch_related(
        Prefetch("features", _features_in_packages()), Prefetch("plans", _plans_in_packages())
    )


def packages_on_sale() -> QuerySet[Package]:
    """List active packages, each with the features and plans that are active too."""
    return Package.objects.filter(is_active=True).prefetch_related(
        Prefetch("features", _features_in_packages().filter(feature__is_active=True)),
        Prefetch("plans", _plans_in_packages().filter(is_active=True, plan__is_active=True)),
    )


def _features_in_packages() -> QuerySet[PackageFeature]:
    rows = PackageFeature.objects.select_related("feature")
    return rows.order_by("feature__sequence", "feature__name", "feature_id")


def _plans_in_packages() -> QuerySet[PackagePlan]:
    rows = PackagePlan.objects.select_related("plan")
    return rows.order_by("sequence", "plan__sequence", "plan__duration_days", "id")


def active_children() -> dict[UUID, list[Feature]]:
    """Group active features by their parent, each list in display order."""
    children = defaultdict(list)
    rows = Feature.objects.filter(is_active=True, parent__isnull=False)
    for feature in rows.order_by("sequence", "name", "id"):
        assert feature.parent_id is not None
        children[feature.parent_id].append(feature)
    return children
