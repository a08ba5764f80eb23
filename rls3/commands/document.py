"""Records as JSON documents for `--json`."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass


def json_text(value: object) -> str:
    """One JSON document; a number that is not finite (nothing was counted) is null."""
    return json.dumps(_plain(value), indent=1, allow_nan=False)


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
