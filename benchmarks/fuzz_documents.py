"""Damages to the structure of JSON, XML and YAML: other types, deep nesting, bombs; only the standard library."""

import json
import re
from copy import deepcopy
from random import Random
from typing import Any
from xml.etree import ElementTree

from fuzz_bytes import NUMBERS, number

_VALUES = (None, True, False, 0, -1, 10**400, 1e308, float("nan"), float("inf"), "", "x", "\0", "\ud800", "../a.png", [], {}, [[]], [{}], {"": {}},
           [None], [[None, None]], "9" * 5000, [1e308, -1e308, 1e308, 1e308], [0.5] * 7, [[1, 2], [3]], {"a": [1]}, 1 << 63, -(1 << 63), [["1", "2"]] * 3, [True] * 4)  # fmt: skip


def damage_json(rng: Random, content: bytes, outside: str) -> bytes:
    try:
        root = [json.loads(content)]
    except (ValueError, RecursionError):
        return number(rng, content, outside)
    deep = ""
    for _ in range(rng.choice((1, 1, 2, 5))):
        holder, key = _any_place(rng, root)
        chosen = rng.randrange(7)
        if chosen == 0 and holder is not root:
            del holder[key]
        elif chosen == 1 and isinstance(holder, dict):
            holder[rng.choice(("", "id", "name", "points", "type", "x" * 2000, "\0"))] = holder.pop(key)
        elif chosen == 2:
            holder[key], deep = "@deep@", rng.choice(("[", '{"a":')) * rng.choice((40, 990, 5000, 100_000))
        elif chosen == 3:
            holder[key] = rng.choice(([holder[key]], {"a": holder[key]}, [holder[key]] * 9, str(holder[key])[:10_000]))
        elif chosen == 4:
            holder[key] = json.loads(json.dumps(rng.choice(_any_place(rng, root)[0:1])))
        else:
            holder[key] = deepcopy(rng.choice(_VALUES))
    close = deep and {"[": "]", "{": "1}"}[deep[0]]
    end = close.replace("1", "") * deep.count(deep[0]) if deep else ""
    return json.dumps(root[0]).replace('"@deep@"', deep + ("1" if deep.startswith("{") else "") + end).encode()


def _any_place(rng: Random, root: list[Any]) -> tuple[Any, Any]:
    holder, key = root, 0
    while isinstance(holder[key], dict | list) and holder[key] and rng.random() < 0.85:
        holder = holder[key]
        key = rng.choice(list(holder)) if isinstance(holder, dict) else rng.randrange(len(holder))
    return holder, key


def damage_xml(rng: Random, content: bytes, outside: str) -> bytes:
    if rng.random() < 0.35:
        laughs = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 12))
        kinds = ('<!ENTITY a0 "haha">' + laughs, f'<!ENTITY a11 SYSTEM "file://{outside}/secret.txt">', f'<!ENTITY % a SYSTEM "file://{outside}/secret.txt"> %a;',
                 f'<!ENTITY a11 "{"x" * 100_000}">', '<!ATTLIST annotation x CDATA "1">')  # fmt: skip
        body = re.sub(rb"^\s*<\?xml[^>]*>", b"", content)
        head = f"<!DOCTYPE annotation [{rng.choice(kinds)}]>".encode()
        return head + re.sub(rb">([\w .]{1,99})<", b">&a11;<", body, count=1)
    try:
        root = ElementTree.fromstring(content)
        for _ in range(rng.choice((1, 1, 3))):
            _damage_element(rng, rng.choice(list(root.iter())), outside)
        written = ElementTree.tostring(root)
    except (ElementTree.ParseError, ValueError, LookupError, RecursionError):
        return number(rng, content, outside)
    deep = rng.choice((0, 0, 0, 2000, 100_000))
    return written.replace(b"</", b"<a>" * deep + b"</a>" * deep + b"</", 1)


def _damage_element(rng: Random, element: Any, outside: str) -> None:
    hostile = rng.choice((*NUMBERS, "a b", "../a.png", "1;2;3", "1,2;3", outside)).replace("\0", "")
    children = list(element)
    chosen = rng.randrange(6)
    if chosen == 0 and children:
        element.remove(rng.choice(children))
    elif chosen == 1 and children:
        element.extend([rng.choice(children)] * rng.choice((1, 50)))
    elif chosen == 2:
        element.tag = rng.choice(("object", "a", "{http://x}y", "image", "polygon", "points", "bndbox"))
    elif chosen == 3 and element.attrib:
        element.attrib[rng.choice(list(element.attrib))] = hostile
    elif chosen == 4 and element.attrib:
        del element.attrib[rng.choice(list(element.attrib))]
    else:
        element.text = hostile


def damage_yaml(rng: Random, content: bytes, outside: str) -> bytes:
    bomb = b"a0: &a0 [x,x]\n" + b"".join(
        b"a%d: &a%d [%s]\n" % (i, i, b",".join([b"*a%d" % (i - 1)] * 9)) for i in range(1, 12)
    )
    lines = (bomb, b"names: " + b"[" * 5000, b"path: ../../outside\n", f"train: {outside}\n".encode(), b"names: {0: a, 0: b}\n", b"nc: 99999999999\n", b"names: 3\n",
             b"? [a]\n: 1\n", b"kpt_shape: [1e308, x]\n", b"names: {-1: a, 1000000000000: b}\n", b"<<: {a: 1}\n", b"names: {x: [a]}\n")  # fmt: skip
    return rng.choice((content + rng.choice(lines), rng.choice(lines) + content, rng.choice(lines)))
