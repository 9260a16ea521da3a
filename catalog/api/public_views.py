"""The shop window: what anyone may read."""

from typing import Any

from rest_framework.permissions import AllowAny

from catalog import selectors
from catalog.api.public_serializers import (
    PublicFeatureSerializer,
    PublicPackageSerializer,
    PublicPlanSerializer,
)
from catalog.api.views import CATALOGUE_ORDER
from catalog.models import Feature, Plan
from common.api.viewsets import ReadOnlyViewSet


class PublicFeatureViewSet(ReadOnlyViewSet[Any]):
    """Active root features, each with the active features below it."""

    permission_classes = (AllowAny,)
    queryset = Feature.objects.filter(is_active=True, parent__isnull=True)
    serializer_class = PublicFeatureSerializer
    ordering = CATALOGUE_ORDER
    search_fields = ("name", "value", "description")
    filterset_fields = {"type": ["exact", "in"], "value": ["exact", "in"]}

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "children": selectors.active_children()}


class PublicPlanViewSet(ReadOnlyViewSet[Any]):
    permission_classes = (AllowAny,)
    queryset = Plan.objects.filter(is_active=True)
    serializer_class = PublicPlanSerializer
    ordering = CATALOGUE_ORDER
    search_fields = ("name", "description")
    filterset_fields = {"duration_days": ["exact", "in", "gte", "lte"]}


class PublicPackageViewSet(ReadOnlyViewSet[Any]):
    """Packages on sale, with what they hold and cost."""

    permission_classes = (AllowAny,)
    queryset = selectors.packages_on_sale()
    serializer_class = PublicPackageSerializer
    ordering = CATALOGUE_ORDER
    search_fields = ("name", "value", "description")
    filterset_fields = {"value": ["exact", "in"], "is_initial": ["exact"]}
