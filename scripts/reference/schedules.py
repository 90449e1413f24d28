#!/usr/bin/env python3
"""Writes PyTorch's learning rates for the schedules that the trainer has:

    schedules.py > Tests/IsometryTrainingTests/Fixtures/schedules.txt

Each schedule is one line: its name, its parameters, a colon, and the rate of each step. Needs the
packages of requirements.txt.
"""
import torch
from torch.optim import lr_scheduler as schedulers

STEPS, RATE = 40, 0.4


def rates(make, steps=STEPS):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], RATE)
    scheduler = make(optimizer)
    result = []
    for _ in range(steps):
        result.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step() if len(result) < steps else None
    return " ".join(repr(r) for r in result)


def warm(optimizer, steps, after):
    rise = schedulers.LinearLR(optimizer, start_factor=1 / steps, total_iters=steps - 1)
    return schedulers.SequentialLR(optimizer, [rise, after], milestones=[steps])


print(f"# PyTorch {torch.__version__}, {STEPS} steps, largest rate {RATE}")
for peak in (0.1, 0.2, 0.3, 0.75):
    print(f"one-cycle {peak}:", rates(lambda o: schedulers.OneCycleLR(
        o, RATE, total_steps=STEPS, pct_start=peak, cycle_momentum=False)))
print("cosine:", rates(lambda o: schedulers.CosineAnnealingLR(o, STEPS)))
print("step 10 25 0.1:", rates(lambda o: schedulers.MultiStepLR(o, [10, 25], 0.1)))
print("cosine-warm 8:", rates(
    lambda o: warm(o, 8, schedulers.CosineAnnealingLR(o, STEPS - 8))))
