import factory

from catalog import services
from catalog.contents import PlanTerms
from catalog.models import Feature, FeatureEndpoint, Plan


class FeatureFactory(factory.django.DjangoModelFactory):
    value = factory.Sequence(lambda n: f"feature-{n}")
    name = factory.Sequence(lambda n: f"Feature {n}")

    class Meta:
        model = Feature


class FeatureEndpointFactory(factory.django.DjangoModelFactory):
    feature = factory.SubFactory(FeatureFactory)
    value = factory.Sequence(lambda n: f"endpoint-{n}")
    name = factory.Sequence(lambda n: f"Endpoint {n}")
    endpoint = factory.Sequence(lambda n: f"/v1/endpoint-{n}")
    min_credits = 0

    class Meta:
        model = FeatureEndpoint


class PlanFactory(factory.django.DjangoModelFactory):
    name = factory.Sequence(lambda n: f"Plan {n}")
    duration_days = 30

    class Meta:
        model = Plan


_numbers = iter(range(1, 1_000_000))


def terms(plan=None, **kwargs):
    """One plan at 10.00 USD or 1,200.00 BDT for 1,000 credits, unless told otherwise."""
    defaults = {"price_usd_minor": 1000, "price_bdt_minor": 120_000, "credits": 1000}
    return PlanTerms(plan_id=(plan or PlanFactory()).id, **(defaults | kwargs))


def make_package(*, features=None, plans=None, configs=(), actor=None, **fields):
    """A package made by the service: one feature and one plan of 30 days, unless told otherwise.

    ``features`` are Feature rows, ``plans`` are PlanTerms, ``configs`` ConfigTerms.
    """
    number = next(_numbers)
    actor_id = actor and actor.id
    package = services.create_package(
        fields={"value": f"package-{number}", "name": f"Package {number}"} | fields,
        feature_ids=[row.id for row in features or [FeatureFactory()]],
        plans=plans or [terms()],
        actor_id=actor_id,
    )
    if configs:
        services.replace_configs(package_id=package.id, configs=configs, actor_id=actor_id)
        package.refresh_from_db()
    return package
