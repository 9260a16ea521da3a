"""One HTTP POST to a merchant's server, which may do anything at all."""

import time
from dataclasses import dataclass

import httpx

TIMEOUT_SECONDS = 10
READ_BYTES = 2000  # enough for the excerpt in any encoding
EXCERPT_CHARACTERS = 500


@dataclass(frozen=True)
class Answer:
    """``status_code`` is ``None`` when no answer came; the excerpt then says why."""

    status_code: int | None
    excerpt: str

    @property
    def is_accepted(self) -> bool:
        return self.status_code is not None and httpx.codes.is_success(self.status_code)


def post(*, url: str, headers: dict[str, str], body: bytes) -> Answer:
    """Send ``body``; follow no redirect, and read no more of the answer than we keep."""
    try:
        with (
            httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=False) as client,
            client.stream("POST", url, content=body, headers=headers) as response,
        ):
            return Answer(response.status_code, _printable(_beginning(response)))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Answer(None, _printable(f"{type(error).__name__}: {error}".encode()))


def _beginning(response: httpx.Response) -> bytes:
    give_up_at = time.monotonic() + TIMEOUT_SECONDS
    content = b""
    for chunk in response.iter_raw():
        content += chunk
        if len(content) >= READ_BYTES or time.monotonic() >= give_up_at:
            break
    return content[:READ_BYTES]


def _printable(content: bytes) -> str:
    # PostgreSQL refuses NUL in text, and a merchant's answer may hold one.
    return content.decode(errors="replace").replace("\x00", "")[:EXCERPT_CHARACTERS]
