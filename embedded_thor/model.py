"""A room compiled for MuJoCo. THOR's frame outside, MuJoCo's inside (`coords.py`).

Objects are bodies with free joints whose poses are set; furniture and shell are static geoms. What
is drawn when something is open, or on, is there from the start, in a group of geoms that nothing
sees.
"""

import zlib
from dataclasses import dataclass, replace

import mujoco
import numpy as np

from embedded_thor.coords import euler_to_matrix, quaternion_to_mujoco, to_mujoco
from embedded_thor.item import Item, object_id
from embedded_thor.records import (
    Furniture,
    Material,
    Mesh,
    ObjectInstance,
    Opening,
    Part,
    Placed,
    Room,
    Vector3,
)
from embedded_thor.things.textures import SIZE_PX, texture

# Groups of geoms: what every picture and every ray sees; a piece of furniture drawn as one, in
# colour; the same piece as carcass and parts, for ids, depth and rays; what nothing sees. The two
# look alike while all parts are shut and off.
VISIBLE_GROUP, WHOLE_GROUP, PARTS_GROUP, HIDDEN_GROUP = 0, 1, 2, 5
NEAR_M, FAR_M = 0.05, 20.0
_LEAF_KG = 0.1
_INERTIA = np.full(3, 1e-3)  # nothing here moves by its inertia, but MuJoCo wants one
_NO_SHADOW = ("pane", "lampshade")  # materials


@dataclass(frozen=True)
class CompiledRoom:
    """A model, and whose its geoms are.

    Attributes:
        items: by name; each knows its body, geoms and joints.
        item_of_geom: (ngeom,) None: of the shell.
        casts_no_shadow: (ngeom,) bool.
    """

    model: mujoco.MjModel
    items: dict[str, Item]
    item_of_geom: list[Item | None]
    casts_no_shadow: np.ndarray


def compile_room(room: Room) -> CompiledRoom:
    """Costs about 0.2 s. Raises: ValueError if MuJoCo cannot compile it."""
    return _Compiler(room).compiled()


