"""What the executable knows between two actions: the world, the agent, its cameras and settings; and questions on them."""

import ctypes
import math
from dataclasses import dataclass, field, replace
from typing import Any

import mujoco
import numpy as np

from embedded_thor.coords import matrix_to_euler, to_mujoco
from embedded_thor.item import Item, object_id
from embedded_thor.planar import inside
from embedded_thor.procthor import PROCEDURAL, empty_room
from embedded_thor.records import AGENT_HEIGHT_M, Surface, Vector3
from embedded_thor.render import Figure, Frame, Renderer, View
from embedded_thor.rooms import SCENE_NAMES
from embedded_thor.rooms import room as room_named
from embedded_thor.world import PARTS_GROUP, VISIBLE_GROUP, World

_HAND_AHEAD_M, _HAND_BELOW_M = 0.5, 0.2
_RESTS_WITHIN_M = 0.02
COPY = "_copy_"  # in the name of a copy, before the number of its pose
_COPIES_AT_MOST = 100
_WORLDS_KEPT = 8  # floor plans that need no building when they are reset to; each holds some 30 MB
_LIBC = ctypes.CDLL(None)
_RAY_GROUPS = np.array([group in (VISIBLE_GROUP, PARTS_GROUP) for group in range(6)], np.uint8)


class ActionFailed(Exception):
    """An action refused. `code` is one of AI2-THOR's error codes; for four of them (InvalidArgument, ...) the Controller
    raises ValueError. Messages are AI2-THOR's where programs are known to read them."""

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class Outcome:
    """How an agent's last action ended."""

    action: str = "Initialize"
    success: bool = True
    message: str = ""
    code: str | None = None
    value: Any = None


@dataclass(frozen=True)
class Body:
    """An agentMode. standing_eye_m, crouched_eye_m: height of the camera above the transform. fov_deg: where none is set."""

    standing_eye_m: float
    crouched_eye_m: float
    radius_m: float
    fov_deg: float
    sideways: bool


BODIES = {
    "default": Body(0.675, 0.0, 0.2, 90.0, sideways=True),
    "locobot": Body(
        -0.0312, -0.2518, 0.175, 60.0, sideways=False
    ),  # AI2-THOR's LocobotFPSAgentController.cs
}


@dataclass(frozen=True)
class Noise:
    """How a locobot misses what it is told: mean and standard deviation of its steps (metres) and turns (degrees)."""

    move_mean_m: float
    move_deviation_m: float
    turn_mean_deg: float
    turn_deviation_deg: float


@dataclass
class Agent:
    """position: of the transform, world, metres. horizon: positive looks down. held: name of the object in its hand."""

    position: np.ndarray
    yaw_deg: float
    horizon_deg: float = 0.0
    standing: bool = True
    body: Body = BODIES["default"]
    held: str | None = None
    outcome: Outcome = field(default_factory=Outcome)

    @property
    def eye(self) -> np.ndarray:
        height = self.body.standing_eye_m if self.standing else self.body.crouched_eye_m
        return self.position + np.array([0.0, height, 0.0])


