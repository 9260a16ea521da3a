from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import services, tokens
from accounts.api.serializers import (
    ProfileSerializer,
    RefreshSerializer,
    SignedInSerializer,
    SignInSerializer,
    SignUpAnswerSerializer,
    SignUpSerializer,
    TokenPairSerializer,
    UserSerializer,
    VerificationSerializer,
)
from accounts.auth import signed_in
from accounts.authentication import JwtAuthentication, SignInRefused, TokenNotAccepted
from accounts.permissions import IsSignedIn


class OpenDoorView(APIView):
    """For those who are not signed in; a stale token in the header does not matter here."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def get_authenticate_header(self, request: Request) -> str:
        return JwtAuthentication().authenticate_header(request)


class SignUpView(OpenDoorView):
    @extend_schema(
        operation_id="auth_signup",
        request=SignUpSerializer,
        responses={status.HTTP_202_ACCEPTED: SignUpAnswerSerializer},
    )
    def post(self, request: Request) -> Response:
        """Open an account.

        The answer is the same whether or not the address has an account; the mail is not.
        """
        body = SignUpSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        account = services.sign_up(**body.validated_data)
        answer = SignUpAnswerSerializer({"email": account.email, "detail": "Check your e-mail."})
        return Response(answer.data, status=status.HTTP_202_ACCEPTED)


class SignInView(OpenDoorView):
    @extend_schema(
        operation_id="auth_signin", request=SignInSerializer, responses=SignedInSerializer
    )
    def post(self, request: Request) -> Response:
        """Exchange e-mail address and password for tokens."""
        body = SignInSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        session = services.sign_in(**body.validated_data)
        if session is None:
            raise SignInRefused
        return Response(
            SignedInSerializer(
                {
                    "user": session.user,
                    "access": session.tokens.access,
                    "refresh": session.tokens.refresh,
                }
            ).data
        )


class RefreshTokenView(OpenDoorView):
    @extend_schema(
        operation_id="auth_refresh_token", request=RefreshSerializer, responses=TokenPairSerializer
    )
    def post(self, request: Request) -> Response:
        """Exchange a refresh token for a new pair. The old one is used up."""
        body = RefreshSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        try:
            pair = tokens.rotate_tokens(**body.validated_data)
        except tokens.TokenRefused as error:
            raise TokenNotAccepted from error
        return Response(TokenPairSerializer(pair).data)


class SignOutView(OpenDoorView):
    @extend_schema(
        operation_id="auth_signout",
        request=RefreshSerializer,
        responses={status.HTTP_204_NO_CONTENT: None},
    )
    def post(self, request: Request) -> Response:
        """Make a refresh token useless."""
        body = RefreshSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        try:
            tokens.revoke_token(**body.validated_data)
        except tokens.TokenRefused as error:
            raise TokenNotAccepted from error
        return Response(status=status.HTTP_204_NO_CONTENT)


class EmailVerificationView(OpenDoorView):
    @extend_schema(
        operation_id="auth_email_verification",
        request=VerificationSerializer,
        responses=UserSerializer,
    )
    def post(self, request: Request) -> Response:
        """Verify an address with the token of the link that was mailed to it."""
        body = VerificationSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        user = services.verify_email(**body.validated_data)
        return Response(UserSerializer(user).data)


class EmailVerificationSourceView(APIView):
    permission_classes = (IsSignedIn,)

    @extend_schema(
        operation_id="auth_email_verification_source",
        request=None,
        responses={status.HTTP_202_ACCEPTED: None},
    )
    def post(self, request: Request) -> Response:
        """Mail the verification link once more."""
        services.request_verification(user_id=signed_in(request).id)
        return Response(status=status.HTTP_202_ACCEPTED)


class SelfView(APIView):
    permission_classes = (IsSignedIn,)

    @extend_schema(operation_id="users_self", responses=UserSerializer)
    def get(self, request: Request) -> Response:
        """Show the signed-in person's profile."""
        return Response(UserSerializer(signed_in(request)).data)

    @extend_schema(
        operation_id="users_self_update", request=ProfileSerializer, responses=UserSerializer
    )
    def patch(self, request: Request) -> Response:
        """Change the profile."""
        body = ProfileSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        user = services.rename_user(user_id=signed_in(request).id, **body.validated_data)
        return Response(UserSerializer(user).data)
