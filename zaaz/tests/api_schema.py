"""The public API as its own schema describes it."""

from dataclasses import dataclass
from functools import cache

from drf_spectacular.generators import SchemaGenerator

VERBS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, eq=False)  # each is its own
class Operation:
    verb: str
    path: str
    description: dict

    def __str__(self):
        return f"{self.verb.upper()} {self.path}"

    @property
    def name(self):
        return self.description["operationId"]

    def parameters(self, place):
        """Schemas by name; ``place`` is query, path or header."""
        found = self.description.get("parameters", ())
        return {row["name"]: row for row in found if row["in"] == place}

    @property
    def body(self):
        """The JSON Schema of its body, or None."""
        content = self.description.get("requestBody", {}).get("content", {})
        return content.get("application/json", {}).get("schema")


@cache
def schema():
    return SchemaGenerator().get_schema(request=None, public=True)


@cache
def operations():
    return [
        Operation(verb, path, description)
        for path, described in schema()["paths"].items()
        for verb, description in described.items()
        if verb in VERBS
    ]
