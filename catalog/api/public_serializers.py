"""What anyone may see. Nothing internal: no flags, counters, dates or inactive rows."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalog.models import Feature, Package, PackagePlan, Plan
from common.api.serializers import ModelSerializer

_PUBLIC_FEATURE = {"type": "array", "items": {"$ref": "#/components/schemas/PublicFeature"}}


class PublicFeatureSerializer(ModelSerializer[Feature]):
    """A feature with everything below it, which the view has loaded into the context."""

    children = serializers.SerializerMethodField()

    class Meta:
        model = Feature
        fields = ("id", "value", "name", "description", "path", "type", "children")

    @extend_schema_field(_PUBLIC_FEATURE)
    def get_children(self, feature: Feature) -> list[Any]:
        below = self.context["children"].get(feature.id, ())
        return [PublicFeatureSerializer(child, context=self.context).data for child in below]


class PublicPlanSerializer(ModelSerializer[Plan]):
    class Meta:
        model = Plan
        fields = ("id", "name", "description", "duration_days")


class IncludedFeatureSerializer(ModelSerializer[Feature]):
    class Meta:
        model = Feature
        fields = ("id", "value", "name", "description", "path", "type")


class PublicPackagePlanSerializer(ModelSerializer[PackagePlan]):
    plan = PublicPlanSerializer()

    class Meta:
        model = PackagePlan
        fields = (
            "id", "plan", "price_usd_minor", "previous_price_usd_minor", "price_bdt_minor",
            "previous_price_bdt_minor", "credits", "credits_valid_days", "is_initial",
        )  # fmt: skip


class PublicPackageSerializer(ModelSerializer[Package]):
    features = serializers.SerializerMethodField()
    plans = PublicPackagePlanSerializer(many=True)

    class Meta:
        model = Package
        fields = (
            "id", "value", "name", "description", "badge", "points", "is_initial", "features",
            "plans",
        )  # fmt: skip

    @extend_schema_field(IncludedFeatureSerializer(many=True))
    def get_features(self, package: Package) -> Any:
        features = [row.feature for row in package.features.all()]
        return IncludedFeatureSerializer(features, many=True, context=self.context).data
