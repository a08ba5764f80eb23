"""Records that describe what a room holds.

THOR's frame: left-handed, +y up, metres; yaw in degrees, clockwise seen from above.
"""

from dataclasses import dataclass, field, replace

import numpy as np

Vector3 = tuple[float, float, float]
AGENT_HEIGHT_M = 0.901  # of the agent's transform above the floor, whichever body it has


@dataclass(frozen=True)
class Material:
    """How a surface looks.

    Attributes:
        texture: name of a function in `things/textures.py`, or "" for plain colour.
        metres_per_tile: size of one repetition of the texture; mesh uv are in metres.
        emission: 0..1, for panes of light.
    """

    name: str
    rgb: Vector3
    texture: str = ""
    metres_per_tile: float = 1.0
    specular: float = 0.2
    shininess: float = 0.2
    emission: float = 0.0


@dataclass(frozen=True)
class Mesh:
    """Triangles with one material.

    Attributes:
        vertices, normals: (V, 3) float64. uv: (V, 2) float64, metres.
        faces: (F, 3) int32, clockwise seen from outside (left-handed frame).
    """

    vertices: np.ndarray
    faces: np.ndarray
    normals: np.ndarray
    uv: np.ndarray
    material: str


@dataclass(frozen=True)
class Surface:
    """A horizontal rectangle on which things can stand, in the furniture's own frame (metres)."""

    x0: float
    z0: float
    x1: float
    z1: float
    y: float
    clearance: float = 10.0


@dataclass(frozen=True)
class Leaf:
    """A lid, a door, a drawer: what turns or slides when its owner is opened.

    Attributes:
        meshes: as it stands shut, in the owner's frame.
        hinge: a point of the axis that it turns about, or slides along.
        angle_deg: by how much when open, about +axis as Unity counts (about +y: clockwise seen
            from above).
        slide_m: by how much when open, along +axis, if it does not turn.
    """

    meshes: tuple[Mesh, ...]
    hinge: Vector3
    axis: Vector3
    angle_deg: float = 0.0
    slide_m: float = 0.0

    def slid(self, openness: float) -> np.ndarray:
        """How far it has been drawn out, in the owner's frame (metres)."""
        return self.slide_m * openness * np.array(self.axis)

    def moved(self, openness: float) -> tuple[Mesh, ...]:
        """Its meshes as they stand when open so far, in the owner's frame."""
        if self.slide_m:
            return tuple(replace(m, vertices=m.vertices + self.slid(openness)) for m in self.meshes)
        angle, (x, y, z) = np.radians(self.angle_deg * openness), self.axis
        cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
        turn = (np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross).T
        return tuple(
            replace(
                m, vertices=(m.vertices - self.hinge) @ turn + self.hinge, normals=m.normals @ turn
            )
            for m in self.meshes
        )


@dataclass(frozen=True)
class Opening:
    """How something looks when it is not as its own meshes show it.

    Attributes:
        body: what does not move. leaves: what does.
        inside: surfaces that things can stand on while it is open; of what slides, as when shut.
        at_first: the openness after Reset, which the owner's own meshes show.
        way: whether one can walk through it while it is open.
    """

    body: tuple[Mesh, ...]
    leaves: tuple[Leaf, ...]
    inside: tuple[Surface, ...] = ()
    at_first: float = 0.0
    way: bool = False

    def meshes(self, openness: float) -> tuple[Mesh, ...]:
        """All of it, open so far."""
        return self.body + tuple(mesh for leaf in self.leaves for mesh in leaf.moved(openness))

    def slid(self, openness: float) -> np.ndarray:
        """How far what lies in it has been drawn out, in the owner's frame (metres)."""
        return self.leaves[0].slid(openness) if self.leaves else np.zeros(3)

    def inside_at(self, openness: float) -> tuple[Surface, ...]:
        """`inside` when it is open so far."""
        x, y, z = map(float, self.slid(openness))
        return tuple(
            replace(s, x0=s.x0 + x, x1=s.x1 + x, y=s.y + y, z0=s.z0 + z, z1=s.z1 + z)
            for s in self.inside
        )

    def corners(self, openness: float) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest corner of its box in the owner's frame."""
        points = np.concatenate([mesh.vertices for mesh in self.meshes(openness)])
        return points.min(axis=0), points.max(axis=0)


