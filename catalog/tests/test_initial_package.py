"""There is one initial package at most, and it does not vanish silently."""

import pytest

from catalog import services
from catalog.models import (
    Package,
    PackageHistory,
)
from catalog.tests.factories import (
    FeatureFactory,
    PlanFactory,
    make_package,
    terms,
)
from common.errors import Conflict
from common.testing import run_concurrently

pytestmark = pytest.mark.django_db


def update(package, actor=None, **kwargs):
    return services.update_package(
        package_id=package.id,
        fields=kwargs.pop("fields", {}),
        actor_id=actor and actor.id,
        **kwargs,
    )


def versions(package):
    rows = PackageHistory.objects.filter(package=package).order_by("version")
    return [row.version for row in rows]


def test_initial_flag_moves_and_both_packages_get_a_version(admin_user):
    # The flag is never on two packages, and never lost on the way.
    first = make_package(is_initial=True)
    second = make_package()

    second = update(second, admin_user, fields={"is_initial": True})

    assert Package.objects.get(is_initial=True) == second
    assert versions(first) == versions(second) == [1, 2]
    assert not first.histories.get(version=2).snapshot["package"]["is_initial"]
    assert first.histories.get(version=2).actor == admin_user


def test_create_as_initial_takes_the_flag():
    first = make_package(is_initial=True)

    second = make_package(is_initial=True)

    assert Package.objects.get(is_initial=True) == second
    assert versions(first) == [1, 2]


def test_setting_the_flag_again_changes_nothing():
    package = update(make_package(is_initial=True), fields={"is_initial": True})

    assert (package.is_initial, versions(package)) == (True, [1])


def test_lowering_the_flag_leaves_no_initial_package():
    update(make_package(is_initial=True), fields={"is_initial": False})

    assert not Package.objects.filter(is_initial=True).exists()


def test_switching_off_the_initial_package_is_refused():
    # There would be no initial package, silently.
    package = make_package(is_initial=True)

    with pytest.raises(Conflict) as caught:
        update(package, fields={"is_active": False})

    assert caught.value.field == "is_active"
    package.refresh_from_db()
    assert (package.is_active, versions(package)) == (True, [1])


def test_trashing_the_initial_package_is_refused():
    package = make_package(is_initial=True)
    package.soft_delete()

    with pytest.raises(Conflict, match="initial"):
        services.settle_package_changes(package_ids=[package.id], actor_id=None)


def test_package_with_inactive_initial_plan_cannot_become_initial():
    plan = PlanFactory()
    package = make_package(plans=[terms(plan)])
    type(plan).objects.update(is_active=False)

    with pytest.raises(Conflict) as caught:
        update(package, fields={"is_initial": True})

    assert caught.value.field == "plans"


@pytest.mark.django_db(transaction=True)
def test_concurrent_takers_of_the_initial_flag_leave_exactly_one():
    packages = [make_package(is_initial=not number) for number in range(4)]

    def take(package):
        return lambda: update(package, fields={"is_initial": True})

    results = run_concurrently([take(package) for package in packages * 3])

    assert [result for result in results if isinstance(result, Exception)] == []
    assert Package.objects.filter(is_initial=True).count() == 1


@pytest.mark.django_db(transaction=True)
def test_concurrent_creators_of_initial_packages_leave_exactly_one():
    feature, plan = FeatureFactory(), PlanFactory()

    def create():
        return make_package(is_initial=True, features=[feature], plans=[terms(plan)])

    results = run_concurrently([create] * 6)

    assert [result for result in results if isinstance(result, Exception)] == []
    assert Package.objects.count() == 6
    assert Package.objects.filter(is_initial=True).count() == 1
