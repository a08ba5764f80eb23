"""What an action is, and how one is performed.

An action is a function of the session and its arguments; its signature is the whole truth about them. `perform` refuses
an unknown action (InvalidAction), a missing argument (MissingArguments), and an unknown or ill-typed one
(InvalidArgument), as Unity does, so that code which passes here passes there.
"""

import inspect
import logging
from collections.abc import Callable
from functools import cache
from typing import Any, get_args

import numpy as np

from embedded_thor.session import ActionFailed, Outcome, Session

# Arguments that every action of AI2-THOR takes (DynamicServerAction in its AgentManager.cs), and `sceneName`, which the
# Controller adds.
_ENVELOPE = {
    "action",
    "sequenceId",
    "renderImage",
    "agentId",
    "sceneName",
    "renderObjectImage",
    "renderClassImage",
    "renderNormalsImage",
    "renderInstanceSegmentation",
}
# Old names that the Controller sends beside the new ones.
_DEPRECATED = {"continuous", "continuousMode"}
_LARGEST = 1e6  # of any number; nan and infinity are not below it
logger = logging.getLogger(__name__)
ACTIONS: dict[str, Callable[..., Any]] = {}
QUERIES: set[str] = set()
Position = dict[str, float]


def action(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function an action: `move_ahead` is MoveAhead."""
    name = "".join(word.capitalize() for word in function.__name__.split("_"))
    ACTIONS[name] = function
    return function


def query(function: Callable[..., Any]) -> Callable[..., Any]:
    """An action that changes nothing: with fastActionEmit its answer is a patch of the last one."""
    action(function)
    QUERIES.add(next(name for name, known in ACTIONS.items() if known is function))
    return function


def takes_without_effect(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Arguments that AI2-THOR's action has, and that change nothing here."""

    def mark(function: Callable[..., Any]) -> Callable[..., Any]:
        function.without_effect = frozenset(names)
        return function

    return mark


def perform(session: Session, message: dict[str, Any]) -> None:
    """Run one action; its end is left in `session.outcome`. Never raises for what a client may send."""
    name = message.get("action")
    outcome = Outcome(action=str(name))
    session.ids_on = (
        session.ids_always or message.get("renderInstanceSegmentation") is True
    )  # for this answer
    try:
        _select_agent(session, message.get("agentId", 0))
        function = ACTIONS.get(name) if isinstance(name, str) else None
        if function is None:
            raise ActionFailed(
                f"Invalid action: {name!r}. Known actions: {', '.join(sorted(ACTIONS))}",
                "InvalidAction",
            )
        beside = _beside(function)
        arguments = {key: value for key, value in message.items() if key not in beside}
        outcome.value = function(session, **_checked(name, function, arguments))
    except ActionFailed as failure:
        outcome.success, outcome.message, outcome.code = False, str(failure), failure.code
    except (
        Exception
    ) as error:  # a mistake of ours must not take the client's scene down; AI2-THOR answers so, too
        logger.exception("%s failed", name)
        outcome.success, outcome.code = False, "UnhandledException"
        outcome.message = f"{type(error).__name__}: {error}"
    session.carry()
    session.agent.outcome = outcome


def _select_agent(session: Session, number: Any) -> None:
    if not isinstance(number, int) or not 0 <= number < len(session.agents):
        raise ActionFailed(
            f"agentId = {number!r} is not in 0..{len(session.agents) - 1}", "InvalidArgument"
        )
    session.active_agent = number


@cache
def _parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Those of an action, without the session."""
    return dict(list(inspect.signature(function).parameters.items())[1:])


@cache
def _beside(function: Callable[..., Any]) -> frozenset[str]:
    """What a message may hold beside the arguments of its action."""
    allowed = _ENVELOPE | _DEPRECATED | getattr(function, "without_effect", frozenset())
    return frozenset(allowed - set(_parameters(function)))


def _checked(name: str, function: Callable[..., Any], arguments: dict[str, Any]) -> dict[str, Any]:
    parameters = _parameters(function)
    unknown = [key for key in arguments if key not in parameters]
    if unknown:
        raise ActionFailed(
            f"{name} got invalid argument {unknown[0]!r}. Valid: {', '.join(parameters) or 'none'}",
            "InvalidArgument",
        )
    missing = [
        key for key, p in parameters.items() if p.default is p.empty and key not in arguments
    ]
    if missing:
        raise ActionFailed(f"{name} is missing argument {missing[0]!r}", "MissingArguments")
    for key, value in arguments.items():
        wanted = parameters[key].annotation
        if value is None and parameters[key].default is not parameters[key].empty:
            continue
        if not fits(value, wanted):
            raise ActionFailed(
                f"{name}: argument {key!r} = {value!r} is not of type {getattr(wanted, '__name__', wanted)}, or too large",
                "InvalidArgument",
            )
    return {
        key: value
        for key, value in arguments.items()
        if value is not None or parameters[key].default is None
    }


def fits(value: Any, wanted: Any) -> bool:
    options = get_args(wanted) if not hasattr(wanted, "__origin__") else ()
    if options:
        return any(fits(value, option) for option in options)
    if wanted is float:
        return (
            isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST
        )
    if wanted is int:
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**31
    if wanted == Position:
        return (
            isinstance(value, dict)
            and set(value) <= set("xyz")
            and all(fits(v, float) for v in value.values())
        )
    return isinstance(value, getattr(wanted, "__origin__", wanted))


def xyz(position: Position) -> np.ndarray:
    try:
        return np.array([float(position[axis]) for axis in "xyz"])
    except KeyError as missing:
        raise ActionFailed(f"position {position} lacks {missing}", "InvalidArgument") from None
