"""Measures an epoch of an LSTM of 256 units in PyTorch on the CPU.

The network, data sizes and optimiser are those of `crates/nn/examples/lstm_epoch.rs`.

    python bench_lstm_torch.py [THREADS] [EPOCHS]

Prints one line of JSON with the median of the epochs after the first.
"""

import json
import os
import statistics
import sys
import time

# As in bench_model_a_torch.py: without these, PyTorch spends a good part of its time on page faults.
ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": "4294967296", "MALLOC_TRIM_THRESHOLD_": "17179869184"}
if any(os.environ.get(key) != value for key, value in ALLOCATOR.items()):
    os.environ.update(ALLOCATOR)
    os.execv(sys.executable, [sys.executable, *sys.argv])

import torch  # noqa: E402
from torch import nn  # noqa: E402

SAMPLES, STEPS, CHANNELS, CLASSES, BATCH = 480, 32, 128, 7, 32


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(CHANNELS, 256, batch_first=True)
        self.dense = nn.Linear(256, CLASSES)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.dense(self.lstm(inputs)[0][:, -1])


def main() -> None:
    threads = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    epochs = max(int(sys.argv[2]) if len(sys.argv) > 2 else 5, 2)
    torch.set_num_threads(threads)
    torch.manual_seed(0)

    network = Network()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    loss_of = nn.CrossEntropyLoss()
    inputs = torch.randn(SAMPLES, STEPS, CHANNELS)
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
