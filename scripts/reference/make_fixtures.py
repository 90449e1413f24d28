"""usage: python make_fixtures.py [FOLDER]

Writes the fixtures that the reference backend is compared with, computed by PyTorch in double
precision. Each family of operations is one small JSON file in FOLDER (Tests/Fixtures by default),
which also holds the seed and the version of PyTorch. Needs torch (requirements.txt).
"""

import json
import pathlib
import sys

import torch
import torch.nn.functional as F

SEED = 20240917
torch.set_default_dtype(torch.float64)


def draw(*shape, scale=1.0):
    """Normal numbers with few digits, so that the files stay small and exact."""
    return (torch.randn(*shape) * scale * 1000).round() / 1000


def numbers(tensor):
    return tensor.detach().reshape(-1).tolist()


def leaf(tensor):
    return tensor.clone().requires_grad_(True)


def convolutions():
    geometries = [
        # x, weight, stride, padding
        ((2, 3, 5, 6), (4, 3, 3, 3), (1, 1), (1, 1)),
        ((1, 2, 7, 7), (3, 2, 3, 3), (2, 2), (1, 1)),
        ((2, 3, 4, 4), (5, 3, 1, 1), (2, 2), (0, 0)),
        ((1, 1, 8, 6), (2, 1, 5, 2), (3, 1), (4, 1)),
        ((2, 2, 6, 9), (2, 2, 2, 7), (1, 2), (0, 3)),
    ]
    cases = []
    for x_shape, w_shape, stride, padding in geometries:
        x, w, b = leaf(draw(*x_shape)), leaf(draw(*w_shape)), leaf(draw(w_shape[0]))
        y = F.conv2d(x, w, b, stride=stride, padding=padding)
        dy = draw(*y.shape)
        y.backward(dy)
        cases.append({
            "xShape": x_shape, "weightShape": w_shape, "yShape": list(y.shape),
            "stride": stride, "padding": padding,
            "x": numbers(x), "weight": numbers(w), "bias": numbers(b), "dy": numbers(dy),
            "y": numbers(y), "dx": numbers(x.grad), "dweight": numbers(w.grad),
            "dbias": numbers(b.grad),
        })
    return cases


def batch_normalizations():
    cases = []
    for shape, epsilon in [((6, 3), 1e-5), ((3, 4, 3, 5), 1e-3)]:
        channels = shape[1]
        layer = (torch.nn.BatchNorm1d if len(shape) == 2 else torch.nn.BatchNorm2d)(
            channels, eps=epsilon, momentum=0.1)
        with torch.no_grad():
            layer.weight.copy_(draw(channels) + 1)
            layer.bias.copy_(draw(channels))
        steps = []
        for _ in range(3):
            x, dy = leaf(draw(*shape, scale=1.5) + 0.5), draw(*shape)
            layer.zero_grad()
            y = layer(x)
            y.backward(dy)
            steps.append({
                "x": numbers(x), "dy": numbers(dy), "y": numbers(y), "dx": numbers(x.grad),
                "dscale": numbers(layer.weight.grad), "dshift": numbers(layer.bias.grad),
                "runningMean": numbers(layer.running_mean),
                "runningVariance": numbers(layer.running_var),
            })
        layer.eval()
        x, dy = leaf(draw(*shape)), draw(*shape)
        layer.zero_grad()
        y = layer(x)
        y.backward(dy)
        cases.append({
            "shape": shape, "epsilon": epsilon, "momentum": 0.1,
            "scale": numbers(layer.weight), "shift": numbers(layer.bias), "steps": steps,
            "evaluation": {
                "x": numbers(x), "dy": numbers(dy), "y": numbers(y), "dx": numbers(x.grad),
                "dscale": numbers(layer.weight.grad), "dshift": numbers(layer.bias.grad),
            },
        })
    return cases


