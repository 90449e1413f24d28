"""usage: python gaussian_moments.py [FILE]

Writes the Gaussian moments E phi, E phi^2, E phi'^2 and E phi'^4 that the tests of the theory use,
computed by quadrature with 34 digits. FILE is
Tests/IsometryTheoryTests/Fixtures/gaussian_moments.json by default. Needs mpmath (requirements-theory.txt).
"""

import json
import pathlib
import sys

import mpmath
from mpmath import mp, mpf

mp.dps = 34
VARIANCES = [1e-8, 1e-6, 1e-4, 1e-2, 0.05, 0.3, 0.6, 1, 4, 7, 50, 1e3, 1e4]
SCALE, ALPHA = mpf(1.0507009873554805), mpf(1.6732632423543772)


def phi(x):
    return mpmath.erfc(-x / mpmath.sqrt(2)) / 2


def density(x):
    return mpmath.exp(-x * x / 2) / mpmath.sqrt(2 * mp.pi)


def sigmoid(x):
    return 1 / (1 + mpmath.exp(-x))


def leaky(slope):
    slope = mpf(slope)
    return lambda x: x if x > 0 else slope * x, lambda x: mpf(1) if x > 0 else slope


def elu(alpha, scale=mpf(1)):
    alpha = mpf(alpha)
    return (
        lambda x: scale * x if x > 0 else scale * alpha * mpmath.expm1(x),
        lambda x: scale if x > 0 else scale * alpha * mpmath.exp(x),
    )


def erf(scale):
    return (
        lambda x: mpmath.erf(scale * x),
        lambda x: 2 * scale / mpmath.sqrt(mp.pi) * mpmath.exp(-((scale * x) ** 2)),
    )


def silu_slope(x):
    s = sigmoid(x)
    return s * (1 + x * (1 - s))


# name, parameter, phi and phi', kinks
ACTIVATIONS = [
    ("linear", None, (lambda x: x, lambda x: mpf(1)), []),
    ("relu", None, leaky(0), [0]),
    ("leaky-relu", 0.05, leaky(0.05), [0]),
    ("leaky-relu", -0.7, leaky(-0.7), [0]),
    ("leaky-relu", 3.0, leaky(3.0), [0]),
    ("tanh", None, (mpmath.tanh, lambda x: mpmath.sech(x) ** 2), []),
    (
        "hard-tanh",
        None,
        (lambda x: max(mpf(-1), min(mpf(1), x)), lambda x: mpf(abs(x) < 1)),
        [-1, 1],
    ),
    ("sigmoid", None, (sigmoid, lambda x: sigmoid(x) * sigmoid(-x)), []),
    ("erf", None, erf(mpf(1)), []),
    ("unit-erf", None, erf(mpmath.sqrt(mp.pi) / 2), []),
    ("selu", None, elu(ALPHA, SCALE), [0]),
    ("elu", 1.0, elu(1.0), [0]),
    ("elu", 0.3, elu(0.3), [0]),
    ("elu", -0.5, elu(-0.5), [0]),
    ("elu", 5.0, elu(5.0), [0]),
    ("softplus", None, (lambda x: mpmath.log1p(mpmath.exp(x)), sigmoid), []),
    ("silu", None, (lambda x: x * sigmoid(x), silu_slope), []),
    ("gelu", None, (lambda x: x * phi(x), lambda x: phi(x) + x * density(x)), []),
    ("srelu", None, (lambda x: max(x, mpf(-1)), lambda x: mpf(x > -1)), [-1]),
]


def ends(q, kinks):
    """Ends of the quadrature panels on [-15, 15]: whole numbers, the activation's scales, its kinks."""
    deviation = mpmath.sqrt(q)
    scales = [mpf(s) / deviation for s in (0.25, 0.5, 1, 2, 4, 8, 16, 32, 64)]
    positive = [mpf(z) for z in range(0, 16)] + [s for s in scales if s < 15]
    whole = positive + [-z for z in positive if z > 0]
    whole += [mpf(k) / deviation for k in kinks if abs(k) / deviation < 15]
    return sorted(set(whole))


RULE = [
    (mpf(x), mpf(w)) for x, w in mpmath.calculus.quadrature.GaussLegendre(mp).calc_nodes(5, 200)
]


def moments(functions, kinks, q):
    value, slope = functions
    deviation = mpmath.sqrt(q)
    sums = [mpf(0)] * 4
    if not kinks:
        kinks = []
    points = ends(q, kinks)
    for low, high in zip(points, points[1:]):
        half, middle = (high - low) / 2, (high + low) / 2
        for node, weight in RULE:
            z = middle + half * node
            factor = half * weight * density(z)
            y, s = value(deviation * z), slope(deviation * z)
            for index, term in enumerate((y, y * y, s * s, s**4)):
                sums[index] += factor * term
    if kinks == [-1]:  # the mean of max(x, -1) is much smaller than its two terms, which cancel
        u = 1 / deviation
        with mp.workdps(400):
            sums[0] = +(deviation * density(u) - phi(-u))
    return [float(s) if abs(s) > mpf(10) ** -30 else 0.0 for s in sums]


if __name__ == "__main__":
    default = "Tests/IsometryTheoryTests/Fixtures/gaussian_moments.json"
    target = pathlib.Path(
        sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2] / default
    )
    entries = []
    for name, parameter, functions, kinks in ACTIVATIONS:
        for q in VARIANCES:
            entry = {"activation": name, "variance": q}
            if parameter is not None:
                entry["parameter"] = parameter
            entry["moments"] = moments(functions, kinks, mpf(q))
            entries.append(entry)
    lines = ",\n".join("    " + json.dumps(entry) for entry in entries)
    target.write_text(
        f'{{\n  "mpmath": "{mpmath.__version__}",\n  "entries": [\n{lines}\n  ]\n}}\n'
    )
