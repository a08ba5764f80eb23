"""A picture file as the pixels that a person sees who opens it: upright, whole, on white paper."""

import contextlib
import io
import re
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image

from rls3.errors import DataError, RLS3Error, first_line

MAX_PIXELS = 64_000_000
"""Of a picture; cameras make 12 to 50 million."""
MAX_BYTES = 256 * 2**20
"""Of its file; room for MAX_PIXELS without compression."""

# Not all that Pillow reads: EPS, for one, would run another program.
_FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "JPEG2000", "GIF", "BMP", "DIB", "TIFF", "PPM")
_WAY_OUT = "give a PNG, JPEG, WebP, AVIF, GIF, BMP or TIFF"
_WHITE = (255, 255, 255, 255)
_OVERSHOOT = 0.1
_LEVELS = 255
_LEVELS_16 = 65535
_FILTERS = threading.Lock()  # filters of warnings belong to the process, a server has threads

Encoded = bytes | bytearray | memoryview


def read_picture(
    source: Path | Encoded,
    name: str = "",
    max_pixels: int = MAX_PIXELS,
    max_bytes: int = MAX_BYTES,
    way_out: str = _WAY_OUT,
) -> np.ndarray:
    """The pixels of a PNG, JPEG, WebP, AVIF, JPEG 2000, GIF, BMP, TIFF or PPM.

    The orientation that a camera noted is obeyed; what is transparent lies on white; 16-bit grey is
    scaled to 8 bits, wider ranges as `_black_and_white` says; an animation gives its first frame.

    Args:
        source: a file, or its content.
        name: what messages call the picture; by default the file's path.
        max_pixels, max_bytes: that it may have.
        way_out: what messages advise if it is damaged.
    Returns: (H, W, 3) uint8 RGB, channels last however small the picture is.
    Raises: DataError if it is missing, damaged, of another format, or larger than that (found out
        before anything is decoded).
    """
    name = name or (str(source) if isinstance(source, Path) else "the picture")
    read = _file if isinstance(source, Path) else _content
    content = read(source, name, max_bytes)
    with _refusals(name, max_pixels, way_out), _opened(content) as picture:
        _check_pixels(picture.width * picture.height, name, max_pixels)
        picture.load()  # before its orientation is asked for: Pillow turns a TIFF here
        return np.ascontiguousarray(_upright(_rgb(picture), _orientation(picture)))


def _file(path: Path, name: str, most: int) -> bytes:
    try:
        if not path.is_file():
            raise DataError(
                f"{name} {'is not a file' if path.exists() else 'does not exist'}; {_WAY_OUT}"
            )
        _check_bytes(path.stat().st_size, name, most)
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{name} cannot be read ({error.strerror}); {_WAY_OUT}") from error


def _content(encoded: Encoded, name: str, most: int) -> bytes:
    _check_bytes(memoryview(encoded).nbytes, name, most)
    return bytes(encoded)


def _check_bytes(n_bytes: int, name: str, most: int) -> None:
    if n_bytes > most:
        raise DataError(
            f"{name} has {n_bytes / 2**20:.1f} MiB, more than the {most / 2**20:.0f} MiB "
            "that a picture may have; make it smaller"
        )


def _check_pixels(n_pixels: int, name: str, most: int) -> None:
    if n_pixels > most:
        raise DataError(
            f"{name} has {n_pixels / 1e6:.1f} megapixels, more than the {most / 1e6:.0f} "
            "megapixels that a picture may have; make it smaller"
        )


def _opened(content: bytes) -> Image.Image:
    """With its header read and nothing decoded. A picture that Pillow only warns of is an error."""
    with _FILTERS, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # odd metadata, which nobody sees
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        return Image.open(io.BytesIO(content), formats=_FORMATS)


@contextlib.contextmanager
def _refusals(name: str, max_pixels: int, way_out: str) -> Iterator[None]:
    """What Pillow has against a picture becomes the one sentence about it."""
    try:
        yield
    except RLS3Error:
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        # Pillow's own limits, checked before we can, lie above MAX_PIXELS; it tells the number
        pixels = re.search(r"\d+", str(error))
        _check_pixels(int(pixels[0]) if pixels else 2 * max_pixels, name, max_pixels)
        raise
    except Image.UnidentifiedImageError:
        raise DataError(f"{name} is not a picture that can be read; {way_out}") from None
    except MemoryError:
        raise DataError(f"{name} does not fit in memory; make it smaller") from None
    except Exception as error:  # Pillow's decoders raise anything from SyntaxError to struct.error
        reason = first_line(error)[:120]
        raise DataError(f"{name} is damaged, or of an odd kind ({reason}); {way_out}") from error


def _rgb(picture: Image.Image) -> np.ndarray:
    """(H, W, 3) uint8 of a decoded picture of any mode."""
    if picture.mode == "F" or picture.mode.startswith("I"):  # wider than 8 bits
        return np.repeat(_grey(np.asarray(picture))[:, :, None], 3, axis=2)
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, _WHITE), picture)
    return np.array(picture.convert("RGB"))


def _grey(values: np.ndarray) -> np.ndarray:
    """(H, W) of 16 bits, 32 bits or floats -> uint8."""
    if values.dtype.itemsize == 2:
        return np.rint(values / np.float32(_LEVELS_16 / _LEVELS)).astype(np.uint8)
    black, white = _black_and_white(values[np.isfinite(values)])
    shares = (np.nan_to_num(values.astype(np.float64), posinf=np.inf) - black) / (white - black)
    return np.rint(np.clip(shares, 0, 1) * _LEVELS).astype(np.uint8)


def _black_and_white(values: np.ndarray) -> tuple[float, float]:
    """Which values are black and white; files of these kinds do not say.

    0 and the first of 1 (of floats), 255 and 65535 that holds all values, a little overshoot aside;
    if none does, the lowest and the highest value.
    """
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    for white in (1.0, _LEVELS, _LEVELS_16)[0 if values.dtype.kind == "f" else 1 :]:
        if -_OVERSHOOT * white <= low and high <= (1 + _OVERSHOOT) * white:
            return 0.0, white
    return low, max(high, low + 1)


def _orientation(picture: Image.Image) -> int:
    """1 to 8 of EXIF; 1, which changes nothing, where there is none or it cannot be read."""
    try:
        return picture.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # damaged metadata: viewers show the picture as it lies
        return 1


_UPRIGHT: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: a[::-1].swapaxes(0, 1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: a[:, ::-1].swapaxes(0, 1),
}
"""By EXIF's orientation, how (H, W, 3) becomes upright."""


def _upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    return _UPRIGHT.get(orientation, lambda a: a)(pixels)
