"""Configurations: who may be configured, and how the tiers are merged."""

from uuid import UUID

import pytest

from catalog import selectors, services
from catalog.contents import ConfigTerms
from catalog.feature_config import FeatureConfig
from catalog.models import PackageFeatureConfig, PackageHistory
from catalog.tests.factories import FeatureEndpointFactory, FeatureFactory, make_package
from common.errors import Invalid, NotFound
from common.testing import run_concurrently

pytestmark = pytest.mark.django_db

NOBODY = UUID("01890000-0000-7000-8000-000000000000")

# key -> what the endpoint row, the feature row, the package row and the defaults say
TIERS = {
    "min_credits": (1, 2, 3, 4),
    "max_credits": (5, 6, 7, 8),
    "daily_limit": (1, 2, 3, 4),
    "monthly_limit": (1, 2, 3, 4),
    "enabled_options": (["a"], ["b"], ["c"], ["d"]),
    "disabled_options": ([], ["b"], ["c"], ["d"]),
    "max_tokens": (1, 2, 3, 4),
    "quality_tier": ("basic", "standard", "premium", "basic"),
    "priority": (0, 2, 3, 4),
    "max_words": (1, 2, 3, 4),
    "custom": ({}, {"b": 1}, {"c": 1}, {"d": 1}),
}


@pytest.fixture
def endpoint():
    return FeatureEndpointFactory()


@pytest.fixture
def package(endpoint):
    return make_package(features=[endpoint.feature])


def replace(package, *configs, actor=None):
    return services.replace_configs(
        package_id=package.id, configs=configs, actor_id=actor and actor.id
    )


def for_endpoint(endpoint, **config):
    return ConfigTerms(
        config=config, feature_id=endpoint.feature_id, feature_endpoint_id=endpoint.id
    )


def for_feature(feature, **config):
    return ConfigTerms(config=config, feature_id=feature.id)


def resolve(package, endpoint, **defaults):
    history = package.histories.latest("version")
    return (
        selectors.package_version(history.id)
        .resolve_config(
            feature_id=endpoint.feature_id,
            endpoint_id=endpoint.id,
            defaults=FeatureConfig.parse(defaults),
        )
        .as_dict()
    )


@pytest.mark.parametrize("highest", range(4))
@pytest.mark.parametrize("key", TIERS)
def test_resolution_of_one_key_takes_the_highest_tier_that_says_it(key, highest, package, endpoint):
    said = [{key: value} if tier >= highest else {} for tier, value in enumerate(TIERS[key])]
    replace(
        package,
        for_endpoint(endpoint, **said[0]),
        for_feature(endpoint.feature, **said[1]),
        ConfigTerms(config=said[2]),
    )

    assert resolve(package, endpoint, **said[3]) == {key: TIERS[key][highest]}


def test_resolution_merges_keys_of_all_tiers(package, endpoint):
    replace(
        package,
        for_endpoint(endpoint, min_credits=50),
        for_feature(endpoint.feature, min_credits=10, daily_limit=5),
        ConfigTerms(config={"daily_limit": 100, "priority": 7}),
    )

    assert resolve(package, endpoint, priority=1, max_tokens=4000) == {
        "min_credits": 50,
        "daily_limit": 5,
        "priority": 7,
        "max_tokens": 4000,
    }


def test_resolution_ignores_rows_for_other_scopes_and_inactive_rows(package, endpoint):
    other = FeatureEndpointFactory(feature=endpoint.feature)
    replace(
        package,
        for_endpoint(other, priority=1),
        ConfigTerms(config={"priority": 2}, feature_id=endpoint.feature_id, is_active=False),
    )

    assert resolve(package, endpoint) == {}


def test_old_version_keeps_its_configs(package, endpoint):
    # Configs used to be looked up live, whatever had been sold.
    replace(package, ConfigTerms(config={"daily_limit": 5}))
    old = package.histories.latest("version")
    replace(package, ConfigTerms(config={"daily_limit": 1}))

    resolved = selectors.package_version(old.id).resolve_config(
        feature_id=endpoint.feature_id, endpoint_id=endpoint.id, defaults=FeatureConfig()
    )

    assert resolved == FeatureConfig(daily_limit=5)
    assert resolve(package, endpoint) == {"daily_limit": 1}


