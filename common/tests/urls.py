"""An API over the kernel's own test table, and views that fail in every way."""

from django.core.exceptions import PermissionDenied
from django.http import JsonResponse
from django.urls import path
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.views import APIView
from rest_framework.viewsets import ModelViewSet

from common import errors, health
from common.api import serializers
from common.api.idempotency import idempotent
from common.api.viewsets import LifecycleMixin
from common.tests.models import Tool

handler400 = "common.api.problems.bad_request"
handler404 = "common.api.problems.not_found"
handler500 = "common.api.problems.server_error"


class ToolBriefSerializer(serializers.ModelSerializer):
    class Meta:
        model = Tool
        fields = ("id", "name")


class ToolSerializer(serializers.ModelSerializer):
    class Meta:
        model = Tool
        fields = ("id", "name", "value", "size", "rank", "is_active", "maker", "created_at")
        expandable = {"maker": ToolBriefSerializer}


class ToolViewSet(LifecycleMixin, ModelViewSet):
    queryset = Tool.all_objects.select_related("maker")
    serializer_class = ToolSerializer
    permission_classes = (AllowAny,)
    search_fields = ("name", "value")
    filterset_fields = {
        "name": ["exact", "in", "icontains"],
        "size": ["exact", "in", "gte", "lte", "gt", "lt"],
        "rank": ["isnull"],
        "is_active": ["exact"],
        "created_at": ["gte", "lte", "gt", "lt"],
        "maker": ["exact"],
    }
    ordering_fields = ("created_at", "size", "rank", "name", "maker__name")
    bulk_patch_fields = ("is_active", "size", "value")


class FixedToolViewSet(ToolViewSet):
    bulk_patch_fields = ()


class Failing(APIView):
    permission_classes = (AllowAny,)

    def get(self, request, fault):
        raise FAULTS[fault]


class Closed(APIView):
    def get(self, request):
        return Response()


class Keyed(APIView):
    permission_classes = (AllowAny,)
    runs: list[object] = []

    @idempotent(required=True)
    def post(self, request):
        self.runs.append(request.data)
        if "refuse" in request.data:
            raise errors.Invalid("Not this one.", field="refuse")
        return Response({"runs": len(self.runs)}, status=201)


FAULTS = {
    "invalid": errors.Invalid("Too much.", field="amount", available=3),
    "forbidden": errors.Forbidden("Not you."),
    "missing": errors.NotFound("No such thing."),
    "conflict": errors.Conflict("Not now."),
    "unavailable": errors.Unavailable("Later."),
    "denied": PermissionDenied("the words of a library"),
    "unforeseen": ZeroDivisionError("the words of a library"),
}


def plain(request):
    return JsonResponse({"bytes": len(request.body)})


router = SimpleRouter(trailing_slash=False)
router.register("tools", ToolViewSet)
router.register("fixed-tools", FixedToolViewSet, basename="fixed-tool")
urlpatterns = [
    *router.urls,
    path("failing/<slug:fault>", Failing.as_view()),
    path("closed", Closed.as_view()),
    path("keyed", Keyed.as_view()),
    path("plain", plain),
    path("health/live", health.live),
    path("health/ready", health.ready),
]
