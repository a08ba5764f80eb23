"""The records that stages hand to each other.

World frame everywhere: AI2-THOR's. Left-handed, +y up, metres; yaw in degrees about +y, clockwise
seen from above (yaw 0 looks along +z, yaw 90 along +x); horizon in degrees, positive looks down.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Protocol

import numpy as np

Vector3 = tuple[float, float, float]

# Specs are rounded to a tenth of a millimetre (and of a millidegree), so that JSON text and hash
# are stable.
_DECIMALS = 4


def _rounded(vector: Vector3) -> Vector3:
    return tuple(round(float(v), _DECIMALS) + 0.0 for v in vector)  # + 0.0 turns -0.0 into 0.0


@dataclass(frozen=True, order=True)
class Kind:
    """What a thing is called: AI2-THOR's object type ("Mug") and a colour word ("red"; "" where
    none is known)."""

    type: str
    color: str = ""


@dataclass(frozen=True)
class Placement:
    """One wanted object.

    Attributes:
        position: the point on the support below the centre of the object's box (world, metres). Not
            the asset's pivot, which is arbitrary in AI2-THOR; the client works the pivot out.
        yaw_deg: rotation about +y, clockwise from above.
    """

    kind: Kind
    position: Vector3
    yaw_deg: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "position", _rounded(self.position))
        object.__setattr__(self, "yaw_deg", round(float(self.yaw_deg) % 360.0, _DECIMALS))


@dataclass(frozen=True)
class Viewpoint:
    """Where the agent (whose head camera takes the picture) shall stand and look.

    Attributes:
        x, z: floor position in metres.
        yaw_deg: heading. horizon_deg: positive looks down, AI2-THOR allows -30..60.
        standing: eye at about 1.575 m if True, at about 0.9 m if crouched.
        fov_deg: vertical field of view.
    """

    x: float
    z: float
    yaw_deg: float
    horizon_deg: float = 30.0
    standing: bool = True
    fov_deg: float = 60.0

    def __post_init__(self) -> None:
        for name in ("x", "z", "yaw_deg", "horizon_deg", "fov_deg"):
            object.__setattr__(self, name, round(float(getattr(self, name)), _DECIMALS) + 0.0)


@dataclass(frozen=True)
class SceneSpec:
    """A wanted scene, independent of resolution and renderer. JSON in, JSON out; its hash is the
    sample's id.

    Attributes:
        floor_plan: AI2-THOR's scene name, e.g. "FloorPlan201".
        placements: the active objects. By convention 0 is the intended subject, 1 the intended
            reference, others are company.
        light_seed, material_seed: 0 keeps the floor plan's own light and materials.
    """

    floor_plan: str
    placements: tuple[Placement, ...]
    viewpoint: Viewpoint
    light_seed: int = 0
    material_seed: int = 0

    def to_json(self) -> str:
        """Canonical JSON: sorted keys, no spaces."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))

    @staticmethod
    def from_json(text: str) -> "SceneSpec":
        raw = json.loads(text)
        placements = tuple(
            Placement(Kind(**p["kind"]), tuple(p["position"]), p["yaw_deg"])
            for p in raw["placements"]
        )
        return SceneSpec(
            raw["floor_plan"],
            placements,
            Viewpoint(**raw["viewpoint"]),
            raw["light_seed"],
            raw["material_seed"],
        )

    @property
    def hash(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of the canonical JSON."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Box:
    """A box that stands upright: centre (world, metres), full extents along its own x, y, z, and
    yaw."""

    center: Vector3
    size: Vector3
    yaw_deg: float = 0.0


@dataclass(frozen=True)
class Camera:
    """The camera as measured: eye position (world, metres), heading, horizon (positive down),
    vertical field of view."""

    position: Vector3
    yaw_deg: float
    horizon_deg: float
    fov_deg: float


@dataclass(frozen=True)
class SceneObject:
    """One active object as the simulator reports it.

    Attributes:
        object_id, name: AI2-THOR's `objectId` and `name`.
        kind: its type and colour.
        box: measured oriented box.
        visible_px: pixels of its instance mask; 0 before rendering.
        box_px: (x0, y0, x1, y1) of the mask, pixels, x1 and y1 exclusive, y down; None before
            rendering or if unseen.
        parent: object type of the receptacle that carries it ("Floor", "DiningTable"; "" if none).
    """

    object_id: str
    name: str
    kind: Kind
    box: Box
    visible_px: int = 0
    box_px: tuple[int, int, int, int] | None = None
    parent: str = ""


@dataclass(frozen=True)
class Scene:
    """A realised scene: what the simulator measured for a SceneSpec.

    Attributes:
        objects: in the order of `spec.placements`.
        image: (H, W, 3) uint8 RGB, read-only; None when only measured.
        simulator: label of the backend, e.g. "embedded-thor 0.1.0" or "ai2thor-unity 5.0.0".
    """

    spec: SceneSpec
    camera: Camera
    objects: tuple[SceneObject, ...]
    image: np.ndarray | None = field(default=None, compare=False)
    simulator: str = ""


@dataclass(frozen=True)
class Surface:
    """A place where things can stand: a receptacle's top, or the floor.

    Attributes:
        receptacle_id, receptacle_type: AI2-THOR's objectId and objectType ("Floor" for the floor).
        points: (N, 3) float64, world, metres: where the bottom of an object may rest.
    """

    receptacle_id: str
    receptacle_type: str
    points: np.ndarray = field(compare=False)


@dataclass(frozen=True)
class RoomSurvey:
    """What a floor plan offers to whoever places objects in it; measured once through the
    simulator, then cached.

    Attributes:
        minimum, maximum: corners of the room's interior box (world, metres).
        surfaces: where objects can stand.
        standpoints: (M, 2) float64, x and z where the agent can stand.
        furniture: boxes of everything that is not an active object and may be collided with or hide
            the view.
        kinds: the object container: size (x, y, z extents in metres, at yaw 0) of each kind
            available in this room.
        eye_heights: eye height above the floor (standing, crouched), metres.
    """

    floor_plan: str
    minimum: Vector3
    maximum: Vector3
    surfaces: tuple[Surface, ...]
    standpoints: np.ndarray = field(compare=False)
    furniture: tuple[Box, ...]
    kinds: dict[Kind, Vector3]
    eye_heights: tuple[float, float] = (1.575, 0.9)


@dataclass(frozen=True)
class RenderFailure:
    """A spec that the simulator could not realise, and why."""

    spec: SceneSpec
    reason: str


class Renderer(Protocol):
    """What draws many scenes: one simulator or a pool of them (`rls3.thor.pool`)."""

    def render(
        self, specs: Sequence[SceneSpec], on_done: Callable[[int], None] | None = None
    ) -> list[Scene | RenderFailure]:
        """Draw every spec; results in the order of the specs, `on_done` is told how many are
        finished."""
        ...


class Simulator(Protocol):
    """What the rest of RLS3 asks of AI2-THOR. `rls3.thor` implements it over the real
    Controller."""

    label: str

    def survey(self, floor_plan: str) -> RoomSurvey: ...

    def measure(self, spec: SceneSpec) -> Scene:
        """Place and measure without drawing. Raises SimulatorError if an action is refused."""
        ...

    def render(self, spec: SceneSpec) -> Scene:
        """Place, draw and measure, masks included, at the resolution the simulator was started
        with."""
        ...
