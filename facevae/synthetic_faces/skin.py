"""The relief of the face, the colour of the skin, and lighting."""

import numpy as np

from facevae.synthetic_faces.draw import bell, coverage, mix, ridge, smooth


def nose_profile(face, view):
    """Height of the nose's ridge above the face at each height, and its position along the nose (0 to 1)."""
    along = (view.down + 0.03) / (face.nose_tip + 0.03)
    rise = 0.02 + 0.075 * np.square(np.clip(along, 0, 1))
    return rise * smooth(1 + (along + 0.35) * 2) * coverage(along - 1.10, 0.22), along


def relief(face, view):
    """float32[batch, 1, height, width]: how far the features protrude from the smooth head, in half images."""
    down, mirrored = view.down, np.abs(view.across)
    rise, along = nose_profile(face, view)
    # Protruding parts shift sideways when the head turns.
    from_nose = view.across - 1.2 * rise * face.turn_sine
    height = rise * ridge(from_nose, (0.042 + 0.026 * np.clip(along, 0, 1.2)) * face.nose_scale)
    wings = bell(np.abs(from_nose) - 0.075 * face.nose_scale, down - face.nose_tip + 0.005, 0.035, 0.038)
    height += 0.030 * wings * face.nose_scale
    height -= 0.034 * bell(mirrored - face.eye_x + 0.02, down + 0.005, 0.11, 0.075)
    height += (0.012 + 0.012 * face.male) * bell(mirrored - 0.19, down - face.brow_y - 0.01, 0.17, 0.045)
    cheek_lift = 0.024 + 0.028 * face.smiling
    height += cheek_lift * bell(mirrored - 0.27, down - 0.20 + 0.02 * face.smiling, 0.12, 0.10)
    height += 0.028 * bell(view.across, down - face.mouth_y, 0.19, 0.14)
    height += 0.030 * bell(view.across, down - face.chin + 0.12, 0.11 + 0.05 * face.male, 0.075)
    height -= 0.012 * bell(view.across, down - face.mouth_y - 0.095, 0.10, 0.03)
    height -= 0.006 * ridge(view.across, 0.022) * ridge(down - face.nose_tip - 0.10, 0.045)
    return height + _folds(face, down, mirrored)


def _folds(face, down, mirrored):
    """Nasolabial folds of age and smiles; wrinkles of the forehead and crow's feet of age."""
    start = face.nose_tip - 0.01
    fold = 0.105 * np.sqrt(face.nose_scale) + (down - start) * (0.50 + 0.25 * face.smiling)
    strength = 0.006 + 0.010 * face.smiling + 0.017 * face.aging
    folds = -strength * ridge(mirrored - fold, 0.022) * ridge(down - start - 0.11, 0.12)
    forehead = -0.005 * face.aging * _forehead_lines(face, down, mirrored)
    return folds + forehead


def _forehead_lines(face, down, mirrored):
    waves = 0.5 + 0.5 * np.cos((down + 0.10 * np.square(mirrored)) * 72 + face.texture(0) * 6)
    return waves * bell(mirrored, down + 0.27, 0.26, 0.075)


def _age_darkening(face, view):
    """float32[batch, 1, height, width]: darkening of the skin by age: lines, folds and hollow cheeks."""
    down, mirrored = view.down, np.abs(view.across)
    start = face.nose_tip - 0.01
    fold = 0.105 * np.sqrt(face.nose_scale) + (down - start) * (0.50 + 0.25 * face.smiling)
    folds = 0.50 * ridge(mirrored - fold, 0.024) * ridge(down - start - 0.11, 0.11)
    corners = mirrored - face.mouth_half_width - 0.035 - 0.15 * (down - face.mouth_y)
    marionette = 0.55 * ridge(corners, 0.022) * ridge(down - face.mouth_y - 0.12, 0.075)
    cheeks = 0.34 * bell(mirrored - 0.30, down - 0.36, 0.085, 0.13)
    return face.aging * (folds + marionette + cheeks + 0.30 * _forehead_lines(face, down, mirrored))


