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
_SUN_SPREAD = 0.045  # standard deviation of a unit vector
_ID_FLAGS = (mujoco.mjtRndFlag.mjRND_SEGMENT, mujoco.mjtRndFlag.mjRND_IDCOLOR)


@dataclass(frozen=True)
class Preset:
    """How carefully colour is drawn.

    Attributes:
        shadow_px: side of the shadow map (0: none). samples: multisampling.
        draws: renders that are averaged, each with the sun a little moved: soft shadows.
    """

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
    """A camera: eye (world, metres), yaw clockwise, pitch positive down, vertical field of view."""

    position: np.ndarray
    yaw_deg: float
    pitch_deg: float
    fov_deg: float

    @property
    def axes(self) -> tuple[np.ndarray, np.ndarray]:
        """Unit vectors (forward, up), world."""
        yaw, pitch = np.radians([self.yaw_deg, self.pitch_deg])
        ahead, up = np.array([np.sin(yaw), 0.0, np.cos(yaw)]), np.array([0.0, 1.0, 0.0])
        sin, cos = np.sin(pitch), np.cos(pitch)
        return ahead * cos - up * sin, up * cos + ahead * sin


@dataclass(frozen=True)
class Figure:
    """An agent as others see it: its foot (world, metres), yaw, height of its eye above it."""

    foot: np.ndarray
    yaw_deg: float
    eye_m: float


@dataclass(frozen=True)
class Frame:
    """Images bottom-up, as the wire wants them.

    Attributes:
        color: (H, W, 3) uint8. geoms: (H, W) int32, -1 background. depth: (H, W) float32, metres.
    """

    color: np.ndarray
    geoms: np.ndarray | None
    depth: np.ndarray | None


@dataclass(frozen=True)
class _Canvas:
    """What OpenGL has of a world for one quality, and the rectangle that is drawn."""

    scene: mujoco.MjvScene
    context: mujoco.MjrContext
    rect: mujoco.MjrRect


@dataclass(frozen=True)
class _Shot:
    """What is drawn."""

    world: World
    view: View
    figures: Sequence[Figure]


