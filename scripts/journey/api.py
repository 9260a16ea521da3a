"""A caller of the public API: a customer with a token, or a partner with a key."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from scripts.journey.checks import Wrong

TIMEOUT_SECONDS = 30


@dataclass(kw_only=True)
class Caller:
    base_url: str
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, path: str) -> Any:
        return self._call("GET", path, expected=200).json()

    def post(
        self,
        path: str,
        body: Mapping[str, object],
        *,
        expected: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Post JSON.

        Raises:
            Wrong: the status is another one; the message has the problem that was told.
        """
        return self._call("POST", path, expected=expected, body=body, headers=headers)

    def _call(
        self,
        method: str,
        path: str,
        *,
        expected: int,
        body: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        response = httpx.request(
            method,
            f"{self.base_url}/api/{path}",
            json=body,
            headers={**self.headers, **(headers or {})},
            timeout=TIMEOUT_SECONDS,
        )
        if response.status_code != expected:
            answered = f"answered {response.status_code} instead of {expected}"
            raise Wrong(f"{method} /api/{path} {answered}: {response.text}")
        return response
