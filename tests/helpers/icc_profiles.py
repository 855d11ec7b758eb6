"""ICC profiles made from their numbers (ICC.1:2001-04), and what they mean for a pixel."""

import struct

import numpy as np

# Columns: red, green, blue as XYZ adapted to D50; and the exponent of the curve.
DISPLAY_P3 = (
    np.array([[0.51512, 0.29198, 0.15710], [0.24120, 0.69225, 0.06657], [-0.00105, 0.04189, 0.78407]]),
    2.2,
)
ADOBE_RGB = (
    np.array([[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457]]),
    563 / 256,
)
PROPHOTO = (
    np.array([[0.79767, 0.13519, 0.03134], [0.28804, 0.71188, 0.00009], [0.0, 0.0, 0.82491]]),
    1.8,
)
_SRGB = np.array([[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]])
_WHITE = (0.9642, 1.0, 0.8249)


def rgb_profile(primaries: np.ndarray, exponent: float, name: str = "made") -> bytes:
    """A profile of three primaries and a power curve."""
    tags = {b"desc": _text(name), b"wtpt": _xyz(_WHITE)}
    for index, letter in enumerate((b"r", b"g", b"b")):
        tags[letter + b"XYZ"] = _xyz(primaries[:, index])
        tags[letter + b"TRC"] = _curve(exponent)
    return _profile(b"RGB ", b"XYZ ", tags)


def grey_profile(exponent: float) -> bytes:
    """A profile of grey with a power curve."""
    return _profile(
        b"GRAY", b"XYZ ", {b"desc": _text("grey"), b"wtpt": _xyz(_WHITE), b"kTRC": _curve(exponent)}
    )


def cmyk_profile() -> bytes:
    """A profile whose inks are four greys: each alone lets 25 % of the lightness through, none is tinted."""
    corners = np.array(np.meshgrid(*[[0, 1]] * 4, indexing="ij")).reshape(4, -1).T
    lightness = 255 * 0.25 ** corners.sum(axis=1)
    table = np.stack([lightness, np.full(16, 128), np.full(16, 128)], axis=-1).astype(np.uint8)
    identity = bytes(range(256))
    matrix = struct.pack(">9i", *(65536 * np.eye(3, dtype=int)).ravel())
    lut = b"mft1\0\0\0\0" + bytes((4, 3, 2, 0)) + matrix + identity * 4 + table.tobytes() + identity * 3
    return _profile(b"CMYK", b"Lab ", {b"desc": _text("inks"), b"wtpt": _xyz(_WHITE), b"A2B0": lut}, b"prtr")


def as_srgb(pixels: np.ndarray, primaries: np.ndarray, exponent: float) -> np.ndarray:
    """What pixels uint8[..., 3] in a space of primaries and a power curve are in sRGB (IEC 61966-2-1)."""
    linear = (pixels / 255) ** exponent @ (np.linalg.inv(_SRGB) @ primaries).T
    linear = np.clip(linear, 0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def _profile(space: bytes, connection: bytes, tags: dict[bytes, bytes], device: bytes = b"mntr") -> bytes:
    start = 128 + 4 + 12 * len(tags)
    directory, body = struct.pack(">I", len(tags)), b""
    for signature, content in tags.items():
        directory += signature + struct.pack(">II", start + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    header = struct.pack(">I4sI4s4s4s", start + len(body), b"lcms", 0x02400000, device, space, connection)
    header += bytes(12) + b"acspAPPL" + bytes(24)  # date, flags, maker, model, attributes, intent
    header += struct.pack(">3i", *(round(65536 * value) for value in _WHITE)) + bytes(48)
    return header + directory + body


def _text(text: str) -> bytes:
    ascii_text = text.encode("ascii") + b"\0"
    return b"desc\0\0\0\0" + struct.pack(">I", len(ascii_text)) + ascii_text + bytes(78)


def _xyz(values) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(65536 * float(value)) for value in values))


def _curve(exponent: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(256 * exponent)) + b"\0\0"
