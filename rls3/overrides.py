"""Groups of parameters within groups: setting one key of them, and saying in one sentence what is
wrong with one. Knows no parameter; the record that holds them all is handed in."""

import difflib
from collections.abc import Collection
from typing import Any

import yaml
from pydantic import BaseModel
from pydantic_core import ErrorDetails

from rls3.errors import ParamsError


def apply_override(raw: dict[str, Any], override: str, model: type[BaseModel]) -> None:
    """Set what `group.key=value` names, however deep the group lies.

    Args:
        raw: the groups as read from YAML. model: the record that they shall become.
    Raises: ParamsError if it is not of that form, or names a group that there is not.
    """
    path, equals, text = override.partition("=")
    *groups, key = path.strip().split(".")
    if not equals or not groups:
        raise ParamsError(
            f"-S {override!r} is not of the form group.key=value, e.g. -S campaign.rounds=2"
        )
    inner = raw
    for depth, group in enumerate(groups):
        if _group_below(_group_at(groups[:depth], model), group) is None:
            raise ParamsError(f"-S {override!r}: {_no_group(groups[:depth], group, model)}")
        if not isinstance(inner.get(group), dict):
            inner[group] = {}
        inner = inner[group]
    try:
        inner[key] = yaml.safe_load(text)
    except yaml.YAMLError:
        raise ParamsError(
            f"-S {override!r}: the value {text!r} is not valid YAML; quote it"
        ) from None


def _no_group(outer: list[str], name: str, model: type[BaseModel]) -> str:
    """What is wrong with a path through `outer` to a group of that name."""
    around, full_name = _group_at(outer, model), ".".join([*outer, name])
    if name in around.model_fields:
        return f"{full_name!r} is a value, not a group; leave out what follows it"
    groups = [field for field in around.model_fields if _group_below(around, field)]
    return f"unknown group {full_name!r}{_nearest(name, groups or list(around.model_fields))}"


def sentence(problem: ErrorDetails, model: type[BaseModel]) -> str:
    """A problem that pydantic found in groups of parameters, as one sentence with a way out."""
    location = [str(part) for part in problem["loc"]]
    key, value = ".".join(location), problem.get("input")
    if problem["type"] == "extra_forbidden":
        around = _group_at(location[:-1], model)
        nearest = _nearest(location[-1], list(around.model_fields), _keys_within(around))
        return f"unknown key {key!r} (value {value!r}){nearest}"
    if problem["type"] == "missing":
        return (
            f"{key!r} is missing; add it (the repository's params.yaml has a value for every key)"
        )
    if problem["type"] == "value_error":
        return problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "model_type":
        example = next(iter(_group_at(location, model).model_fields))
        return f"{key} = {value!r} is not allowed: it is a group; name a key of it: {key}.{example}"
    return f"{key} = {value!r} is not allowed: {problem['msg'][0].lower()}{problem['msg'][1:]}"


def _group_at(location: list[str], model: type[BaseModel]) -> type[BaseModel]:
    """The record of a group of parameters; of the innermost one that there is on the way."""
    for name in location:
        model = _group_below(model, name) or model
    return model


def _group_below(model: type[BaseModel], name: str) -> type[BaseModel] | None:
    field = model.model_fields.get(name)
    inner = field.annotation if field is not None else None
    return inner if isinstance(inner, type) and issubclass(inner, BaseModel) else None


def _keys_within(model: type[BaseModel]) -> list[str]:
    """The keys of its groups, as `group.key`."""
    groups = {name: _group_below(model, name) for name in model.model_fields}
    return [
        f"{name}.{key}" for name, group in groups.items() if group for key in group.model_fields
    ]


def _nearest(name: str, names: Collection[str], further: Collection[str] = ()) -> str:
    """The way out of a wrong name: the one that was meant, of these or of those further in."""
    close = difflib.get_close_matches(name, [*names, *further], n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(sorted(names))}"
