#!/usr/bin/env python3
"""Compares exported networks with ONNX Runtime:

    check_onnx.py FOLDER

Each folder in FOLDER holds an exported network, as the tests of IsometryExchange write it: plain.onnx,
folded.onnx, and data.safetensors with images and logits. ONNX's checker judges the files. Prints a line for
each network with the largest differences of the logits, relative to the largest logit if that is above 1.
Fails if one is above 1e-4. Needs the packages of requirements-readers.txt.
"""
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
from safetensors.numpy import load_file

TOLERANCE = 1e-4


def check(path, images, logits):
    onnx.checker.check_model(str(path), full_check=True)
    operators = {node.op_type for node in onnx.load(str(path)).graph.node}
    if path.stem == "folded" and "BatchNormalization" in operators:
        sys.exit(f"{path} still has a Batch Normalization")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    found = session.run(["logits"], {"images": images})[0]
    return float(np.abs(found - logits).max() / max(1, np.abs(logits).max()))


folders = sorted(path.parent for path in pathlib.Path(sys.argv[1]).glob("*/data.safetensors"))
results = []
for folder in folders:
    data = load_file(folder / "data.safetensors")
    differences = [check(folder / f"{name}.onnx", data["images"], data["logits"])
                   for name in ("plain", "folded")]
    print(folder.name, *(f"{value:.1e}" for value in differences))
    results += [value <= TOLERANCE for value in differences]
sys.exit(0 if results and all(results) else "logits differ by more than 1e-4")