class _Compiler:
    """A room on its way into MuJoCo's description of it."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._spec = _empty_spec(room)
        self._mesh_names: set[str] = set()
        self._items: dict[str, Item] = {}
        self._glow: dict[str, int] = {}  # how many of a part's geoms are its piece's

    def compiled(self) -> CompiledRoom:
        for material in self._room.materials.values():
            _add_material(self._spec, material, self._room.name)
        self._add_shell()
        for piece in self._room.furniture:
            self._add_piece(piece)
        for instance in self._room.objects:
            self._add_object(instance)
        _add_lights(self._spec, self._room)
        model = self._spec.compile()
        item_of_geom = self._bind(model)
        panes = [model.material(name).id for name in _NO_SHADOW]
        # The shell must not black out the sun: such geoms are drawn as decor, without a shadow.
        in_shell = [item is None for item in item_of_geom]
        casts_no_shadow = np.isin(model.geom_matid, panes) | in_shell
        return CompiledRoom(model, self._items, item_of_geom, casts_no_shadow)

    def _add_shell(self) -> None:
        meshes = (*self._room.shell, *((self._room.rug,) if self._room.rug else ()))
        for i, mesh in enumerate(meshes):
            self._geom(self._spec.worldbody, f"shell{i}", mesh)

    def _add_piece(self, piece: Placed) -> None:
        """A piece of furniture: drawn as one, then its leaves, then its carcass, then its parts."""
        kind, rotation = piece.furniture, (0.0, piece.yaw_deg, 0.0)
        body = self._body(piece.name, piece.position, euler_to_matrix(*rotation))
        for mesh in kind.meshes:
            self._geom(body, piece.name, mesh)
        self._add_opening(body, piece.name, kind.opening)
        for mesh in kind.carcass:
            self._geom(body, f"{piece.name}/carcass", mesh)
        self._items[piece.name] = item = _item_of_piece(piece, rotation)
        item.part_names = tuple(
            self._add_part(item, part, number) for number, part in enumerate(kind.parts, 1)
        )

    def _add_part(self, piece: Item, part: Part, number: int) -> str:
        """Returns its name."""
        kind, mesh_name = part.furniture, f"{piece.name}/{number}"
        name, given_id = self._part_name(piece, kind, number)
        position = piece.position + piece.matrix @ part.position
        placed = Placed(name, kind, tuple(map(float, position)), piece.rotation[1], given_id)
        body = self._body(name, position, piece.matrix)
        for mesh in kind.meshes:
            self._geom(body, mesh_name, mesh)
        for mesh in part.glow:
            there = replace(mesh, vertices=mesh.vertices - part.position)
            self._geom(body, f"{mesh_name}/glow", there)
        self._add_opening(body, mesh_name, kind.opening)
        self._items[name] = _item_of_piece(placed, piece.rotation, part_of=piece.name)
        self._glow[name] = len(part.glow)
        return name

    def _part_name(self, piece: Item, kind: Furniture, number: int) -> tuple[str, str]:
        """Its name and its objectId if that is given.

        In a house both begin with the id of its piece, else it is counted among its type.
        """
        if piece.placed.object_id:
            name = f"{piece.placed.object_id}|{kind.type}|{number}"
            return name, name
        others = sum(item.type == kind.type for item in self._items.values())
        return f"{kind.type}_{1 + others}", ""

    def _add_object(self, instance: ObjectInstance) -> None:
        kind = instance.asset
        body = self._spec.worldbody.add_body(name=instance.name)
        body.add_freejoint()
        body.mass, body.inertia, body.explicitinertial = kind.mass_kg, _INERTIA, True
        for mesh in kind.meshes:
            self._geom(body, kind.name, mesh, instance.color)
        self._add_opening(body, kind.name, kind.opening, instance.color)
        self._items[instance.name] = _item_of_object(instance)

    def _add_opening(
        self, body: mujoco.MjsBody, mesh_name: str, opening: Opening | None, color: str = ""
    ) -> None:
        """What is drawn when it is open: its body, and a jointed body for each leaf."""
        if opening is None:
            return
        for mesh in opening.body:
            self._geom(body, f"{mesh_name}/open", mesh, color)
        for i, leaf in enumerate(opening.leaves):
            turning = body.add_body(pos=to_mujoco(np.array(leaf.hinge)))
            turning.mass, turning.inertia, turning.explicitinertial = _LEAF_KG, _INERTIA, True
            kind = mujoco.mjtJoint.mjJNT_SLIDE if leaf.slide_m else mujoco.mjtJoint.mjJNT_HINGE
            turning.add_joint(type=kind, axis=to_mujoco(np.array(leaf.axis)))
            for mesh in leaf.meshes:
                moved = replace(mesh, vertices=mesh.vertices - leaf.hinge)
                self._geom(turning, f"{mesh_name}/leaf{i}", moved, color)

    def _body(
        self, name: str, position: Vector3 | np.ndarray, matrix: np.ndarray
    ) -> mujoco.MjsBody:
        """A static one."""
        return self._spec.worldbody.add_body(
            name=name, pos=to_mujoco(np.array(position)), quat=quaternion_to_mujoco(matrix)
        )

    def _geom(self, body: mujoco.MjsBody, mesh_name: str, mesh: Mesh, color: str = "") -> None:
        """One visual geom; its mesh is shared by every geom that asks for the same name.

        Args:
            color: of the object, in which the material "color" is drawn.
        """
        key = f"{mesh_name}/{mesh.material}"
        if key not in self._mesh_names:
            self._mesh_names.add(key)
            look = self._room.materials.get(mesh.material)
            _add_mesh(self._spec, key, mesh, look.metres_per_tile if look else 1.0)
        body.add_geom(
            type=mujoco.mjtGeom.mjGEOM_MESH,
            meshname=key,
            material=f"color-{color}" if mesh.material == "color" else mesh.material,
            contype=0,
            conaffinity=0,
            group=VISIBLE_GROUP,
            mass=0,
        )

    def _bind(self, model: mujoco.MjModel) -> list[Item | None]:
        """Fill in the compiled ids of every item; returns the lookup from geom to item."""
        item_of_geom: list[Item | None] = [None] * model.ngeom
        for item in self._items.values():
            glowing = self._glow.get(item.name, 0)
            _bind_item(model, item, glowing)
            own = len(item.meshes)
            glow = item.shut_geoms[own : own + glowing]
            for geom in (*item.shut_geoms, *item.open_geoms):
                item_of_geom[geom] = self._items[item.part_of] if geom in glow else item
        return item_of_geom


def _bind_item(model: mujoco.MjModel, item: Item, glowing: int) -> None:
    """Which geoms and joints of the model are an item's; its own meshes and its glow come first."""
    item.body = model.body(item.name).id
    first, count = model.body_geomadr[item.body], model.body_geomnum[item.body]
    shut = len(item.meshes) + glowing
    item.shut_geoms = list(range(first, first + shut))
    item.open_geoms = list(range(first + shut, first + count))
    leaves = item.opening.leaves if item.opening else ()
    for body in range(item.body + 1, item.body + 1 + len(leaves)):
        first, count = model.body_geomadr[body], model.body_geomnum[body]
        item.open_geoms += range(first, first + count)
        item.leaf_joints.append(int(model.jnt_qposadr[model.body_jntadr[body]]))
    if item.switch:
        material = model.material(item.switch.material).id
        geoms = np.array([*item.shut_geoms, *item.open_geoms])
        item.switch_geoms = geoms[model.geom_matid[geoms] == material].tolist()


