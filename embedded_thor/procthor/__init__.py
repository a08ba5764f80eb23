"""ProcTHOR houses: the JSON that CreateHouse takes (AI2-THOR's house schema 1.0.0), as a Room."""

from embedded_thor.procthor.house import PROCEDURAL, empty_room, house_room
from embedded_thor.procthor.schema import BadHouse

__all__ = ["PROCEDURAL", "BadHouse", "empty_room", "house_room"]
