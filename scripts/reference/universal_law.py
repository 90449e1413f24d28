"""usage: python universal_law.py [FILE]

Writes points of the universal law of residual networks. They solve the equation of its Green's
function on the real axis with 40 digits. FILE is
Tests/IsometryTheoryTests/Fixtures/universal_law.json by default. Needs mpmath (requirements-theory.txt).

The solution of log(1+w) - log w + c(1+2w) = log z is continued from large Im z downward. The
parametric form that the package uses is not involved.
"""

import json
import pathlib
import sys

import mpmath
from mpmath import mp, mpc, mpf

mp.dps = 40
CUMULANTS = [1e-6, 1e-4, 0.01, 0.125, 0.5, 1, 2, 4, 10, 25, 50]
SHARES = [0, 0.01, 0.3, 0.7, 0.95, 0.999]


def edge(c):
    r = mpmath.sqrt(c * (c + 2))
    return r + mpmath.log1p(c + r)


def transform(c, log_z):
    """w at z = exp(log_z), 0 < Im log_z < pi.

    Newton's method follows the angle from the negative real axis, which is far from the edges.
    """

    def newton(w, target):
        for _ in range(200):
            value = mpmath.log1p(w) - mpmath.log(w) + c * (1 + 2 * w) - target
            step = value / (1 / (1 + w) - 1 / w + 2 * c)
            while mpmath.im(w - step) >= 0:
                step /= 2
            w -= step
            if abs(step) < mpf(10) ** -36 * abs(w):
                return w
        raise ArithmeticError((c, log_z))

    real, angle = mpmath.re(log_z), mpmath.im(log_z)
    # On the negative axis w is in (-1, 0), and log((1+w)/-w) + c(1+2w) increases with w.
    low, high = -mpf(1), mpf(0)
    for _ in range(160):
        middle = (low + high) / 2
        value = mpmath.log1p(middle) - mpmath.log(-middle) + c * (1 + 2 * middle)
        low, high = (middle, high) if value < real else (low, middle)
    w = mpc(low, -mpf(10) ** -4 * abs(low) * (1 + low))
    steps = 400
    for step in range(1, steps + 1):
        fraction = mpf(step) / steps
        w = newton(w, mpc(real, mp.pi - (mp.pi - angle) * (1 - (1 - fraction) ** 2)))
    return w


def density(c, t):
    """Density of log lambda, from the limit of vanishing angle."""
    return -mpmath.im(transform(c, mpc(t, mpf(10) ** -34))) / mp.pi


def entry(c):
    c = mpf(c)
    points = []
    for share in SHARES:
        t = mpf(float(share * edge(c)))
        points.append({"log": float(t), "density": float(density(c, t))})
    resolvents = []
    for log_z, angle in ((0.3, 0.01), (-0.2, 1.5), (1.5, 3), (-5, 0.2), (12, 2), (0, 1e-6)):
        z = mpmath.exp(mpc(log_z, angle))
        z = mpc(float(z.real), float(z.imag))
        g = (1 + transform(c, mpmath.log(z))) / z
        resolvents.append([float(x) for x in (z.real, z.imag, g.real, g.imag)])
    powers = {
        str(s): float(mpmath.log(mpmath.exp(c * s) * mpmath.hyp1f1(1 - s, 2, -2 * c * s)))
        for s in (mpf(-3), mpf(-0.5), mpf(0.3), mpf(0.5), mpf(1), mpf(2), mpf(7), mpf(40.5))
    }
    return {
        "c": float(c), "logEdge": float(edge(c)), "points": points, "resolvents": resolvents,
        "logMoments": {str(float(s)): v for s, v in powers.items()},
    }


if __name__ == "__main__":
    default = "Tests/IsometryTheoryTests/Fixtures/universal_law.json"
    target = pathlib.Path(
        sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2] / default
    )
    lines = ",\n".join("    " + json.dumps(entry(c)) for c in CUMULANTS)
    target.write_text(
        f'{{\n  "mpmath": "{mpmath.__version__}",\n  "entries": [\n{lines}\n  ]\n}}\n'
    )
