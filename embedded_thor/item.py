"""One object, piece of furniture, door, drawer or knob of a world, and its state. THOR's frame, metres."""

import itertools
from dataclasses import dataclass, field

import numpy as np

from embedded_thor.coords import euler_to_matrix
from embedded_thor.records import Asset, Mesh, Opening, Placed, Switch, Vector3

_CORNER_SIGNS = np.array(list(itertools.product((-0.5, 0.5), repeat=3)))


@dataclass(eq=False)
class Item:
    """One object or piece of furniture: what it is, where it is, whether it is there.

    Attributes:
        position: pivot (centre of the bottom face at rotation zero), world, metres. rotation: Unity Euler degrees.
        openness, toggled: set by `World.open` and `World.toggle`. moving: whether it was not at rest when it was last let go.
        kinematic: whether it was put to stay as it is (placeStationary, forceKinematic, in a hand), so that nothing moves it.
        part_of: name of the piece of furniture that it is a door, drawer or knob of. apart: of such a piece, whether one of
            its parts is open or on, so that it is drawn as carcass and parts.
    """

    name: str
    type: str
    object_id: str
    size: Vector3
    position: np.ndarray
    rotation: Vector3
    pickupable: bool
    asset: Asset | None = None
    placed: Placed | None = None
    active: bool = True
    openness: float = 0.0
    toggled: bool = False
    moving: bool = False
    kinematic: bool = False
    part_of: str = ""
    part_names: tuple[str, ...] = ()
    apart: bool = False
    body: int = 0
    shut_geoms: list[int] = field(
        default_factory=list
    )  # of its own meshes: as it is shut, or whole
    open_geoms: list[int] = field(default_factory=list)  # as it is open, or its carcass
    switch_geoms: list[int] = field(default_factory=list)
    leaf_joints: list[int] = field(default_factory=list)  # addresses in qpos

    def __post_init__(self) -> None:
        self.move(self.position, self.rotation)

    @property
    def meshes(self) -> tuple[Mesh, ...]:
        return self.asset.meshes if self.asset else self.placed.furniture.meshes

    @property
    def opening(self) -> Opening | None:
        return self.asset.opening if self.asset else self.placed and self.placed.furniture.opening

    @property
    def switch(self) -> Switch | None:
        return self.asset.switch if self.asset else self.placed and self.placed.furniture.switch

    @property
    def as_made(self) -> bool:
        """Whether its own meshes show how far it is open."""
        return self.opening is None or (
            bool(self.meshes) and self.openness == self.opening.at_first
        )

    def move(self, position: np.ndarray, rotation: Vector3) -> None:
        """Set the pose, and what follows from it: `matrix` (3, 3), `corners` (8, 3) of the oriented box and
        `foot`, the point below its middle (world, metres)."""
        self.position, self.rotation, self.moving = np.array(position, float), rotation, False
        self.matrix = euler_to_matrix(*rotation)
        self.fixed_metadata: dict | None = None  # made by metadata.py when asked for
        self._seen_points: np.ndarray | None = None
        bottom = self.placed.furniture.bottom if self.placed else 0.0
        own = _CORNER_SIGNS * np.asarray(self.size) + np.array(
            [0.0, self.size[1] / 2 + bottom, 0.0]
        )
        if not self.as_made:
            low, high = self.opening.corners(self.openness)
            own = (low + high) / 2 + _CORNER_SIGNS * (high - low)
        self.corners = self.position + own @ self.matrix.T
        x, _, z = self.corners.mean(axis=0)
        self.foot = np.array([x, self.corners[:, 1].min(), z])

    @property
    def seen_points(self) -> np.ndarray:
        """(9, 3): the middle of its box, and points towards its corners; it is seen where one of them is."""
        if self._seen_points is None:
            center = self.corners.mean(axis=0)
            self._seen_points = np.vstack([center, center + 0.6 * (self.corners - center)])
        return self._seen_points


def object_id(type_: str, position: np.ndarray) -> str:
    """AI2-THOR's form: Type|+00.10|+00.90|-01.20."""
    return type_ + "|" + "|".join(f"{value:+06.2f}" for value in position)
