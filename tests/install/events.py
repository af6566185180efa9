"""events.py - install.events: lib/report/README.md and tests/demos/event.schema.json say the same. events.py SOURCE

Of each kind every field, when it is there (always, or not), and each value of a field that has only a few.
"""
import json
import os
import re

from installed import Failure, judge, main, read


def documented(text):
    """Section to {field: (always?, meaning)}, from the tables."""
    sections = {}
    for title, body in re.findall(r"^## (.*)\n((?:(?!^## ).*\n)*)", text, re.MULTILINE):
        rows = re.findall(r"^\| `([^`]+)` \| (.+?) \| (.+) \|$", body, re.MULTILINE)
        if rows:
            sections[title] = {field: (when == "always", what) for field, when, what in rows}
            if len(sections[title]) != len(rows):
                raise Failure(f"{title}: a field stands there twice")
            if f'select(.kind == "{title}"' not in body and title != "Every event":
                raise Failure(f"{title}: there is no example of it")
    return sections


def resolve(schema, value):
    while isinstance(value, dict) and "$ref" in value:
        value = schema["$defs"][value["$ref"].rpartition("/")[2]]
    return value


def fields(schema, definition, prefix=""):
    """{field: (required?, its schema)} of a kind, those of an object with fixed fields as "machine.kernel"."""
    found = {}
    for name, value in definition["properties"].items():
        value = resolve(schema, value)
        found[prefix + name] = (name in definition.get("required", []), value)
        inner = resolve(schema, value.get("items", value))
        if "properties" in inner:
            found.update(fields(schema, inner, f"{prefix}{name}."))
    return found


def differences(section, table, wanted):
    for field in sorted(table.keys() | wanted.keys()):
        if field not in table:
            yield f"{section}: the schema has `{field}`, which the page does not name"
        elif field not in wanted:
            yield f"{section}: the page names `{field}`, which the schema does not have"
        elif table[field][0] != wanted[field][0]:
            yield f"{section}: `{field}` is {'there always' if table[field][0] else 'not always there'} only for the page"
        else:
            for value in wanted[field][1].get("enum", []):
                if f"`{value}`" not in table[field][1]:
                    yield f"{section}: of `{field}` the page does not explain `{value}`"


def events(source):
    schema = json.loads(read(os.path.join(source, "tests/demos/event.schema.json")))
    text = read(os.path.join(source, "lib/report/README.md"), "r")
    sections = documented(text)
    kinds = [ref["$ref"].rpartition("/")[2] for ref in schema["oneOf"]]
    failures, n = [], 0
    for section, name in [("Every event", "event")] + [(kind, kind) for kind in kinds]:
        wanted = fields(schema, schema["$defs"][name])
        if name != "event":
            wanted.pop("kind")
        failures += differences(section, sections.pop(section, {}), wanted)
        n += len(wanted)
    failures += [f"{section}: is no kind of the schema" for section in sections]
    version = schema["$defs"]["start"]["properties"]["schema"]["const"]
    if f"the version of all this: {version} |" not in text or f"schema {version}" not in schema["title"]:
        failures.append(f"the version is {version} in the schema only")
    judge.fail_with(failures, "differences between the page and the schema")
    return f"{len(kinds)} kinds, {n} fields"


main(events)