class Renderer:
    """One OpenGL context for the process; what it has of worlds that were drawn before is kept."""

    def __init__(self) -> None:
        self._gl = mujoco.GLContext(64, 64)
        self._gl.make_current()
        self._contexts: dict[tuple[int, str], tuple[mujoco.MjvScene, mujoco.MjrContext]] = {}
        self._option = mujoco.MjvOption()
        self._camera = mujoco.MjvCamera()
        self._perturb = mujoco.MjvPerturb()

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
        canvas = _Canvas(scene, context, mujoco.MjrRect(0, 0, width, height))
        shot = _Shot(world, view, figures)
        color = self._color(shot, canvas, PRESETS[quality].draws)
        if not ids and not depth:
            return Frame(color, None, None)
        return Frame(color, *self._geoms_and_depth(shot, canvas, depth))

    def forget(self, world: World) -> None:
        """Free what a world that will not be drawn again holds."""
        self._gl.make_current()
        for key in [key for key in self._contexts if key[0] == id(world)]:
            self._contexts.pop(key)[1].free()

    def _context(
        self, world: World, quality: str, width: int, height: int
    ) -> tuple[mujoco.MjvScene, mujoco.MjrContext]:
        """A world's scene and context, bound, of that size."""
        key = (id(world), quality)
        if key not in self._contexts:
            self._contexts[key] = _made_context(world, PRESETS[quality], width, height)
            if len(self._contexts) > _CONTEXTS_KEPT:
                self._contexts.pop(next(iter(self._contexts)))[1].free()
        # at the end: the first is the longest unused
        scene, context = self._contexts[key] = self._contexts.pop(key)
        if (context.offWidth, context.offHeight) != (width, height):
            mujoco.mjr_resizeOffscreen(width, height, context)
        # OpenGL draws into whatever was bound last: the buffer of another world, or of a context
        # that was made or resized since.
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN.value, context)
        return scene, context

    def _color(self, shot: _Shot, canvas: _Canvas, draws: int) -> np.ndarray:
        """(H, W, 3) uint8."""
        if draws == 1:
            return self._drawn_once(shot, canvas)
        total = np.zeros((canvas.rect.height, canvas.rect.width, 3), np.float64)
        light = shot.world.data.light_xdir
        direction = light.copy()
        rng = np.random.default_rng(0)
        for _ in range(draws):
            spread = direction[0] + rng.normal(0, _SUN_SPREAD, 3)
            light[0] = spread / np.linalg.norm(spread)
            total += self._drawn_once(shot, canvas)
        light[:] = direction
        return np.round(total / draws).astype(np.uint8)

    def _drawn_once(self, shot: _Shot, canvas: _Canvas) -> np.ndarray:
        self._update(shot, canvas.scene, WHOLE_GROUP)
        # The shell must not black out the sun; there are shadows in colour only.
        casts_none = shot.world.casts_no_shadow[_drawn(shot.world, WHOLE_GROUP)]
        for place in np.flatnonzero(casts_none):
            canvas.scene.geoms[place].category = mujoco.mjtCatBit.mjCAT_DECOR
        image = np.empty((canvas.rect.height, canvas.rect.width, 3), np.uint8)
        mujoco.mjr_render(canvas.rect, canvas.scene, canvas.context)
        mujoco.mjr_readPixels(image, None, canvas.rect, canvas.context)
        return image

    def _geoms_and_depth(
        self, shot: _Shot, canvas: _Canvas, depth: bool
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """As in a Frame; both come of one pass."""
        scene, rect = canvas.scene, canvas.rect
        self._update(shot, scene, PARTS_GROUP)
        for flag in _ID_FLAGS:
            scene.flags[flag] = True
        mujoco.mjr_render(rect, scene, canvas.context)
        for flag in _ID_FLAGS:
            scene.flags[flag] = False
        codes = np.empty((rect.height, rect.width, 3), np.uint8)
        buffer = np.empty((rect.height, rect.width), np.float32) if depth else None
        mujoco.mjr_readPixels(codes, buffer, rect, canvas.context)
        drawn = _drawn(shot.world, PARTS_GROUP)
        in_scene = len(drawn) + _PARTS_OF_FIGURE * len(shot.figures)
        assert in_scene == scene.ngeom, "a colour must name its geom"
        geoms = np.full(scene.ngeom + 1, -1, np.int32)
        geoms[1 : 1 + len(drawn)] = drawn
        return geoms[_places(codes)], _metres(buffer) if depth else None

    def _update(self, shot: _Shot, scene: mujoco.MjvScene, group: int) -> None:
        """Make the scene anew: what is visible, and what is of a group; the figures; the camera."""
        self._option.geomgroup[:] = 0
        self._option.geomgroup[[VISIBLE_GROUP, group]] = 1
        mujoco.mjv_updateScene(
            shot.world.model,
            shot.world.data,
            self._option,
            self._perturb,
            self._camera,
            mujoco.mjtCatBit.mjCAT_ALL.value,
            scene,
        )
        for figure in shot.figures:
            _add_figure(scene, figure)
        _aim(scene, shot.view)


def _made_context(
    world: World, preset: Preset, width: int, height: int
) -> tuple[mujoco.MjvScene, mujoco.MjrContext]:
    """A world's meshes and textures go to OpenGL."""
    visual = world.model.vis
    visual.quality.shadowsize = max(preset.shadow_px, 1)
    visual.quality.offsamples = preset.samples
    visual.global_.offwidth, visual.global_.offheight = width, height
    most = world.model.ngeom + 16 + _PARTS_OF_FIGURE * _MOST_FIGURES
    scene = mujoco.MjvScene(world.model, maxgeom=most)
    context = mujoco.MjrContext(world.model, mujoco.mjtFontScale.mjFONTSCALE_50.value)
    context.readDepthMap = mujoco.mjtDepthMap.mjDEPTH_ZEROFAR
    scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = preset.shadow_px > 0
    scene.flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = False
    scene.flags[mujoco.mjtRndFlag.mjRND_SKYBOX] = False
    return scene, context


def _aim(scene: mujoco.MjvScene, view: View) -> None:
    """Set both eyes of a scene to a camera."""
    position, (forward, up) = to_mujoco(view.position), (to_mujoco(axis) for axis in view.axes)
    half = NEAR_M * math.tan(math.radians(view.fov_deg) / 2)
    for camera in scene.camera:
        camera.pos, camera.forward, camera.up = position, forward, up
        camera.frustum_near, camera.frustum_far = NEAR_M, FAR_M
        camera.frustum_top, camera.frustum_bottom = half, -half
        camera.frustum_center, camera.frustum_width = 0, 0


def _drawn(world: World, group: int) -> np.ndarray:
    """The geoms that `mjv_updateScene` takes into a scene, in its order.

    Those of that group, and what is always drawn.
    """
    groups = world.model.geom_group
    return np.flatnonzero((groups == VISIBLE_GROUP) | (groups == group))


def _places(codes: np.ndarray) -> np.ndarray:
    """(H, W): 1 + the place in the scene of what a pixel shows, 0 for the background.

    Args:
        codes: (H, W, 3) uint8 colours: the low byte of that number in red, the next in green.
    """
    height, width, _ = codes.shape
    return np.ndarray((height, width), "<u2", codes, strides=(3 * width, 3))


def _metres(buffer: np.ndarray) -> np.ndarray:
    """z-depth from OpenGL's depth with reversed z (1 near, 0 far)."""
    depth = NEAR_M * FAR_M / (NEAR_M + buffer.astype(np.float64) * (FAR_M - NEAR_M))
    return depth.astype(np.float32)


def _add_figure(scene: mujoco.MjvScene, figure: Figure) -> None:
    """A round body, a head, and an eye that looks ahead.

    They are no objects: in ids they are background.
    """
    yaw = np.radians(figure.yaw_deg)
    ahead = np.array([np.sin(yaw), 0.0, np.cos(yaw)])
    head = figure.foot + np.array([0.0, max(figure.eye_m, 0.2), 0.0])
    neck = max(float(head[1] - figure.foot[1]) - 0.12, 0.05)
    body = figure.foot + np.array([0.0, neck / 2, 0.0])
    cylinder, sphere = mujoco.mjtGeom.mjGEOM_CYLINDER, mujoco.mjtGeom.mjGEOM_SPHERE
    parts = (
        (cylinder, (0.16, neck / 2, 0.0), body, (0.85, 0.86, 0.88, 1)),
        (sphere, (0.12, 0.12, 0.12), head, (0.85, 0.86, 0.88, 1)),
        (sphere, (0.06, 0.06, 0.06), head + 0.08 * ahead, (0.05, 0.05, 0.06, 1)),
    )
    for kind, size, position, rgba in parts:
        geom, color = scene.geoms[scene.ngeom], np.array(rgba, np.float32)
        place = to_mujoco(position)
        mujoco.mjv_initGeom(geom, kind, np.array(size), place, np.eye(3).ravel(), color)
        geom.segid, geom.objid = scene.ngeom, -1
        geom.category = mujoco.mjtCatBit.mjCAT_DYNAMIC.value
        scene.ngeom += 1


def normals_image(depth: np.ndarray, fov_deg: float) -> np.ndarray:
    """Normals of the drawn surfaces in the camera's frame (x right, y up, z towards the camera).

    Of the two differences along an axis the smaller one counts, so that edges stay sharp.

    Args:
        depth: (H, W) z-depth in metres, bottom-up.
    Returns: (H, W, 4) uint8, bottom-up: each component n as 127.5 * (n + 1), alpha 255.
    """
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
