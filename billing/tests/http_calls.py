"""The routes of billing, and what is sent to them and read from them."""

from rest_framework.test import APIClient

from accounts.enums import Scope
from accounts.services import issue_api_key

START = "/api/credits-process/start"
END = "/api/credits-process/end"
BATCH = "/api/credits-process/batch"
USAGES = "/api/credits-usages"

TOKENS = [
    {"ai_model": "model-a", "input_tokens": 1200, "output_tokens": 800},
    {"ai_model": "model-b", "input_tokens": 1500, "output_tokens": 600},
]


def client_of(partner):
    _, key = issue_api_key(partner_id=partner.id, name="test", scopes=[Scope.METERING_WRITE])
    client = APIClient()
    client.credentials(HTTP_X_API_KEY=key)
    return client


def end_body(key, user, usages=TOKENS, **fields):
    return {"usage_key": str(key), "user_id": str(user.id), "usages": usages} | fields


def errors_of(response):
    return [error["field"] for error in response.json()["errors"]]
