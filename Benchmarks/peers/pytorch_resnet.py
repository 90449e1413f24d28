#!/usr/bin/env python3
"""PyTorch training the residual networks that Isometry trains: the peer of `compare`.

    pytorch_resnet.py bench --model resnet18 --batch 512 --precision bf16 --device cuda
    pytorch_resnet.py train --data FOLDER --model resnet20 --epochs 5 --batch 128 --lr 0.4

`bench` measures training steps on random data that is already on the device. `train` trains on the
binary batches of CIFAR-10. Both print one JSON object a line.

Layer names are those of Isometry's checkpoints. Images are channels_last by default, which is the
faster layout for PyTorch on the CPU and, in 16 bits, on a GPU. Needs the packages of
requirements.txt.
"""
import argparse
import json
import pathlib
import time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


def normalization_layer(channels, normalized):
    return nn.BatchNorm2d(channels) if normalized else nn.Identity()


def convolution(inputs, outputs, kernel, stride, normalized):
    """Padded by half the kernel; with a bias if no normalization follows."""
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=not normalized)


def skip_connection(inputs, outputs, stride, normalized):
    """The identity if the block keeps the shape, a 1×1 convolution otherwise."""
    if stride == 1 and inputs == outputs:
        return nn.Identity()
    return nn.Sequential(
        convolution(inputs, outputs, 1, stride, normalized),
        normalization_layer(outputs, normalized))


class BasicBlock(nn.Module):
    """Two 3×3 convolutions; the first has the stride."""

    def __init__(self, inputs, width, stride, normalized):
        super().__init__()
        self.conv1 = convolution(inputs, width, 3, stride, normalized)
        self.bn1 = normalization_layer(width, normalized)
        self.conv2 = convolution(width, width, 3, 1, normalized)
        self.bn2 = normalization_layer(width, normalized)
        self.skip = skip_connection(inputs, width, stride, normalized)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.skip(x))


class Bottleneck(nn.Module):
    """A 1×1, a 3×3 (with the stride) and a 1×1 convolution, the last with 4 times the width."""

    def __init__(self, inputs, width, stride, normalized):
        super().__init__()
        self.conv1 = convolution(inputs, width, 1, 1, normalized)
        self.bn1 = normalization_layer(width, normalized)
        self.conv2 = convolution(width, width, 3, stride, normalized)
        self.bn2 = normalization_layer(width, normalized)
        self.conv3 = convolution(width, 4 * width, 1, 1, normalized)
        self.bn3 = normalization_layer(4 * width, normalized)
        self.skip = skip_connection(inputs, 4 * width, stride, normalized)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        return F.relu(self.bn3(self.conv3(y)) + self.skip(x))


class ResNet(nn.Module):
    """A 3×3 stem without pooling, stages of blocks, global average pooling and a dense head."""

    def __init__(self, widths, depths, normalized=True, bottleneck=False, classes=10):
        super().__init__()
        self.stem = convolution(3, widths[0], 3, 1, normalized)
        self.norm = normalization_layer(widths[0], normalized)
        block = Bottleneck if bottleneck else BasicBlock
        blocks, channels = [], widths[0]
        for stage, (width, depth) in enumerate(zip(widths, depths)):
            for index in range(depth):
                stride = 2 if stage > 0 and index == 0 else 1
                blocks.append(block(channels, width, stride, normalized))
                channels = 4 * width if bottleneck else width
        self.body = nn.Sequential(*blocks)
        self.head = nn.Linear(channels, classes)

    def forward(self, x):
        return self.head(self.body(F.relu(self.norm(self.stem(x)))).mean((2, 3)))


# Widths and depths of the stages, and whether blocks are bottlenecks.
MODELS = {
    "resnet20": ([16, 32, 64], [3, 3, 3], False),
    "resnet56": ([16, 32, 64], [9, 9, 9], False),
    "resnet110": ([16, 32, 64], [18, 18, 18], False),
    "resnet18": ([64, 128, 256, 512], [2, 2, 2, 2], False),
    "resnet34": ([64, 128, 256, 512], [3, 4, 6, 3], False),
    "resnet50": ([64, 128, 256, 512], [3, 4, 6, 3], True),
}


def make_network(name, normalized):
    widths, depths, bottleneck = MODELS[name]
    return ResNet(widths, depths, normalized, bottleneck)


class Training:
    """A network with its optimizer, and one training step of them."""

    def __init__(self, args):
        torch.manual_seed(args.seed)
        torch.backends.cuda.matmul.allow_tf32 = args.precision == "tf32"
        torch.backends.cudnn.allow_tf32 = args.precision == "tf32"
        torch.backends.cudnn.benchmark = True
        is_cuda = args.device == "cuda"
        self.device = args.device
        self.network = make_network(args.model, args.normalization == "batch").to(args.device)
        if not args.nchw:
            self.network = self.network.to(memory_format=torch.channels_last)
        self.optimizer = torch.optim.SGD(
            self.network.parameters(), args.lr, momentum=0.9, weight_decay=5e-4, nesterov=True,
            fused=is_cuda or None)
        self.forward = self.network
        if args.compile:
            self.forward = torch.compile(self.network, mode="max-autotune" if is_cuda else None)
        self.low_precision = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(args.precision)
        self.scaler = torch.amp.GradScaler(args.device, enabled=args.precision == "fp16")

    def step(self, x, y):
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast(
                self.device, self.low_precision or torch.bfloat16,
                enabled=self.low_precision is not None):
            loss = F.cross_entropy(self.forward(x), y)
        self.scaler.scale(loss).backward()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return loss

    def synchronize(self):
        if self.device == "cuda":
            torch.cuda.synchronize()


