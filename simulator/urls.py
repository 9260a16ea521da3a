"""Everything that the simulator's own process serves."""

from django.urls import include, path

from simulator import views

urlpatterns = [
    path("", views.index, name="index"),
    path("checkout/<slug:payment_id>", views.checkout, name="checkout"),
    path("checkout/<slug:payment_id>/challenge", views.challenge, name="challenge"),
    path("v1/", include("simulator.api.urls")),
    path("health/live", views.live),
]

handler404 = "simulator.views.not_found"