def optimizers():
    sgd = lambda **k: (torch.optim.SGD, k)
    rules = {
        "sgd": sgd(lr=0.125),
        "sgd decay": sgd(lr=0.125, weight_decay=0.01),
        "momentum": sgd(lr=0.125, momentum=0.9, weight_decay=0.01),
        "nesterov": sgd(lr=0.125, momentum=0.9, weight_decay=0.01, nesterov=True),
        "adam": (torch.optim.Adam, dict(lr=0.125, betas=(0.9, 0.99), eps=1e-6, weight_decay=0.01)),
        "adamw": (torch.optim.AdamW, dict(lr=0.125, betas=(0.9, 0.99), eps=1e-6, weight_decay=0.01)),
        "rmsprop": (torch.optim.RMSprop, dict(lr=0.125, alpha=0.9, eps=1e-6, weight_decay=0.01)),
        "rmsprop momentum": (
            torch.optim.RMSprop,
            dict(lr=0.125, alpha=0.9, eps=1e-6, weight_decay=0.01, momentum=0.5)),
    }
    cases = []
    for name, (kind, options) in rules.items():
        parameter = torch.nn.Parameter(draw(7))
        initial = numbers(parameter)
        optimizer = kind([parameter], **options)
        gradients, after = [], []
        for _ in range(5):
            parameter.grad = draw(7)
            gradients.append(numbers(parameter.grad))
            optimizer.step()
            after.append(numbers(parameter))
        cases.append({
            "name": name, "rate": options["lr"], "decay": options.get("weight_decay", 0.0),
            "initial": initial, "gradients": gradients, "after": after,
        })
    return cases


def cross_entropies():
    cases = []
    for smoothing in [0.0, 0.1]:
        logits = leaf(draw(6, 5, scale=3.0))
        labels = torch.tensor([0, 4, -1, 2, 2, 1])
        # The mean over all rows; rows without a label add 0.
        loss = F.cross_entropy(
            logits, labels, ignore_index=-1, reduction="sum", label_smoothing=smoothing) / 6
        loss.backward()
        right = (logits.argmax(1) == labels).sum()
        cases.append({
            "smoothing": smoothing, "shape": [6, 5], "logits": numbers(logits),
            "labels": labels.tolist(), "loss": loss.item(), "correct": float(right),
            "gradient": numbers(logits.grad),
        })
    return cases


def activations():
    functions = {
        "relu": F.relu,
        "leaky-relu": F.leaky_relu,
        "linear": lambda x: x * 1,
        "tanh": torch.tanh,
        "hard-tanh": F.hardtanh,
        "sigmoid": torch.sigmoid,
        "erf": torch.erf,
        "unit-erf": lambda x: torch.erf(x * (torch.pi ** 0.5 / 2)),
        "selu": F.selu,
        "elu": F.elu,
        # Above its threshold PyTorch returns x, so the threshold is out of reach.
        "softplus": lambda x: F.softplus(x, threshold=1000),
        "silu": F.silu,
        "gelu": F.gelu,
        "srelu": lambda x: torch.maximum(x, torch.tensor(-1.0)),
    }
    points = torch.cat([
        torch.linspace(-6.05, 5.95, 49), torch.tensor([-30.0, -12.0, -1e-3, 1e-3, 12.0, 30.0])])
    cases = []
    for name, function in functions.items():
        x = leaf(points)
        y = function(x)
        y.sum().backward()
        cases.append({"name": name, "values": numbers(y), "derivatives": numbers(x.grad)})
    return {"points": numbers(points), "functions": cases}


def poolings():
    geometries = [
        ("max", (2, 2, 6, 7), (2, 2), (2, 2), (0, 0)),
        ("max", (1, 3, 7, 5), (3, 3), (2, 2), (1, 1)),
        ("max", (1, 1, 5, 6), (3, 2), (1, 1), (1, 0)),
        ("average", (2, 2, 6, 7), (2, 2), (2, 2), (0, 0)),
        ("average", (1, 3, 7, 5), (3, 3), (2, 2), (1, 1)),
        ("average", (1, 2, 4, 6), (4, 6), (1, 1), (0, 0)),
    ]
    cases = []
    for kind, shape, window, stride, padding in geometries:
        x = leaf(draw(*shape))
        pool = F.max_pool2d if kind == "max" else F.avg_pool2d
        y = pool(x, window, stride=stride, padding=padding)
        dy = draw(*y.shape)
        y.backward(dy)
        cases.append({
            "kind": kind, "shape": shape, "window": window, "stride": stride, "padding": padding,
            "x": numbers(x), "yShape": list(y.shape), "dy": numbers(dy), "y": numbers(y),
            "dx": numbers(x.grad),
        })
    return cases


FAMILIES = {
    "convolution": convolutions,
    "batch_normalization": batch_normalizations,
    "optimizers": optimizers,
    "cross_entropy": cross_entropies,
    "activations": activations,
    "pooling": poolings,
}


def main():
    default = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "Fixtures"
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in FAMILIES.items():
        torch.manual_seed(SEED)
        contents = {
            "generator": "scripts/reference/make_fixtures.py", "seed": SEED,
            "torch": torch.__version__, "contents": make(),
        }
        path = folder / f"{name}.json"
        path.write_text(json.dumps(contents, separators=(",", ":")) + "\n")
        print(f"{path}: {path.stat().st_size} bytes")


main()
