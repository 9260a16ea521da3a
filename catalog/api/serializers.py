from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalog.models import (
    Feature,
    FeatureEndpoint,
    Package,
    PackageFeatureConfig,
    PackageHistory,
    PackagePlan,
    Plan,
    Subscription,
)
from common.api.serializers import ModelSerializer, Serializer

ROW = ("id", "created_at", "updated_at", "deleted_at")


class FeatureBriefSerializer(ModelSerializer[Feature]):
    class Meta:
        model = Feature
        fields = ("id", "value", "name")


class EndpointBriefSerializer(ModelSerializer[FeatureEndpoint]):
    class Meta:
        model = FeatureEndpoint
        fields = ("id", "value", "name")


class PlanBriefSerializer(ModelSerializer[Plan]):
    class Meta:
        model = Plan
        fields = ("id", "name", "duration_days")


class PackageBriefSerializer(ModelSerializer[Package]):
    class Meta:
        model = Package
        fields = ("id", "value", "name")


class FeatureSerializer(ModelSerializer[Feature]):
    class Meta:
        model = Feature
        fields = (
            "parent", "value", "name", "description", "path", "type", "sequence", "is_active",
            *ROW,
        )  # fmt: skip
        read_only_fields = ROW
        expandable = {"parent": FeatureBriefSerializer}


class FeatureEndpointSerializer(ModelSerializer[FeatureEndpoint]):
    class Meta:
        model = FeatureEndpoint
        fields = (
            "feature", "value", "name", "description", "endpoint", "method", "min_credits",
            "sequence", "is_active", *ROW,
        )  # fmt: skip
        read_only_fields = ROW
        expandable = {"feature": FeatureBriefSerializer}


class PlanSerializer(ModelSerializer[Plan]):
    class Meta:
        model = Plan
        fields = ("name", "description", "duration_days", "sequence", "is_active", *ROW)
        read_only_fields = ROW


PRICES = (
    "price_usd_minor", "previous_price_usd_minor", "price_bdt_minor", "previous_price_bdt_minor",
)  # fmt: skip


class PackagePlanSerializer(ModelSerializer[PackagePlan]):
    plan = PlanBriefSerializer()

    class Meta:
        model = PackagePlan
        fields = (
            "id", "plan", *PRICES, "credits", "credits_valid_days", "is_initial", "is_active",
            "sequence",
        )  # fmt: skip


class PackageSerializer(ModelSerializer[Package]):
    """A package as staff see it."""

    features = serializers.SerializerMethodField()
    plans = PackagePlanSerializer(many=True, read_only=True)

    class Meta:
        model = Package
        fields = (
            "value", "name", "description", "badge", "points", "sequence", "is_active",
            "is_initial", "version", "features", "plans", *ROW,
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(FeatureBriefSerializer(many=True))
    def get_features(self, package: Package) -> Any:
        features = [row.feature for row in package.features.all()]
        return FeatureBriefSerializer(features, many=True, context=self.context).data


class PlanTermsSerializer(ModelSerializer[PackagePlan]):
    plan = serializers.UUIDField(source="plan_id")

    class Meta:
        model = PackagePlan
        fields = (
            "plan", "price_usd_minor", "price_bdt_minor", "credits", "credits_valid_days",
            "is_initial", "is_active", "sequence",
        )  # fmt: skip

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        # A PATCH of the package sends whole lines too, and there nothing else asks for them.
        needed = {name: field.source for name, field in self.fields.items() if field.required}
        if missing := [name for name, source in needed.items() if source not in attrs]:
            fault = {name: ["This field is required."] for name in missing}
            raise serializers.ValidationError(fault, code="required")
        return attrs


class PackageWriteSerializer(ModelSerializer[Package]):
    """A package as staff send it. Each list is the whole list."""

    features = serializers.ListField(child=serializers.UUIDField(), max_length=500)
    plans = PlanTermsSerializer(many=True, max_length=50)  # type: ignore[call-arg]  # of the list around it

    class Meta:
        model = Package
        fields = (
            "value", "name", "description", "badge", "points", "sequence", "is_active",
            "is_initial", "features", "plans",
        )  # fmt: skip

    def to_representation(self, instance: Package) -> Any:
        return PackageSerializer(instance, context=self.context).data


class ConfigSerializer(ModelSerializer[PackageFeatureConfig]):
    class Meta:
        model = PackageFeatureConfig
        fields = (
            "package", "feature", "feature_endpoint", "config", "description", "sequence",
            "is_active", *ROW,
        )  # fmt: skip
        read_only_fields = ROW
        expandable = {
            "package": PackageBriefSerializer,
            "feature": FeatureBriefSerializer,
            "feature_endpoint": EndpointBriefSerializer,
        }

    def validate_package(self, package: Package) -> Package:
        if self.instance is not None and self.instance.package_id != package.id:
            raise serializers.ValidationError("A config stays in its package.")
        return package


class ConfigTermsSerializer(ModelSerializer[PackageFeatureConfig]):
    feature = serializers.UUIDField(source="feature_id", allow_null=True, required=False)
    feature_endpoint = serializers.UUIDField(
        source="feature_endpoint_id", allow_null=True, required=False
    )

    class Meta:
        model = PackageFeatureConfig
        fields = ("feature", "feature_endpoint", "config", "description", "sequence", "is_active")


class ConfigListSerializer(Serializer):
    """All the configs of a package."""

    configs = ConfigTermsSerializer(many=True, max_length=1000)  # type: ignore[call-arg]  # of the list around it


class ConfigListAnswerSerializer(Serializer):
    configs = ConfigSerializer(many=True)


class PackageHistorySerializer(ModelSerializer[PackageHistory]):
    class Meta:
        model = PackageHistory
        fields = ("id", "package", "version", "snapshot", "actor", "created_at")
        expandable = {"package": PackageBriefSerializer}


class SubscriptionSerializer(ModelSerializer[Subscription]):
    package = PackageBriefSerializer()
    plan = PlanBriefSerializer()

    class Meta:
        model = Subscription
        fields: tuple[str, ...] = (
            "id", "package", "plan", "package_history", "status", "current_period_start",
            "current_period_end", "created_at",
        )  # fmt: skip


class StaffSubscriptionSerializer(SubscriptionSerializer):
    class Meta(SubscriptionSerializer.Meta):
        fields = (*SubscriptionSerializer.Meta.fields, "user", "reference", "updated_at")