def skin_colour(face, view):
    """float32[batch, 3, height, width]: the skin before anything is painted on it."""
    down, mirrored = view.down, np.abs(view.across)
    warm = 0.55 * bell(mirrored - 0.26, down - 0.22, 0.14, 0.13)
    warm += 0.55 * bell(view.across, down - face.nose_tip, 0.09, 0.07)
    warm += 0.25 * bell(view.across, down - face.chin + 0.08, 0.16, 0.08)
    mottled = np.sin(view.across * 21 + face.texture(1) * 6 + 2 * np.sin(down * 13 + face.texture(2) * 6))
    warm += 0.10 * mottled * np.sin(down * 25 + face.texture(3) * 6)
    sockets = 0.26 * bell(mirrored - face.eye_x + 0.02, down - 0.012, 0.115, 0.065)
    rosy = face.rosy_cheeks * 0.60 * bell(mirrored - 0.26, down - 0.19, 0.13, 0.11)
    # Nostrils, and the shade below the nose.
    from_nose = np.abs(view.across - 0.11 * face.turn_sine)
    nostrils = bell(
        from_nose - 0.046 * face.nose_scale, down - face.nose_tip - 0.030, 0.019 * face.nose_scale, 0.015
    )
    below = bell(from_nose, down - face.nose_tip - 0.048, 0.085 * face.nose_scale, 0.022)
    shade = (1 - 0.72 * nostrils) * (1 - 0.22 * below) * (1 - np.minimum(_age_darkening(face, view), 0.7))
    channels = [
        face.skin[:, channel : channel + 1] * shade * (1 + warm * redness - sockets * hollow - rosy * blush)
        for channel, (redness, hollow, blush) in enumerate(
            [(0.02, 0.75, 0.0), (-0.17, 1.0, 0.60), (-0.15, 0.9, 0.58)]
        )
    ]
    return np.concatenate(channels, axis=1)


class Light:
    """A soft key light from the front, and weak ambient light from the room."""

    def __init__(self, face):
        azimuth = np.radians(58 * face.light_azimuth)
        elevation = np.radians(32 + 20 * face.light_elevation)
        self.x = np.sin(azimuth) * np.cos(elevation)
        self.y = -np.sin(elevation)
        self.z = np.cos(azimuth) * np.cos(elevation)
        warmth = np.array([0.10, 0.0, -0.13], np.float32).reshape(1, 3, 1, 1)
        self.key = (1 + warmth * face.light_warmth) * (0.82 + 0.17 * face.light_strength)
        fill = 0.21 + 0.10 * face.fill_light
        self.room = (1 - 0.6 * warmth * face.light_warmth) * fill

    def on(self, normal_x, normal_y, normal_z, wrap=0.35):
        """float32[batch, 3, height, width]: light received; `wrap` lets the key light reach beyond the terminator."""
        facing = normal_x * self.x + normal_y * self.y + normal_z * self.z
        direct = np.maximum((facing + wrap) / (1 + wrap), 0)
        return direct * self.key + self.room * (0.85 - 0.35 * normal_y)

    def highlight(self, normal_x, normal_y, normal_z, doublings):
        """float32[batch, 1, height, width]: Blinn's specular highlight with exponent 2 ** doublings."""
        half_length = np.sqrt(np.square(self.x) + np.square(self.y) + np.square(self.z + 1))
        facing = (normal_x * self.x + normal_y * self.y + normal_z * (self.z + 1)) / half_length
        facing = np.maximum(facing, 0)
        for _ in range(doublings):
            facing = np.square(facing)
        return facing


def bumped_normal(face, view, height):
    """The head's normal, tilted by the slopes of a relief."""
    normal_x, normal_y, normal_z = view.normal
    step = 2 * view.pixel * face.shrink
    padded = np.pad(height, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    right = (padded[:, :, 1:-1, 2:] - padded[:, :, 1:-1, :-2]) / step
    down = (padded[:, :, 2:, 1:-1] - padded[:, :, :-2, 1:-1]) / step
    slope_x = right * face.tilt_cosine + down * face.tilt_sine
    slope_y = down * face.tilt_cosine - right * face.tilt_sine
    normal_x, normal_y = normal_x - slope_x * normal_z, normal_y - slope_y * normal_z
    length = np.sqrt(np.square(normal_x) + np.square(normal_y) + np.square(normal_z)) + 1e-4
    return normal_x / length, normal_y / length, normal_z / length


def light_skin(face, view, light, canvas, height, gloss):
    """Lights painted skin, in place: wrapped diffuse light, redder at the terminator, darker hollows, a soft gloss."""
    normal = bumped_normal(face, view, height)
    received = light.on(*normal)
    # Subsurface scattering: red light falls off more slowly towards the shadow.
    received[:, :1] = mix(received[:, :1], np.sqrt(np.maximum(received[:, :1], 0)), 0.22)
    received *= 1 + np.clip(height * 3.0, -0.15, 0.05)
    # Surfaces seen at a grazing angle are darker.
    received *= 0.72 + 0.28 * smooth(normal[2] * 2.2)
    canvas *= received
    shine = light.highlight(*normal, doublings=4) * 0.05 + light.highlight(*normal, doublings=6) * 0.05
    canvas += shine * gloss * light.key
