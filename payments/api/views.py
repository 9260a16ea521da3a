from http import HTTPStatus
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import APIException
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.auth import signed_in
from accounts.permissions import IsSignedIn
from common.api.idempotency import idempotent
from common.api.viewsets import ReadOnlyViewSet
from payments import selectors
from payments.api.serializers import (
    CheckoutSerializer,
    InitiateSerializer,
    PaymentEventSerializer,
    PaymentEventsSerializer,
    PaymentMethodSerializer,
    PaymentTransactionSerializer,
    StaffPaymentEventSerializer,
)
from payments.gateways.base import GatewayRefused, InvalidSignature
from payments.models import PaymentMethod, PaymentTransaction
from payments.return_addresses import landing_url
from payments.services import status, webhooks
from payments.services.checkout import Order, start_checkout

WEBHOOK_MAX_BYTES = 256 * 1024


class BadSignature(APIException):
    status_code = HTTPStatus.BAD_REQUEST
    default_code = InvalidSignature.code


class BadGateway(APIException):
    status_code = HTTPStatus.BAD_GATEWAY
    default_code = GatewayRefused.code


class BodyTooLarge(APIException):
    status_code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    default_detail = "A webhook has at most 256 KiB."
    default_code = "body_too_large"


class InitiateView(APIView):
    """Start paying for a package."""

    permission_classes = (IsSignedIn,)

    @extend_schema(request=InitiateSerializer, responses={201: CheckoutSerializer})
    @idempotent(required=True)
    def post(self, request: Request) -> Response:
        asked = InitiateSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        wanted = asked.validated_data
        order = Order(
            payment_method_id=wanted["payment_method"],
            package_id=wanted["package"],
            plan_id=wanted["plan"],
            currency=wanted["currency"],
            return_url=wanted["return_url"],
            cancel_url=wanted["cancel_url"],
        )
        try:
            payment = start_checkout(
                user=signed_in(request),
                order=order,
                idempotency_key=request.headers["Idempotency-Key"],
            )
        except GatewayRefused as error:
            raise BadGateway(error.message) from error
        opened = {"payment": payment, "checkout_url": payment.checkout_url}
        return Response(CheckoutSerializer(opened).data, status=HTTPStatus.CREATED)


class WebhookView(APIView):
    """Where gateways report. The body stays as it came: the signature covers every byte."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(request=OpenApiTypes.OBJECT, responses={200: None})
    def post(self, request: Request, payment_method_id: UUID) -> Response:
        body = _bounded_body(request)
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            webhooks.receive_webhook(
                payment_method_id=payment_method_id, headers=headers, body=body
            )
        except InvalidSignature as error:
            raise BadSignature(error.message) from error
        return Response(status=HTTPStatus.OK)


def _bounded_body(request: Request) -> bytes:
    declared = request.META.get("CONTENT_LENGTH") or ""
    if declared.isdecimal() and int(declared) > WEBHOOK_MAX_BYTES:
        raise BodyTooLarge  # unread
    body: bytes = request.body
    if len(body) > WEBHOOK_MAX_BYTES:  # ASGI lets a body come in chunks, without its length
        raise BodyTooLarge
    return body


class ReturnView(APIView):
    """Where the gateway sends the browser back to. Nothing that the browser says is believed."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(responses={303: None})
    def get(self, request: Request, payment_id: UUID) -> Response:
        payment = status.come_back(payment_id=payment_id)
        return Response(status=HTTPStatus.SEE_OTHER, headers={"Location": landing_url(payment)})


class PublicPaymentMethodsView(ReadOnlyViewSet[PaymentMethod]):
    """The ways to pay that are open now."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    serializer_class = PaymentMethodSerializer
    filterset_fields = {"is_test": ["exact"], "value": ["exact", "in"]}
    ordering = ("sequence", "id")

    def get_queryset(self) -> QuerySet[PaymentMethod]:
        return selectors.methods_on_offer()


class PaymentTransactionViewSet(ReadOnlyViewSet[PaymentTransaction]):
    """Customers see their own payments, staff see all."""

    queryset = PaymentTransaction.objects.none()
    permission_classes = (IsSignedIn,)
    serializer_class = PaymentTransactionSerializer
    search_fields = ("user__email", "gateway_reference", "package_name")
    filterset_fields = {
        "user": ["exact", "in"],
        "payment_method": ["exact", "in"],
        "status": ["exact", "in"],
        "currency": ["exact", "in"],
        "is_test": ["exact"],
        "quarantined_at": ["isnull"],
        "amount_minor": ["exact", "gte", "lte", "gt", "lt"],
        "created_at": ["gte", "lte", "gt", "lt"],
    }
    ordering_fields = ("created_at", "amount_minor")

    def get_queryset(self) -> QuerySet[PaymentTransaction]:
        return selectors.payments_visible_to(signed_in(self.request))

    @extend_schema(responses=PaymentTransactionSerializer)
    @action(detail=True, methods=["get"])
    def status(self, request: Request, pk: str) -> Response:
        """Tell how the payment stands; the gateway is asked first where that can change it."""
        payment = status.look_again(payment_id=self.get_object().id)
        return Response(self.get_serializer(payment).data)

    @extend_schema(responses=PaymentEventsSerializer)
    @action(detail=True, methods=["get"])
    def events(self, request: Request, pk: str) -> Response:
        """Tell what happened to the payment, first to last; the evidence is for staff."""
        is_staff = signed_in(request).is_staff
        serializer = StaffPaymentEventSerializer if is_staff else PaymentEventSerializer
        events = self.get_object().events.order_by("version")
        return Response({"results": serializer(events, many=True).data})
