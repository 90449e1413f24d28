#!/usr/bin/env python3
"""PyTorch training a small network for CIFAR-10 to a good accuracy in little time.

    pytorch_speedrun.py --data FOLDER --seed 1 --precision bf16

The recipe follows the public description of Jordan's "airbench94 with Muon" (2024), which reaches 94 %
in eight epochs: a frozen whitening stem, three groups of convolutions that start as the identity, Muon
for their weights, SGD for the rest, flips that alternate between epochs, and six views in evaluation.

Prints one JSON object for each epoch and one for the result. `seconds` counts training alone.
FOLDER holds data_batch_1.bin to test_batch.bin. Needs the packages of requirements.txt.
"""
import argparse
import json
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

from pytorch_resnet import load

MEAN = torch.tensor([0.4914, 0.4822, 0.4465]).view(1, 3, 1, 1)
DEVIATION = torch.tensor([0.2470, 0.2435, 0.2616]).view(1, 3, 1, 1)
WIDTHS = [64, 256, 256]
STEM_BIAS_EPOCHS = 3
RATES = {"muon": 0.24, "bias": 0.053, "head": 0.67}
DECAY_PER_IMAGE = 2e-6


class Group(nn.Module):
    """Convolution, pooling, normalization, GELU, convolution, normalization, GELU."""

    def __init__(self, inputs, width):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(width, eps=1e-12, momentum=0.4)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width, eps=1e-12, momentum=0.4)
        for norm in (self.norm1, self.norm2):
            norm.weight.requires_grad = False
        for conv in (self.conv1, self.conv2):
            # The first channels start as the identity, the others as PyTorch draws them.
            nn.init.dirac_(conv.weight.data[:conv.in_channels])

    def forward(self, x):
        y = F.gelu(self.norm1(F.max_pool2d(self.conv1(x), 2)))
        return F.gelu(self.norm2(self.conv2(y)))


class SpeedrunNet(nn.Module):
    """The stem whitens 2×2 patches; both signs of each of the 12 directions are channels."""

    def __init__(self, images):
        super().__init__()
        self.stem = nn.Conv2d(3, 24, 2)
        self.stem.weight.requires_grad = False
        channels = [24] + WIDTHS
        self.groups = nn.Sequential(*map(Group, channels, WIDTHS))
        self.head = nn.Linear(WIDTHS[-1], 10, bias=False)
        with torch.no_grad():
            patches = F.unfold(images, 2).transpose(1, 2).reshape(-1, 12)
            covariance = patches.T @ patches / len(patches)
            variances, directions = torch.linalg.eigh(covariance)
            filters = (directions / torch.sqrt(variances + 5e-4)).T.reshape(12, 3, 2, 2)
            self.stem.weight.copy_(torch.cat([filters, -filters]))
            self.head.weight.div_(self.head.weight.std())

    def forward(self, x):
        y = self.groups(F.gelu(self.stem(x)))
        y = F.max_pool2d(y, 3).flatten(1)
        return self.head(y) / y.shape[1]


