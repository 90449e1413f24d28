#!/usr/bin/env python3
"""Writes the losses of small networks that PyTorch trains in double precision:

    training_traces.py > Tests/IsometryNNTests/Fixtures/training_traces.txt

A last line has those of a small speedrun network, also over six views. Formulas give the initial parameters and the images, so that
Tests/IsometryNNTests/TrainingTraceTests.swift can repeat each run. The networks are those of
Benchmarks/peers/pytorch_resnet.py and pytorch_speedrun.py. Needs the packages of requirements.txt.
"""
import math
import pathlib
import sys

import torch
import torch.nn.functional as F

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Benchmarks" / "peers"))
import pytorch_resnet as peer
import pytorch_speedrun as speedrun

torch.set_default_dtype(torch.float64)

BATCH, SIDE, STEPS = 6, 8, 5
RATE = 0.125


def initialize(net):
    for position, (name, p) in enumerate(net.named_parameters()):
        spread = math.sqrt(p.shape[0] / p.numel()) if p.dim() > 1 else 0.1
        values = [spread * math.sin(1 + 0.7 * i + position) for i in range(p.numel())]
        is_scale = p.dim() == 1 and name.endswith("weight")
        offset = 1 if is_scale else 0
        with torch.no_grad():
            p.copy_(torch.tensor(values).view(p.shape) + offset)


def batch(step, side=SIDE):
    count = BATCH * 3 * side * side
    bytes_ = [(97 * (i + step) + 31 * (i >> 3)) % 256 for i in range(count)]
    x = torch.tensor(bytes_, dtype=torch.float64).view(BATCH, 3, side, side) / 255
    mean = torch.tensor([0.4914, 0.4822, 0.4465]).view(1, 3, 1, 1)
    deviation = torch.tensor([0.2470, 0.2435, 0.2616]).view(1, 3, 1, 1)
    return (x - mean) / deviation, torch.tensor([(i * 3 + step) % 10 for i in range(BATCH)])


def optimizer(kind, parameters):
    if kind == "nesterov":
        return torch.optim.SGD(parameters, RATE, momentum=0.9, weight_decay=5e-4, nesterov=True)
    if kind == "clipped":
        return torch.optim.SGD(parameters, RATE)
    if kind == "adam":
        return torch.optim.Adam(parameters, RATE / 64, betas=(0.9, 0.99), eps=1e-8, weight_decay=0.01)
    if kind == "adamw":
        return torch.optim.AdamW(parameters, RATE / 64, betas=(0.9, 0.99), eps=1e-8, weight_decay=0.1)
    if kind == "rmsprop":
        return torch.optim.RMSprop(parameters, RATE / 64, alpha=0.9, eps=1e-8, momentum=0.5)
    raise ValueError(kind)


def trace(norm, bottleneck, kind, smoothing):
    net = peer.ResNet([4, 6], [1, 2], norm, bottleneck=bottleneck)
    initialize(net)
    opt = optimizer(kind, net.parameters())
    losses = []
    net.train()
    for step in range(STEPS):
        x, y = batch(step)
        opt.zero_grad()
        loss = F.cross_entropy(net(x), y, label_smoothing=smoothing)
        loss.backward()
        if kind == "clipped":
            norms = torch.sqrt(sum((p.grad ** 2).sum() for p in net.parameters()))
            for p in net.parameters():
                p.grad *= min(1.0, 0.5 / float(norms))
        opt.step()
        losses.append(float(loss.detach()))
    net.eval()
    x, y = batch(STEPS)
    losses.append(float(F.cross_entropy(net(x), y).detach()))
    return losses


def speedrun_trace():
    speedrun.WIDTHS = [6, 8, 12]
    side = 26
    net = speedrun.SpeedrunNet(batch(0, side)[0])
    initialize(net)
    # The head's factor 1/12 would keep the losses near log(10).
    with torch.no_grad():
        net.head.weight.mul_(12)
    opt = optimizer("nesterov", [p for p in net.parameters() if p.requires_grad])
    losses = []
    for step in range(STEPS):
        x, y = batch(step, side)
        opt.zero_grad()
        loss = F.cross_entropy(net(x), y, label_smoothing=0.2)
        loss.backward()
        opt.step()
        losses.append(float(loss.detach()))
    net.eval()
    x, y = batch(STEPS, side)
    losses.append(float(F.cross_entropy(net(x), y).detach()))
    padded = F.pad(x, (1,) * 4, "reflect")
    shifts = [padded[:, :, i:i + side, i:i + side] for i in (0, 2)]
    logits = sum(w * (net(v) + net(v.flip(-1))) for v, w in
                 [(x, 0.25), (shifts[0], 0.125), (shifts[1], 0.125)])
    losses.append(float(F.cross_entropy(logits, y).detach()))
    return losses


print(f"# PyTorch {torch.__version__}: normalization block optimizer smoothing, "
      "the losses of 5 steps, the loss in evaluation mode")
for norm in (True, False):
    for bottleneck in (False, True):
        for kind in ("nesterov", "clipped", "adam", "adamw", "rmsprop"):
            smoothing = 0.1 if kind == "adamw" else 0.0
            losses = trace(norm, bottleneck, kind, smoothing)
            print("batch" if norm else "none", "bottleneck" if bottleneck else "basic", kind,
                  smoothing, *[f"{v:.16g}" for v in losses])
print("speedrun", "none", "nesterov", 0.2, *[f"{v:.16g}" for v in speedrun_trace()])
