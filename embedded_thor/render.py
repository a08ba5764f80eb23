"""Drawing: colour, instance ids and z-depth of one camera, through EGL without a screen."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import mujoco
import numpy as np

from embedded_thor.coords import to_mujoco
from embedded_thor.model import FAR_M, NEAR_M, PARTS_GROUP, VISIBLE_GROUP, WHOLE_GROUP
from embedded_thor.world import World

_MOST_FIGURES, _PARTS_OF_FIGURE = 16, 3
_CONTEXTS_KEPT = 8  # each a world's meshes and textures as OpenGL has them, for one quality


@dataclass(frozen=True)
class Preset:
    """shadow_px: side of the shadow map (0: none). samples: multisampling. draws: renders averaged with a moved sun."""

    shadow_px: int
    samples: int
    draws: int = 1


# AI2-THOR's quality names (and the numbers of its -screen-quality argument) on our three looks.
PRESETS = {"observation": Preset(0, 0), "dataset": Preset(1024, 4), "beauty": Preset(2048, 4, 16)}
QUALITIES = {
    "Very Low": "observation",
    "Low": "observation",
    "Medium": "dataset",
    "MediumCloseFitShadows": "dataset",
    "High": "dataset",
    "High WebGL": "dataset",
    "Very High": "dataset",
    "Ultra": "beauty",
}
QUALITY_NAMES = (
    "DONOTUSE",
    "Very Low",
    "Low",
    "Medium",
    "MediumCloseFitShadows",
    "High",
    "Very High",
    "Ultra",
    "High WebGL",
)


@dataclass(frozen=True)
class View:
    """A camera: eye (world, metres), yaw clockwise, pitch positive down, vertical field of view, all in degrees."""

    position: np.ndarray
    yaw_deg: float
    pitch_deg: float
    fov_deg: float

    @property
    def axes(self) -> tuple[np.ndarray, np.ndarray]:
        """Unit vectors (forward, up), world."""
        yaw, pitch = np.radians([self.yaw_deg, self.pitch_deg])
        ahead = np.array([np.sin(yaw), 0.0, np.cos(yaw)])
        up = np.array([0.0, 1.0, 0.0])
        return ahead * np.cos(pitch) - up * np.sin(pitch), up * np.cos(pitch) + ahead * np.sin(
            pitch
        )


@dataclass(frozen=True)
class Figure:
    """An agent as others see it: its foot (world, metres), its yaw, the height of its eye above the floor."""

    foot: np.ndarray
    yaw_deg: float
    eye_m: float


@dataclass(frozen=True)
class Frame:
    """Images bottom-up, as the wire wants them: color (H, W, 3) uint8; geoms (H, W) int32, -1 background; depth (H, W) float32 m."""

    color: np.ndarray
    geoms: np.ndarray | None
    depth: np.ndarray | None


def normals_image(depth: np.ndarray, fov_deg: float) -> np.ndarray:
    """Normals of the drawn surfaces in the camera's frame (x right, y up, z towards the camera), from z-depth (H, W),
    bottom-up: (H, W, 4) uint8, each component n as 127.5 * (n + 1), alpha 255. Of the two differences along an axis the
    smaller one counts, so that edges stay sharp."""
    height, width = depth.shape
    focal = height / 2 / np.tan(np.radians(fov_deg) / 2)
    x = (np.arange(width) - width / 2 + 0.5) / focal
    y = (np.arange(height) - height / 2 + 0.5) / focal
    points = np.stack([x[None] * depth, y[:, None] * depth, -depth], axis=-1).astype(np.float64)

    def along(axis: int) -> np.ndarray:
        step = np.diff(points, axis=axis)
        first, last = np.take(step, [0], axis), np.take(step, [-1], axis)
        back, ahead = np.concatenate([first, step], axis), np.concatenate([step, last], axis)
        nearer = np.abs(back[..., 2:]) < np.abs(ahead[..., 2:])
        return np.where(nearer, back, ahead)

    normals = np.cross(along(1), along(0))
    normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-12)
    image = np.full((height, width, 4), 255, np.uint8)
    image[..., :3] = np.round(127.5 * (normals + 1))
    return image


def _drawn(world: World, group: int) -> np.ndarray:
    """The geoms that `mjv_updateScene` takes into a scene, in its order: those of that group, and what is always drawn."""
    groups = world.model.geom_group
    return np.flatnonzero((groups == VISIBLE_GROUP) | (groups == group))


def _metres(buffer: np.ndarray) -> np.ndarray:
    """z-depth from OpenGL's depth with reversed z (1 near, 0 far)."""
    return (NEAR_M * FAR_M / (NEAR_M + buffer.astype(np.float64) * (FAR_M - NEAR_M))).astype(
        np.float32
    )


