from typing import Any, cast
from uuid import UUID

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView
from rest_framework.viewsets import ModelViewSet

from accounts.auth import signed_in
from accounts.permissions import IsAdmin, IsSignedIn
from catalog import selectors, services
from catalog.api.serializers import (
    ConfigListAnswerSerializer,
    ConfigListSerializer,
    ConfigSerializer,
    FeatureEndpointSerializer,
    FeatureSerializer,
    PackageHistorySerializer,
    PackageSerializer,
    PackageWriteSerializer,
    PlanSerializer,
    StaffSubscriptionSerializer,
    SubscriptionSerializer,
)
from catalog.conflicts import in_words
from catalog.contents import ConfigTerms, PackageFields, PlanTerms
from catalog.models import (
    Feature,
    FeatureEndpoint,
    PackageFeatureConfig,
    PackageHistory,
    Plan,
    Subscription,
)
from common import clock
from common.api.viewsets import LifecycleMixin, ReadOnlyViewSet

MOMENTS = ["gte", "lte", "gt", "lt"]
CATALOGUE_ORDER = ("sequence", "name", "id")
CATALOGUE_FILTERS = {"is_active": ["exact"], "created_at": MOMENTS, "updated_at": MOMENTS}
CATALOGUE_ORDERINGS = ("sequence", "name", "is_active", "created_at", "updated_at")


class StaffViewSet(LifecycleMixin, ModelViewSet[Any]):
    """Configuration that staff keep. A taken value is answered in words."""

    permission_classes = (IsAdmin,)
    bulk_patch_fields = ("is_active",)

    def handle_exception(self, exc: Exception) -> Response:
        return super().handle_exception(in_words(exc))


class FeatureViewSet(StaffViewSet):
    queryset = Feature.all_objects.prefetch_related("parent")
    serializer_class = FeatureSerializer
    ordering = CATALOGUE_ORDER
    ordering_fields = (*CATALOGUE_ORDERINGS, "type")
    search_fields = ("name", "value", "description")
    filterset_fields = {
        "parent": ["exact", "in", "isnull"],
        "type": ["exact", "in"],
        "value": ["exact", "in"],
        **CATALOGUE_FILTERS,
    }

    def after_change(self, ids: list[UUID]) -> None:
        actor = signed_in(self.request)
        services.settle_feature_changes(feature_ids=ids, actor_id=actor.id)


class FeatureEndpointViewSet(StaffViewSet):
    queryset = FeatureEndpoint.all_objects.prefetch_related("feature")
    serializer_class = FeatureEndpointSerializer
    ordering = CATALOGUE_ORDER
    ordering_fields = (*CATALOGUE_ORDERINGS, "min_credits")
    search_fields = ("name", "value", "endpoint", "description")
    filterset_fields = {
        "feature": ["exact", "in"],
        "method": ["exact", "in"],
        "value": ["exact", "in"],
        **CATALOGUE_FILTERS,
    }

    def after_change(self, ids: list[UUID]) -> None:
        services.settle_endpoint_changes(endpoint_ids=ids)


class PlanViewSet(StaffViewSet):
    queryset = Plan.all_objects.all()
    serializer_class = PlanSerializer
    ordering = CATALOGUE_ORDER
    ordering_fields = (*CATALOGUE_ORDERINGS, "duration_days")
    search_fields = ("name", "description")
    filterset_fields = {"duration_days": ["exact", "in", *MOMENTS], **CATALOGUE_FILTERS}

    def after_change(self, ids: list[UUID]) -> None:
        services.settle_plan_changes(plan_ids=ids, actor_id=signed_in(self.request).id)


