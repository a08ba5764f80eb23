import io
import struct
import time
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image, ImageOps

from rls3.dataset.picture import MAX_BYTES, MAX_PIXELS, read_picture
from rls3.dataset.sample import decode
from rls3.errors import DataError
from tests.conftest import make_sample_of

RED, BLUE, WHITE = (255, 0, 0), (0, 0, 255), (255, 255, 255)


@pytest.fixture(autouse=True)
def _no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def _scene(height=24, width=40) -> np.ndarray:
    """A picture without symmetry: red at the left, blue at the lower right, a green slope."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, :, 1] = np.linspace(0, 200, width)
    pixels[4:12, 2:10], pixels[-8:-2, -9:-1] = RED, BLUE
    return pixels


def _file(picture: Image.Image, form="PNG", **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def _lossless(pixels: np.ndarray) -> bytes:
    return _file(Image.fromarray(pixels))


def test_a_plain_picture_is_its_pixels_from_any_source(tmp_path):
    content = _lossless(_scene())
    path = tmp_path / "a.png"
    path.write_bytes(content)
    for source in (path, content, bytearray(content), memoryview(content)):
        pixels = read_picture(source)
        assert pixels.dtype == np.uint8 and np.array_equal(pixels, _scene())
        pixels[0, 0] = 1  # the caller's own
    sample = make_sample_of(3)
    assert np.array_equal(read_picture(sample.image), decode(sample))


# How the scene lies in a file whose EXIF orientation (tag 0x0112) says how to turn it upright.
LYING = {
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
    8: lambda a: np.rot90(a, -1),
}


@pytest.mark.parametrize("orientation", LYING)
@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF", "WEBP", "AVIF"])
def test_the_orientation_that_a_camera_noted_is_obeyed(form, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    lying = Image.fromarray(np.ascontiguousarray(LYING[orientation](_scene())))
    options = {
        "WEBP": {"lossless": True},
        "JPEG": {"quality": 100, "subsampling": 0},
        "AVIF": {"quality": 100, "subsampling": "4:4:4"},
    }.get(form, {})
    pixels = read_picture(_file(lying, form, exif=exif, **options)).astype(int)
    assert pixels.shape == _scene().shape
    tolerance = 0 if form in ("PNG", "TIFF", "WEBP") else 3
    assert np.abs(pixels - _scene()).mean() <= tolerance


def test_pillow_turns_pictures_alike():
    for orientation in LYING:
        exif = Image.Exif()
        exif[0x0112] = orientation
        content = _file(Image.fromarray(_scene()), exif=exif)
        turned = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
        assert np.array_equal(read_picture(content), np.asarray(turned))


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_changes_nothing(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert np.array_equal(read_picture(_file(Image.fromarray(_scene()), exif=exif)), _scene())


def test_damaged_metadata_changes_nothing():
    whole = _file(Image.fromarray(_scene()), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff" * 3)
    plain = _file(Image.fromarray(_scene()), "JPEG")
    assert np.array_equal(read_picture(whole), read_picture(plain))


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_16_bit_grey_is_scaled_and_not_clipped(form):
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)[None].repeat(8, axis=0)
    pixels = read_picture(_file(Image.fromarray(ramp), form))
    assert np.array_equal(
        pixels, np.arange(256, dtype=np.uint8)[None, :, None].repeat(3, 2)[[0] * 8]
    )
    dark = read_picture(_file(Image.fromarray(ramp // 64), form))
    assert dark.max() == 4  # a dark picture stays dark


def test_16_bit_grey_is_turned_too():
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)[None].repeat(8, axis=0)
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = read_picture(_file(Image.fromarray(ramp), exif=exif))
    assert pixels.shape == (256, 8, 3) and (np.diff(pixels[:, 0, 0].astype(int)) == 1).all()


def _png_of_colour_16(values: np.ndarray) -> bytes:
    """(H, W, 3) uint16 as PNG, which Pillow only reads."""

    def chunk(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    height, width, _ = values.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*parts) for parts in chunks)


def test_16_bit_colour_is_scaled():
    assert np.array_equal(
        read_picture(_png_of_colour_16(_scene().astype(np.uint16) * 257)), _scene()
    )


@pytest.mark.parametrize("top", [1, 255])
def test_floats_from_0_to_1_or_to_255(top):
    ramp = np.linspace(0, top, 256).astype(np.float32)[None].repeat(4, axis=0)
    pixels = read_picture(_file(Image.fromarray(ramp), "TIFF"))
    assert np.array_equal(pixels[0, :, 0], np.arange(256))
    ramp[0, 0], ramp[0, 1], ramp[0, 2] = np.nan, np.inf, top * 1.05
    assert read_picture(_file(Image.fromarray(ramp), "TIFF"))[0, :3, 0].tolist() == [0, 255, 255]


def test_other_ranges_go_from_their_darkest_to_their_lightest():
    depth = np.linspace(-3000, 90000, 256).astype(np.int32)[None].repeat(4, axis=0)
    assert np.array_equal(
        read_picture(_file(Image.fromarray(depth), "TIFF"))[0, :, 0], np.arange(256)
    )
    flat = Image.fromarray(np.full((4, 4), 1_000_000, np.int32))
    assert read_picture(_file(flat, "TIFF")).max() == 0
    for top in (200, 50_000):
        values = np.array([[0, top]], np.int32)
        white = 255 if top == 200 else 65535
        seen = read_picture(_file(Image.fromarray(values), "TIFF"))[0, :, 0]
        assert seen.tolist() == [0, round(top * 255 / white)]


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "CMYK", "YCbCr"])
def test_modes_without_transparency_look_alike(mode):
    pixels = np.full((8, 12, 3), 255, np.uint8)
    pixels[:, :6] = 0
    form = "TIFF" if mode in ("CMYK", "YCbCr") else "PNG"
    read = read_picture(_file(Image.fromarray(pixels).convert(mode), form))
    assert np.array_equal(read, pixels)


def test_cmyk_of_jpeg_is_not_a_negative():
    picture = Image.fromarray(np.full((16, 16, 3), RED, np.uint8)).convert("CMYK")
    assert np.abs(read_picture(_file(picture, "JPEG")).astype(int) - RED).max() < 8


def _half_clear(mode: str) -> Image.Image:
    """Red at the left, at the right clear over a black that must not show."""
    picture = Image.new("RGBA", (8, 4), (0, 0, 0, 0))
    picture.paste((*RED, 255), (0, 0, 4, 4))
    return picture.convert(mode)


@pytest.mark.parametrize(("mode", "form"), [("RGBA", "PNG"), ("RGBA", "WEBP"), ("LA", "PNG")])
def test_what_is_transparent_lies_on_white(mode, form):
    options = {"lossless": True} if form == "WEBP" else {}
    pixels = read_picture(_file(_half_clear(mode), form, **options))
    assert (pixels[:, 4:] == WHITE).all() and (pixels[:, :4] == pixels[0, 0]).all()
    assert tuple(pixels[0, 0]) == (RED if mode == "RGBA" else (76, 76, 76))


def test_half_transparent_is_half_white():
    picture = Image.new("RGBA", (2, 2), (255, 0, 0, 128))
    assert np.abs(read_picture(_file(picture)).astype(int) - (255, 127, 127)).max() <= 1


@pytest.mark.parametrize("form", ["PNG", "GIF"])
def test_a_transparent_colour_of_a_palette_is_white(form):
    picture = Image.new("P", (8, 4), 1)
    picture.putpalette([0, 0, 0, *RED, *BLUE])
    picture.paste(0, (4, 0, 8, 4))
    assert (read_picture(_file(picture, form))[:, 4:] == 0).all()
    assert (read_picture(_file(picture, form, transparency=0))[:, 4:] == WHITE).all()
    assert (read_picture(_file(picture, form, transparency=0))[:, :4] == RED).all()


def test_a_transparent_colour_of_rgb_and_grey_is_white():
    rgb = Image.fromarray(np.full((2, 2, 3), BLUE, np.uint8))
    assert (read_picture(_file(rgb, transparency=BLUE)) == 255).all()
    assert (read_picture(_file(Image.new("L", (2, 2), 9), transparency=9)) == 255).all()


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP", "TIFF"])
def test_of_an_animation_the_first_frame_is_seen(form):
    frames = [Image.new("RGB", (6, 4), color) for color in (RED, BLUE)]
    options = {"lossless": True} if form == "WEBP" else {}
    content = _file(frames[0], form, save_all=True, append_images=frames[1:], **options)
    assert (read_picture(content) == RED).all()


@pytest.mark.parametrize("size", [(1, 1), (3, 3), (3, 5), (1, 3), (3, 1), (4, 3), (200, 3)])
@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P"])
def test_channels_are_last_however_small_the_picture_is(size, mode):
    pixels = read_picture(_file(Image.new(mode, size)))
    assert pixels.shape == (size[1], size[0], 3)


def _header_of_png(width: int, height: int) -> bytes:
    """A small file that promises many pixels."""
    body = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + body + struct.pack(">I", zlib.crc32(b"IHDR" + body))
    return b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 0) + b"IDAT"


@pytest.mark.parametrize(
    ("width", "height", "told"),
    [
        (8001, 8000, "64.0 megapixels"),
        (9000, 9000, "81.0"),  # Pillow says nothing
        (13000, 13000, "169.0"),  # Pillow warns
        (14000, 14000, "196.0"),  # Pillow refuses
        (2**31 - 1, 2**31 - 1, "4611686014132.4"),
        (MAX_PIXELS + 1, 1, "64.0"),
    ],
)
def test_too_many_pixels_are_refused_before_they_are_decoded(tmp_path, width, height, told):
    path = tmp_path / "big.png"
    path.write_bytes(_header_of_png(width, height))
    started = time.perf_counter()
    with pytest.raises(DataError, match=rf"big\.png has {told}.*more than the 64 megapixels"):
        read_picture(path)
    assert time.perf_counter() - started < 0.5


def test_a_real_bomb_is_refused_in_no_time():
    content = _file(Image.new("1", (13000, 13000)))
    assert len(content) < 30_000
    started = time.perf_counter()
    with pytest.raises(DataError, match="169.0 megapixels"):
        read_picture(content)
    assert time.perf_counter() - started < 0.5


def test_too_many_bytes_are_refused_before_they_are_read(tmp_path):
    with (tmp_path / "big.png").open("wb") as file:
        file.truncate(MAX_BYTES + 1)  # sparse
    with pytest.raises(DataError, match=r"big\.png has 256\.0 MiB, more than the 256 MiB"):
        read_picture(tmp_path / "big.png")


def test_threads_leave_the_filters_of_warnings_alone():
    bomb, good = _header_of_png(13000, 13000), _lossless(_scene())

    def read(_):
        with pytest.raises(DataError, match=r"169\.0 megapixels"):
            read_picture(bomb)
        return np.array_equal(read_picture(good), _scene())

    before = list(warnings.filters)
    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(read, range(80)))
    assert warnings.filters == before


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "AVIF"])
def test_a_file_cut_anywhere_is_one_sentence_or_a_whole_picture(form):
    noise = np.random.default_rng(0).integers(0, 255, (40, 40, 3), dtype=np.uint8)
    content = _file(Image.fromarray(noise), form)
    for length in np.linspace(0, len(content) - 1, 25).astype(int):
        try:
            assert read_picture(content[:length], "cut").shape == (40, 40, 3)
        except DataError as error:
            assert str(error).startswith("cut ") and "\n" not in str(error)
    half = len(content) // 2
    with pytest.raises(DataError, match="cut "):
        read_picture(content[:half], "cut")


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"])
def test_a_file_with_wrong_bytes_is_one_sentence_or_a_picture(form):
    rng = np.random.default_rng(1)
    content = np.frombuffer(_file(Image.fromarray(_scene()), form), np.uint8)
    for _ in range(60):
        spoiled = content.copy()
        spoiled[rng.integers(0, len(content), 3)] = rng.integers(0, 256, 3)
        try:
            assert read_picture(spoiled.tobytes(), "spoiled").dtype == np.uint8
        except DataError as error:
            assert str(error).startswith("spoiled ") and "\n" not in str(error)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a picture",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        b"version https://git-lfs.github.com/spec/v1\n",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    ],
)
def test_what_is_no_picture_is_refused(content):
    with pytest.raises(
        DataError, match="the picture is not a picture that can be read; give a PNG"
    ):
        read_picture(content)


def test_a_path_that_is_no_file_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"none\.png does not exist; give a PNG"):
        read_picture(tmp_path / "none.png")
    with pytest.raises(DataError, match="is not a file"):
        read_picture(tmp_path)
    with pytest.raises(DataError, match="my picture does not exist"):
        read_picture(tmp_path / "none.png", "my picture")
