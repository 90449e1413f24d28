#!/usr/bin/env python3
"""Writes the names and shapes of the peer's state_dict, which checkpoints must match:
    network_names.py PEER > Tests/IsometryNNTests/Fixtures/state_dicts.txt
PEER is the file that defines the PyTorch networks (Benchmarks/peers/pytorch_resnet.py).
"""
import importlib.util
import sys

import torch

spec = importlib.util.spec_from_file_location("peer", sys.argv[1])
peer = importlib.util.module_from_spec(spec)
spec.loader.exec_module(peer)

networks = {
    "resnet20": ([16, 32, 64], [3, 3, 3], False),
    "resnet18": ([64, 128, 256, 512], [2, 2, 2, 2], False),
    "resnet50": ([64, 128, 256, 512], [3, 4, 6, 3], True),
}
print(f"# PyTorch {torch.__version__}: model normalization, then name and shape; "
      "num_batches_tracked left out")
for name, (widths, depths, bottleneck) in networks.items():
    for norm in (True, False):
        net = peer.ResNet(widths, depths, norm, bottleneck=bottleneck)
        print("model", name, "batch" if norm else "none")
        for key, value in net.state_dict().items():
            if not key.endswith("num_batches_tracked"):
                print(key, "x".join(str(n) for n in value.shape))
