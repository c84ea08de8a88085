"""Fields that are hard for one algorithm or another: lattices, plateaus, sheets, and noise that is cut off.

Each is a function of a shape, because tests want small ones that are not cubic. Noise breaks what ties the pattern
does not mean to have; everything is drawn from one seed.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

_FAINT = 1e-3
"""Noise that breaks ties and leaves the pattern as it is."""


def noise(shape):
    """White noise in [0, 1)."""
    return np.random.default_rng(0).random(shape).astype(np.float32)


def smooth_noise(shape, sigma=1.5):
    """Blurred noise, stretched so that a third of it lies outside [0, 1]."""
    blurred = gaussian_filter(noise(shape) - 0.5, sigma)
    return (0.5 + 0.5 * blurred / max(float(blurred.std()), 1e-12)).astype(np.float32)


def _crossing(z, y, x, period):
    """Rods along all three axes that do not touch each other."""
    half = period // 2
    along_z = (x % period == 0) & (y % period == 0)
    along_x = (y % period == half) & (z % period == 0)
    along_y = (x % period == half) & (z % period == half)
    return along_z | along_x | along_y


def _lattice(z, y, x, period):
    """Rods along all three axes that meet."""
    on = [a % period == 0 for a in (z, y, x)]
    return (on[0] & on[1]) | (on[1] & on[2]) | (on[0] & on[2])


def _helix(z, y, x, period):
    """Helices side by side, all along the first axis."""
    angle = 2 * np.pi * z / (2 * period)
    row, column = y % period - period / 2, x % period - period / 2
    return np.hypot(row - period / 4 * np.sin(angle), column - period / 4 * np.cos(angle)) < 1.2


def _radius(z, y, x):
    return np.sqrt(sum((a - a.mean()) ** 2 for a in (z, y, x)))


def _gyroid(z, y, x, period):
    z, y, x = (2 * np.pi * a / period for a in (z, y, x))
    return np.sin(x) * np.cos(y) + np.sin(y) * np.cos(z) + np.sin(z) * np.cos(x)


def patterns(shape):
    """The fields of a 3D shape by name, float32 and finite."""
    grid, faint, white, blurred = np.indices(shape), _FAINT * noise(shape), noise(shape), smooth_noise(shape)
    z, y, x = grid
    half = np.random.default_rng(1).random(shape) < 0.5
    radius = _radius(*grid)
    fields = {
        "smooth": blurred,
        "white noise": white,
        "noise, half of it 0": np.where(half, 0, white),
        "noise in a ball": np.where(radius < radius.max() / 2, white, 0),
        "noise in slabs": np.where(z // 4 % 2 == 0, white, 0),
        "clipped smooth noise": np.clip(blurred, 0, 1),
        "clipped white noise": np.clip(3 * white - 1, 0, 1),
        "8-bit": np.round(255 * np.clip(blurred, 0, 1)),
        "8 levels": np.round(7 * np.clip(blurred, 0, 1)),
        "8 levels of white noise": np.round(7 * white),
        "binary": (blurred > 0.5) * 1.0,
        "binary white noise": half * 1.0,
        "crossing rods": _crossing(*grid, 4) + faint,
        "crossing rods, no noise": _crossing(*grid, 4) * 1.0,
        "crossing rods, far apart": _crossing(*grid, 8) + faint,
        "lattice of rods": _lattice(*grid, 4) + faint,
        "lattice of rods, no noise": _lattice(*grid, 4) * 1.0,
        "parallel rods": ((y % 3 == 0) & (x % 3 == 0)) + faint,
        "oblique rods": ((y + z) % 4 == 0) * ((x + z) % 4 == 0) + faint,
        "helices": _helix(*grid, 8) + faint,
        "sponge": (_gyroid(*grid, 8) > 0) + faint,
        "smooth sponge": _gyroid(*grid, 7.3),
        "checkerboard": (z + y + x) % 2 + faint,
        "checkerboard, no noise": (z + y + x) % 2 * 1.0,
        "dust on a lattice": ((z % 2 == 0) & (y % 2 == 0) & (x % 2 == 0)) + faint,
        "shells": (radius % 4 < 2) + faint,
        "shells, no noise": (radius % 4 < 2) * 1.0,
        "pierced shells": ((radius % 4 < 2) & (white > 0.02)) * 1.0,
        "oblique sheets": ((z + y + x) % 6 < 2) + faint,
        "oblique ridges": np.abs((z + y) % 8 - 4) + np.abs((y - x) % 8 - 4.0),
        "ramp": (z + y + x) * 1.0,
        "ramp and noise": (z + y + x) / 8 + white,
        "constant": np.zeros(shape),
    }
    ball, rods = fields["noise in a ball"], fields["crossing rods"]
    fields["rods and a ball, 9 levels"] = np.round(4 * (ball / max(ball.max(), 1e-12) + rods / rods.max()))
    fields["oblique rods in a mask"] = np.maximum(fields["binary"], fields["oblique rods"] / (1 + _FAINT))
    return {name: field.astype(np.float32) for name, field in fields.items()}