@dataclass
class Session:
    """The state of one executable. `agent` is the one that acts, or is asked about; every_color: how floor plans are furnished."""

    width: int
    height: int
    quality: str = "beauty"
    draws: bool = True
    every_color: bool = False
    agents_visible: bool = True
    fast_emit: bool = True
    renderer: Renderer | None = None
    worlds: dict[str, World] = field(default_factory=dict)
    scene_name: str = ""
    agents: list[Agent] = field(default_factory=lambda: [Agent(np.zeros(3), 0.0)])
    active_agent: int = 0
    cameras: list[View] = field(default_factory=list)
    fov_deg: float = 90.0
    grid_m: float = 0.25
    snap_to_grid: bool = True
    rotate_deg: float = 90.0
    noise: Noise | None = None
    visibility_m: float = 1.5
    depth_on: bool = False
    ids_always: bool = False
    ids_on: bool = False  # in the answer to the action that is performed
    classes_on: bool = False
    normals_on: bool = False
    only: frozenset[str] | None = None
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))
    clock_s: float = 0.0
    listing: Any = field(default=None, repr=False)  # of metadata.py
    _carriers: tuple[Any, dict[str, list[str]]] = field(default=((), {}), repr=False)

    @property
    def world(self) -> World:
        return self.worlds[self.scene_name]

    @property
    def agent(self) -> Agent:
        return self.agents[self.active_agent]

    def load(self, scene_name: str) -> None:
        """Switch to a floor plan; a plan that was built before is only put back in order."""
        if scene_name.removesuffix("_physics") not in (*SCENE_NAMES, PROCEDURAL):
            raise ActionFailed(f"scene {scene_name!r} is not in this build", "InvalidArgument")
        if scene_name == PROCEDURAL:
            self.enter(scene_name, World(empty_room()))
        elif scene_name in self.worlds and not any(
            COPY in name for name in self.worlds[scene_name].items
        ):
            self.worlds[scene_name].reset()
            self.enter(scene_name, self.worlds[scene_name])
        else:
            self.enter(scene_name, World(room_named(scene_name, self.every_color)))

    def add_copies(self, originals: dict[str, str]) -> None:
        """Exchange the world for one that holds more objects, by name of the copy and of the original, till the next Reset.
        Raises: ActionFailed if that would be too many."""
        world = self.world
        missing = {copy: name for copy, name in originals.items() if copy not in world.items}
        if not missing:
            return
        if sum(COPY in name for name in world.items) + len(missing) > _COPIES_AT_MOST:
            raise ActionFailed(
                f"SetObjectPoses makes at most {_COPIES_AT_MOST} copies between two Resets"
            )
        instances = {instance.name: instance for instance in world.room.objects}
        copies = tuple(
            replace(
                instances[name],
                name=copy,
                object_id=world.items[name].object_id + copy.removeprefix(name),
            )
            for copy, name in missing.items()
        )
        made = World(replace(world.room, objects=world.room.objects + copies))
        made.take_state(world)
        self._forget(self.scene_name)
        self.worlds[self.scene_name] = made

    def _forget(self, scene_name: str) -> None:
        """Free what a world holds, here and in OpenGL, and give it back to the system: else the memory would creep up."""
        world = self.worlds.pop(scene_name)
        if self.renderer is not None:
            self.renderer.forget(world)
        del world
        if hasattr(_LIBC, "malloc_trim"):  # glibc's
            _LIBC.malloc_trim(0)

    def enter(self, scene_name: str, world: World) -> None:
        """Put the agent into a world, and everything that a scene has of its own at its start."""
        if self.worlds.get(scene_name) is world:
            del self.worlds[scene_name]
        elif scene_name in self.worlds:
            self._forget(scene_name)
        self.worlds[scene_name] = world  # at the end: the first is the one not used for longest
        if len(self.worlds) > _WORLDS_KEPT:
            self._forget(next(iter(self.worlds)))
        self.scene_name = scene_name
        self.cameras, self.only, self.clock_s = [], None, 0.0
        self.rng = np.random.default_rng(0)
        room = self.world.room
        body = self.agents[0].body
        self.agents, self.active_agent = (
            [Agent(np.array(room.agent_position), room.agent_yaw_deg, body=body)],
            0,
        )
        size = (room.maximum[0] - room.minimum[0], 0.0, room.maximum[2] - room.minimum[2])
        center = np.array(room.center)
        self.floor = Item(
            "Floor", "Floor", object_id("Floor", center), size, center, (0.0, 0.0, 0.0), False
        )

    def add_agents(self, count: int) -> None:
        """Further agents on the nearest free floor. Raises: ActionFailed if there is none."""
        first = self.agents[0]
        grid = [(0.25 * i, 0.25 * j) for i in range(-12, 13) for j in range(-12, 13)]
        grid.sort(key=lambda step: step[0] ** 2 + step[1] ** 2)
        for _ in range(count):
            for dx, dz in grid:
                position = first.position + np.array([dx, 0.0, dz])
                if self.footprint_free(position[0], position[2], first.body.radius_m):
                    self.agents.append(Agent(position, first.yaw_deg, body=first.body))
                    break
            else:
                raise ActionFailed(f"there is no free floor for {count} more agents")

    def carry(self) -> None:
        """What is held goes with its agent: upright, before the eye and a little below. What is gone is no longer held."""
        for agent in self.agents:
            item = self.world.items.get(agent.held) if agent.held else None
            if item is None or not item.active:
                agent.held = None
                continue
            forward, up = self.view(agent).axes
            hand = agent.eye + _HAND_AHEAD_M * forward - _HAND_BELOW_M * up
            self.move_with_contents(
                item, hand - np.array([0.0, item.size[1] / 2, 0.0]), (0.0, agent.yaw_deg, 0.0)
            )
            self.world.sync()

    def move_with_contents(self, item: Item, position: np.ndarray, rotation: Vector3) -> None:
        """Set its pose; what lies in it keeps its place there."""
        contents, before, turned = self.contents(item), item.position, item.matrix
        self.world.set_pose(item, position, rotation)
        turn = item.matrix @ turned.T
        for thing in contents:
            there = item.position + turn @ (thing.position - before)
            self.world.set_pose(thing, there, matrix_to_euler(turn @ thing.matrix))

    def contents(self, item: Item) -> list[Item]:
        """What lies in a bowl, a box, ... and in what lies there."""
        found, vessels = [], [item]
        while vessels:
            vessel = vessels.pop()
            if self.surfaces(vessel, shut_too=True):
                for thing in self.world.items.values():
                    known = thing is item or thing in found
                    if (
                        thing.pickupable
                        and thing.active
                        and not known
                        and self._rests_on(thing, vessel)
                    ):
                        found.append(thing)
                        vessels.append(thing)
        return found

    def open(self, item: Item, openness: float) -> None:
        """Open or shut it so far; what lies in a drawer goes with it."""
        contents, before = self.contents(item), item.opening.slid(item.openness)
        self.world.open(item, openness)
        way = item.matrix @ (item.opening.slid(openness) - before)
        if way.any():
            for thing in contents:
                self.world.set_pose(thing, thing.position + way, thing.rotation)
            self.world.sync()

    def is_held(self, item: Item) -> bool:
        return any(agent.held == item.name for agent in self.agents)

    # -- questions -------------------------------------------------------------------------------------------------

    def listed_items(self) -> list[Item]:
        """What metadata lists: everything that is there, or only what SetObjectFilter asks for."""
        items = [self.floor, *(item for item in self.world.items.values() if item.active)]
        return (
            items if self.only is None else [item for item in items if item.object_id in self.only]
        )

    def item_by_id(self, object_id: str) -> Item:
        for item in (self.floor, *self.world.items.values()):
            if item.object_id == object_id:
                return item
        raise ActionFailed(
            f"ArgumentException: objectId: {object_id} is not the objectId on any object in the scene!"
        )

    def surfaces(self, item: Item, shut_too: bool = False) -> tuple[Surface, ...]:
        """Where things can stand on it, and in it while it is open (or even if not)."""
        if item.type == "Floor":
            x, _, z = np.array(item.size) / 2 - 0.1
            return (Surface(-x, -z, x, z, 0.0),)
        own = item.asset.surfaces if item.asset else item.placed.furniture.surfaces
        open_now = item.opening and (item.openness > 0 or shut_too)
        return own + (item.opening.inside_at(item.openness) if open_now else ())

    def _rests_on(self, item: Item, carrier: Item) -> bool:
        offset = item.foot - carrier.position
        if abs(offset[0]) + abs(offset[2]) > carrier.size[0] + carrier.size[2]:
            return False
        own = carrier.matrix.T @ offset
        beside = 0.02 if carrier.asset or carrier.part_of else 0.1
        return any(
            abs(own[1] - s.y) < _RESTS_WITHIN_M
            and s.x0 - beside <= own[0] <= s.x1 + beside
            and s.z0 - beside <= own[2] <= s.z1 + beside
            for s in self.surfaces(carrier, shut_too=True)
        )

    @property
    def state_key(self) -> tuple[Any, ...]:
        """Changes with everything that metadata says of objects, but for what depends on where the agent is."""
        return self.world.number, self.world.version, tuple(agent.held for agent in self.agents)

    def carriers(self) -> dict[str, list[str]]:
        """For each active pickupable object (by name): ids of what it lies in, or else of the furniture, or else the floor,
        that it stands on."""
        key = self.state_key
        if self._carriers[0] == key:
            return self._carriers[1]
        result, held = {}, key[-1]
        bearing = [
            item
            for item in self.world.items.values()
            if item.active and self.surfaces(item, shut_too=True)
        ]
        pieces = [item for item in bearing if item.placed]
        vessels = [item for item in bearing if item.asset]
        for item in self.world.items.values():
            if item.pickupable and item.active and item.name not in held:
                found = [v.object_id for v in vessels if v is not item and self._rests_on(item, v)]
                found = found or [
                    piece.object_id for piece in pieces if self._rests_on(item, piece)
                ]
                on_floor = not found and self._rests_on(item, self.floor)
                result[item.name] = [self.floor.object_id] if on_floor else found
        self._carriers = (key, result)
        return result

    def sees(self, item: Item) -> bool:
        return item.active and item.name in self.visible([item], item.seen_points[None])

    def visible(self, items: list[Item], points: np.ndarray) -> set[str]:
        """Names of the items that are `visible` in AI2-THOR's sense: near enough, in the picture, and some of them not
        hidden (rays to their `seen_points` (items, 9, 3)). The floor never is."""
        eye, view = self.agent.eye, self.view()
        yaw = math.radians(view.yaw_deg)
        right = (math.cos(yaw), 0.0, -math.sin(yaw))
        offsets = points - eye
        beside, above, along = (
            offsets.reshape(-1, 3) @ np.array([right, *view.axes[::-1]]).T
        ).T.reshape(3, -1, 9)
        half = along * math.tan(math.radians(view.fov_deg) / 2)
        inside = (
            (np.hypot(offsets[..., 0], offsets[..., 2]) < self.visibility_m)
            & (along > 0.05)
            & (np.abs(above) < half)
            & (np.abs(beside) < half * self.width / self.height)
        )
        seen = set()
        for row in np.flatnonzero(inside.any(axis=1)):
            item = items[row]
            if item is not self.floor and any(
                self._ray_hits(item, eye, point) for point in points[row, inside[row]]
            ):
                seen.add(item.name)
        return seen

    def _ray_hits(self, item: Item, eye: np.ndarray, point: np.ndarray) -> bool:
        hit = np.array([-1], np.int32)
        direction = to_mujoco(point - eye)
        distance = mujoco.mj_ray(
            self.world.model,
            self.world.data,
            to_mujoco(eye),
            direction,
            _RAY_GROUPS,
            1,
            -1,
            hit,
            None,
        )
        if distance >= 0:
            return self.world.item_of_geom[int(hit[0])] is item
        return False

    def footprint_free(self, x: float, z: float, margin_m: float, but: Agent | None = None) -> bool:
        """Whether nothing that blocks, and no agent (`but` one) stands within `margin_m` of a floor point."""
        return self.obstacle(x, z, margin_m, but) is None

    def obstacle(self, x: float, z: float, margin_m: float, but: Agent | None = None) -> str | None:
        """Name of what blocks, or of the agent (`but` one) that stands within `margin_m` of a floor point."""
        for number, agent in enumerate(self.agents):
            apart = np.hypot(agent.position[0] - x, agent.position[2] - z)
            if agent is not but and apart < margin_m + agent.body.radius_m:
                return f"Agent {number}"
        room = self.world.room
        low, high = room.minimum, room.maximum
        if not (
            low[0] + margin_m <= x <= high[0] - margin_m
            and low[2] + margin_m <= z <= high[2] - margin_m
        ):
            return "Wall"
        if room.floors and not any(
            inside(np.array([x, z]), np.array(floor)) for floor in room.floors
        ):
            return "Wall"
        for item in self.world.items.values():
            blocks = item.placed.furniture.blocks if item.placed else item.position[1] < 0.5
            blocks = blocks and not (item.opening and item.opening.way and item.openness)
            if not item.active or not blocks or self.is_held(item):
                continue
            own = item.matrix.T @ (np.array([x, 0.0, z]) - item.position)
            if (
                abs(own[0]) < item.size[0] / 2 + margin_m
                and abs(own[2]) < item.size[2] / 2 + margin_m
            ):
                return item.name
        return None

    # -- drawing ---------------------------------------------------------------------------------------------------

    def view(self, agent: Agent | None = None) -> View:
        """The head camera of an agent; of the active one if none is named."""
        agent = agent or self.agent
        return View(agent.eye, agent.yaw_deg, agent.horizon_deg, self.fov_deg)

    def draw(self, view: View, eye_of: Agent | None = None) -> Frame:
        """What a camera sees: agents, too, but not the one whose eye it is."""
        if self.renderer is None:
            self.renderer = Renderer()
        ids, depth = self.ids_on or self.classes_on, self.depth_on or self.normals_on
        figures = [
            Figure(
                agent.position - np.array([0.0, AGENT_HEIGHT_M, 0.0]),
                agent.yaw_deg,
                agent.eye[1] - agent.position[1] + AGENT_HEIGHT_M,
            )
            for agent in self.agents
            if agent is not eye_of and self.agents_visible
        ]
        return self.renderer.draw(
            self.world, view, self.width, self.height, self.quality, ids, depth, figures
        )
