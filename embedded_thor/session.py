"""What the executable knows between two actions: the worlds, the agents, cameras and settings."""

import ctypes
from dataclasses import dataclass, field, replace

import numpy as np

from embedded_thor.agents import Agent, Noise
from embedded_thor.coords import matrix_to_euler
from embedded_thor.item import Item, object_id
from embedded_thor.listing import Listing
from embedded_thor.outcome import ActionFailed
from embedded_thor.planar import inside
from embedded_thor.procthor import PROCEDURAL, empty_room
from embedded_thor.receptacles import carriers, contents
from embedded_thor.records import AGENT_HEIGHT_M, Room, Vector3
from embedded_thor.render import Figure, Frame, Renderer, View
from embedded_thor.rooms import SCENE_NAMES
from embedded_thor.rooms import room as room_named
from embedded_thor.sight import visible
from embedded_thor.world import World

COPY = "_copy_"  # in the name of a copy, before the number of its pose
_COPIES_AT_MOST = 100
_WORLDS_KEPT = 8  # floor plans that need no building when they are reset to; each holds some 30 MB
_HAND_AHEAD_M, _HAND_BELOW_M = 0.5, 0.2
_AGENTS_APART_M = 0.25
_LOW_M = 0.5  # an object that lies lower is in the way
_LIBC = ctypes.CDLL(None)
# The number of a world, the version of its state, and what each agent holds.
StateKey = tuple[int, int, tuple[str | None, ...]]


@dataclass
class Session:
    """The state of one executable.

    Attributes:
        every_color: how floor plans are furnished.
        worlds: by scene name, the one not used for longest first.
        active_agent: number of the one that acts, or is asked about; `agent` is that one.
        cameras: the third-party ones.
        ids_always: whether every answer has ids; ids_on: whether that to the present action has.
        only: objectIds that SetObjectFilter leaves in the metadata.
        clock_s: since Reset. listing: of metadata.py.
    """

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
    ids_on: bool = False
    classes_on: bool = False
    normals_on: bool = False
    only: frozenset[str] | None = None
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))
    clock_s: float = 0.0
    listing: Listing | None = field(default=None, repr=False)
    _carriers: tuple[StateKey | None, dict[str, list[str]]] = field(default=(None, {}), repr=False)

    @property
    def world(self) -> World:
        return self.worlds[self.scene_name]

    @property
    def agent(self) -> Agent:
        return self.agents[self.active_agent]

    # -- scenes -----------------------------------------------------------------------------------

    def load(self, scene_name: str) -> None:
        """Switch to a floor plan; a plan that was built before is only put back in order.

        Raises: ActionFailed if there is none of that name.
        """
        if scene_name.removesuffix("_physics") not in (*SCENE_NAMES, PROCEDURAL):
            raise ActionFailed(f"scene {scene_name!r} is not in this build", "InvalidArgument")
        kept = self.worlds.get(scene_name)
        if scene_name == PROCEDURAL:
            self.enter(scene_name, World(empty_room()))
        elif kept is not None and not any(COPY in name for name in kept.items):
            kept.reset()
            self.enter(scene_name, kept)
        else:
            self.enter(scene_name, World(room_named(scene_name, self.every_color)))

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
        room = world.room
        body = self.agents[0].body
        self.agents = [Agent(np.array(room.agent_position), room.agent_yaw_deg, body=body)]
        self.active_agent = 0
        self.floor = _floor_of(room)

    def add_copies(self, originals: dict[str, str]) -> None:
        """Exchange the world for one that holds more objects, till the next Reset.

        Args:
            originals: by name of the copy, name of the original.
        Raises: ActionFailed if that would be too many.
        """
        world = self.world
        missing = {copy: name for copy, name in originals.items() if copy not in world.items}
        if not missing:
            return
        if sum(COPY in name for name in world.items) + len(missing) > _COPIES_AT_MOST:
            raise ActionFailed(
                f"SetObjectPoses makes at most {_COPIES_AT_MOST} copies between two Resets"
            )
        instances = {instance.name: instance for instance in world.room.objects}
        copies = []
        for copy, name in missing.items():
            id_ = world.items[name].object_id + copy.removeprefix(name)
            copies.append(replace(instances[name], name=copy, object_id=id_))
        made = World(replace(world.room, objects=(*world.room.objects, *copies)))
        made.take_state(world)
        self._forget(self.scene_name)
        self.worlds[self.scene_name] = made

    def _forget(self, scene_name: str) -> None:
        """Free what a world holds, here and in OpenGL.

        It goes back to the system at once: else the memory would creep up.
        """
        world = self.worlds.pop(scene_name)
        if self.renderer is not None:
            self.renderer.forget(world)
        del world
        if hasattr(_LIBC, "malloc_trim"):  # glibc's
            _LIBC.malloc_trim(0)

    # -- agents -----------------------------------------------------------------------------------

    def add_agents(self, count: int) -> None:
        """Further agents on the nearest free floor. Raises: ActionFailed if there is none."""
        first, apart = self.agents[0], _AGENTS_APART_M
        grid = [(apart * i, apart * j) for i in range(-12, 13) for j in range(-12, 13)]
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
        """What is held goes with its agent: upright, before the eye and a little below.

        What is gone is no longer held.
        """
        for agent in self.agents:
            item = self.world.items.get(agent.held) if agent.held else None
            if item is None or not item.active:
                agent.held = None
                continue
            forward, up = self.view(agent).axes
            hand = agent.eye + _HAND_AHEAD_M * forward - _HAND_BELOW_M * up
            foot = hand - np.array([0.0, item.size[1] / 2, 0.0])
            self.move_with_contents(item, foot, (0.0, agent.yaw_deg, 0.0))
            self.world.sync()

    def is_held(self, item: Item) -> bool:
        return any(agent.held == item.name for agent in self.agents)

    # -- objects ----------------------------------------------------------------------------------

    def contents(self, item: Item) -> list[Item]:
        """What lies in it, and in what lies there."""
        return contents(item, self.world.items.values())

    def move_with_contents(self, item: Item, position: np.ndarray, rotation: Vector3) -> None:
        """Set its pose; what lies in it keeps its place there."""
        inner, before, turned = self.contents(item), item.position, item.matrix
        self.world.set_pose(item, position, rotation)
        turn = item.matrix @ turned.T
        for thing in inner:
            there = item.position + turn @ (thing.position - before)
            self.world.set_pose(thing, there, matrix_to_euler(turn @ thing.matrix))

    def open(self, item: Item, openness: float) -> None:
        """Open or shut it so far; what lies in a drawer goes with it."""
        inner, before = self.contents(item), item.opening.slid(item.openness)
        self.world.open(item, openness)
        way = item.matrix @ (item.opening.slid(openness) - before)
        if way.any():
            for thing in inner:
                self.world.set_pose(thing, thing.position + way, thing.rotation)
            self.world.sync()

    # -- questions --------------------------------------------------------------------------------

    def listed_items(self) -> list[Item]:
        """What metadata lists: everything that is there, or only what SetObjectFilter asks for."""
        items = [self.floor, *(item for item in self.world.items.values() if item.active)]
        if self.only is None:
            return items
        return [item for item in items if item.object_id in self.only]

    def item_by_id(self, object_id: str) -> Item:
        """Raises: ActionFailed if there is none."""
        for item in (self.floor, *self.world.items.values()):
            if item.object_id == object_id:
                return item
        raise ActionFailed(
            f"ArgumentException: objectId: {object_id} "
            "is not the objectId on any object in the scene!"
        )

    @property
    def state_key(self) -> StateKey:
        """Changes with all that metadata says of objects, but for what depends on the agent."""
        return self.world.number, self.world.version, tuple(agent.held for agent in self.agents)

    def carriers(self) -> dict[str, list[str]]:
        """As `receptacles.carriers`, of everything that is there."""
        key = self.state_key
        if self._carriers[0] != key:
            held = key[-1]
            self._carriers = (key, carriers(self.world.items.values(), self.floor, held))
        return self._carriers[1]

    def visible(self, items: list[Item], points: np.ndarray) -> set[str]:
        """Names of the items that the agent sees; points: (items, 9, 3) their `seen_points`."""
        size_px = (self.width, self.height)
        return visible(self.world, self.view(), size_px, self.visibility_m, items, points)

    def sees(self, item: Item) -> bool:
        return item.active and item.name in self.visible([item], item.seen_points[None])

    def footprint_free(self, x: float, z: float, margin_m: float, but: Agent | None = None) -> bool:
        """Whether there is no `obstacle`."""
        return self.obstacle(x, z, margin_m, but) is None

    def obstacle(self, x: float, z: float, margin_m: float, but: Agent | None = None) -> str | None:
        """Name of what stands within `margin_m` of a floor point: an agent (`but` one), a thing."""
        for number, agent in enumerate(self.agents):
            apart = np.hypot(agent.position[0] - x, agent.position[2] - z)
            if agent is not but and apart < margin_m + agent.body.radius_m:
                return f"Agent {number}"
        if not _within(self.world.room, x, z, margin_m):
            return "Wall"
        point = np.array([x, 0.0, z])
        for item in self.world.items.values():
            if not _blocks(item) or self.is_held(item):
                continue
            own = np.abs(item.matrix.T @ (point - item.position))
            if own[0] < item.size[0] / 2 + margin_m and own[2] < item.size[2] / 2 + margin_m:
                return item.name
        return None

    # -- drawing ----------------------------------------------------------------------------------

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
            _figure_of(agent)
            for agent in self.agents
            if agent is not eye_of and self.agents_visible
        ]
        return self.renderer.draw(
            self.world, view, self.width, self.height, self.quality, ids, depth, figures
        )


