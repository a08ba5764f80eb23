"""Procedural textures: tileable, square, made from a seed, (N, N, 3) uint8.

Each is a function of a base colour.
"""

import numpy as np

from embedded_thor.records import Vector3

SIZE_PX = 128


def _noise(rng: np.random.Generator, exponent: float) -> np.ndarray:
    """Tileable noise in [-1, 1] whose spectrum falls as 1 / f ** exponent."""
    frequency = np.fft.fftfreq(SIZE_PX)
    radius = np.hypot(frequency[:, None], frequency[None])
    radius[0, 0] = 1.0
    spectrum = np.fft.fft2(rng.standard_normal((SIZE_PX, SIZE_PX))) / radius**exponent
    spectrum[0, 0] = 0
    field = np.fft.ifft2(spectrum).real
    return field / np.abs(field).max()


def _painted(rgb: Vector3, shade: np.ndarray) -> np.ndarray:
    return np.clip(np.asarray(rgb) * (1 + shade[..., None]) * 255, 0, 255).astype(np.uint8)


def _streaks(rng: np.random.Generator, strength: float) -> np.ndarray:
    """Wood grain along the image's x axis."""
    rows = np.fft.fft(rng.standard_normal(SIZE_PX))
    frequency = np.abs(np.fft.fftfreq(SIZE_PX))
    frequency[0] = 1
    lines = np.fft.ifft(rows / frequency**0.4).real
    lines /= np.abs(lines).max()
    wobble = (_noise(rng, 2.2) * 5).astype(int)
    index = (np.arange(SIZE_PX)[:, None] + wobble) % SIZE_PX
    return strength * (0.75 * lines[index] + 0.25 * _noise(rng, 0.8))


def wood(rgb: Vector3, rng: np.random.Generator) -> np.ndarray:
    return _painted(rgb, _streaks(rng, 0.22))


def planks(rgb: Vector3, rng: np.random.Generator) -> np.ndarray:
    """Four boards along x, ends staggered, dark joints."""
    shade = np.zeros((SIZE_PX, SIZE_PX))
    board = SIZE_PX // 4
    for i in range(4):
        rows = slice(i * board, (i + 1) * board)
        shade[rows] = _streaks(rng, 0.16)[rows] + rng.uniform(-0.14, 0.14)
        joint = (i * SIZE_PX * 3 // 8) % SIZE_PX
        shade[rows, joint : joint + 2] -= 0.35
        shade[i * board : i * board + 2] -= 0.35
    return _painted(rgb, shade)


def tiles(rgb: Vector3, rng: np.random.Generator) -> np.ndarray:
    """Two by two tiles with light joints."""
    shade = 0.05 * _noise(rng, 1.2)
    half = SIZE_PX // 2
    for i in range(2):
        for j in range(2):
            shade[i * half : (i + 1) * half, j * half : (j + 1) * half] += rng.uniform(-0.07, 0.05)
    joints = np.zeros((SIZE_PX, SIZE_PX), bool)
    for at in (0, half):
        joints[at : at + 3] = joints[:, at : at + 3] = True
    image = _painted(rgb, shade)
    image[joints] = np.clip(np.asarray(rgb) * 255 * 0.72, 0, 255).astype(np.uint8)
    return image


def carpet(rgb: Vector3, rng: np.random.Generator) -> np.ndarray:
    return _painted(
        rgb,
        0.16 * rng.standard_normal((SIZE_PX, SIZE_PX)).clip(-2, 2) / 2 + 0.10 * _noise(rng, 1.5),
    )


def fabric(rgb: Vector3, rng: np.random.Generator) -> np.ndarray:
    x = np.arange(SIZE_PX)
    weave = 0.05 * (np.sin(x * np.pi / 2)[:, None] + np.sin(x * np.pi / 2)[None])
    return _painted(rgb, weave + 0.06 * _noise(rng, 1.0))


def plaster(rgb: Vector3, rng: np.random.Generator) -> np.ndarray:
    return _painted(rgb, 0.035 * _noise(rng, 1.0))


def marble(rgb: Vector3, rng: np.random.Generator) -> np.ndarray:
    veins = np.abs(_noise(rng, 1.6))
    return _painted(rgb, 0.06 * _noise(rng, 1.5) - 0.30 * np.exp(-((veins / 0.05) ** 2)))


def stripes(rgb: Vector3, rng: np.random.Generator) -> np.ndarray:
    """Wallpaper."""
    band = (np.arange(SIZE_PX) // (SIZE_PX // 8)) % 2
    return _painted(rgb, 0.05 * band[None].repeat(SIZE_PX, 0) + 0.02 * _noise(rng, 1.0))


def woven(rgb: Vector3, rng: np.random.Generator) -> np.ndarray:
    """A rug with diamonds."""
    x = np.abs((np.arange(SIZE_PX) % 64) - 32)
    diamonds = ((x[:, None] + x[None]) // 8) % 2
    return _painted(
        rgb, 0.25 * diamonds - 0.1 + 0.1 * rng.standard_normal((SIZE_PX, SIZE_PX)).clip(-1, 1)
    )


def picture(rgb: Vector3, rng: np.random.Generator) -> np.ndarray:
    """An abstract landscape for the wall."""
    sky, ground = np.asarray(rgb), np.asarray(rgb)[::-1] * 0.6
    horizon = (SIZE_PX * 0.55 + 12 * _noise(rng, 1.8)[0]).astype(int)
    below = np.arange(SIZE_PX)[:, None] > horizon[None]
    image = np.where(below[..., None], ground, sky) * (1 + 0.15 * _noise(rng, 1.5)[..., None])
    return np.clip(image * 255, 0, 255).astype(np.uint8)


def sky(rgb: Vector3, rng: np.random.Generator) -> np.ndarray:
    """What is seen through a window."""
    height = np.linspace(1.0, 0.75, SIZE_PX)[:, None].repeat(SIZE_PX, 1)
    clouds = np.clip(_noise(rng, 1.7), 0, 1)
    image = np.asarray(rgb) * height[..., None] + clouds[..., None] * 0.5
    return np.clip(image * 255, 0, 255).astype(np.uint8)


TEXTURES = {
    f.__name__: f
    for f in (wood, planks, tiles, carpet, fabric, plaster, marble, stripes, woven, picture, sky)
}


def texture(name: str, rgb: Vector3, seed: int) -> np.ndarray:
    """(N, N, 3) uint8."""
    return TEXTURES[name](rgb, np.random.default_rng(seed))