def bench(args):
    """Times steps and prints the median of the repeats."""
    training = Training(args)
    training.network.train()
    x = torch.randn(args.batch, 3, 32, 32, device=args.device)
    if not args.nchw:
        x = x.contiguous(memory_format=torch.channels_last)
    y = torch.randint(0, 10, (args.batch,), device=args.device)
    for _ in range(args.warmup):
        training.step(x, y)
    training.synchronize()
    times = []
    for _ in range(args.repeats):
        start = time.perf_counter()
        for _ in range(args.steps):
            training.step(x, y)
        training.synchronize()
        times.append((time.perf_counter() - start) / args.steps)
    times.sort()
    median = times[len(times) // 2]
    print(json.dumps({
        "peer": "pytorch " + torch.__version__, "model": args.model,
        "normalization": args.normalization, "batch": args.batch, "precision": args.precision,
        "compile": args.compile,
        "device": torch.cuda.get_device_name() if args.device == "cuda" else "cpu",
        "threads": torch.get_num_threads(), "ms_per_step": median * 1e3,
        "images_per_second": args.batch / median,
        "spread": [args.batch / times[-1], args.batch / times[0]],
    }), flush=True)


def load(folder, names):
    """Images as bytes [N, 3, 32, 32] and labels [N] of CIFAR-10's binary files."""
    records = np.concatenate(
        [np.fromfile(pathlib.Path(folder) / name, np.uint8) for name in names]).reshape(-1, 3073)
    images = torch.from_numpy(records[:, 1:].reshape(-1, 3, 32, 32).copy())
    return images, torch.from_numpy(records[:, 0].astype(np.int64))


def augment(x):
    """A random crop after padding by 4, and a random horizontal flip."""
    count = x.shape[0]
    padded = F.pad(x, (4, 4, 4, 4))
    dy, dx = torch.randint(0, 9, (count,)), torch.randint(0, 9, (count,))
    rows = (dy[:, None] + torch.arange(32))[:, :, None]
    columns = (dx[:, None] + torch.arange(32))[:, None, :]
    flips = torch.rand(count) < 0.5
    columns = torch.where(flips[:, None, None], columns.flip(-1), columns)
    cropped = padded[torch.arange(count)[:, None, None], :, rows, columns]  # [N, H, W, C]
    return cropped.permute(0, 3, 1, 2)


def train(args):
    """Trains with a one-cycle schedule and prints loss and test accuracy of each epoch."""
    x, y = load(args.data, [f"data_batch_{i}.bin" for i in range(1, 6)])
    test_x, test_y = load(args.data, ["test_batch.bin"])
    mean = torch.tensor([0.4914, 0.4822, 0.4465]).view(1, 3, 1, 1)
    deviation = torch.tensor([0.2470, 0.2435, 0.2616]).view(1, 3, 1, 1)

    def normalized(images):
        values = ((images.float() / 255 - mean) / deviation).to(args.device)
        return values.contiguous(memory_format=torch.channels_last)

    training = Training(args)
    steps = len(x) // args.batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        training.optimizer, args.lr, total_steps=steps * args.epochs, pct_start=0.2)
    for epoch in range(args.epochs):
        training.network.train()
        order, start, total_loss = torch.randperm(len(x)), time.perf_counter(), 0.0
        for i in range(steps):
            chosen = order[i * args.batch:(i + 1) * args.batch]
            loss = training.step(normalized(augment(x[chosen])), y[chosen].to(args.device))
            schedule.step()
            total_loss += float(loss.detach())
        seconds = time.perf_counter() - start
        training.network.eval()
        correct = 0
        with torch.no_grad(), torch.autocast(
                args.device, torch.bfloat16, enabled=args.precision == "bf16"):
            for i in range(0, len(test_x), 500):
                logits = training.network(normalized(test_x[i:i + 500]))
                correct += int((logits.argmax(1).cpu() == test_y[i:i + 500]).sum())
        print(json.dumps({
            "epoch": epoch + 1, "loss": total_loss / steps,
            "test_accuracy": correct / len(test_x), "seconds": seconds,
            "images_per_second": steps * args.batch / seconds,
        }), flush=True)


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["bench", "train"])
    parser.add_argument("--model", choices=MODELS, default="resnet20")
    parser.add_argument("--normalization", choices=["none", "batch"], default="batch",
                        help="none: convolutions have biases instead")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--precision", choices=["fp32", "tf32", "bf16", "fp16"], default="fp32")
    parser.add_argument("--compile", action="store_true", help="use torch.compile")
    parser.add_argument("--nchw", action="store_true", help="keep PyTorch's default image layout")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--warmup", type=int, default=3, help="steps before the first timing")
    parser.add_argument("--steps", type=int, default=1, help="steps in one timing")
    parser.add_argument("--repeats", type=int, default=7, help="timings; the median counts")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--data", help="folder with data_batch_1.bin to test_batch.bin")
    args = parser.parse_args()
    if args.command == "train" and not args.data:
        parser.error("train needs --data FOLDER")
    return args


def main():
    args = parse()
    {"bench": bench, "train": train}[args.command](args)


if __name__ == "__main__":
    main()