def _add_figure(scene: mujoco.MjvScene, figure: Figure) -> None:
    """A round body, a head, and an eye that looks ahead. They are no objects: in ids they are background."""
    yaw = np.radians(figure.yaw_deg)
    ahead = np.array([np.sin(yaw), 0.0, np.cos(yaw)])
    head = figure.foot + np.array([0.0, max(figure.eye_m, 0.2), 0.0])
    neck = max(float(head[1] - figure.foot[1]) - 0.12, 0.05)
    parts = (
        (
            mujoco.mjtGeom.mjGEOM_CYLINDER,
            (0.16, neck / 2, 0.0),
            figure.foot + np.array([0.0, neck / 2, 0.0]),
            (0.85, 0.86, 0.88, 1),
        ),
        (mujoco.mjtGeom.mjGEOM_SPHERE, (0.12, 0.12, 0.12), head, (0.85, 0.86, 0.88, 1)),
        (
            mujoco.mjtGeom.mjGEOM_SPHERE,
            (0.06, 0.06, 0.06),
            head + 0.08 * ahead,
            (0.05, 0.05, 0.06, 1),
        ),
    )
    for kind, size, position, rgba in parts:
        geom = scene.geoms[scene.ngeom]
        mujoco.mjv_initGeom(
            geom,
            kind,
            np.array(size),
            to_mujoco(position),
            np.eye(3).ravel(),
            np.array(rgba, np.float32),
        )
        geom.segid, geom.objid, geom.category = (
            scene.ngeom,
            -1,
            mujoco.mjtCatBit.mjCAT_DYNAMIC.value,
        )
        scene.ngeom += 1


