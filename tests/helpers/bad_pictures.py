"""A folder of over 300 malformed pictures, made by mutation of drawn ones from a seed, among as many good ones."""

import io
import os
import pathlib
import struct
import zlib

import numpy as np
from PIL import Image

GOOD, BAD, EITHER = "good", "bad", "either"  # what becomes of a picture; EITHER: its decoder may cope with it
SIDE = 40


def make_folder(folder: pathlib.Path, seed: int = 0) -> dict[str, str]:
    """Writes the pictures.

    Returns:
        GOOD, BAD or EITHER by name. The good ones are lossless where their name says so (`lossless_...`), and show
        what `drawn` gives for the number at their name's end.
    """
    folder.mkdir(parents=True)
    random = np.random.default_rng(seed)
    fates = {}

    def write(name: str, content: bytes, fate: str) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        fates[name] = fate

    originals = _originals()
    for kind, content in originals.items():
        for number in range(16):
            cut = int(random.integers(1, len(content)))
            write(f"cut/{kind}_{number}.{kind.split()[0]}", content[:cut], EITHER)
            flipped = bytearray(content)
            for place in random.integers(0, len(content), 1 + 2 * number):
                flipped[place] ^= 1 << random.integers(8)
            write(f"flipped/{kind}_{number}.{kind.split()[0]}", bytes(flipped), EITHER)
        write(f"other suffix/{kind}.jpg", content, GOOD)
    for name, content in _malformed().items():
        write(name, content, BAD)
    for name, content in _unusual().items():
        write(name, content, GOOD)
    for number in range(len(fates)):
        write(f"good/lossless_{number}.png", encoded(drawn(number)), GOOD)
    _links_and_pipes(folder, fates)
    return fates


def drawn(number: int) -> np.ndarray:
    """uint8[SIDE, SIDE, 3], another one for each number."""
    y, x = np.mgrid[:SIDE, :SIDE]
    waves = [np.sin(x * (1 + number % 7) / 9 + number), np.cos(y / 5 + number), np.sin((x + y) / 11 - number)]
    return np.stack([127 + 100 * wave for wave in waves], axis=-1).astype(np.uint8)


def encoded(image: np.ndarray | Image.Image, kind: str = "PNG", **options) -> bytes:
    """The content of a picture file."""
    buffer = io.BytesIO()
    (Image.fromarray(image) if isinstance(image, np.ndarray) else image).save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(name: bytes, content: bytes) -> bytes:
    """A part of a PNG file."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(width: int, height: int, data: bytes, *before: bytes) -> bytes:
    """A PNG file that claims a size, whatever its data holds."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", header), *before, chunk(b"IDAT", zlib.compress(data)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _originals() -> dict[str, bytes]:
    image = Image.fromarray(drawn(0))
    frames = [Image.fromarray(drawn(number)) for number in (1, 2)]
    return {
        "jpg": encoded(image, "JPEG"),
        "jpg progressive": encoded(image, "JPEG", progressive=True),
        "png": encoded(image),
        "webp": encoded(image, "WEBP"),
        "bmp": encoded(image, "BMP"),
        "gif": encoded(image.quantize(16), "GIF"),
        "tif": encoded(image, "TIFF", compression="tiff_lzw"),
        "tif deflate": encoded(image, "TIFF", compression="tiff_adobe_deflate"),
        "ppm": encoded(image, "PPM"),
        "mpo": encoded(image, "MPO", save_all=True, append_images=frames),
    }


def _malformed() -> dict[str, bytes]:
    jpeg = encoded(drawn(0), "JPEG")
    frame = jpeg.index(b"\xff\xc0") + 5  # height and width follow the length and the precision
    gif, bmp = encoded(Image.fromarray(drawn(0)).quantize(16), "GIF"), encoded(drawn(0), "BMP")
    huge = struct.pack("<HH", 20_000, 20_000)
    return {
        "empty.jpg": b"",
        "zeros.jpg": bytes(5000),
        "text.png": b"404 not found",
        "page.jpg": b"<!DOCTYPE html><html><body>Sign in to continue</body></html>",
        "program.jpg": b"\x7fELF" + bytes(1000),
        "postscript.jpg": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n(/etc/passwd) (r) file\n",
        "vector.png": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
        "one pixel.png": encoded(drawn(0)[:1, :1]),
        "one line.png": encoded(drawn(0)[:1]),
        "huge.png": png(20_000, 20_000, bytes(1000)),
        "huge.jpg": jpeg[:frame] + struct.pack(">HH", 20_000, 20_000) + jpeg[frame + 4 :],
        "huge.gif": gif[:6] + huge + gif[10:],
        "huge.bmp": bmp[:18] + struct.pack("<ii", 20_000, 20_000) + bmp[26:],
        "huge.ppm": b"P6 20000 20000 255\n" + bytes(100),
        "large and cut off.png": png(7_000, 7_000, bytes(1000)),
        "more data than pixels.png": png(SIDE, SIDE, b"\xff" * 3000),
        "text bomb.png": png(SIDE, SIDE, bytes(10), chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(2**26)))),
        "floating point.tif": encoded(np.zeros((SIDE, SIDE), np.float32), "TIFF"),
        "integers.tif": encoded(np.full((SIDE, SIDE), 2**20, np.int32), "TIFF"),
    }


