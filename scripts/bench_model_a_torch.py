"""Measures an epoch of Model A of Issa, Demirci & Yazici 2020 in PyTorch on the CPU.

The network, data sizes and optimiser are those of `crates/nn/examples/model_a_epoch.rs`.

    python bench_model_a_torch.py [THREADS] [EPOCHS]

Prints one line of JSON with the median of the epochs after the first.
"""

import json
import os
import statistics
import sys
import time

# Without these, glibc returns large buffers to the system after every step, and PyTorch spends a good part of its time
# on page faults. They must be set before the process starts.
ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": "4294967296", "MALLOC_TRIM_THRESHOLD_": "17179869184"}
if any(os.environ.get(key) != value for key, value in ALLOCATOR.items()):
    os.environ.update(ALLOCATOR)
    os.execv(sys.executable, [sys.executable, *sys.argv])

import torch  # noqa: E402
from torch import nn  # noqa: E402

SAMPLES, FEATURES, CLASSES, BATCH = 1712, 193, 7, 16


def main() -> None:
    threads = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    epochs = max(int(sys.argv[2]) if len(sys.argv) > 2 else 5, 2)
    torch.set_num_threads(threads)
    torch.manual_seed(0)

    network = nn.Sequential(
        nn.Conv1d(1, 256, 5, padding="same"),
        nn.BatchNorm1d(256, eps=1e-3, momentum=0.01),
        nn.ReLU(),
        nn.Conv1d(256, 128, 5, padding="same"),
        nn.ReLU(),
        nn.Dropout(0.1),
        nn.MaxPool1d(8),
        nn.Conv1d(128, 128, 5, padding="same"),
        nn.BatchNorm1d(128, eps=1e-3, momentum=0.01),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Flatten(),
        nn.Linear(FEATURES // 8 * 128, CLASSES),
    )
    assert sum(p.numel() for p in network.parameters()) == 269_831
    optimizer = torch.optim.RMSprop(network.parameters(), lr=1e-5, alpha=0.9, eps=1e-7)
    loss_of = nn.CrossEntropyLoss()
    inputs = torch.randn(SAMPLES, 1, FEATURES)
    labels = torch.arange(SAMPLES) % CLASSES

    seconds = []
    for _ in range(epochs):
        start = time.perf_counter()
        order = torch.randperm(SAMPLES)
        for first in range(0, SAMPLES, BATCH):
            batch = order[first : first + BATCH]
            optimizer.zero_grad()
            loss_of(network(inputs[batch]), labels[batch]).backward()
            optimizer.step()
        seconds.append(time.perf_counter() - start)

    median = statistics.median(seconds[1:])
    print(
        json.dumps(
            {"peer": "pytorch", "version": torch.__version__, "threads": threads, "seconds_per_epoch": round(median, 4)}
        )
    )


main()