@dataclass(frozen=True)
class Switch:
    """What toggling changes: the meshes of one material are drawn in another, or ("") not at all.

    Attributes:
        material: of those meshes. on, off: what they are drawn in.
        at_first: whether it is on after Reset.
        light: share of a room's light from everywhere that is gone while it is off.
    """

    material: str
    on: str
    off: str
    at_first: bool
    light: float = 0.0


@dataclass(frozen=True)
class Furniture:
    """A piece that stays where it is.

    Its meshes are in its own frame: origin on the floor under its centre, front to +z.

    Attributes:
        size: extents of its box (x, y, z).
        bottom: height of the box's lower face (0 unless it hangs on a wall).
        blocks: whether the agent and other furniture keep off its footprint.
        opening, switch: how it opens and what toggling changes, if it does.
        parts: doors, drawers and knobs that are objects of their own.
        carcass: what is left without them, hollow; `meshes` is all of it, shut and off.
    """

    type: str
    meshes: tuple[Mesh, ...]
    size: Vector3
    surfaces: tuple[Surface, ...] = ()
    blocks: bool = True
    bottom: float = 0.0
    opening: Opening | None = None
    switch: Switch | None = None
    parts: tuple["Part", ...] = ()
    carcass: tuple[Mesh, ...] = ()


@dataclass(frozen=True)
class Part:
    """A door, a drawer or a knob of a piece.

    Attributes:
        furniture: in its own frame, which is turned as the piece's is.
        position: of its origin in the piece's frame (metres).
        glow: meshes of the piece, in its frame, that are drawn while the part is toggled on.
    """

    furniture: Furniture
    position: Vector3
    glow: tuple[Mesh, ...] = ()


@dataclass(frozen=True)
class Placed:
    """A piece of furniture in a room, its origin at `position`; its objectId if that is given."""

    name: str
    furniture: Furniture
    position: Vector3
    yaw_deg: float
    object_id: str = ""


@dataclass(frozen=True)
class Asset:
    """A pickupable object's shape.

    Meshes carry the material name "color" where the instance's colour goes.

    Attributes:
        name: the type and the number of the shape ("Mug_2"), AI2-THOR's assetId.
        size: extents (x, y, z). The pivot is the centre of the bottom face.
        mass_kg, salient_materials, flags: as AI2-THOR reports them.
        surfaces: what things can stand on in it.
        opening, switch: how it opens and what toggling changes, if it does.
    """

    type: str
    meshes: tuple[Mesh, ...]
    size: Vector3
    mass_kg: float
    salient_materials: tuple[str, ...] = ("Ceramic",)
    flags: frozenset[str] = frozenset()
    name: str = ""
    opening: Opening | None = None
    switch: Switch | None = None
    surfaces: tuple[Surface, ...] = ()


@dataclass(frozen=True)
class ObjectInstance:
    """One object of a room, and where it stands after Reset.

    Attributes:
        name: "<Type>_<Color>_<n>". object_id: its objectId if that is given.
    """

    name: str
    asset: Asset
    color: str
    position: Vector3
    yaw_deg: float
    object_id: str = ""


@dataclass(frozen=True)
class Room:
    """A floor plan, or a whole house.

    Attributes:
        minimum, maximum: interior box, metres. shell: meshes of floor, walls and ceiling.
        sun: direction in which the key light travels. ambient: share of light from everywhere.
        extent_m: half of the size that light and depth are made for.
        floors: outlines (x, z) of the rooms of a house; a floor plan's is its box.
    """

    name: str
    kind: str
    minimum: Vector3
    maximum: Vector3
    shell: tuple[Mesh, ...]
    furniture: tuple[Placed, ...]
    objects: tuple[ObjectInstance, ...]
    materials: dict[str, Material]
    sun: Vector3
    ambient: float
    agent_position: Vector3
    agent_yaw_deg: float
    rug: Mesh | None = field(default=None)
    extent_m: float = 4.0
    floors: tuple[tuple[tuple[float, float], ...], ...] = ()

    @property
    def center(self) -> Vector3:
        """Of the floor."""
        return (
            (self.minimum[0] + self.maximum[0]) / 2,
            0.0,
            (self.minimum[2] + self.maximum[2]) / 2,
        )
