"""What a change of a feature, an endpoint or a plan must not break."""

import pytest
from django.db import transaction

from catalog import services
from catalog.contents import ConfigTerms
from catalog.integrity import FeatureCycle, InUse, NeedsTrashed
from catalog.tests.factories import (
    FeatureEndpointFactory,
    FeatureFactory,
    PlanFactory,
    make_package,
    terms,
)
from common.models import OutboxEvent
from common.testing import run_concurrently

pytestmark = pytest.mark.django_db


def settle_features(*features, actor=None):
    services.settle_feature_changes(
        feature_ids=[feature.id for feature in features], actor_id=actor and actor.id
    )


def settle_endpoints(*endpoints):
    services.settle_endpoint_changes(endpoint_ids=[endpoint.id for endpoint in endpoints])


def settle_plans(*plans):
    services.settle_plan_changes(plan_ids=[plan.id for plan in plans], actor_id=None)


def put_under(feature, parent):
    feature.parent = parent
    feature.save()


def used_by(caught):
    return [(use["type"], use["name"]) for use in caught.value.context["used_by"]]


def test_a_feature_under_its_descendant_is_refused_with_the_circle_named():
    root = FeatureFactory(name="Root")
    middle = FeatureFactory(name="Middle", parent=root)
    leaf = FeatureFactory(name="Leaf", parent=middle)
    put_under(root, leaf)

    with pytest.raises(FeatureCycle) as caught:
        settle_features(root)

    assert caught.value.field == "parent"
    assert caught.value.message == "This would put Root in Leaf in Middle in Root."


def test_a_feature_that_hangs_below_a_circle_is_refused():
    one, two = FeatureFactory(), FeatureFactory()
    put_under(one, two)
    put_under(two, one)

    with pytest.raises(FeatureCycle):
        settle_features(FeatureFactory(parent=one))


def test_a_feature_moved_elsewhere_in_the_tree_is_accepted_and_announced():
    feature = FeatureFactory(parent=FeatureFactory())
    put_under(feature, FeatureFactory())

    settle_features(feature)

    assert OutboxEvent.objects.get().type == "catalog.endpoints_changed"


def test_a_living_feature_under_a_trashed_one_is_refused():
    parent = FeatureFactory()
    child = FeatureFactory(parent=parent)
    parent.soft_delete()

    with pytest.raises(NeedsTrashed) as caught:
        settle_features(child)

    assert caught.value.field == "parent"


def test_trashing_a_feature_names_everything_that_uses_it():
    # What depends on a deleted feature used to dangle.
    feature = FeatureFactory(name="Writing")
    FeatureFactory(name="Article", parent=feature)
    FeatureEndpointFactory(name="Write", feature=feature)
    make_package(name="Pro", features=[feature])
    make_package(name="Gone", features=[feature]).soft_delete()
    feature.soft_delete()

    with pytest.raises(InUse) as caught:
        settle_features(feature)

    assert used_by(caught) == [
        ("feature", "Article"),
        ("feature endpoint", "Write"),
        ("package", "Pro"),
    ]
    assert caught.value.message == (
        "Still used by feature Article, feature endpoint Write, package Pro."
    )


def test_trashing_a_feature_that_only_a_config_names_is_refused():
    parent = FeatureFactory()
    child = FeatureFactory(parent=parent)
    make_package(
        name="Pro", features=[parent], configs=[ConfigTerms(config={}, feature_id=child.id)]
    )
    child.soft_delete()

    with pytest.raises(InUse) as caught:
        settle_features(child)

    assert used_by(caught) == [("package", "Pro")]


def test_trashing_a_whole_branch_at_once_is_accepted():
    parent = FeatureFactory()
    child = FeatureFactory(parent=parent)
    parent.soft_delete()
    child.soft_delete()

    settle_features(parent, child)

    assert OutboxEvent.objects.count() == 1


def test_erased_features_are_announced():
    feature = FeatureFactory()
    pk = feature.pk
    feature.delete()

    services.settle_feature_changes(feature_ids=[pk], actor_id=None)

    assert OutboxEvent.objects.count() == 1


def test_renaming_a_feature_records_the_packages_that_hold_it(admin_user):
    # A change of another row used to bypass the history.
    feature = FeatureFactory(name="Writing")
    holding, other = make_package(features=[feature]), make_package()
    feature.name = "Texts"
    feature.save()

    settle_features(feature, actor=admin_user)

    newest = holding.histories.get(version=2)
    assert (newest.snapshot["features"][0]["name"], newest.actor) == ("Texts", admin_user)
    assert other.histories.count() == 1


def test_a_living_endpoint_of_a_trashed_feature_is_refused():
    endpoint = FeatureEndpointFactory()
    endpoint.feature.soft_delete()

    with pytest.raises(NeedsTrashed) as caught:
        settle_endpoints(endpoint)

    assert caught.value.field == "feature"


@pytest.mark.parametrize("change", ["trash", "move"])
def test_an_endpoint_that_a_package_configures_stays_where_it_is(change):
    endpoint = FeatureEndpointFactory()
    config = ConfigTerms(config={}, feature_id=endpoint.feature_id, feature_endpoint_id=endpoint.id)
    make_package(name="Pro", features=[endpoint.feature], configs=[config])
    if change == "trash":
        endpoint.soft_delete()
    else:
        endpoint.feature = FeatureFactory()
        endpoint.save()

    with pytest.raises(InUse) as caught:
        settle_endpoints(endpoint)

    assert used_by(caught) == [("package", "Pro")]


def test_a_changed_endpoint_is_announced_once():
    settle_endpoints(FeatureEndpointFactory(), FeatureEndpointFactory())

    assert [event.type for event in OutboxEvent.objects.all()] == ["catalog.endpoints_changed"]


def test_trashing_a_plan_that_is_sold_names_the_package():
    plan = PlanFactory()
    make_package(name="Pro", plans=[terms(plan)])
    plan.soft_delete()

    with pytest.raises(InUse) as caught:
        settle_plans(plan)

    assert used_by(caught) == [("package", "Pro")]


def test_switching_off_a_plan_takes_it_off_sale_and_records_it():
    plan = PlanFactory()
    package = make_package(plans=[terms(plan)])
    plan.is_active = False
    plan.save()

    settle_plans(plan)

    assert not package.histories.get(version=2).snapshot["plans"][0]["is_active"]


def test_a_plan_of_another_length_makes_a_version_of_each_package():
    plan = PlanFactory(duration_days=30)
    packages = [make_package(plans=[terms(plan)]), make_package(plans=[terms(plan)])]
    plan.duration_days = 31
    plan.save()

    settle_plans(plan)

    for package in packages:
        assert package.histories.get(version=2).snapshot["plans"][0]["duration_days"] == 31


def test_switching_off_the_plan_of_the_initial_package_is_refused():
    plan = PlanFactory()
    make_package(name="Free", is_initial=True, plans=[terms(plan)])
    plan.is_active = False
    plan.save()

    with pytest.raises(InUse) as caught:
        settle_plans(plan)

    assert used_by(caught) == [("package", "Free")]


@pytest.mark.django_db(transaction=True)
def test_two_features_put_under_each_other_at_once_never_make_a_circle():
    one, two = FeatureFactory(), FeatureFactory()

    def hang(feature, parent):
        def change():
            with transaction.atomic():
                type(feature).objects.filter(pk=feature.pk).update(parent=parent)
                settle_features(feature)

        return change

    results = run_concurrently([hang(one, two), hang(two, one)])

    assert sorted(type(result).__name__ for result in results) == ["FeatureCycle", "NoneType"]
