#!/usr/bin/env python3
"""Compares exported networks with PyTorch:

    check_torch.py FOLDER

Each folder in FOLDER holds an exported network, as the tests of IsometryExchange write it: case.json with
its name and normalization, names.safetensors, and data.safetensors with images and logits. The networks here are those of torchvision and of PyTorch code for CIFAR-10, written again
from their names. Writes PyTorch's state_dict as back.safetensors, and prints a line for each network with
the largest difference of the logits, relative to the largest logit if that is above 1. Fails if one is
above 1e-4. Needs the packages of requirements-readers.txt.
"""
import json
import math
import pathlib
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

TOLERANCE = 1e-4
SHARE = 0.2  # of a standardized branch
RESNETS = {
    "resnet8": [1] * 3, "resnet20": [3] * 3, "resnet32": [5] * 3, "resnet44": [7] * 3,
    "resnet56": [9] * 3, "resnet110": [18] * 3, "resnet326": [54] * 3, "resnet1202": [200] * 3,
    "resnet18": [2] * 4, "resnet34": [3, 4, 6, 3], "resnet50": [3, 4, 6, 3],
    "resnet101": [3, 4, 23, 3],
}


def activation_factor(activation):
    """1 over the standard deviation of activation(z), for a normal z."""
    z, weights = np.polynomial.hermite_e.hermegauss(200)
    y = activation(torch.tensor(z)).numpy()
    weights = weights / weights.sum()
    if activation is F.relu:  # the kink slows quadrature down
        return 1 / math.sqrt(0.5 - 0.5 / math.pi)
    return 1 / math.sqrt((weights * y * y).sum() - (weights * y).sum() ** 2)


class Standardized:
    """The weight of timm's ScaledStdConv2d, for which the factor replaces gamma and the fan-in."""

    def add_gain(self, factor):
        self.gain = nn.Parameter(torch.ones([len(self.weight)] + [1] * (self.weight.dim() - 1)))
        self.factor = factor

    def standardized(self):
        w = self.weight.flatten(1)
        w = w - w.mean(1, keepdim=True)
        w = w / torch.sqrt((w * w).sum(1, keepdim=True) + 1e-4)
        return (self.factor * self.gain.reshape(-1, 1) * w).view_as(self.weight)


class StandardizedConvolution(nn.Conv2d, Standardized):
    def forward(self, x):
        return F.conv2d(x, self.standardized(), self.bias, self.stride, self.padding)


class StandardizedLinear(nn.Linear, Standardized):
    def forward(self, x):
        return F.linear(x, self.standardized(), self.bias)


