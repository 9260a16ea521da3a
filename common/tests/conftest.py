import io
import json
import logging

import pytest
from structlog.stdlib import ProcessorFormatter


class Lines(io.StringIO):
    """What was logged, as written and as read again."""

    def parsed(self):
        return [json.loads(line) for line in self.getvalue().splitlines()]


@pytest.fixture
def logged():
    """Everything logged meanwhile, by the formatter of production."""
    root = logging.getLogger()
    formatters = (handler.formatter for handler in root.handlers)
    handler = logging.StreamHandler(Lines())
    handler.setFormatter(next(one for one in formatters if isinstance(one, ProcessorFormatter)))
    root.addHandler(handler)
    yield handler.stream
    root.removeHandler(handler)
