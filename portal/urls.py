from django.urls import path

from portal.views import account, doors, payments, shop, verification, wallet

app_name = "portal"

urlpatterns = [
    path("", shop.LandingPage.as_view(), name="landing"),
    path("sign-up", doors.SignUpPage.as_view(), name="sign-up"),
    path("sign-up/sent", doors.SignUpSentPage.as_view(), name="sign-up-sent"),
    path("sign-in", doors.SignInPage.as_view(), name="sign-in"),
    path("sign-out", doors.SignOutAction.as_view(), name="sign-out"),
    path("verify-email", verification.VerifyEmailPage.as_view(), name="verify-email"),
    path("verify-email/resend", verification.ResendAction.as_view(), name="verify-email-resend"),
    path("packages", shop.PackagesPage.as_view(), name="packages"),
    path("checkout", shop.CheckoutAction.as_view(), name="checkout"),
    path("payments", payments.PaymentsPage.as_view(), name="payments"),
    path("payments/return", payments.ReturnPage.as_view(), name="payment-return"),
    path("payments/<uuid:payment_id>", payments.PaymentPage.as_view(), name="payment"),
    path("wallet", wallet.WalletPage.as_view(), name="wallet"),
    path("usages/<uuid:usage_key>", wallet.UsagePage.as_view(), name="usage"),
    path("account", account.AccountPage.as_view(), name="account"),
]