@extend_schema_view(
    create=extend_schema(request=PackageWriteSerializer, responses={201: PackageSerializer}),
    update=extend_schema(request=PackageWriteSerializer, responses=PackageSerializer),
    partial_update=extend_schema(request=PackageWriteSerializer, responses=PackageSerializer),
)
class PackageViewSet(StaffViewSet):
    """Packages. Every change of what a buyer sees or gets leaves a version behind."""

    queryset = selectors.packages_with_parts()
    ordering = CATALOGUE_ORDER
    ordering_fields = (*CATALOGUE_ORDERINGS, "is_initial")
    search_fields = ("name", "value", "description")
    filterset_fields = {
        "value": ["exact", "in"],
        "is_initial": ["exact"],
        **CATALOGUE_FILTERS,
    }

    def get_serializer_class(self) -> type[BaseSerializer[Any]]:
        if self.action in {"create", "update", "partial_update"} or self._patches_in_bulk():
            return PackageWriteSerializer
        return PackageSerializer

    def _patches_in_bulk(self) -> bool:
        return self.action == "bulk" and self.request.method == "PATCH"

    def perform_create(self, serializer: BaseSerializer[Any]) -> None:
        features, plans, fields = _parts(serializer)
        package = services.create_package(
            fields=fields,
            feature_ids=features or [],
            plans=plans or [],
            actor_id=signed_in(self.request).id,
        )
        serializer.instance = self.get_queryset().get(pk=package.pk)

    def perform_update(self, serializer: BaseSerializer[Any]) -> None:
        features, plans, fields = _parts(serializer)
        assert serializer.instance is not None
        package = services.update_package(
            package_id=serializer.instance.pk,
            fields=fields,
            feature_ids=features,
            plans=plans,
            actor_id=signed_in(self.request).id,
        )
        serializer.instance = self.get_queryset().get(pk=package.pk)

    def after_change(self, ids: list[UUID]) -> None:
        services.settle_package_changes(package_ids=ids, actor_id=signed_in(self.request).id)

    @extend_schema(request=ConfigListSerializer, responses=ConfigListAnswerSerializer)
    @action(detail=True, methods=["put"], url_path="configs/bulk")
    def replace_configs(self, request: Request, pk: str) -> Response:
        """Make these all the configs of the package."""
        body = ConfigListSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        rows = services.replace_configs(
            package_id=self.get_object().id,
            configs=[ConfigTerms(**line) for line in body.validated_data["configs"]],
            actor_id=signed_in(request).id,
        )
        return Response(ConfigListAnswerSerializer({"configs": rows}).data)


def _parts(
    serializer: BaseSerializer[Any],
) -> tuple[list[UUID] | None, list[PlanTerms] | None, PackageFields]:
    data = dict(serializer.validated_data)
    features, plans = data.pop("features", None), data.pop("plans", None)
    terms = None if plans is None else [PlanTerms(**line) for line in plans]
    return features, terms, cast("PackageFields", data)


class PackageFeatureConfigViewSet(StaffViewSet):
    queryset = PackageFeatureConfig.all_objects.prefetch_related(
        "package", "feature", "feature_endpoint"
    )
    serializer_class = ConfigSerializer
    ordering = ("sequence", "id")
    ordering_fields = ("sequence", "created_at", "updated_at")
    search_fields = ("description",)
    filterset_fields = {
        "package": ["exact", "in"],
        "feature": ["exact", "in", "isnull"],
        "feature_endpoint": ["exact", "in", "isnull"],
        **CATALOGUE_FILTERS,
    }

    def after_change(self, ids: list[UUID]) -> None:
        services.settle_config_changes(config_ids=ids, actor_id=signed_in(self.request).id)


class PackageHistoryViewSet(ReadOnlyViewSet[Any]):
    """What packages were, version by version."""

    permission_classes = (IsAdmin,)
    queryset = PackageHistory.objects.prefetch_related("package")
    serializer_class = PackageHistorySerializer
    ordering_fields = ("version", "created_at")
    filterset_fields = {
        "package": ["exact", "in"],
        "version": ["exact", *MOMENTS],
        "actor": ["exact", "in", "isnull"],
        "created_at": MOMENTS,
    }


class SubscriptionViewSet(ReadOnlyViewSet[Any]):
    """Who holds what, and held."""

    permission_classes = (IsAdmin,)
    queryset = Subscription.objects.select_related("package", "plan")
    serializer_class = StaffSubscriptionSerializer
    search_fields = ("reference", "user__email")
    ordering_fields = ("current_period_start", "current_period_end", "created_at")
    filterset_fields = {
        "user": ["exact", "in"],
        "package": ["exact", "in"],
        "plan": ["exact", "in"],
        "status": ["exact", "in"],
        "current_period_end": MOMENTS,
        "created_at": MOMENTS,
    }


class OwnSubscriptionView(APIView):
    permission_classes = (IsSignedIn,)

    @extend_schema(operation_id="user_subscriptions_self", responses=SubscriptionSerializer)
    def get(self, request: Request) -> Response:
        """Say what the caller holds now."""
        row = selectors.current_subscription(user_id=signed_in(request).id, at=clock.now())
        return Response(SubscriptionSerializer(row).data)
