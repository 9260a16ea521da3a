"""OpenAPI: what every operation has in common, and the routes that the lifecycle adds."""

from typing import Any, cast

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import serializers

from common.api.idempotency import MAX_KEY_LENGTH
from common.api.viewsets import BulkIdsSerializer, LifecycleMixin

BULK_ACTIONS = frozenset({"bulk", "bulk_restore", "bulk_permanent"})


class ProblemErrorSerializer(serializers.Serializer[Any]):
    field = serializers.CharField()
    code = serializers.CharField()
    detail = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """RFC 9457."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField()
    errors = ProblemErrorSerializer(many=True)  # type: ignore[assignment]  # RFC 9457's word
    request_id = serializers.CharField()


class BulkAnswerSerializer(serializers.Serializer[Any]):
    count = serializers.IntegerField(help_text="How many rows changed.")
    not_found_ids = serializers.ListField(child=serializers.UUIDField())


class ProblemAutoSchema(AutoSchema):
    def get_override_parameters(self) -> list[Any]:
        required = getattr(self._view_method(), "idempotency_key_required", None)
        if required is None:
            return []
        return [
            OpenApiParameter(
                "Idempotency-Key",
                {"type": "string", "minLength": 1, "maxLength": MAX_KEY_LENGTH},
                OpenApiParameter.HEADER,
                required=required,
                description=(
                    "Printable ASCII. A repeat with the same body is answered with the first "
                    "answer and `Idempotency-Replayed: true`; with another body it is 422."
                ),
            )
        ]

    def get_request_serializer(self) -> Any:
        if not isinstance(self.view, LifecycleMixin):
            return super().get_request_serializer()
        if self.view.action == "restore":
            return None
        if self.view.action == "bulk" and self.method == "PATCH":
            return self._bulk_patch_serializer()
        if self.view.action in BULK_ACTIONS:
            return BulkIdsSerializer
        return super().get_request_serializer()

    def get_response_serializers(self) -> Any:
        if isinstance(self.view, LifecycleMixin) and self.view.action in BULK_ACTIONS:
            return {200: BulkAnswerSerializer}
        return super().get_response_serializers()

    def _get_request_body(self, direction: Any = "request") -> Any:
        if self.method != "DELETE" or getattr(self.view, "action", "") not in BULK_ACTIONS:
            return self._parents_request_body(direction)
        self.method = "POST"  # the parent knows no DELETE with a body
        try:
            return self._parents_request_body(direction)
        finally:
            self.method = "DELETE"

    def _parents_request_body(self, direction: Any) -> Any:
        return super()._get_request_body(direction)  # type: ignore[no-untyped-call]

    def _get_response_bodies(self, direction: Any = "response") -> Any:
        bodies = super()._get_response_bodies(direction)
        bodies["default"] = self._get_response_for_code(  # type: ignore[no-untyped-call]
            ProblemSerializer, "default", ["application/problem+json"], direction
        )
        return bodies

    def _view_method(self) -> Any:
        name = getattr(self.view, "action", None) or self.method.lower()
        return getattr(self.view, name, None)

    def _bulk_patch_serializer(self) -> Any:
        """Describe ``ids`` and the columns that the view lets many rows change at once."""
        view = cast("LifecycleMixin", self.view)
        own = cast("serializers.Serializer[Any]", view.get_serializer()).fields
        changes = {name: own[name] for name in view.bulk_patch_fields}
        for field in changes.values():
            field.required = False
        name = f"{type(view).__name__.removesuffix('ViewSet')}BulkPatch"
        return inline_serializer(name, {**BulkIdsSerializer().fields, **changes})