def _floor_of(room: Room) -> Item:
    """The floor as an object."""
    size = (room.maximum[0] - room.minimum[0], 0.0, room.maximum[2] - room.minimum[2])
    center = np.array(room.center)
    return Item(
        "Floor",
        "Floor",
        object_id("Floor", center),
        size,
        center,
        (0.0, 0.0, 0.0),
        pickupable=False,
    )


def _within(room: Room, x: float, z: float, margin_m: float) -> bool:
    """Whether a point is on the floor, so far from the walls around the room's box."""
    low, high = room.minimum, room.maximum
    in_box = (
        low[0] + margin_m <= x <= high[0] - margin_m
        and low[2] + margin_m <= z <= high[2] - margin_m
    )
    if not in_box:
        return False
    outlines = [np.array(floor) for floor in room.floors]
    return not outlines or any(inside(np.array([x, z]), outline) for outline in outlines)


def _blocks(item: Item) -> bool:
    """Whether it stands in an agent's way where it is."""
    if not item.active or (item.opening and item.opening.way and item.openness):
        return False
    return item.placed.furniture.blocks if item.placed else bool(item.position[1] < _LOW_M)


def _figure_of(agent: Agent) -> Figure:
    """As others see it."""
    foot = agent.position - np.array([0.0, AGENT_HEIGHT_M, 0.0])
    return Figure(foot, agent.yaw_deg, agent.eye[1] - agent.position[1] + AGENT_HEIGHT_M)
