"""What an action is, and how one is performed.

An action is a function of the session and its arguments; its signature is the whole truth about
them. `perform` refuses an unknown action (InvalidAction), a missing argument (MissingArguments),
and an unknown or ill-typed one (InvalidArgument), as Unity does, so that code which passes here
passes there.
"""

import inspect
import logging
from collections.abc import Callable, Mapping
from functools import cache
from types import UnionType
from typing import get_args

import numpy as np

from embedded_thor.outcome import ActionFailed, Outcome
from embedded_thor.session import Session

# Arguments that every action of AI2-THOR takes (DynamicServerAction in its AgentManager.cs), and
# `sceneName`, which the Controller adds.
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
Action = Callable[..., object]  # the session, then what the client sends; what it returns goes out
Message = Mapping[str, object]  # as JSON came in
Position = dict[str, float]
ACTIONS: dict[str, Action] = {}
QUERIES: set[str] = set()


def action(function: Action) -> Action:
    """Make a function an action: `move_ahead` is MoveAhead."""
    ACTIONS[_name_of(function)] = function
    return function


def query(function: Action) -> Action:
    """An action that changes nothing.

    With fastActionEmit its answer is a patch of the last one.
    """
    QUERIES.add(_name_of(function))
    return action(function)


def _name_of(function: Action) -> str:
    return "".join(word.capitalize() for word in function.__name__.split("_"))


def takes_without_effect(*names: str) -> Callable[[Action], Action]:
    """Arguments that AI2-THOR's action has, and that change nothing here."""

    def mark(function: Action) -> Action:
        function.without_effect = frozenset(names)
        return function

    return mark


def perform(session: Session, message: Message) -> None:
    """Run one action; how it ends is left with the agent that acts.

    Never raises for what a client may send.
    """
    name = message.get("action")
    outcome = Outcome(action=str(name))
    asked_for_ids = message.get("renderInstanceSegmentation") is True  # for this answer
    session.ids_on = session.ids_always or asked_for_ids
    try:
        outcome.value = _performed(session, message)
    except ActionFailed as failure:
        outcome.success, outcome.message, outcome.code = False, str(failure), failure.code
    except Exception as error:
        # a mistake of ours must not take the client's scene down; AI2-THOR answers so, too
        logger.exception("%s failed", name)
        outcome.success, outcome.code = False, "UnhandledException"
        outcome.message = f"{type(error).__name__}: {error}"
    session.carry()
    session.agent.outcome = outcome


def _performed(session: Session, message: Message) -> object:
    """What the action returns. Raises: ActionFailed."""
    name = message.get("action")
    _select_agent(session, message.get("agentId", 0))
    function = ACTIONS.get(name) if isinstance(name, str) else None
    if function is None:
        known = ", ".join(sorted(ACTIONS))
        raise ActionFailed(f"Invalid action: {name!r}. Known actions: {known}", "InvalidAction")
    beside = _beside(function)
    arguments = {key: value for key, value in message.items() if key not in beside}
    return function(session, **_checked(name, function, arguments))


def _select_agent(session: Session, number: object) -> None:
    if not isinstance(number, int) or not 0 <= number < len(session.agents):
        raise ActionFailed(
            f"agentId = {number!r} is not in 0..{len(session.agents) - 1}", "InvalidArgument"
        )
    session.active_agent = number


@cache
def _parameters(function: Action) -> dict[str, inspect.Parameter]:
    """Those of an action, without the session."""
    return dict(list(inspect.signature(function).parameters.items())[1:])


@cache
def _beside(function: Action) -> frozenset[str]:
    """What a message may hold beside the arguments of its action."""
    allowed = _ENVELOPE | _DEPRECATED | getattr(function, "without_effect", frozenset())
    return frozenset(allowed - set(_parameters(function)))


def _checked(name: str, function: Action, arguments: dict[str, object]) -> dict[str, object]:
    """The arguments to call it with. Raises: ActionFailed if they do not fit its signature."""
    parameters = _parameters(function)
    unknown = [key for key in arguments if key not in parameters]
    if unknown:
        raise ActionFailed(
            f"{name} got invalid argument {unknown[0]!r}. Valid: {', '.join(parameters) or 'none'}",
            "InvalidArgument",
        )
    required = [
        key for key, parameter in parameters.items() if parameter.default is parameter.empty
    ]
    missing = [key for key in required if key not in arguments]
    if missing:
        raise ActionFailed(f"{name} is missing argument {missing[0]!r}", "MissingArguments")
    for key, value in arguments.items():
        wanted = parameters[key].annotation
        if value is None and key not in required:
            continue
        if not fits(value, wanted):
            wanted = getattr(wanted, "__name__", wanted)
            raise ActionFailed(
                f"{name}: argument {key!r} = {value!r} is not of type {wanted}, or too large",
                "InvalidArgument",
            )
    return {
        key: value
        for key, value in arguments.items()
        if value is not None or parameters[key].default is None
    }


def fits(value: object, wanted: type | UnionType) -> bool:
    """Whether a value that came as JSON is of the type of an argument."""
    if isinstance(wanted, UnionType):
        return any(fits(value, option) for option in get_args(wanted))
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if wanted is float:
        return is_number and abs(value) < _LARGEST
    if wanted is int:
        return is_number and isinstance(value, int) and abs(value) < 2**31
    if wanted == Position:
        return (
            isinstance(value, dict)
            and set(value) <= set("xyz")
            and all(fits(v, float) for v in value.values())
        )
    return isinstance(value, getattr(wanted, "__origin__", wanted))


def xyz(position: Position) -> np.ndarray:
    """Raises: ActionFailed if a coordinate is missing."""
    try:
        return np.array([float(position[axis]) for axis in "xyz"])
    except KeyError as missing:
        raise ActionFailed(f"position {position} lacks {missing}", "InvalidArgument") from None
