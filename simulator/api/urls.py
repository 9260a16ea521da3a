from django.urls import path

from simulator.api import views

urlpatterns = [
    path("payments", views.PaymentsView.as_view()),
    path("payments/<slug:payment_id>", views.PaymentView.as_view()),
    path("payments/<slug:payment_id>/refunds", views.PaymentRefundsView.as_view()),
    path("refunds/<slug:refund_id>", views.RefundView.as_view()),
    path("test-cards", views.CardsView.as_view()),
]
