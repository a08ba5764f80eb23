"""A room compiled for MuJoCo, and the state of its objects. THOR's frame outside, MuJoCo's inside (`coords.py`).

Objects are bodies with free joints whose poses are set; furniture and shell are static geoms. What is switched off is
moved to a geom group that neither the renderer nor the rays see.
"""

import itertools
import zlib
from dataclasses import replace

import mujoco
import numpy as np

from embedded_thor.coords import euler_to_matrix, quaternion_to_mujoco, to_mujoco
from embedded_thor.item import Item, object_id
from embedded_thor.palette import Palette
from embedded_thor.records import Mesh, Opening, Part, Placed, Room, Switch, Vector3
from embedded_thor.things.textures import SIZE_PX, texture

# Groups of geoms: what every picture and every ray sees; a piece of furniture drawn as one, in colour; the same piece as
# carcass and parts, for ids, depth and rays; what nothing sees. The two look alike while all parts are shut and off.
VISIBLE_GROUP, WHOLE_GROUP, PARTS_GROUP, _HIDDEN_GROUP = 0, 1, 2, 5
NEAR_M, FAR_M = 0.05, 20.0
_NUMBERS = itertools.count()


def _first_states(opening: Opening | None, switch: Switch | None) -> dict[str, float | bool]:
    return {
        "openness": opening.at_first if opening else 0.0,
        "toggled": bool(switch and switch.at_first),
    }


def _painted(mesh: Mesh, color: str) -> str:
    """The material of a mesh of something in that colour."""
    return f"color-{color}" if mesh.material == "color" else mesh.material


