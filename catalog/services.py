"""What can be done with the catalog. Each change of a package leaves a version behind."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from accounts.models import User
from catalog import contents, integrity
from catalog.conflicts import said_in_words
from catalog.contents import ConfigTerms, PackageFields, PlanTerms
from catalog.enums import SubscriptionStatus
from catalog.events import EndpointsChanged, SubscriptionStarted
from catalog.locks import hold
from catalog.models import (
    Package,
    PackageFeature,
    PackageFeatureConfig,
    PackagePlan,
    Subscription,
)
from catalog.selectors import Offer
from catalog.snapshots import record_versions
from common.errors import Conflict, NotFound
from common.events import publish


class ReferenceReused(Conflict):
    code = "reference_reused"


@transaction.atomic
def create_package(
    *,
    fields: PackageFields,
    feature_ids: Sequence[UUID],
    plans: Sequence[PlanTerms],
    actor_id: UUID | None,
) -> Package:
    """Put a package on sale, as version 1.

    Without an initial plan among ``plans``, the first active one is it.

    Raises:
        Invalid: features or plans are empty, doubled, unknown or switched off,
            or their initial plan is not clear.
        Conflict: another package has this value, or it would be initial and inactive.
    """
    contents.lock_features(feature_ids)
    contents.lock_plans(plans)
    losers = _take_initial_flag(fields)
    with said_in_words():
        package = Package.objects.create(**fields)
    contents.replace_features(package, feature_ids)
    contents.replace_plans(package, plans)
    settle_package_changes(package_ids=[package.id, *losers], actor_id=actor_id)
    package.refresh_from_db()
    return package


@transaction.atomic
def update_package(
    *,
    package_id: UUID,
    fields: PackageFields,
    feature_ids: Sequence[UUID] | None = None,
    plans: Sequence[PlanTerms] | None = None,
    actor_id: UUID | None,
) -> Package:
    """Change a package. A list that is given replaces the old one as a whole.

    Configs of features that leave go to the trash. If anything that a buyer
    sees or gets is different now, a new version is recorded.

    Raises:
        NotFound: there is no such package.
        Invalid, Conflict: as for ``create_package``; what the package already
            holds may stay, switched off or not.
    """
    if feature_ids is not None:
        _lock_configs(package_id)
        contents.lock_features(feature_ids, package_id)
    if plans is not None:
        contents.lock_plans(plans, package_id)
    losers = _take_initial_flag(fields, package_id)
    package = Package.objects.select_for_update().filter(pk=package_id).first()
    if package is None:
        raise NotFound("There is no such package.", field="package")
    for name, value in fields.items():
        setattr(package, name, value)
    with said_in_words():
        package.save(update_fields=[*fields, "updated_at"])
    if feature_ids is not None:
        contents.replace_features(package, feature_ids)
    if plans is not None:
        contents.replace_plans(package, plans)
    settle_package_changes(package_ids=[package.id, *losers], actor_id=actor_id)
    package.refresh_from_db()
    return package


def _lock_configs(package_id: UUID) -> None:
    rows = PackageFeatureConfig.objects.filter(package=package_id)
    list(rows.select_for_update().order_by("pk").values_list("pk"))


def _take_initial_flag(fields: PackageFields, package_id: UUID | None = None) -> list[UUID]:
    """Lower the flag everywhere else. Returns: who had it."""
    if not fields.get("is_initial"):
        return []
    # Without this lock, two takers would each lower the flag of the one they
    # can see, and the second would then run into the first.
    hold("catalog.initial_package")
    rows = Package.objects.filter(Q(is_initial=True) | Q(pk=package_id)).order_by("pk")
    losers = [row.id for row in rows.select_for_update() if row.id != package_id]
    Package.objects.filter(pk__in=losers).update(is_initial=False)
    return losers


@transaction.atomic
def replace_configs(
    *, package_id: UUID, configs: Sequence[ConfigTerms], actor_id: UUID | None
) -> list[PackageFeatureConfig]:
    """Make ``configs`` all that the package has.

    Raises:
        NotFound: there is no such package.
        Invalid: a config is malformed, two are for the same thing, or one is
            for what the package does not hold.
        Conflict: somebody else is writing the same configs.
    """
    if not Package.objects.filter(pk=package_id).exists():
        raise NotFound("There is no such package.", field="package")
    with said_in_words():
        ids = contents.replace_config_rows(package_id, configs)
    integrity.check_configs(ids)
    settle_package_changes(package_ids=[package_id], actor_id=actor_id)
    return list(PackageFeatureConfig.objects.filter(pk__in=ids).order_by("sequence", "id"))


@transaction.atomic
def settle_package_changes(*, package_ids: Iterable[UUID], actor_id: UUID | None) -> None:
    """Check packages whose rows changed, and record a version of each that is different.

    Raises:
        Conflict: the initial package would go, or could not be granted.
        NeedsTrashed: a living package would hold what is in the trash.
    """
    rows = Package.all_objects.select_for_update().filter(pk__in=package_ids).order_by("pk")
    packages = list(rows)
    integrity.check_packages(packages)
    record_versions([row for row in packages if row.deleted_at is None], actor_id=actor_id)


@transaction.atomic
def settle_feature_changes(*, feature_ids: Sequence[UUID], actor_id: UUID | None) -> None:
    """Check features whose rows changed, record the packages that hold them, tell the world.

    Raises:
        FeatureCycle: a feature would be its own ancestor.
        NeedsTrashed: a living feature would hang on a trashed one.
        InUse: a trashed feature still has children or endpoints, or is in a package.
    """
    integrity.check_features(feature_ids)
    holding = PackageFeature.objects.filter(feature__in=feature_ids)
    _settle_packages_of(holding.values_list("package", flat=True), actor_id)
    publish(EndpointsChanged())


@transaction.atomic
def settle_endpoint_changes(*, endpoint_ids: Sequence[UUID]) -> None:
    """Check endpoints whose rows changed, and tell the world.

    Raises:
        NeedsTrashed: a living endpoint would belong to a trashed feature.
        InUse: a package configures an endpoint that was trashed or moved.
    """
    integrity.check_endpoints(endpoint_ids)
    publish(EndpointsChanged())


@transaction.atomic
def settle_plan_changes(*, plan_ids: Sequence[UUID], actor_id: UUID | None) -> None:
    """Check plans whose rows changed, and record the packages that are sold for them.

    Raises:
        InUse: a trashed plan is still in a package, or one that was switched
            off is what the initial package is granted for.
    """
    integrity.check_plans(plan_ids)
    sold = PackagePlan.objects.filter(plan__in=plan_ids)
    _settle_packages_of(sold.values_list("package", flat=True), actor_id)


@transaction.atomic
def settle_config_changes(*, config_ids: Sequence[UUID], actor_id: UUID | None) -> None:
    """Check configs whose rows changed, and record their packages.

    Raises:
        Invalid: a config is malformed, or is for what its package does not hold.
        NeedsTrashed: it is for what is in the trash.
    """
    integrity.check_configs(config_ids)
    changed = PackageFeatureConfig.all_objects.filter(pk__in=config_ids)
    _settle_packages_of(changed.values_list("package", flat=True), actor_id)


def _settle_packages_of(package_ids: Iterable[UUID], actor_id: UUID | None) -> None:
    alive = Package.objects.filter(pk__in=package_ids).values_list("id", flat=True)
    settle_package_changes(package_ids=list(alive), actor_id=actor_id)


@transaction.atomic
def start_subscription(
    *, user_id: UUID, offer: Offer, reference: str, at: datetime
) -> Subscription:
    """Give a user what ``offer`` says, from ``at``.

    The package that the user already holds is extended from its end; another
    one is replaced at once. A repeat with the same reference returns the first
    subscription and changes nothing.

    Args:
        reference: names the cause: ``"payment:<id>"``.

    Raises:
        NotFound: there is no such user.
        ReferenceReused: the reference started something else.
    """
    # The lock on the user makes two starts wait for each other even when there
    # is no subscription yet that they could meet at.
    if not User.objects.select_for_update(no_key=True).filter(pk=user_id).exists():
        raise NotFound("There is no such user.", field="user")
    if earlier := Subscription.objects.filter(reference=reference).first():
        return _same_or_refused(earlier, user_id, offer)

    start, extended_from = _close_active(user_id, offer.package_id, at)
    with said_in_words():
        subscription = Subscription.objects.create(
            user_id=user_id,
            package_id=offer.package_id,
            package_history_id=offer.package_history_id,
            plan_id=offer.plan_id,
            current_period_start=start,
            current_period_end=extended_from + timedelta(days=offer.duration_days),
            reference=reference,
        )
    publish(
        SubscriptionStarted(
            subscription_id=str(subscription.id),
            user_id=str(user_id),
            package_history_id=str(offer.package_history_id),
            period_end=subscription.current_period_end.isoformat(),
        )
    )
    return subscription


def _same_or_refused(earlier: Subscription, user_id: UUID, offer: Offer) -> Subscription:
    asked = (user_id, offer.package_history_id, offer.plan_id)
    if (earlier.user_id, earlier.package_history_id, earlier.plan_id) != asked:
        raise ReferenceReused("This reference already started another subscription.")
    return earlier


def _close_active(user_id: UUID, package_id: UUID, at: datetime) -> tuple[datetime, datetime]:
    """Say when the next subscription begins, and from when its days are counted."""
    active = Subscription.objects.select_for_update().filter(
        user=user_id, status=SubscriptionStatus.ACTIVE
    )
    row = active.first()
    if row is None:
        return at, at
    runs_on = row.current_period_end > at
    row.status = SubscriptionStatus.CANCELED if runs_on else SubscriptionStatus.EXPIRED
    row.save(update_fields=["status", "updated_at"])
    if runs_on and row.package_id == package_id:
        return row.current_period_start, row.current_period_end
    return at, at


@transaction.atomic
def expire_subscriptions(*, now: datetime, limit: int) -> int:
    """Close up to ``limit`` subscriptions whose period is over. Returns: how many."""
    over = Subscription.objects.filter(
        status=SubscriptionStatus.ACTIVE, current_period_end__lte=now
    )
    # Whoever holds a lock on a row is replacing it, which closes it as well.
    rows = over.select_for_update(skip_locked=True).order_by("current_period_end", "id")
    ids = list(rows.values_list("id", flat=True)[:limit])
    return Subscription.objects.filter(pk__in=ids).update(
        status=SubscriptionStatus.EXPIRED, updated_at=now
    )
