"""One row of everything that a route can name, and everyone who can call."""

from functools import cache
from uuid import uuid4

from django.db import connection, transaction
from django.urls import resolve
from rest_framework.test import APIClient

from accounts.enums import Role, Scope
from accounts.services import issue_api_key
from accounts.tests.factories import PartnerFactory, UserFactory
from accounts.tokens import issue_tokens
from billing.models import UsageSession
from billing.tests.factories import customer, end, open_shop, started, subscribe
from payments.models import PaymentMethod, PaymentTransaction
from payments.tests.factories import make_payment

BY_PARAMETER = {
    "usage_key": UsageSession,
    "payment_id": PaymentTransaction,
    "payment_method_id": PaymentMethod,
}
NOBODY = "00000000-0000-4000-8000-000000000000"
# A refused call under a key keeps its answer: that row is meant to change.
KEPT_ANSWERS = "common_idempotencyrecord"


SHUT_OUT = {"not_authenticated", "permission_denied"}


class World:
    """A shop with one customer, who has a subscription, a payment, a charge and a hold."""

    def __init__(self):
        shop, owner, partner = open_shop(config={"custom": {}}), customer(), PartnerFactory()
        subscribe(owner, shop.package)
        end(partner, owner, started(partner, owner, shop.endpoint))
        make_payment(user=owner)
        admin = UserFactory(role=Role.ADMIN)
        self.callers = {
            "admin": signed_in(admin),
            "partner": with_key(partner),
            "customer": signed_in(owner),
            "anonymous": {},
        }
        self.strangers = {"customer": signed_in(customer()), "partner": with_key(PartnerFactory())}
        for key in (self.callers["partner"], self.strangers["partner"]):
            note_use(key)

    def path(self, operation, **ids):
        """Its address, with ids of rows that are there, unless told otherwise."""
        path = operation.path
        for name in operation.parameters("path"):
            path = path.replace(f"{{{name}}}", ids.get(name) or str(self.row(operation, name).pk))
        return path

    def row(self, operation, name):
        rows = BY_PARAMETER[name].objects if name in BY_PARAMETER else view_of(operation).queryset
        found = rows.first() or rows.model._base_manager.first()
        assert found, f"{operation} needs a {rows.model.__name__}: put one into the World."
        return found

    def let_in(self, operation, body=None):
        """Name who may make this call; of an open route, only who has no name."""
        names = [name for name in self.callers if self._is_let_in(operation, name, body)]
        return ["anonymous"] if "anonymous" in names else names

    def _is_let_in(self, operation, caller, body):
        with transaction.atomic():
            answer = self.send(operation, caller, body)
            transaction.set_rollback(True)
        return answer.status_code not in {401, 403} or answer.json()["code"] not in SHUT_OUT

    def send(self, operation, caller, body=None, **how):
        return call(operation, self.path(operation), self.callers[caller], body, **how)


def call(operation, path, headers, body=None, **how):
    """Call under a new Idempotency-Key, with ``body`` as JSON or as ``content_type`` says."""
    extra = {**headers, "HTTP_IDEMPOTENCY_KEY": uuid4().hex}
    how = how or {"format": "json"}
    client = APIClient(raise_request_exception=False)
    return getattr(client, operation.verb)(path, body, **how, **extra)


@cache
def view_of(operation):
    path = operation.path
    for name in operation.parameters("path"):
        path = path.replace(f"{{{name}}}", NOBODY)
    return resolve(path).func.cls


def signed_in(user):
    return {"HTTP_AUTHORIZATION": f"Bearer {issue_tokens(user=user).access}"}


def with_key(partner):
    _, key = issue_api_key(partner_id=partner.id, name="tests", scopes=[Scope.METERING_WRITE])
    return {"HTTP_X_API_KEY": key}


def note_use(key):
    """Keys are marked as used once a minute: let that be now."""
    assert APIClient().get(f"/api/credits-process/sessions/{NOBODY}", **key).status_code == 404


def contents():
    """A digest of every table."""
    digests = [
        f"SELECT '{table}', md5(string_agg(t::text, '' ORDER BY t::text)) FROM {table} AS t"  # noqa: S608
        for table in connection.introspection.table_names()
        if table != KEPT_ANSWERS
    ]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(digests))
        return dict(cursor.fetchall())


def assert_problem(answer, said=""):
    assert 400 <= answer.status_code < 500, f"{said}: {answer.status_code} {answer.content!r}"
    assert answer.headers["Content-Type"] == "application/problem+json", said
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body["code"]
    assert body["request_id"] == answer.headers["X-Request-Id"]
    return body
