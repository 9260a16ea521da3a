from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from accounts.auth import calling_partner, signed_in
from accounts.enums import Scope
from accounts.models import Partner, User
from accounts.permissions import HasScope, IsSignedIn
from billing import answers, selectors
from billing.api.filters import CreditsUsageFilter
from billing.api.serializers import (
    BatchAnswerSerializer,
    BatchSerializer,
    EndAnswerSerializer,
    EndSerializer,
    ExplanationSerializer,
    OwnUsageSerializer,
    SessionAnswerSerializer,
    StartAnswerSerializer,
    StartSerializer,
    UsageSerializer,
)
from billing.metering import EndOutcome
from billing.models import CreditsUsage
from billing.services.ends import end_usages
from billing.services.starts import start_usages
from common.api.idempotency import idempotent
from common.api.problems import handle_exception
from common.api.viewsets import ReadOnlyViewSet

MayMeter = HasScope(Scope.METERING_WRITE)


class StartView(APIView):
    permission_classes = (MayMeter,)

    @extend_schema(
        operation_id="credits_process_start",
        request=StartSerializer,
        responses=StartAnswerSerializer,
    )
    @transaction.atomic  # the session and the stored answer: a repeat never opens a second one
    @idempotent(required=False)
    def post(self, request: Request) -> Response:
        """Ask whether a user may run an endpoint. A refusal is an answer, not an error."""
        body = StartSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        (answer,) = start_usages(
            partner_id=calling_partner(request).id, requests=[body.to_request()]
        )
        return Response(answer.as_json())


class EndView(APIView):
    permission_classes = (MayMeter,)

    @extend_schema(
        operation_id="credits_process_end", request=EndSerializer, responses=EndAnswerSerializer
    )
    def post(self, request: Request) -> Response:
        """Charge what a started call used: once, whatever is repeated."""
        body = EndSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        (outcome,) = end_usages(
            partner_id=calling_partner(request).id, requests=[body.to_request()]
        )
        if outcome.error:
            raise outcome.error
        headers = {"Idempotency-Replayed": "true"} if outcome.replayed else {}
        return Response(outcome.answer, headers=headers)


class BatchView(APIView):
    permission_classes = (MayMeter,)

    @extend_schema(
        operation_id="credits_process_batch",
        request=BatchSerializer,
        responses=BatchAnswerSerializer,
    )
    def post(self, request: Request) -> Response:
        """End up to 1,000 calls in one commit. Each item is answered for itself."""
        body = BatchSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        items = body.validated_data["items"]
        ends = [EndSerializer(data=item) for item in items]
        outcomes = iter(
            end_usages(
                partner_id=calling_partner(request).id,
                requests=[end.to_request() for end in ends if end.is_valid()],
            )
        )
        results = [
            self._malformed(item, end) if end.errors else self._result(next(outcomes))
            for item, end in zip(items, ends, strict=True)
        ]
        return Response({"results": results})

    def _result(self, outcome: EndOutcome) -> dict[str, Any]:
        if outcome.error:
            return {"usage_key": str(outcome.usage_key)} | self._problem(outcome.error)
        return {
            "usage_key": str(outcome.usage_key),
            "status_code": status.HTTP_200_OK,
            "replayed": outcome.replayed,
            "result": outcome.answer,
        }

    def _malformed(self, item: Any, end: EndSerializer) -> dict[str, Any]:
        key = item.get("usage_key") if isinstance(item, dict) else None
        said = {"usage_key": key if isinstance(key, str) else None}
        return said | self._problem(ValidationError(end.errors))

    def _problem(self, error: Exception) -> dict[str, Any]:
        """Describe an error as the single route would answer it."""
        response = handle_exception(error, self.get_exception_handler_context())
        assert response is not None  # only errors that have an answer come here
        return {"status_code": response.status_code, "problem": response.data}


class SessionView(APIView):
    permission_classes = (MayMeter,)

    @extend_schema(operation_id="credits_process_session", responses=SessionAnswerSerializer)
    def get(self, request: Request, usage_key: UUID) -> Response:
        """See where a session stands, and its result once it is settled."""
        session = selectors.session_of_partner(
            usage_key=usage_key, partner_id=calling_partner(request).id
        )
        return Response(answers.state(session, selectors.usages_of(session)))


class CreditsUsageViewSet(ReadOnlyViewSet[Any]):
    """Usages by model: a user sees their own without cost, staff see all with it."""

    queryset = CreditsUsage.objects.all()
    permission_classes = (IsSignedIn,)
    serializer_class = UsageSerializer
    search_fields = ("ai_model_value", "session__feature_endpoint_value", "user__email")
    filterset_class = CreditsUsageFilter
    ordering_fields = ("created_at", "input_tokens", "output_tokens")

    def get_queryset(self) -> QuerySet[CreditsUsage]:
        return selectors.usages_visible_to(signed_in(self.request))

    def get_serializer_class(self) -> type[BaseSerializer[CreditsUsage]]:
        viewer = self.request.user
        is_customer = isinstance(viewer, User) and not viewer.is_staff
        return OwnUsageSerializer if is_customer else UsageSerializer  # the schema shows the latter


class ExplainView(APIView):
    permission_classes = (IsSignedIn | MayMeter,)

    @extend_schema(operation_id="credits_usages_explain", responses=ExplanationSerializer)
    def get(self, request: Request, usage_key: UUID) -> Response:
        """Show the calculation of one charge. The margin is for staff and the partner."""
        if isinstance(request.user, Partner):
            session = selectors.session_of_partner(usage_key=usage_key, partner_id=request.user.id)
            with_margin = True
        else:
            viewer = signed_in(request)
            session = selectors.session_of_viewer(usage_key=usage_key, viewer=viewer)
            with_margin = viewer.is_staff
        usages = selectors.usages_of(session)
        return Response(answers.explanation(session, usages, with_margin=with_margin))
