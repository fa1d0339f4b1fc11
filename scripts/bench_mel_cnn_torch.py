"""Measures an epoch of a convolutional network over mel spectrograms in PyTorch on the CPU.

The network, data sizes and optimiser are those of `crates/nn/examples/mel_cnn_epoch.rs`.

    python bench_mel_cnn_torch.py [THREADS] [EPOCHS] [contiguous | channels-last]

The third argument is the layout in memory; PyTorch's own is `contiguous`.

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

SAMPLES, FRAMES, BANDS, CLASSES, BATCH = 900, 130, 128, 5, 64


def main() -> None:
    threads = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    epochs = max(int(sys.argv[2]) if len(sys.argv) > 2 else 5, 2)
    layout = sys.argv[3] if len(sys.argv) > 3 else "contiguous"
    memory_format = {"contiguous": torch.contiguous_format, "channels-last": torch.channels_last}[layout]
    torch.set_num_threads(threads)
    torch.manual_seed(0)

    blocks: list[nn.Module] = []
    channels = 1
    for filters in (32, 32, 64, 64):
        blocks += [nn.Conv2d(channels, filters, 3, padding="same"), nn.ReLU(), nn.MaxPool2d(2)]
        channels = filters
    network = nn.Sequential(
        *blocks,
        nn.Flatten(),
        nn.Linear((FRAMES // 16) * (BANDS // 16) * channels, 128),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(128, 64),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(64, CLASSES),
    ).to(memory_format=memory_format)
    assert sum(p.numel() for p in network.parameters()) == 597_989
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, eps=1e-7)
    loss_of = nn.CrossEntropyLoss()
    inputs = torch.randn(SAMPLES, 1, FRAMES, BANDS).to(memory_format=memory_format)
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
    version = f"{torch.__version__} ({layout})"
    print(
        json.dumps({"peer": "pytorch", "version": version, "threads": threads, "seconds_per_epoch": round(median, 4)})
    )


main()
