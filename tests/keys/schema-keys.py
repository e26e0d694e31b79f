#!/usr/bin/env python3
"""Lists the path of every key of the Compose Specification's JSON schema.

    tests/keys/schema-keys.py compose-spec.json COMMIT DATE > tests/keys/compose-spec-keys.txt

`*` stands for a name that the user chooses, `[]` for each element of a list.
"""
import json
import sys

schema = json.load(open(sys.argv[1]))
paths = set()


def resolved(node):
    while "$ref" in node:
        node = {**schema["definitions"][node["$ref"].rsplit("/", 1)[1]], **{k: v for k, v in node.items() if k != "$ref"}}
    return node


def walk(path, node):
    node = resolved(node)
    for alternative in node.get("oneOf", []) + node.get("anyOf", []):
        walk(path, alternative)
    for key, value in node.get("properties", {}).items():
        paths.add(".".join(path + [key]))
        walk(path + [key], value)
    for pattern, value in node.get("patternProperties", {}).items():
        if pattern != "^x-":
            walk(path + ["*"], value)
    if "items" in node:
        walk(path + ["[]"], node["items"])


walk([], schema)
print(f"# The keys of the Compose Specification's schema, of commit {sys.argv[2]} ({sys.argv[3]}).")
print("# Written by schema-keys.py, which stands beside.")
print("\n".join(sorted(paths)))
