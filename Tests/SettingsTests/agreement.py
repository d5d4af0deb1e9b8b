"""Holds configurations against the schema, and makes wrong ones of them.

    agreement.py SCHEMA DOCUMENTS RESULT

DOCUMENTS is JSON: [{"name": …, "instance": …, "whole": …, "mutate": …}]; of what is not whole,
keys may be missing. RESULT gets, as JSON:

    faults    of each document that the schema refuses, by its name
    sections  of each document: path of a mapping with known keys → the keys that the schema knows
    missed    keys of the schema that no document has
    misfits   defaults and examples that the schema itself refuses, and keys without a description
    mutants   of each document changed in one place so that the schema refuses it: what was done,
              the path of the place, and the document
"""

import copy
import json
import sys

import jsonschema


def joined(path, name):
    return f"{path}.{name}" if path else name


class Agreement:
    def __init__(self, schema):
        self.schema = schema
        self.validator = jsonschema.Draft202012Validator(schema)
        self.seen = set()

    def resolved(self, schema):
        while "$ref" in schema:
            target = self.schema
            for part in schema["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            schema = {**target, **{key: schema[key] for key in schema if key != "$ref"}}
        return schema

    def accepts(self, schema, value):
        return self.validator.evolve(schema={**schema, "$defs": self.schema["$defs"]}).is_valid(value)

    def chosen(self, schema, value):
        """The schema without alternatives that the value takes."""
        schema = self.resolved(schema)
        for branch in schema.get("anyOf", schema.get("oneOf", [])):
            if self.accepts(branch, value):
                return self.chosen(branch, value)
        return schema

    def nodes(self, schema, value, path="", steps=()):
        """Each value of a document with its place and the schema that it takes."""
        declared = schema
        schema = self.chosen(schema, value)
        yield path, steps, schema, value, declared
        if isinstance(value, dict):
            for key, inner in value.items():
                known = schema.get("properties", {})
                below = known.get(key, schema.get("additionalProperties"))
                if isinstance(below, dict):
                    yield from self.nodes(below, inner, joined(path, key), (*steps, key))
        elif isinstance(value, list) and "items" in schema:
            for index, inner in enumerate(value):
                yield from self.nodes(
                    schema["items"], inner, f"{path}[{index}]", (*steps, index))

    @staticmethod
    def isClosed(schema):
        return schema.get("additionalProperties") is False

    def sections(self, instance):
        found = {}
        for path, _, schema, value, _ in self.nodes(self.schema, instance):
            if isinstance(value, dict) and self.isClosed(schema):
                found[path] = sorted(schema["properties"])
                self.seen.update(id(schema["properties"][key]) for key in value)
        return found

    def missed(self):
        """Keys that no document has: of all mappings with known keys, wherever they stand."""
        missed = []

        def walk(schema, path):
            if not isinstance(schema, dict):
                return
            for key, inner in schema.get("properties", {}).items():
                if self.isClosed(schema) and id(inner) not in self.seen:
                    missed.append(f"{path}.{key}")
                walk(inner, f"{path}.{key}")
            for word in ("anyOf", "oneOf"):
                for branch in schema.get(word, []):
                    walk(branch, f"{path}({branch.get('title', '')})")
            for word in ("items", "additionalProperties"):
                walk(schema.get(word), f"{path}.*")

        walk(self.schema, "")
        for name, schema in self.schema["$defs"].items():
            walk(schema, name)
        return missed

    def misfits(self):
        misfits = []

        def walk(schema, path):
            if isinstance(schema, list):
                for index, inner in enumerate(schema):
                    walk(inner, f"{path}[{index}]")
            if not isinstance(schema, dict):
                return
            given = [schema["default"]] if "default" in schema else []
            for value in given + schema.get("examples", []):
                if not self.accepts(schema, value):
                    misfits.append(f"{path}: {value}")
            for key, inner in schema.get("properties", {}).items():
                if not inner.get("description"):
                    misfits.append(f"{path}.{key} has no description")
                walk(inner, f"{path}.{key}")
            for word in ("anyOf", "oneOf", "items", "additionalProperties"):
                walk(schema.get(word), f"{path}.*")

        walk(self.schema, "")
        for name, schema in self.schema["$defs"].items():
            walk(schema, name)
        return misfits

    # Of each value: what is wrong for all of its type, and what the schema says of it.
    def wrong(self, schema, value, declared):
        if isinstance(value, dict):
            yield "a list", [[1]]
            yield "text", "no-such-word"
            if self.isClosed(schema):
                yield "an unknown key", {**value, "no_such_key": 1}
                for key in schema.get("required", []):
                    yield f"no {key}", {k: v for k, v in value.items() if k != key}
        elif isinstance(value, list):
            yield "a mapping", {"no_such_key": 1}
            yield "no elements", []
        else:
            yield "a mapping", {"no_such_key": 1}
            yield "a list of lists", [[value]]
            yield "a word", "no-such-word"
            yield "an empty text", ""
            yield "a control character", "a\u0001b"
            if isinstance(value, str) and "://" in value:
                scheme = value.split("://")[0]
                for host in ("a:70000", "a:0", "a:", "", "[::1", "::1", "a b"):
                    yield f"the host {host!r}", f"{scheme}://{host}"
            if isinstance(value, int) and not isinstance(value, bool):
                for limit, step in (("minimum", -1), ("maximum", 1)):
                    if limit in schema:
                        yield f"beyond the {limit}", schema[limit] + step
                yield "a fraction", value + 0.5

    def mutants(self, instance):
        for path, steps, schema, value, declared in list(self.nodes(self.schema, instance)):
            for what, changed in self.wrong(schema, value, declared):
                if not steps or self.accepts(declared, changed):
                    continue
                document = copy.deepcopy(instance)
                place = document
                for step in steps[:-1]:
                    place = place[step]
                place[steps[-1]] = changed
                yield {"what": what, "path": path, "document": json.dumps(document)}


def main():
    schema, documents, result = sys.argv[1:]
    agreement = Agreement(json.load(open(schema)))
    jsonschema.Draft202012Validator.check_schema(agreement.schema)
    answer = {"faults": {}, "sections": {}, "mutants": []}
    for document in json.load(open(documents)):
        name, instance = document["name"], document["instance"]
        faults = [
            f"{fault.json_path}: {fault.message[:300]}"
            for fault in agreement.validator.iter_errors(instance)
            if document["whole"] or fault.validator != "required"
        ]
        if faults:
            answer["faults"][name] = faults
        answer["sections"][name] = agreement.sections(instance)
        if document["mutate"]:
            for mutant in agreement.mutants(instance):
                answer["mutants"].append({"name": name, **mutant})
    answer["missed"] = agreement.missed()
    answer["misfits"] = agreement.misfits()
    json.dump(answer, open(result, "w"))


main()
