"""The list grammar, and the lifecycle routes every soft-deletable resource shares.

POST   /{resource}/{id}/restore        back from the trash
DELETE /{resource}/{id}/permanent      gone for good; must be in the trash
PATCH  /{resource}/bulk                the same change for many
DELETE /{resource}/bulk                trash many
POST   /{resource}/bulk/restore        restore many
DELETE /{resource}/bulk/permanent      erase many; must be in the trash
GET    /{resource}?trashed=true        the recycle bin
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar, cast
from uuid import UUID

from django.db import transaction
from django.db.models import Model
from django_filters.rest_framework import BooleanFilter, DjangoFilterBackend
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.filters import SearchFilter
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet, ReadOnlyModelViewSet

from common import clock
from common.api.pagination import ListPagination
from common.api.serializers import Serializer, refuse_mistyped
from common.models import SoftDeleteModel
from common.soft_delete import SoftDeleteQuerySet

BULK_LIMIT = 500
ModelT = TypeVar("ModelT", bound=Model)

_GRAMMAR = frozenset({"search", "ordering", "fields", "expand", "limit", "cursor", "page"})


class ListGrammarMixin(GenericViewSet[Any]):
    """Filters, search, ordering, sparse fields; an unknown parameter is a fault."""

    pagination_class = ListPagination
    filter_backends = (DjangoFilterBackend, SearchFilter)
    ordering: ClassVar[tuple[str, ...]] = ("-created_at", "-id")
    ordering_fields: ClassVar[tuple[str, ...]] = ("created_at",)
    list_parameters: ClassVar[frozenset[str]] = frozenset()

    def filter_queryset(self, queryset: Any) -> Any:
        if self.action == "list":
            self._refuse_parameters(queryset)
            self._fields()  # refuses a bad fields= or expand=, rows or none
            return super().filter_queryset(queryset)
        return queryset

    def _refuse_parameters(self, queryset: Any) -> None:
        filterset = DjangoFilterBackend().get_filterset_class(self, queryset)
        filters = filterset.base_filters if filterset else {}
        known = _GRAMMAR | self.list_parameters | set(filters)
        given = self.request.query_params
        if unknown := [name for name in given if name not in known]:
            fault = {name: ["There is no such parameter."] for name in unknown}
            raise ValidationError(fault, code="unknown_parameter")
        for name, value in given.items():  # django-filter would take it for "either"
            if isinstance(filters.get(name), BooleanFilter) and value not in {"true", "false", ""}:
                raise ValidationError({name: ["true or false."]})
        if "\x00" in given.get("search", ""):
            raise ValidationError({"search": ["Text contains a character that cannot be stored."]})

    def _fields(self) -> Mapping[str, Any]:
        return cast("serializers.Serializer[Any]", self.get_serializer()).fields

    def total_ordering(self, request: Request) -> list[str]:
        """The asked or the default order, made total by the key."""
        asked = [name for name in request.query_params.get("ordering", "").split(",") if name]
        for name in asked:
            if name.removeprefix("-") not in self.ordering_fields:
                allowed = ", ".join(sorted(self.ordering_fields))
                raise ValidationError({"ordering": [f"{name!r} is not one of: {allowed}."]})
        order = asked or list(self.ordering)
        if not {"id", "-id"} & set(order):
            order.append("-id" if order[0].startswith("-") else "id")
        return order


class ReadOnlyViewSet(ListGrammarMixin, ReadOnlyModelViewSet[ModelT]):
    """List and retrieve."""


class BulkIdsSerializer(Serializer):
    ids = serializers.ListField(
        child=serializers.UUIDField(), allow_empty=False, max_length=BULK_LIMIT
    )


class LifecycleMixin(ListGrammarMixin):
    """Mix in before ``ModelViewSet``; give ``queryset = Model.all_objects.all()``."""

    trash_actions = frozenset({"restore", "permanent", "bulk_restore", "bulk_permanent"})
    bulk_patch_fields: ClassVar[tuple[str, ...]] = ()
    list_parameters = frozenset({"trashed"})

    def after_change(self, ids: list[UUID]) -> None:
        """Called once after each change, in its transaction, with what it touched."""

    def get_queryset(self) -> SoftDeleteQuerySet[Any]:
        rows = cast("SoftDeleteQuerySet[Any]", super().get_queryset())
        return rows.trashed() if self._wants_trash() else rows.alive()

    def _wants_trash(self) -> bool:
        if self.action != "list":
            return self.action in self.trash_actions
        wanted = self.request.query_params.get("trashed", "false")
        if wanted not in {"true", "false"}:
            raise ValidationError({"trashed": ["true or false."]})
        return wanted == "true"

    @transaction.atomic
    def perform_create(self, serializer: Any) -> None:
        serializer.save()
        self.after_change([serializer.instance.pk])

    @transaction.atomic
    def perform_update(self, serializer: Any) -> None:
        serializer.save()
        self.after_change([serializer.instance.pk])

    @transaction.atomic
    def perform_destroy(self, instance: SoftDeleteModel) -> None:
        instance.soft_delete()
        self.after_change([instance.pk])

    @action(detail=True, methods=["post"])
    @transaction.atomic
    def restore(self, request: Request, pk: str) -> Response:
        instance = self.get_object()
        instance.restore()
        self.after_change([instance.pk])
        return Response(self.get_serializer(instance).data)

    @action(detail=True, methods=["delete"])
    @transaction.atomic
    def permanent(self, request: Request, pk: str) -> Response:
        instance = self.get_object()
        erased = instance.pk
        instance.delete()
        self.after_change([erased])
        return Response(status=status.HTTP_204_NO_CONTENT)

    @action(detail=False, methods=["delete", "patch"])
    def bulk(self, request: Request) -> Response:
        if request.method == "PATCH":
            return self._bulk_patch(request)
        return self._bulk(request.data, lambda rows: rows.soft_delete())

    def _bulk_patch(self, request: Request) -> Response:
        if not isinstance(request.data, dict):
            raise ValidationError({"ids": ["Send an object with ids and what to change."]})
        values = {name: value for name, value in request.data.items() if name != "ids"}
        if unknown := [name for name in values if name not in self.bulk_patch_fields]:
            fault = {name: ["This field cannot be changed in bulk."] for name in unknown}
            raise ValidationError(fault, code="unknown_field")
        if not values:
            allowed = ", ".join(self.bulk_patch_fields) or "nothing"
            raise ValidationError({"": [f"Say what to change. Allowed in bulk: {allowed}."]})
        change = {**self._checked(values), "updated_at": clock.now()}
        return self._bulk({"ids": request.data.get("ids")}, lambda rows: rows.update(**change))

    def _checked(self, values: dict[str, Any]) -> dict[str, Any]:
        fields = self._fields()
        refuse_mistyped(fields, values)
        checked, faults = {}, {}
        for name, value in values.items():
            try:
                checked[name] = fields[name].run_validation(value)
            except ValidationError as error:
                faults[name] = error.detail
        if faults:
            raise ValidationError(faults)
        return checked

    @action(detail=False, methods=["post"], url_path="bulk/restore")
    def bulk_restore(self, request: Request) -> Response:
        return self._bulk(request.data, lambda rows: rows.restore())

    @action(detail=False, methods=["delete"], url_path="bulk/permanent")
    def bulk_permanent(self, request: Request) -> Response:
        return self._bulk(request.data, lambda rows: rows.delete())

    @transaction.atomic
    def _bulk(self, data: Any, apply: Callable[[SoftDeleteQuerySet[Any]], object]) -> Response:
        serializer = BulkIdsSerializer(data=data)
        serializer.is_valid(raise_exception=True)
        wanted = serializer.validated_data["ids"]
        rows = self.get_queryset().filter(pk__in=wanted).order_by("pk")  # one lock order
        found = list(rows.select_for_update(of=("self",)).values_list("pk", flat=True))
        apply(self.get_queryset().model.all_objects.filter(pk__in=found))
        self.after_change(found)
        missing = [pk for pk in wanted if pk not in set(found)]
        return Response({"count": len(found), "not_found_ids": missing})
