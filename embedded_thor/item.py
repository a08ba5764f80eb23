"""One object, piece of furniture, door, drawer or knob of a world, and its state.

THOR's frame, metres.
"""

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
        position: pivot (centre of the bottom face at rotation zero), world, metres.
        rotation: Unity Euler degrees.
        asset, placed: what it is, an object or a piece of furniture; the floor is neither.
        openness, toggled: set by `World.open` and `World.toggle`.
        moving: whether it was not at rest when it was last let go.
        kinematic: whether it was put to stay as it is (placeStationary, forceKinematic, in a hand),
            so that nothing moves it.
        part_of: name of the piece of furniture that it is a door, drawer or knob of.
        part_names: of the parts of such a piece. apart: whether one of them is open or on, so that
            the piece is drawn as carcass and parts.
        body, shut_geoms, open_geoms, switch_geoms, leaf_joints: MuJoCo's; shut_geoms are of its own
            meshes, as it is shut, or whole; open_geoms as it is open, or its carcass; leaf_joints
            are addresses in qpos.
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
    shut_geoms: list[int] = field(default_factory=list)
    open_geoms: list[int] = field(default_factory=list)
    switch_geoms: list[int] = field(default_factory=list)
    leaf_joints: list[int] = field(default_factory=list)

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
        if self.opening is None:
            return True
        return bool(self.meshes) and self.openness == self.opening.at_first

    def bind_like(self, other: "Item") -> None:
        """Take over what is MuJoCo's from the same item of another world."""
        self.body, self.leaf_joints = other.body, other.leaf_joints
        self.shut_geoms, self.open_geoms = other.shut_geoms, other.open_geoms
        self.switch_geoms = other.switch_geoms

    def move(self, position: np.ndarray, rotation: Vector3) -> None:
        """Set the pose, and what follows from it.

        That is `matrix` (3, 3), `corners` (8, 3) of the oriented box and `foot`, the point below
        its middle (world, metres).
        """
        self.position, self.rotation, self.moving = np.array(position, float), rotation, False
        self.matrix = euler_to_matrix(*rotation)
        self.fixed_metadata: dict[str, object] | None = None  # made by listing.py when asked for
        self._seen_points: np.ndarray | None = None
        self.corners = self.position + self._own_corners() @ self.matrix.T
        x, _, z = self.corners.mean(axis=0)
        self.foot = np.array([x, self.corners[:, 1].min(), z])

    def _own_corners(self) -> np.ndarray:
        """(8, 3) of its box as far open as it is, in its own frame."""
        if not self.as_made:
            low, high = self.opening.corners(self.openness)
            return (low + high) / 2 + _CORNER_SIGNS * (high - low)
        bottom = self.placed.furniture.bottom if self.placed else 0.0
        middle = np.array([0.0, self.size[1] / 2 + bottom, 0.0])
        return _CORNER_SIGNS * np.asarray(self.size) + middle

    @property
    def seen_points(self) -> np.ndarray:
        """(9, 3): the middle of its box, and points towards its corners.

        It is seen where one of them is.
        """
        if self._seen_points is None:
            center = self.corners.mean(axis=0)
            self._seen_points = np.vstack([center, center + 0.6 * (self.corners - center)])
        return self._seen_points


def object_id(type_: str, position: np.ndarray) -> str:
    """AI2-THOR's form: Type|+00.10|+00.90|-01.20."""
    return type_ + "|" + "|".join(f"{value:+06.2f}" for value in position)
