"""The actions, with AI2-THOR's names, argument names, defaults and error codes; each module registers its own."""

from embedded_thor.actions import agent, appearance, hand, objects, settings  # noqa: F401
from embedded_thor.actions.registry import ACTIONS, QUERIES, perform

__all__ = ["ACTIONS", "QUERIES", "perform"]