class Renderer:
    """One OpenGL context for the process; `attach` binds it to a world (contexts of worlds seen before are kept)."""

    def __init__(self) -> None:
        self._gl = mujoco.GLContext(64, 64)
        self._gl.make_current()
        self._contexts: dict[tuple[int, str], tuple[mujoco.MjvScene, mujoco.MjrContext]] = {}
        self._option = mujoco.MjvOption()
        self._camera = mujoco.MjvCamera()
        self._perturb = mujoco.MjvPerturb()

    def _context(
        self, world: World, quality: str, width: int, height: int
    ) -> tuple[mujoco.MjvScene, mujoco.MjrContext]:
        key = (id(world), quality)
        if key not in self._contexts:
            preset = PRESETS[quality]
            world.model.vis.quality.shadowsize = max(preset.shadow_px, 1)
            world.model.vis.quality.offsamples = preset.samples
            world.model.vis.global_.offwidth, world.model.vis.global_.offheight = width, height
            scene = mujoco.MjvScene(
                world.model, maxgeom=world.model.ngeom + 16 + _PARTS_OF_FIGURE * _MOST_FIGURES
            )
            context = mujoco.MjrContext(world.model, mujoco.mjtFontScale.mjFONTSCALE_50.value)
            context.readDepthMap = mujoco.mjtDepthMap.mjDEPTH_ZEROFAR
            scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = preset.shadow_px > 0
            scene.flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = False
            scene.flags[mujoco.mjtRndFlag.mjRND_SKYBOX] = False
            self._contexts[key] = (scene, context)
            if len(self._contexts) > _CONTEXTS_KEPT:
                self._contexts.pop(next(iter(self._contexts)))[1].free()
        scene, context = self._contexts[key] = self._contexts.pop(
            key
        )  # at the end: the first is the longest unused
        if (context.offWidth, context.offHeight) != (width, height):
            mujoco.mjr_resizeOffscreen(width, height, context)
        # OpenGL draws into whatever was bound last: the buffer of another world, or of a context
        # that was made or resized since.
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN.value, context)
        return scene, context

    def forget(self, world: World) -> None:
        """Free what a world that will not be drawn again holds."""
        self._gl.make_current()
        for key in [key for key in self._contexts if key[0] == id(world)]:
            self._contexts.pop(key)[1].free()

    def draw(
        self,
        world: World,
        view: View,
        width: int,
        height: int,
        quality: str,
        ids: bool,
        depth: bool,
        figures: Sequence[Figure] = (),
    ) -> Frame:
        """Draw what the camera sees. Deterministic: nothing of earlier frames enters."""
        self._gl.make_current()  # another renderer of this process may have been the last to draw
        scene, context = self._context(world, quality, width, height)
        rect = mujoco.MjrRect(0, 0, width, height)
        color = self._color(world, view, figures, scene, context, rect, PRESETS[quality].draws)
        if not ids and not depth:
            return Frame(color, None, None)
        self._update(world, view, figures, scene, PARTS_GROUP)
        scene.flags[mujoco.mjtRndFlag.mjRND_SEGMENT] = scene.flags[
            mujoco.mjtRndFlag.mjRND_IDCOLOR
        ] = True
        mujoco.mjr_render(rect, scene, context)
        scene.flags[mujoco.mjtRndFlag.mjRND_SEGMENT] = scene.flags[
            mujoco.mjtRndFlag.mjRND_IDCOLOR
        ] = False
        codes = np.empty((height, width, 3), np.uint8)
        buffer = np.empty((height, width), np.float32) if depth else None
        mujoco.mjr_readPixels(codes, buffer, rect, context)
        # A colour is 1 + the place in the scene, its low byte in red, the next in green; 0 is background.
        places = np.ndarray((height, width), "<u2", codes, strides=(3 * width, 3))
        drawn = _drawn(world, PARTS_GROUP)
        assert len(drawn) + _PARTS_OF_FIGURE * len(figures) == scene.ngeom, (
            "a colour must name its geom"
        )
        geoms = np.full(scene.ngeom + 1, -1, np.int32)
        geoms[1 : 1 + len(drawn)] = drawn
        return Frame(color, geoms[places], _metres(buffer) if depth else None)

    def _color(
        self,
        world: World,
        view: View,
        figures: Sequence[Figure],
        scene: mujoco.MjvScene,
        context: mujoco.MjrContext,
        rect: mujoco.MjrRect,
        draws: int,
    ) -> np.ndarray:
        image = np.empty((rect.height, rect.width, 3), np.uint8)
        if draws == 1:
            self._update(world, view, figures, scene)
            mujoco.mjr_render(rect, scene, context)
            mujoco.mjr_readPixels(image, None, rect, context)
            return image
        total = np.zeros(image.shape, np.float64)
        direction = world.data.light_xdir.copy()
        rng = np.random.default_rng(0)
        for _ in range(draws):
            spread = direction[0] + rng.normal(0, 0.045, 3)
            world.data.light_xdir[0] = spread / np.linalg.norm(spread)
            self._update(world, view, figures, scene)
            mujoco.mjr_render(rect, scene, context)
            mujoco.mjr_readPixels(image, None, rect, context)
            total += image
        world.data.light_xdir[:] = direction
        self._update(world, view, figures, scene)
        return np.round(total / draws).astype(np.uint8)

    def _update(
        self,
        world: World,
        view: View,
        figures: Sequence[Figure],
        scene: mujoco.MjvScene,
        group: int = WHOLE_GROUP,
    ) -> None:
        self._option.geomgroup[:] = 0
        self._option.geomgroup[[VISIBLE_GROUP, group]] = 1
        mujoco.mjv_updateScene(
            world.model,
            world.data,
            self._option,
            self._perturb,
            self._camera,
            mujoco.mjtCatBit.mjCAT_ALL.value,
            scene,
        )
        if group == WHOLE_GROUP:  # shadows are in colour only
            for place in np.flatnonzero(world.casts_no_shadow[_drawn(world, group)]):
                scene.geoms[place].category = mujoco.mjtCatBit.mjCAT_DECOR
        for figure in figures:
            _add_figure(scene, figure)
        position, (forward, up) = to_mujoco(view.position), (to_mujoco(axis) for axis in view.axes)
        half = NEAR_M * math.tan(math.radians(view.fov_deg) / 2)
        for camera in scene.camera:
            camera.pos, camera.forward, camera.up = position, forward, up
            camera.frustum_near, camera.frustum_far = NEAR_M, FAR_M
            (
                camera.frustum_top,
                camera.frustum_bottom,
                camera.frustum_center,
                camera.frustum_width,
            ) = half, -half, 0, 0
