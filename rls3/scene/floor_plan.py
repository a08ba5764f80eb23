"""What a floor plan's name says."""

import re

_ROOM_TYPES = {0: "kitchen", 2: "living room", 3: "bedroom", 4: "bathroom"}


def room_type(floor_plan: str) -> str:
    """By iTHOR's numbering: FloorPlan1-30 are kitchens, 201-230 living rooms, 301-330 bedrooms,
    401-430 bathrooms; another scene stands for itself."""
    match = re.fullmatch(r"FloorPlan(\d+)", floor_plan)
    return _ROOM_TYPES.get(int(match[1]) // 100, floor_plan) if match else floor_plan
