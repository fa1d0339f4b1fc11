#!/usr/bin/env python3
"""Print the golden values of the training in crates/nn from PyTorch.

    python scripts/torch_training_golden.py

Everything runs in float64. The values stand in the tests of crates/nn/src/{loss,optimizer}.rs and crates/nn/src/train/.
"""

import math
import platform

import torch
from torch.nn.functional import cross_entropy

torch.set_default_dtype(torch.float64)


def descend(epsilon, decay):
    """Three steps of AdamW down w²/2 from 1, which decays, and -2, which does not."""
    weights = [torch.tensor(value, requires_grad=True) for value in (1.0, -2.0)]
    groups = [{"params": weights[:1], "weight_decay": decay}, {"params": weights[1:], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=0.1, eps=epsilon)
    for _ in range(3):
        optimizer.zero_grad()
        (sum(w * w for w in weights) / 2).backward()
        optimizer.step()
    return [w.item() for w in weights]


def losses():
    """Smoothed by 0.1; alone, and mixed of 0.7 of class 3 and 0.3 of class 0."""
    for name, parts in (("smoothed", [(3, 1.0)]), ("mixed", [(3, 0.7), (0, 0.3)])):
        logits = torch.tensor([[0.3, -1.2, 2.0, 0.0]], requires_grad=True)
        loss = sum(share * cross_entropy(logits, torch.tensor([k]), label_smoothing=0.1) for k, share in parts)
        loss.backward()
        print(f"loss, {name}: {loss.item():.12f}, gradient {[round(g, 12) for g in logits.grad[0].tolist()]}")


def cosine():
    """The rates of 8 steps from 0.2 down to 0.02."""
    weight = torch.tensor(1.0, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=0.2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=8, eta_min=0.02)
    rates = []
    for _ in range(9):
        rates.append(round(schedule.get_last_lr()[0], 12))
        optimizer.step()
        schedule.step()
    print("cosine:", rates)


def clipped():
    """A gradient of norm 13 brought to norm 2."""
    weight = torch.zeros(3, requires_grad=True)
    weight.grad = torch.tensor([3.0, -4.0, 12.0])
    norm = torch.nn.utils.clip_grad_norm_([weight], 2.0)
    assert math.isclose(norm.item(), 13.0)
    print("clipped:", [round(g, 6) for g in weight.grad.tolist()])


def main():
    print(f"Python {platform.python_version()}, PyTorch {torch.__version__}")
    print("AdamW, epsilon 0.1, decay 0.5:", descend(0.1, 0.5))
    print("AdamW, epsilon 1e-8, decay 0.01:", descend(1e-8, 0.01))
    losses()
    cosine()
    clipped()


main()