def _item_of_piece(piece: Placed, rotation: Vector3, part_of: str = "") -> Item:
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
        openness=kind.opening.at_first if kind.opening else 0.0,
        toggled=bool(kind.switch and kind.switch.at_first),
    )


def _item_of_object(instance: ObjectInstance) -> Item:
    kind, position = instance.asset, np.array(instance.position)
    return Item(
        instance.name,
        kind.type,
        instance.object_id or object_id(kind.type, position),
        kind.size,
        position,
        (0.0, instance.yaw_deg, 0.0),
        pickupable=True,
        asset=kind,
        openness=kind.opening.at_first if kind.opening else 0.0,
        toggled=bool(kind.switch and kind.switch.at_first),
    )


def _empty_spec(room: Room) -> mujoco.MjSpec:
    """Of the size that light and depth are made for."""
    spec = mujoco.MjSpec()
    spec.stat.extent, spec.stat.center = room.extent_m, to_mujoco(np.array(room.center))
    spec.visual.map.znear, spec.visual.map.zfar = NEAR_M / room.extent_m, FAR_M / room.extent_m
    spec.visual.map.shadowclip = 0.9
    spec.visual.global_.offwidth = spec.visual.global_.offheight = 2048
    spec.option.gravity = (0, 0, -9.81)
    return spec


def _add_material(spec: mujoco.MjSpec, material: Material, room_name: str) -> None:
    made = spec.add_material(name=material.name)
    made.specular, made.shininess = material.specular, material.shininess
    made.emission = material.emission
    if not material.texture:
        made.rgba = (*material.rgb, 1)
        return
    made.rgba = (1, 1, 1, 1)
    seed = zlib.crc32(f"{room_name}/{material.name}".encode())
    picture = spec.add_texture(
        name=material.name,
        type=mujoco.mjtTexture.mjTEXTURE_2D,
        width=SIZE_PX,
        height=SIZE_PX,
        nchannel=3,
    )
    picture.data = texture(material.texture, material.rgb, seed).tobytes()
    made.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = material.name


def _add_mesh(spec: mujoco.MjSpec, name: str, mesh: Mesh, metres_per_tile: float) -> None:
    made = spec.add_mesh(name=name, inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL)
    made.uservert = to_mujoco(mesh.vertices).ravel()
    made.usernormal = to_mujoco(mesh.normals).ravel()
    made.usertexcoord = (mesh.uv / metres_per_tile).ravel()
    # the swap of y and z mirrors, so the winding turns
    made.userface = mesh.faces[:, [0, 2, 1]].ravel()


def _add_lights(spec: mujoco.MjSpec, room: Room) -> None:
    """Light from everywhere, the sun, and a weak one against it that casts no shadow."""
    sun = to_mujoco(np.array(room.sun))
    sun = sun / np.linalg.norm(sun)
    head = spec.visual.headlight  # its ambient part is not shadowed
    head.active, head.ambient = 1, np.full(3, room.ambient)
    head.diffuse, head.specular = np.full(3, 0.08), np.zeros(3)
    key = spec.worldbody.add_light(
        name="sun",
        type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL,
        pos=to_mujoco(np.array(room.center)) - 0.875 * room.extent_m * sun,
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
