from django.urls import path

from accounts.api import views

urlpatterns = [
    path("auth/signup", views.SignUpView.as_view()),
    path("auth/signin", views.SignInView.as_view()),
    path("auth/refresh-token", views.RefreshTokenView.as_view()),
    path("auth/signout", views.SignOutView.as_view()),
    path("auth/email-verification", views.EmailVerificationView.as_view()),
    path("auth/email-verification-source", views.EmailVerificationSourceView.as_view()),
    path("users/self", views.SelfView.as_view()),
]
