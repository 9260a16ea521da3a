from django_filters import rest_framework as filters

from billing.models import CreditsUsage


class _UUIDInFilter(filters.BaseInFilter, filters.UUIDFilter):
    pass


class _TextInFilter(filters.BaseInFilter, filters.CharFilter):
    pass


class CreditsUsageFilter(filters.FilterSet):
    """Names columns as the API does."""

    usage_key = filters.UUIDFilter(field_name="session_id")
    usage_key__in = _UUIDInFilter(field_name="session_id", lookup_expr="in")
    user = filters.UUIDFilter(field_name="user_id")
    ai_model = filters.CharFilter(field_name="ai_model_value")
    ai_model__in = _TextInFilter(field_name="ai_model_value", lookup_expr="in")
    feature_endpoint_value = filters.CharFilter(field_name="session__feature_endpoint_value")

    class Meta:
        model = CreditsUsage
        fields = {"created_at": ["gte", "lte", "gt", "lt"]}
