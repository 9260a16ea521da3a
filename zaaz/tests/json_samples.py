"""Values that a JSON Schema takes, and values that it does not."""

from jsonschema import Draft202012Validator, FormatChecker

from zaaz.tests.api_schema import schema

NOBODY = "00000000-0000-4000-8000-000000000000"
OF_FORMAT = {
    "uuid": NOBODY,
    "uri": "https://example.com/",
    "email": "nobody@example.com",
    "date-time": "2026-01-01T00:00:00Z",
    "decimal": "1",
}
ODD = {
    "null": None,
    "zero": 0,
    "negative": -1,
    "fraction": 1.5,
    "huge": 10**400,
    "boolean": True,
    "empty": "",
    "text": "text",
    "long": "x" * 100_000,
    "list": [],
    "list of null": [None],
    "object": {},
    "unknown member": {"nonsense": 1},
}


def plain(described):
    """Follow references; of several shapes the first."""
    while True:
        if "$ref" in described:
            described = schema()["components"]["schemas"][described["$ref"].rsplit("/", 1)[1]]
        elif shapes := described.get("allOf") or described.get("oneOf") or described.get("anyOf"):
            described = shapes[0]
        else:
            return described


def is_valid(described, value):
    whole = {**described, "components": schema()["components"]}
    return Draft202012Validator(whole, format_checker=FormatChecker()).is_valid(value)


def is_open(described):
    """Whether it takes members that it does not name."""
    return "additionalProperties" in plain(described)


def sample(described):
    """A value that the schema takes. Ids are nobody's."""
    described = plain(described)
    if "enum" in described:
        return described["enum"][0]
    kind = described.get("type", "object")
    kind = kind if isinstance(kind, str) else kind[0]
    if kind == "string":
        known = OF_FORMAT.get(described.get("format"))
        return known or "aaa".ljust(described.get("minLength", 0), "a")
    if kind == "array":
        return [sample(described.get("items", {}))]
    if kind == "object":
        return {name: sample(inner) for name, inner in members(described)}
    return {"integer": described.get("minimum", 1), "number": 1, "boolean": True}[kind]


def members(described):
    return described.get("properties", {}).items()


def fields(described, path=()):
    """The path and schema of every member, members of members and of list items included."""
    described = plain(described)
    if described.get("type") == "array":
        yield from fields(described.get("items", {}), (*path, 0))
    for name, inner in members(described):
        yield (*path, name), inner
        yield from fields(inner, (*path, name))


def required(described, path=()):
    described = plain(described)
    if described.get("type") == "array":
        yield from required(described.get("items", {}), (*path, 0))
    for name in described.get("required", ()):
        yield (*path, name)
    for name, inner in members(described):
        yield from required(inner, (*path, name))


def changed(body, path, value):
    """A copy of ``body`` with another value at ``path``."""
    if not path:
        return value
    copy = list(body) if isinstance(body, list) else dict(body)
    copy[path[0]] = changed(copy[path[0]], path[1:], value)
    return copy


def without(body, path):
    copy = list(body) if isinstance(body, list) else dict(body)
    if len(path) == 1:
        del copy[path[0]]
    else:
        copy[path[0]] = without(copy[path[0]], path[1:])
    return copy
