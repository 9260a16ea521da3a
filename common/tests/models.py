"""Tables to try the kernel on. zaaz/settings/test.py installs them."""

from django.db import models
from django.db.models import Q

from common.fields import EncryptedJSONField
from common.models import SoftDeleteModel


class Tool(SoftDeleteModel):
    name = models.CharField(max_length=40)
    value = models.SlugField(max_length=40)
    size = models.IntegerField(default=0)
    rank = models.IntegerField(null=True)
    is_active = models.BooleanField(default=True)
    maker = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+")
    secret = EncryptedJSONField(null=True)

    class Meta(SoftDeleteModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["value"], condition=Q(deleted_at__isnull=True), name="tool_value_once_alive"
            )
        ]
