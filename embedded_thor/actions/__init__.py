"""The actions, with AI2-THOR's names, argument names, defaults and error codes.

Each module registers its own when it is imported.
"""

from embedded_thor.actions import agent, appearance, hand, objects, settings  # noqa: F401
from embedded_thor.actions.registry import ACTIONS, QUERIES, perform

__all__ = ["ACTIONS", "QUERIES", "perform"]