def orthogonalized(matrix, iterations=3):
    """Singular values near 1, by a quintic Newton-Schulz iteration in bf16."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrix.bfloat16()
    x = x / (x.norm() + 1e-7)
    is_tall = x.shape[0] > x.shape[1]
    x = x.T if is_tall else x
    for _ in range(iterations):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return x.T if is_tall else x


class Muon:
    """Nesterov momentum with orthogonal updates, for weights of fixed norm."""

    def __init__(self, weights, momentum=0.6):
        self.weights, self.momentum = weights, momentum
        self.memory = [torch.zeros_like(weight) for weight in weights]

    @torch.no_grad()
    def step(self, rate):
        for weight, memory in zip(self.weights, self.memory):
            memory.mul_(self.momentum).add_(weight.grad)
            direction = weight.grad + self.momentum * memory
            weight.mul_(len(weight) ** 0.5 / weight.norm())
            update = orthogonalized(direction.reshape(len(weight), -1))
            weight.sub_(rate * update.view_as(weight))
            weight.grad = None


def normalized(images):
    values = (images.float() / 255 - MEAN) / DEVIATION
    return values.contiguous(memory_format=torch.channels_last)


def translated(images, pixels=2):
    """A random shift by at most that many pixels in each direction, with reflection at the border."""
    count, padded = len(images), F.pad(images, (pixels,) * 4, "reflect")
    result = torch.empty_like(images)
    dy, dx = torch.randint(0, 2 * pixels + 1, (2, count))
    for y in range(2 * pixels + 1):
        for x in range(2 * pixels + 1):
            chosen = (dy == y) & (dx == x)
            result[chosen] = padded[chosen, :, y:y + 32, x:x + 32]
    return result


def six_views(network, x):
    """Logits of the image (half the weight) and of two shifts by a pixel, each with its mirror image."""
    def mirrored(images):
        return network(images) + network(images.flip(-1))

    padded = F.pad(x, (1,) * 4, "reflect")
    shifted = mirrored(padded[:, :, 0:32, 0:32]) + mirrored(padded[:, :, 2:34, 2:34])
    return mirrored(x) / 4 + shifted / 8


def train(args):
    torch.manual_seed(args.seed)
    images, labels = load(args.data, [f"data_batch_{i}.bin" for i in range(1, 6)])
    test_images, test_labels = load(args.data, ["test_batch.bin"])
    images, test_images = normalized(images), normalized(test_images)
    begin = time.perf_counter()
    network = SpeedrunNet(images[:5000]).to(memory_format=torch.channels_last)
    parameters = dict(network.named_parameters())
    weights = [p for name, p in parameters.items() if "conv" in name]
    norm_biases = [p for name, p in parameters.items() if "norm" in name and p.requires_grad]
    decay = DECAY_PER_IMAGE * args.batch
    sgd = torch.optim.SGD(
        [dict(params=params, lr=rate, weight_decay=decay / rate) for params, rate in [
            ([network.stem.bias], RATES["bias"]), (norm_biases, RATES["bias"]),
            ([network.head.weight], RATES["head"])]],
        momentum=0.85, nesterov=True)
    rates = [group["lr"] for group in sgd.param_groups]
    muon = Muon(weights)
    steps = len(images) // args.batch
    total, seconds, step = steps * args.epochs, 0.0, 0
    flips = torch.rand(len(images)) < 0.5
    autocast = torch.autocast("cpu", torch.bfloat16, enabled=args.precision == "bf16")

    def evaluate(views):
        network.eval()
        with torch.no_grad(), autocast:
            found = [
                views(network, test_images[i:i + 500]).argmax(1)
                for i in range(0, len(test_images), 500)]
        return (torch.cat(found) == test_labels).float().mean().item()

    for epoch in range(args.epochs):
        network.train()
        order, total_loss = torch.randperm(len(images)), 0.0
        for i in range(steps):
            chosen = order[i * args.batch:(i + 1) * args.batch]
            x = images[chosen]
            # Each image is mirrored in every second epoch.
            mirrored = flips[chosen] != (epoch % 2 == 1)
            x[mirrored] = x[mirrored].flip(-1)
            x = translated(x)
            left = 1 - step / total
            stem_left = max(0.0, 1 - step / (steps * STEM_BIAS_EPOCHS))
            for group, rate, share in zip(sgd.param_groups, rates, [stem_left, left, left]):
                group["lr"] = rate * share
            network.stem.bias.requires_grad = stem_left > 0
            with autocast:
                logits = network(x)
            loss = F.cross_entropy(
                logits.float(), labels[chosen], label_smoothing=0.2, reduction="sum")
            loss.backward()
            sgd.step()
            sgd.zero_grad(set_to_none=True)
            muon.step(RATES["muon"] * left)
            total_loss += loss.item() / len(chosen)
            step += 1
        seconds += time.perf_counter() - begin
        accuracy = evaluate(lambda network, x: network(x))
        print(json.dumps({
            "epoch": epoch + 1, "loss": total_loss / steps, "test_accuracy": accuracy,
            "seconds": seconds}), flush=True)
        begin = time.perf_counter()
    print(json.dumps({
        "peer": "pytorch " + torch.__version__, "seed": args.seed, "epochs": args.epochs,
        "precision": args.precision, "threads": torch.get_num_threads(),
        "test_accuracy": evaluate(six_views), "seconds": seconds}), flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="folder with CIFAR-10's binary batches")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--batch", type=int, default=2000)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    train(parser.parse_args())


if __name__ == "__main__":
    main()