def _unusual() -> dict[str, bytes]:
    image, frames = Image.fromarray(drawn(0)), [Image.fromarray(drawn(number)) for number in (1, 2)]
    rotated = Image.Exif()
    rotated[0x0112] = 6
    sixteen = np.linspace(0, 65535, SIDE * SIDE).reshape(SIDE, SIDE).astype(np.uint16)
    animated = {"save_all": True, "append_images": frames}
    names = ("with spaces.png", "ünï – 画.png", "-rf.png", "a\nb.png", "\x1b[2J.png", f"{'n' * 240}.png")
    return {
        **{f"names/{name}": encoded(drawn(0)) for name in (*names, "\udcff\udcfe.png")},
        "animated.gif": encoded(image.quantize(16), "GIF", **animated),
        "animated.webp": encoded(image, "WEBP", **animated),
        "animated.png": encoded(image, "PNG", **animated),
        "pages.tif": encoded(image, "TIFF", **animated),
        "cmyk.jpg": encoded(image.convert("CMYK"), "JPEG"),
        "cmyk.tif": encoded(image.convert("CMYK"), "TIFF"),
        "16 bits.png": encoded(sixteen),
        "16 bits.tif": encoded(sixteen, "TIFF"),
        "transparent.png": encoded(image.convert("RGBA")),
        "rotated.jpg": encoded(image, "JPEG", exif=rotated),
        "damaged exif.jpg": encoded(image, "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff"),
        "long.jpg": encoded(Image.new("RGB", (16, 20_000)), "JPEG"),
    }


def _links_and_pipes(folder: pathlib.Path, fates: dict[str, str]) -> None:
    (folder / "links").mkdir()
    (folder / "links" / "all of it again").symlink_to(folder, target_is_directory=True)
    for name, target in (
        ("itself.jpg", "itself.jpg"),
        ("nowhere.jpg", "nothing here"),
        ("endless.jpg", "/dev/zero"),
    ):
        (folder / "links" / name).symlink_to(target)
        fates[f"links/{name}"] = BAD
    (folder / "links" / "lossless_0.png").symlink_to("../good/lossless_0.png")  # one of the two is read
    fates["links/lossless_0.png"] = fates["good/lossless_0.png"] = EITHER
    os.mkfifo(folder / "pipe.jpg")
    fates["pipe.jpg"] = BAD
    for name, start in (("sparse.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF"), ("sparse.gif", b"GIF89a")):
        with (folder / name).open("wb") as file:
            file.write(start)
            file.truncate(10**12)  # takes no room on the disk
        fates[name] = BAD
