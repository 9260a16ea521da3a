from django.urls import path
from rest_framework.routers import SimpleRouter

from payments.api import views

router = SimpleRouter(trailing_slash=False)
router.register(
    "payment-transactions", views.PaymentTransactionViewSet, basename="payment-transaction"
)

urlpatterns = [
    path("payments/initiate", views.InitiateView.as_view()),
    path(
        "payments/webhook/<uuid:payment_method_id>",
        views.WebhookView.as_view(),
        name="payment-webhook",
    ),
    path("payments/return/<uuid:payment_id>", views.ReturnView.as_view(), name="payment-return"),
    path("payment-methods/public", views.PublicPaymentMethodsView.as_view({"get": "list"})),
    *router.urls,
]