class Layers:
    """The layers of one normalization."""

    def __init__(self, normalization, activation):
        self.kind = normalization
        self.gamma = activation_factor(activation)

    def convolution(self, inputs, outputs, kernel, stride=1, factor=None):
        arguments = (inputs, outputs, kernel, stride, kernel // 2)
        if self.kind != "weight":
            return nn.Conv2d(*arguments, bias=self.kind == "none")
        layer = StandardizedConvolution(*arguments)
        layer.add_gain(factor or self.gamma)
        return layer

    def linear(self, inputs, outputs, factor=None):
        if self.kind != "weight":
            return nn.Linear(inputs, outputs, bias=self.kind == "none")
        layer = StandardizedLinear(inputs, outputs)
        layer.add_gain(factor or self.gamma)
        return layer

    def norm(self, channels, kind=nn.BatchNorm2d, **settings):
        return kind(channels, **settings) if self.kind == "batch" else nn.Identity()


class Block(nn.Module):
    """torchvision's BasicBlock or Bottleneck."""

    def __init__(self, layers, inputs, width, stride, expansion, skip, variance):
        super().__init__()
        outputs = width * expansion
        shapes = ([(width, 3, stride), (width, 3, 1)] if expansion == 1 else
                  [(width, 1, 1), (width, 3, stride), (outputs, 1, 1)])
        entry = 1 / math.sqrt(variance)
        self.count, channels = len(shapes), inputs
        for number, (width, kernel, step) in enumerate(shapes, 1):
            factor = (entry if number == 1 else layers.gamma) * (SHARE if number == self.count else 1)
            setattr(self, f"conv{number}", layers.convolution(channels, width, kernel, step, factor))
            setattr(self, f"bn{number}", layers.norm(width))
            channels = width
        projects = stride != 1 or inputs != outputs
        self.variance = (
            (1 + SHARE ** 2) / layers.gamma ** 2 if projects else variance + SHARE ** 2)
        self.skip = skip
        if projects:
            setattr(self, skip, nn.Sequential(
                layers.convolution(inputs, outputs, 1, stride, entry), layers.norm(outputs)))

    def forward(self, x):
        y = x
        for number in range(1, self.count + 1):
            y = getattr(self, f"bn{number}")(getattr(self, f"conv{number}")(y))
            if number < self.count:
                y = F.relu(y)
        return F.relu(y + (getattr(self, self.skip)(x) if hasattr(self, self.skip) else x))


class ResNet(nn.Module):
    """torchvision's ResNet with a stem for small images; with three stages, that of code for CIFAR-10."""

    def __init__(self, name, layers):
        super().__init__()
        depths = RESNETS[name]
        widths = [16, 32, 64] if len(depths) == 3 else [64, 128, 256, 512]
        expansion = 4 if name in ("resnet50", "resnet101") else 1
        self.head, skip = ("linear", "shortcut") if len(depths) == 3 else ("fc", "downsample")
        self.conv1, self.bn1 = layers.convolution(3, widths[0], 3), layers.norm(widths[0])
        channels, variance = widths[0], 1 / layers.gamma ** 2
        self.stages = len(depths)
        for stage, (width, depth) in enumerate(zip(widths, depths)):
            blocks = []
            for index in range(depth):
                stride = 2 if stage > 0 and index == 0 else 1
                blocks.append(Block(layers, channels, width, stride, expansion, skip, variance))
                channels, variance = width * expansion, blocks[-1].variance
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        setattr(self, self.head, nn.Linear(channels, 10))

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        for stage in range(self.stages):
            x = getattr(self, f"layer{stage + 1}")(x)
        return getattr(self, self.head)(x.mean((2, 3)))


class Perceptron(nn.Module):
    def __init__(self, depth, width, layers):
        super().__init__()
        self.layers = nn.ModuleList(
            [layers.linear(width if i else 3072, width) for i in range(depth)])
        self.norms = nn.ModuleList([layers.norm(width, nn.BatchNorm1d) for _ in range(depth)])
        self.head = nn.Linear(width, 10)

    def forward(self, x):
        x = x.flatten(1)
        for layer, norm in zip(self.layers, self.norms):
            x = F.relu(norm(layer(x)))
        return self.head(x)


class UniformBlock(nn.Module):
    def __init__(self, layers, width, dense, factor):
        super().__init__()
        if dense:
            self.linear = layers.linear(width, width, factor)
            self.norm = layers.norm(width, nn.BatchNorm1d)
        else:
            self.conv = layers.convolution(width, width, 3, factor=factor)
            self.norm = layers.norm(width)

    def forward(self, x):
        layer = self.linear if hasattr(self, "linear") else self.conv
        return F.relu(self.norm(layer(x))) + x


class Uniform(nn.Module):
    def __init__(self, depth, width, layers, dense):
        super().__init__()
        self.dense = dense
        self.stem = (layers.linear(3072, width, 1) if dense
                     else layers.convolution(3, width, 3, factor=1))
        self.norm = layers.norm(width, nn.BatchNorm1d if dense else nn.BatchNorm2d)
        blocks, variance = [], 1
        for _ in range(depth):
            blocks.append(UniformBlock(layers, width, dense, 1 / math.sqrt(variance)))
            variance += 1 / layers.gamma ** 2
        self.body = nn.Sequential(*blocks)
        self.head = nn.Linear(width, 10)

    def forward(self, x):
        x = self.body(self.norm(self.stem(x.flatten(1) if self.dense else x)))
        return self.head(x if self.dense else x.mean((2, 3)))


class SpeedrunGroup(nn.Module):
    def __init__(self, inputs, width, layers):
        super().__init__()
        self.conv1 = layers.convolution(inputs, width, 3)
        self.norm1 = layers.norm(width, eps=1e-12)
        self.conv2 = layers.convolution(width, width, 3)
        self.norm2 = layers.norm(width, eps=1e-12)

    def forward(self, x):
        x = F.gelu(self.norm1(F.max_pool2d(self.conv1(x), 2)))
        return F.gelu(self.norm2(self.conv2(x)))


class Speedrun(nn.Module):
    def __init__(self, widths, layers):
        super().__init__()
        self.stem = nn.Conv2d(3, 24, 2)
        inputs = [24] + widths[:-1]
        self.groups = nn.Sequential(
            *[SpeedrunGroup(i, o, layers) for i, o in zip(inputs, widths)])
        self.head = nn.Linear(widths[-1], 10, bias=False)

    def forward(self, x):
        x = self.groups(F.gelu(self.stem(x))).amax((2, 3))
        return self.head(x) / x.shape[1]


def make_network(model, normalization):
    name, _, size = model.partition(":")
    numbers = [int(number) for number in size.split("x")] if size else []
    layers = Layers(normalization, F.gelu if name == "speedrun" else F.relu)
    if name in RESNETS:
        return ResNet(name, layers)
    if name == "mlp":
        return Perceptron(*numbers, layers)
    if name == "speedrun":
        return Speedrun(numbers or [64, 256, 256], layers)
    return Uniform(*numbers, layers, dense=name == "resmlp")


def difference(found, expected):
    return float((found - expected).abs().max() / max(1, expected.abs().max()))


def check(folder):
    case = json.loads((folder / "case.json").read_text())
    data = load_file(folder / "data.safetensors")
    images, logits = data["images"], data["logits"]
    network = make_network(case["model"], case["normalization"])
    network.load_state_dict(load_file(folder / "names.safetensors"))
    network.eval()
    with torch.no_grad():
        found = difference(network(images), logits)
    save_file(network.state_dict(), folder / "back.safetensors")
    print(case["model"], case["normalization"], f"{found:.1e}")
    return found <= TOLERANCE


folders = sorted(path.parent for path in pathlib.Path(sys.argv[1]).glob("*/case.json"))
results = [check(folder) for folder in folders]
sys.exit(0 if results and all(results) else "logits differ by more than 1e-4")