def test_replace_updates_adds_and_trashes_in_one_version(package, endpoint, admin_user):
    replace(package, ConfigTerms(config={"priority": 1}), for_feature(endpoint.feature))

    rows = replace(
        package,
        ConfigTerms(config={"priority": 2}, description="Base", sequence=4),
        for_endpoint(endpoint, priority=3),
        actor=admin_user,
    )

    assert [(row.config, row.description) for row in rows] == [
        ({"priority": 3}, ""),
        ({"priority": 2}, "Base"),
    ]
    assert package.configs.count() == 2
    assert PackageFeatureConfig.all_objects.count() == 3
    newest = package.histories.latest("version")
    assert (newest.version, newest.actor) == (3, admin_user)
    assert newest.snapshot["configs"] == [
        {"feature": None, "feature_endpoint": None, "config": {"priority": 2}},
        {
            "feature": str(endpoint.feature_id),
            "feature_endpoint": str(endpoint.id),
            "config": {"priority": 3},
        },
    ]


def test_replace_with_the_same_makes_no_version(package):
    for _ in range(2):
        replace(package, ConfigTerms(config={"priority": 1}))

    assert package.histories.count() == 2


def test_replace_with_nothing_empties_the_package(package):
    replace(package, ConfigTerms(config={"priority": 1}))

    assert replace(package) == []
    assert package.histories.latest("version").snapshot["configs"] == []


def test_replace_brings_back_a_scope_that_was_trashed(package):
    replace(package, ConfigTerms(config={"priority": 1}))
    replace(package)

    replace(package, ConfigTerms(config={"priority": 1}))

    assert package.configs.count() == 1


def test_child_of_a_feature_in_the_package_can_be_configured(package, endpoint):
    child = FeatureEndpointFactory(feature__parent=endpoint.feature)

    replace(package, for_endpoint(child, priority=9))

    assert resolve(package, child) == {"priority": 9}


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda own: for_feature(own.feature, speed=1), "config.speed"),
        (lambda own: for_feature(own.feature, daily_limit=True), "config.daily_limit"),
        (lambda own: for_feature(FeatureFactory()), "feature"),
        (lambda own: for_endpoint(FeatureEndpointFactory()), "feature"),
        (
            lambda own: ConfigTerms(
                config={},
                feature_id=own.feature_id,
                feature_endpoint_id=FeatureEndpointFactory().id,
            ),
            "feature_endpoint",
        ),
        (
            lambda own: ConfigTerms(
                config={}, feature_id=own.feature_id, feature_endpoint_id=NOBODY
            ),
            "feature_endpoint",
        ),
        (lambda own: ConfigTerms(config={}, feature_id=NOBODY), "feature"),
        (lambda own: ConfigTerms(config={}, feature_endpoint_id=own.id), "feature"),
    ],
)
def test_replace_with_one_bad_config_changes_nothing(package, endpoint, make, field):
    replace(package, ConfigTerms(config={"priority": 1}))

    with pytest.raises(Invalid) as caught:
        replace(package, ConfigTerms(config={"priority": 2}), make(endpoint))

    assert caught.value.field == field
    assert package.configs.get().config == {"priority": 1}
    assert package.histories.count() == 2


def test_replace_with_two_configs_for_one_scope_is_refused(package):
    with pytest.raises(Invalid) as caught:
        replace(package, ConfigTerms(config={}), ConfigTerms(config={"priority": 1}))

    assert caught.value.field == "configs"


def test_replace_in_an_unknown_or_trashed_package_is_refused(package):
    package.soft_delete()

    for package_id in (package.id, NOBODY):
        with pytest.raises(NotFound):
            services.replace_configs(package_id=package_id, configs=[], actor_id=None)


def test_settled_config_makes_a_version_of_its_package(package, admin_user):
    [row] = replace(package, ConfigTerms(config={"priority": 1}))
    row.soft_delete()

    services.settle_config_changes(config_ids=[row.id], actor_id=admin_user.id)

    newest = package.histories.latest("version")
    assert (newest.version, newest.snapshot["configs"], newest.actor) == (3, [], admin_user)


def test_settled_config_of_a_trashed_endpoint_is_refused(package, endpoint):
    [row] = replace(package, for_endpoint(endpoint))
    endpoint.soft_delete()

    with pytest.raises(Invalid) as caught:
        services.settle_config_changes(config_ids=[row.id], actor_id=None)

    assert caught.value.field == "feature_endpoint"


@pytest.mark.django_db(transaction=True)
def test_concurrent_replacements_leave_one_of_them_whole():
    package = make_package()

    def write(number):
        return lambda: replace(package, ConfigTerms(config={"priority": number}))

    results = run_concurrently([write(number) for number in range(6)])

    failures = [result.code for result in results if isinstance(result, Exception)]
    assert set(failures) <= {"conflict"}
    [row] = package.configs.all()
    newest = PackageHistory.objects.filter(package=package).latest("version")
    assert newest.snapshot["configs"][0]["config"] == row.config
