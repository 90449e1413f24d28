#!/usr/bin/env python3
"""Writes the names and shapes of the PyTorch networks' state_dict, which checkpoints must match:

    network_names.py > Tests/IsometryNNTests/Fixtures/state_dicts.txt

The networks are those of Benchmarks/peers/pytorch_resnet.py. Needs the packages of requirements.txt.
"""
import pathlib
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Benchmarks" / "peers"))
import pytorch_resnet as peer

print(f"# PyTorch {torch.__version__}: model normalization, then name and shape; "
      "num_batches_tracked left out")
for name in ("resnet20", "resnet18", "resnet50"):
    for normalized in (True, False):
        network = peer.make_network(name, normalized)
        print("model", name, "batch" if normalized else "none")
        for key, value in network.state_dict().items():
            if not key.endswith("num_batches_tracked"):
                print(key, "x".join(str(n) for n in value.shape))
