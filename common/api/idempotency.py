"""``Idempotency-Key``: the first answer is stored and given again to every repeat.

After draft-ietf-httpapi-idempotency-key-header: 400 without or with a bad key,
409 while the first call runs, 422 for another body under the same key.
"""

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, TypeVar

from django.db import IntegrityError, transaction
from rest_framework import exceptions, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from common import clock
from common.api.problems import MEDIA_TYPE
from common.models import IdempotencyRecord

MAX_KEY_LENGTH = 255
# A call that has not answered after this long died; a repeat may run it again.
LOCK_FOR = timedelta(seconds=60)
KEEP_ANSWERS = timedelta(days=30)
NOT_STORED = frozenset({401, 403, 409, 429})

ViewT = TypeVar("ViewT", bound=Callable[..., Response])


class KeyInUse(exceptions.APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "idempotency_key_in_use"
    default_detail = "The first call with this Idempotency-Key is still running. Try again shortly."
    wait = 1  # seconds


class KeyReused(exceptions.APIException):
    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_code = "idempotency_key_reused"
    default_detail = "This Idempotency-Key came before with another body. Use a new one."


def idempotent(*, required: bool) -> Callable[[ViewT], ViewT]:
    """Make a view method answer repeats of a keyed call with its first answer.

    What the view does must itself be safe to repeat with the same key: a
    process may die between its effect and the stored answer.
    """

    def decorate(view_method: ViewT) -> ViewT:
        @wraps(view_method)
        def wrapper(view: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
            key = _key(request, required=required)
            if key is None:
                return view_method(view, request, *args, **kwargs)
            record = _claim(request, key)
            if record.response_status is not None:
                return _replay(record)
            return _run(record, view, lambda: view_method(view, request, *args, **kwargs))

        wrapper.idempotency_key_required = required  # type: ignore[attr-defined]  # for the schema
        return wrapper  # type: ignore[return-value]  # same signature as what it wraps

    return decorate


def _key(request: Request, *, required: bool) -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is None and not required:
        return None
    if not key or len(key) > MAX_KEY_LENGTH or not key.isascii() or not key.isprintable():
        rule = f"Send 1 to {MAX_KEY_LENGTH} printable ASCII characters."
        raise exceptions.ValidationError({"Idempotency-Key": [rule]})
    return key


def _claim(request: Request, key: str) -> IdempotencyRecord:
    """The caller's record: freshly locked for this call, or with the first answer in it."""
    caller = request.user
    scope = f"{type(caller).__name__}:{caller.pk}:{request.path}"
    body = json.dumps(request.data, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(body.encode()).hexdigest()
    locked_until = clock.now() + LOCK_FOR
    try:
        with transaction.atomic():
            return IdempotencyRecord.objects.create(
                scope=scope, key=key, request_hash=digest, locked_until=locked_until
            )
    except IntegrityError:
        return _reclaim(scope, key, digest)


@transaction.atomic
def _reclaim(scope: str, key: str, digest: str) -> IdempotencyRecord:
    record = IdempotencyRecord.objects.select_for_update().filter(scope=scope, key=key).first()
    if record is None:  # the first call was refused and gave its key back just now
        raise KeyInUse
    if record.request_hash != digest:
        raise KeyReused
    if record.locked_until is not None:
        if record.locked_until > clock.now():
            raise KeyInUse
        record.locked_until = clock.now() + LOCK_FOR
        record.save(update_fields=["locked_until"])
    return record


def _run(record: IdempotencyRecord, view: Any, call: Callable[[], Response]) -> Response:
    try:
        response = _answer(call, view)
    except Exception:
        record.delete()
        raise
    if response.status_code >= status.HTTP_500_INTERNAL_SERVER_ERROR or (
        response.status_code in NOT_STORED
    ):
        record.delete()
        return response
    record.response_status = response.status_code
    record.response_body = json.loads(json.dumps(response.data, cls=JSONEncoder))
    record.locked_until = None
    record.save(update_fields=["response_status", "response_body", "locked_until"])
    return response


def _answer(call: Callable[[], Response], view: Any) -> Response:
    """Raises: whatever nobody foresaw, as it came."""
    try:
        return call()
    except Exception as error:  # noqa: BLE001 -- the view's own handler decides which are answers
        answer: Response = view.handle_exception(error)
        return answer


def _replay(record: IdempotencyRecord) -> Response:
    status_code = record.response_status
    assert status_code is not None
    return Response(
        record.response_body,
        status=status_code,
        headers={"Idempotency-Replayed": "true"},
        content_type=MEDIA_TYPE if status.is_client_error(status_code) else None,
    )


def forget_stored_answers() -> int:
    """Delete answers older than 30 days. Their keys are free again."""
    old = IdempotencyRecord.objects.filter(created_at__lt=clock.now() - KEEP_ANSWERS)
    return old.delete()[0]