class World:
    """The compiled room. Costs about 0.2 s to make; `reset` is cheap. number: no other world of the process has it."""

    def __init__(self, room: Room) -> None:
        self.room, self.number = room, next(_NUMBERS)
        extent = room.extent_m
        spec = mujoco.MjSpec()
        spec.stat.extent, spec.stat.center = extent, to_mujoco(np.array(room.center))
        spec.visual.map.znear, spec.visual.map.zfar = NEAR_M / extent, FAR_M / extent
        spec.visual.map.shadowclip = 0.9
        spec.visual.global_.offwidth = spec.visual.global_.offheight = 2048
        spec.option.gravity = (0, 0, -9.81)
        self._materials = self._add_materials(spec)
        self._mesh_names: set[str] = set()
        self.items: dict[str, Item] = {}
        self._glow: dict[str, int] = {}  # how many of a part's geoms are its piece's
        self.hulls: dict[str, tuple[np.ndarray, ...]] = {}  # of physics.py
        self._add_shell(spec)
        self._add_furniture(spec)
        self._add_objects(spec)
        self._add_lights(spec)
        self.model = spec.compile()
        self.data = mujoco.MjData(self.model)
        self._bind()
        self.palette = Palette(self.items.values(), self.item_of_geom)
        self._original = (
            self.model.light_diffuse.copy(),
            self.model.light_dir.copy(),
            self.model.vis.headlight.ambient.copy(),
        )
        self._original_rgba = self.model.mat_rgba.copy()
        self._start = dict(self.items)
        self.version = 0  # counts changes of where and how things are
        self.reset()

    def _add_materials(self, spec: mujoco.MjSpec) -> dict[str, str]:
        for material in self.room.materials.values():
            made = spec.add_material(name=material.name)
            made.specular, made.shininess, made.emission = (
                material.specular,
                material.shininess,
                material.emission,
            )
            if not material.texture:
                made.rgba = (*material.rgb, 1)
                continue
            made.rgba = (1, 1, 1, 1)
            picture = texture(
                material.texture,
                material.rgb,
                zlib.crc32(f"{self.room.name}/{material.name}".encode()),
            )
            made_texture = spec.add_texture(
                name=material.name,
                type=mujoco.mjtTexture.mjTEXTURE_2D,
                width=SIZE_PX,
                height=SIZE_PX,
                nchannel=3,
            )
            made_texture.data = picture.tobytes()
            made.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = material.name
        return {name: material.name for name, material in self.room.materials.items()}

    def _geom(
        self, spec: mujoco.MjSpec, body: mujoco.MjsBody, mesh_name: str, mesh: Mesh, material: str
    ) -> None:
        """One visual geom; the mesh is shared by every geom that asks for the same name."""
        key = f"{mesh_name}/{mesh.material}"
        if key not in self._mesh_names:
            self._mesh_names.add(key)
            look = self.room.materials.get(mesh.material)
            scale = look.metres_per_tile if look else 1.0
            made = spec.add_mesh(name=key, inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL)
            made.uservert = to_mujoco(mesh.vertices).ravel()
            made.usernormal = to_mujoco(mesh.normals).ravel()
            made.usertexcoord = (mesh.uv / scale).ravel()
            made.userface = mesh.faces[
                :, [0, 2, 1]
            ].ravel()  # the swap of y and z mirrors, so the winding turns
        body.add_geom(
            type=mujoco.mjtGeom.mjGEOM_MESH,
            meshname=key,
            material=material,
            contype=0,
            conaffinity=0,
            group=VISIBLE_GROUP,
            mass=0,
        )

    def _add_shell(self, spec: mujoco.MjSpec) -> None:
        meshes = (*self.room.shell, *((self.room.rug,) if self.room.rug else ()))
        for i, mesh in enumerate(meshes):
            self._geom(spec, spec.worldbody, f"shell{i}", mesh, mesh.material)

    def _add_furniture(self, spec: mujoco.MjSpec) -> None:
        for piece in self.room.furniture:
            rotation = (0.0, piece.yaw_deg, 0.0)
            body = spec.worldbody.add_body(
                name=piece.name,
                pos=to_mujoco(piece.position),
                quat=quaternion_to_mujoco(euler_to_matrix(*rotation)),
            )
            kind = piece.furniture
            for mesh in kind.meshes:
                self._geom(spec, body, piece.name, mesh, mesh.material)
            self._add_opening(spec, body, piece.name, kind.opening, "")
            for mesh in kind.carcass:
                self._geom(spec, body, f"{piece.name}/carcass", mesh, mesh.material)
            self.items[piece.name] = item = self._piece(piece, rotation)
            item.part_names = tuple(
                self._add_part(spec, item, part, i) for i, part in enumerate(kind.parts, 1)
            )

    def _piece(self, piece: Placed, rotation: Vector3, part_of: str = "") -> Item:
        kind, position = piece.furniture, np.array(piece.position)
        return Item(
            piece.name,
            kind.type,
            piece.object_id or object_id(kind.type, position),
            kind.size,
            position,
            rotation,
            pickupable=False,
            placed=piece,
            part_of=part_of,
            **_first_states(kind.opening, kind.switch),
        )

    def _add_part(self, spec: mujoco.MjSpec, piece: Item, part: Part, number: int) -> str:
        """Returns its name. In a house its id begins with that of its piece."""
        kind, mesh_name = part.furniture, f"{piece.name}/{number}"
        given = f"{piece.placed.object_id}|{kind.type}|{number}" if piece.placed.object_id else ""
        name = (
            given
            or f"{kind.type}_{1 + sum(item.type == kind.type for item in self.items.values())}"
        )
        position = piece.position + piece.matrix @ part.position
        placed = Placed(name, kind, tuple(map(float, position)), piece.rotation[1], given)
        body = spec.worldbody.add_body(
            name=name, pos=to_mujoco(position), quat=quaternion_to_mujoco(piece.matrix)
        )
        for mesh in kind.meshes:
            self._geom(spec, body, mesh_name, mesh, mesh.material)
        for mesh in part.glow:
            there = replace(mesh, vertices=mesh.vertices - part.position)
            self._geom(spec, body, f"{mesh_name}/glow", there, mesh.material)
        self._add_opening(spec, body, mesh_name, kind.opening, "")
        self.items[name] = self._piece(placed, piece.rotation, part_of=piece.name)
        self._glow[name] = len(part.glow)
        return name

    def _add_objects(self, spec: mujoco.MjSpec) -> None:
        for instance in self.room.objects:
            kind = instance.asset
            body = spec.worldbody.add_body(name=instance.name)
            body.add_freejoint()
            body.mass, body.inertia, body.explicitinertial = kind.mass_kg, np.full(3, 1e-3), True
            for mesh in kind.meshes:
                self._geom(spec, body, kind.name, mesh, _painted(mesh, instance.color))
            self._add_opening(spec, body, kind.name, kind.opening, instance.color)
            position = np.array(instance.position)
            self.items[instance.name] = Item(
                instance.name,
                kind.type,
                instance.object_id or object_id(kind.type, position),
                kind.size,
                position,
                (0.0, instance.yaw_deg, 0.0),
                pickupable=True,
                asset=kind,
                **_first_states(kind.opening, kind.switch),
            )

    def _add_opening(
        self,
        spec: mujoco.MjSpec,
        body: mujoco.MjsBody,
        mesh_name: str,
        opening: Opening | None,
        color: str,
    ) -> None:
        """What is drawn when it is open: geoms that are hidden at first, and a jointed body for each leaf."""
        if opening is None:
            return
        for mesh in opening.body:
            self._geom(spec, body, f"{mesh_name}/open", mesh, _painted(mesh, color))
        for i, leaf in enumerate(opening.leaves):
            turning = body.add_body(pos=to_mujoco(np.array(leaf.hinge)))
            turning.mass, turning.inertia, turning.explicitinertial = 0.1, np.full(3, 1e-3), True
            kind = mujoco.mjtJoint.mjJNT_SLIDE if leaf.slide_m else mujoco.mjtJoint.mjJNT_HINGE
            turning.add_joint(type=kind, axis=to_mujoco(np.array(leaf.axis)))
            for mesh in leaf.meshes:
                moved = replace(mesh, vertices=mesh.vertices - leaf.hinge)
                self._geom(spec, turning, f"{mesh_name}/leaf{i}", moved, _painted(mesh, color))

    def _add_lights(self, spec: mujoco.MjSpec) -> None:
        sun = to_mujoco(np.array(self.room.sun))
        sun = sun / np.linalg.norm(sun)
        center = to_mujoco(np.array(self.room.center))
        ambient = self.room.ambient
        head = spec.visual.headlight  # light from everywhere: its ambient part is not shadowed
        head.active, head.ambient, head.diffuse, head.specular = (
            1,
            np.full(3, ambient),
            np.full(3, 0.08),
            np.zeros(3),
        )
        key = spec.worldbody.add_light(
            name="sun",
            type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL,
            pos=center - 0.875 * self.room.extent_m * sun,
            dir=sun,
            castshadow=True,
        )
        key.diffuse, key.specular, key.ambient = np.full(3, 0.55), np.full(3, 0.25), np.zeros(3)
        fill = spec.worldbody.add_light(
            name="fill",
            type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL,
            pos=(0, 0, 3),
            dir=(-sun[0], -sun[1], -0.6),
            castshadow=False,
        )
        fill.diffuse, fill.specular, fill.ambient = np.full(3, 0.20), np.zeros(3), np.zeros(3)

    def _bind(self) -> None:
        """Fill in the compiled ids, and the lookup from geom to item."""
        self.item_of_geom: list[Item | None] = [None] * self.model.ngeom
        for item in self.items.values():
            item.body = self.model.body(item.name).id
            own, opening = item.meshes, item.opening
            leaves = opening.leaves if opening else ()
            first, count = self.model.body_geomadr[item.body], self.model.body_geomnum[item.body]
            glow = range(first + len(own), first + len(own) + self._glow.get(item.name, 0))
            item.shut_geoms = [*range(first, first + len(own)), *glow]
            item.open_geoms = list(range(first + len(item.shut_geoms), first + count))
            for body in range(item.body + 1, item.body + 1 + len(leaves)):
                first, count = self.model.body_geomadr[body], self.model.body_geomnum[body]
                item.open_geoms += range(first, first + count)
                item.leaf_joints.append(int(self.model.jnt_qposadr[self.model.body_jntadr[body]]))
            for geom in (*item.shut_geoms, *item.open_geoms):
                self.item_of_geom[geom] = self.items[item.part_of] if geom in glow else item
            if item.switch:
                material = self.model.material(item.switch.material).id
                geoms = np.array([*item.shut_geoms, *item.open_geoms])
                item.switch_geoms = geoms[self.model.geom_matid[geoms] == material].tolist()
        panes = {self.model.material(name).id for name in ("pane", "lampshade")}
        # The shell must not black out the sun: such geoms are drawn as decor, which casts no shadow.
        self.casts_no_shadow = np.isin(self.model.geom_matid, list(panes))
        self.casts_no_shadow |= [item is None for item in self.item_of_geom]

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
        """Everything as it is in another world, as far as that has it: poses, states, light, materials."""
        self.items |= {name: replace(item) for name, item in other.items.items()}
        for name, item in self.items.items():
            start = self._start[name]
            item.body, item.shut_geoms, item.open_geoms = (
                start.body,
                start.shut_geoms,
                start.open_geoms,
            )
            item.switch_geoms, item.leaf_joints = start.switch_geoms, start.leaf_joints
        self.item_of_geom = [item and self.items[item.name] for item in self.item_of_geom]
        for item in self.items.values():
            self._show(item)
            if item.pickupable:
                self._apply_pose(item)
        self.model.light_diffuse[:], self.model.light_dir[:] = (
            other.model.light_diffuse,
            other.model.light_dir,
        )
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
            groups[item.shut_geoms] = _HIDDEN_GROUP if item.apart else WHOLE_GROUP
            groups[item.open_geoms] = VISIBLE_GROUP if item.apart else PARTS_GROUP
            return
        whole = self.items.get(item.part_of)
        seen = PARTS_GROUP if whole and not whole.apart else VISIBLE_GROUP
        groups[item.shut_geoms] = seen if item.active and item.as_made else _HIDDEN_GROUP
        if item.opening:
            groups[item.open_geoms] = seen if item.active and not item.as_made else _HIDDEN_GROUP
            for address, leaf in zip(item.leaf_joints, item.opening.leaves):
                # the swap of y and z mirrors, so the turn is the other way
                turn = -np.radians(leaf.angle_deg * item.openness)
                self.data.qpos[address] = leaf.slide_m * item.openness if leaf.slide_m else turn
        if item.switch:
            material = item.switch.on if item.toggled else item.switch.off
            if material:
                self.model.geom_matid[item.switch_geoms] = self.model.material(material).id
            else:
                groups[item.switch_geoms] = _HIDDEN_GROUP

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
            whole.apart, whole.toggled = (
                any(p.openness or p.toggled for p in parts),
                any(p.toggled for p in parts),
            )
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
        diffuse, direction, ambient = self._original
        factor = rng.uniform(*brightness)
        tint = 1 + rng.uniform(-0.12, 0.12, 3) if hue else np.ones(3)
        self.model.light_diffuse[:] = np.clip(diffuse * factor * tint, 0, 1)
        self._ambient = np.clip(ambient * (0.5 + 0.5 * factor) * tint, 0, 1)
        self._light_lamps()
        turn = rng.uniform(-0.35, 0.35, (len(direction), 3))
        turned = direction + turn * np.array([1, 1, 0])
        self.model.light_dir[:] = turned / np.linalg.norm(turned, axis=1, keepdims=True)

    def reset_lighting(self) -> None:
        self.model.light_diffuse[:], self.model.light_dir[:], self._ambient = self._original
        self._light_lamps()

    def _light_lamps(self) -> None:
        lamps = [item for item in self.items.values() if item.switch and item.switch.light]
        share = np.prod([1 - lamp.switch.light for lamp in lamps if not lamp.toggled])
        self.model.vis.headlight.ambient = self._ambient * share

    def randomize_materials(self, rng: np.random.Generator) -> None:
        """New tints for the room's surfaces; the objects' colours stay, for they are their names."""
        for name in (
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
        ):
            index = self.model.material(name).id
            tint = rng.uniform(0.72, 1.0) * (1 + rng.uniform(-0.14, 0.14, 3))
            self.model.mat_rgba[index, :3] = np.clip(self._original_rgba[index, :3] * tint, 0, 1)

    def reset_materials(self) -> None:
        self.model.mat_rgba[:] = self._original_rgba
