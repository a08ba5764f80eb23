"""The state of a room's objects, light and materials. THOR's frame, metres.

What is switched off is moved to a group of geoms that neither the renderer nor the rays see.
"""

import itertools
from dataclasses import replace

import mujoco
import numpy as np

from embedded_thor.coords import quaternion_to_mujoco, to_mujoco
from embedded_thor.item import Item
from embedded_thor.model import (
    HIDDEN_GROUP,
    PARTS_GROUP,
    VISIBLE_GROUP,
    WHOLE_GROUP,
    compile_room,
)
from embedded_thor.palette import Palette
from embedded_thor.records import Room, Vector3

_NUMBERS = itertools.count()
_TINTED = (  # by RandomizeMaterials: the room's surfaces
    "floor",
    "wall",
    "wood",
    "wood_dark",
    "wood_back",
    "fabric",
    "fabric_light",
    "cabinet",
    "cabinet_door",
    "marble",
    "rug",
)


class World:
    """A compiled room and how things are in it now. Costs about 0.2 s to make; `reset` is cheap.

    Attributes:
        number: no other world of the process has it.
        version: counts changes of where and how things are.
        items: by name; the records are exchanged by `reset`.
        item_of_geom, casts_no_shadow: as in CompiledRoom.
        hulls: of physics.py, which keeps them with the world.
    """

    def __init__(self, room: Room) -> None:
        """Raises: ValueError if MuJoCo cannot compile the room."""
        self.room, self.number, self.version = room, next(_NUMBERS), 0
        compiled = compile_room(room)
        self.model, self.items = compiled.model, compiled.items
        self.item_of_geom, self.casts_no_shadow = compiled.item_of_geom, compiled.casts_no_shadow
        self.data = mujoco.MjData(self.model)
        self.palette = Palette(self.items.values(), self.item_of_geom)
        self.hulls: dict[str, tuple[np.ndarray, ...]] = {}
        self._start = dict(self.items)
        self._original_light = (
            self.model.light_diffuse.copy(),
            self.model.light_dir.copy(),
            self.model.vis.headlight.ambient.copy(),
        )
        self._original_rgba = self.model.mat_rgba.copy()
        self.reset()

    def reset(self) -> None:
        """Everything back to where the floor plan has it: poses, activity, light, materials."""
        self.version += 1
        self.items = {name: replace(item) for name, item in self._start.items()}
        self.item_of_geom = [item and self.items[item.name] for item in self.item_of_geom]
        for item in self.items.values():
            self._show(item)
            if item.pickupable:
                self._apply_pose(item)
        self.reset_lighting()
        self.reset_materials()
        self.sync()

    def take_state(self, other: "World") -> None:
        """Poses, states, light and materials as in another world, as far as that has the things."""
        self.items |= {name: replace(item) for name, item in other.items.items()}
        for name, item in self.items.items():
            item.bind_like(self._start[name])
        self.item_of_geom = [item and self.items[item.name] for item in self.item_of_geom]
        for item in self.items.values():
            self._show(item)
            if item.pickupable:
                self._apply_pose(item)
        self.model.light_diffuse[:] = other.model.light_diffuse
        self.model.light_dir[:] = other.model.light_dir
        self.model.mat_rgba[:], self._ambient = other.model.mat_rgba, other._ambient
        self._light_lamps()
        self.sync()

    def sync(self) -> None:
        """Make MuJoCo's derived positions follow the poses that were set."""
        mujoco.mj_kinematics(self.model, self.data)
        mujoco.mj_camlight(self.model, self.data)

    def _show(self, item: Item) -> None:
        """Draw it as its state says: there or not, open or not, on or off, as one or in parts."""
        groups = self.model.geom_group
        if item.part_names:
            groups[item.shut_geoms] = HIDDEN_GROUP if item.apart else WHOLE_GROUP
            groups[item.open_geoms] = VISIBLE_GROUP if item.apart else PARTS_GROUP
            return
        whole = self.items.get(item.part_of)
        seen = PARTS_GROUP if whole and not whole.apart else VISIBLE_GROUP
        groups[item.shut_geoms] = seen if item.active and item.as_made else HIDDEN_GROUP
        if item.opening:
            groups[item.open_geoms] = seen if item.active and not item.as_made else HIDDEN_GROUP
            for address, leaf in zip(item.leaf_joints, item.opening.leaves):
                # the swap of y and z mirrors, so the turn is the other way
                turn = -np.radians(leaf.angle_deg * item.openness)
                self.data.qpos[address] = leaf.slide_m * item.openness if leaf.slide_m else turn
        if item.switch:
            material = item.switch.on if item.toggled else item.switch.off
            if material:
                self.model.geom_matid[item.switch_geoms] = self.model.material(material).id
            else:
                groups[item.switch_geoms] = HIDDEN_GROUP

    def open(self, item: Item, openness: float) -> None:
        """Turn its leaves; its box grows with them."""
        item.openness = openness
        item.move(item.position, item.rotation)
        self._changed(item)
        self.sync()

    def toggle(self, item: Item, on: bool) -> None:
        item.toggled = on
        self._changed(item)
        self._light_lamps()

    def _changed(self, item: Item) -> None:
        self.version += 1
        self._show(item)
        if item.part_of:
            whole = self.items[item.part_of]
            parts = [self.items[name] for name in whole.part_names]
            whole.apart = any(part.openness or part.toggled for part in parts)
            whole.toggled = any(part.toggled for part in parts)
            for piece in (whole, *parts):
                self._show(piece)

    def set_active(self, item: Item, active: bool) -> None:
        if item.active != active:
            self.version += 1
            item.active = active
            self._show(item)

    def set_pose(self, item: Item, position: np.ndarray, rotation: Vector3) -> None:
        item.move(position, rotation)
        self.version += 1
        self._apply_pose(item)

    def _apply_pose(self, item: Item) -> None:
        address = self.model.jnt_qposadr[self.model.body_jntadr[item.body]]
        self.data.qpos[address : address + 3] = to_mujoco(item.position)
        self.data.qpos[address + 3 : address + 7] = quaternion_to_mujoco(item.matrix)

    def randomize_lighting(
        self, rng: np.random.Generator, brightness: tuple[float, float], hue: bool
    ) -> None:
        """New brightness, direction and (if wanted) tint of the lights."""
        diffuse, direction, ambient = self._original_light
        factor = rng.uniform(*brightness)
        tint = 1 + rng.uniform(-0.12, 0.12, 3) if hue else np.ones(3)
        self.model.light_diffuse[:] = np.clip(diffuse * factor * tint, 0, 1)
        self._ambient = np.clip(ambient * (0.5 + 0.5 * factor) * tint, 0, 1)
        self._light_lamps()
        turn = rng.uniform(-0.35, 0.35, (len(direction), 3))
        turned = direction + turn * np.array([1, 1, 0])
        self.model.light_dir[:] = turned / np.linalg.norm(turned, axis=1, keepdims=True)

    def reset_lighting(self) -> None:
        self.model.light_diffuse[:], self.model.light_dir[:], self._ambient = self._original_light
        self._light_lamps()

    def _light_lamps(self) -> None:
        lamps = [item for item in self.items.values() if item.switch and item.switch.light]
        share = np.prod([1 - lamp.switch.light for lamp in lamps if not lamp.toggled])
        self.model.vis.headlight.ambient = self._ambient * share

    def randomize_materials(self, rng: np.random.Generator) -> None:
        """New tints for the room's surfaces; objects keep their colours, which name them."""
        for name in _TINTED:
            index = self.model.material(name).id
            tint = rng.uniform(0.72, 1.0) * (1 + rng.uniform(-0.14, 0.14, 3))
            self.model.mat_rgba[index, :3] = np.clip(self._original_rgba[index, :3] * tint, 0, 1)

    def reset_materials(self) -> None:
        self.model.mat_rgba[:] = self._original_rgba
