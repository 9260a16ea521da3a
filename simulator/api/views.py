from collections.abc import Callable
from functools import partial
from typing import Any

from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from simulator import selectors
from simulator.api.serializers import (
    NewPaymentSerializer,
    NewRefundSerializer,
    PaymentQuerySerializer,
)
from simulator.authentication import IsMerchant, MerchantKeyAuthentication, calling_merchant
from simulator.cards import CARDS
from simulator.objects import card_object, payment_object, refund_object
from simulator.services.payments import create_payment
from simulator.services.refunds import refund_payment
from simulator.services.replies import reply_once

KEY_HEADER = "Idempotency-Key"
MAX_KEY_LENGTH = 255  # characters


class MerchantView(APIView):
    """What every route that needs a merchant's key shares."""

    authentication_classes = (MerchantKeyAuthentication,)
    permission_classes = (IsMerchant,)


class PaymentsView(MerchantView):
    """Open a payment, or find one by the merchant's own reference."""

    def post(self, request: Request) -> Response:
        serializer = NewPaymentSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        merchant = calling_merchant(request)
        create = partial(create_payment, merchant=merchant, **serializer.validated_data)
        return _created_once(request, lambda: payment_object(create()))

    def get(self, request: Request) -> Response:
        serializer = PaymentQuerySerializer(data=request.query_params.dict())
        serializer.is_valid(raise_exception=True)
        payments = selectors.payments_with_reference(
            merchant=calling_merchant(request), **serializer.validated_data
        )
        return Response({"results": [payment_object(payment) for payment in payments]})


class PaymentView(MerchantView):
    def get(self, request: Request, payment_id: str) -> Response:
        payment = selectors.get_payment(merchant=calling_merchant(request), payment_id=payment_id)
        return Response(payment_object(payment))


class PaymentRefundsView(MerchantView):
    """Give money back: part of it, or all that is left."""

    def post(self, request: Request, payment_id: str) -> Response:
        serializer = NewRefundSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        refund = partial(
            refund_payment,
            merchant=calling_merchant(request),
            payment_id=payment_id,
            **serializer.validated_data,
        )
        return _created_once(request, lambda: refund_object(refund()))


class RefundView(MerchantView):
    def get(self, request: Request, refund_id: str) -> Response:
        refund = selectors.get_refund(merchant=calling_merchant(request), refund_id=refund_id)
        return Response(refund_object(refund))


class CardsView(APIView):
    """The card numbers that the hosted page takes, for anyone."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def get(self, request: Request) -> Response:
        return Response({"results": [card_object(card) for card in CARDS]})


def _created_once(request: Request, act: Callable[[], dict[str, Any]]) -> Response:
    reply = reply_once(
        merchant=calling_merchant(request),
        route=f"{request.method} {request.path}",
        key=_idempotency_key(request),
        request=request.data,
        act=act,
    )
    headers = {"Idempotency-Replayed": "true"} if reply.is_replayed else None
    return Response(reply.body, status=status.HTTP_201_CREATED, headers=headers)


def _idempotency_key(request: Request) -> str:
    key = request.headers.get(KEY_HEADER, "")
    if not (0 < len(key) <= MAX_KEY_LENGTH and key.isascii() and key.isprintable()):
        raise ValidationError(
            {KEY_HEADER: [f"Send 1 to {MAX_KEY_LENGTH} printable ASCII characters."]}
        )
    return key
