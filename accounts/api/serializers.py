from rest_framework import serializers

from accounts.models import NAME_MAX_LENGTH, NAME_MIN_LENGTH, User
from common.api.serializers import ModelSerializer, Serializer

PASSWORD_MAX_LENGTH = 128  # a longer one would only make us hash for long
TOKEN_MAX_LENGTH = 2000


def password_field() -> serializers.CharField:
    return serializers.CharField(
        max_length=PASSWORD_MAX_LENGTH, trim_whitespace=False, write_only=True
    )


class UserSerializer(ModelSerializer[User]):
    class Meta:
        model = User
        fields = ("id", "email", "name", "role", "is_verified", "created_at", "updated_at")
        read_only_fields = fields


class ProfileSerializer(Serializer):
    """What people may change about themselves."""

    name = serializers.CharField(min_length=NAME_MIN_LENGTH, max_length=NAME_MAX_LENGTH)


class SignUpSerializer(ProfileSerializer):
    email = serializers.EmailField(max_length=254)
    password = password_field()


class SignUpAnswerSerializer(Serializer):
    email = serializers.EmailField()
    detail = serializers.CharField()


class SignInSerializer(Serializer):
    email = serializers.EmailField(max_length=254)
    password = password_field()


class RefreshSerializer(Serializer):
    refresh = serializers.CharField(max_length=TOKEN_MAX_LENGTH)


class TokenPairSerializer(Serializer):
    access = serializers.CharField(help_text="Good for 15 minutes.")
    refresh = serializers.CharField(help_text="Good for 7 days, once.")


class SignedInSerializer(TokenPairSerializer):
    user = UserSerializer()


class VerificationSerializer(Serializer):
    token = serializers.CharField(max_length=TOKEN_MAX_LENGTH)
