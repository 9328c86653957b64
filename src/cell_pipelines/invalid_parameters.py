"""Sentences about parameters that do not fit what the pipelines' nodes expect."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from typing import Any, get_type_hints

from kedro.pipeline import Pipeline
from kedro.validation import TypeExtractor
from pydantic import BaseModel, TypeAdapter, ValidationError

# Of a Pydantic model, and of one of the library's data classes inside it.
_UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")


def describe_invalid_parameters(parameters: Mapping[str, Any], pipelines: Mapping[str, Pipeline]) -> str:
    """Return one sentence on all parameters that are unknown or out of range; empty where all are valid.

    Args:
        parameters: The study's, with those of the command.
        pipelines: Whose nodes' type hints say what is expected.
    """
    expected = TypeExtractor(dict(pipelines)).extract_types_from_pipelines()
    problems = [
        problem
        for name, model in sorted(expected.items())
        if isinstance(model, type) and (issubclass(model, BaseModel) or is_dataclass(model))
        for problem in _problems(name, model, parameters)
    ]
    return "; ".join(dict.fromkeys(problems))


def _problems(name: str, model: type, parameters: Mapping[str, Any]) -> Iterator[str]:
    value: Any = parameters
    for word in name.split("."):
        if not isinstance(value, Mapping) or word not in value:
            return
        value = value[word]
    try:
        TypeAdapter(model).validate_python(value)
    except ValidationError as error:
        for item in error.errors():
            where = ".".join([name, *map(str, item["loc"])])
            if item["type"] in _UNKNOWN:
                yield _describe_unknown(where, str(item["loc"][-1]), _known_names(model, item["loc"][:-1]))
            else:
                message = item["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ").rstrip(".")
                given = "" if isinstance(item["input"], Mapping) else f", got {item['input']!r}"
                yield f"parameter `{where}`: {message[:1].lower()}{message[1:]}{given}"


def _describe_unknown(where: str, word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=2)
    if close:
        return f"there is no parameter `{where}`; did you mean {' or '.join(f'`{name}`' for name in close)}?"
    return f"there is no parameter `{where}`; there are {', '.join(known)}"


def _known_names(model: type, location: tuple[int | str, ...]) -> list[str]:
    """Return the fields of the model or data class at a location inside another."""
    for word in location:
        kind = _fields(model).get(str(word))
        inner = _inner_model(kind)
        if kind is not None and inner is None:
            return []
        model = inner or model  # a number is the place in a list, whose model was taken with its field
    return sorted(_fields(model))


def _fields(model: type) -> dict[str, Any]:
    """Return the types of the fields of a model or data class by name."""
    if issubclass(model, BaseModel):
        return {name: field.annotation for name, field in model.model_fields.items()}
    return get_type_hints(model)


def _inner_model(annotation: Any) -> type | None:
    if isinstance(annotation, type) and (issubclass(annotation, BaseModel) or is_dataclass(annotation)):
        return annotation
    return next((m for part in getattr(annotation, "__args__", ()) if (m := _inner_model(part))), None)
