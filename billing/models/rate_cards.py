from django.db import models

from common import clock


class RateCard(models.Model):
    """Every price and endpoint at one moment. Equal content is one row; rows never change."""

    version = models.BigAutoField(primary_key=True)
    content = models.JSONField(help_text="Endpoints, models, credit price and profits.")
    content_hash = models.CharField(max_length=64, unique=True, help_text="SHA-256, hexadecimal.")
    created_at = models.DateTimeField(default=clock.now, editable=False)

    def __str__(self) -> str:
        return f"Rate card {self.version}"
