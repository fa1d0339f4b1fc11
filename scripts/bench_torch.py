"""Measures an epoch of a network in PyTorch on the CPU.

Networks, data sizes and optimisers are those of the examples `model_a_epoch`, `mel_cnn_epoch` and `lstm_epoch` of
`crates/nn`.

    python bench_torch.py model-a|mel-cnn|lstm [THREADS] [EPOCHS] [contiguous | channels-last]

The last argument is the layout in memory of pictures; PyTorch's own is `contiguous`. Prints one line of JSON with the
median of the epochs after the first.
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


class Lstm(nn.Module):
    """An LSTM whose last step is classified."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(128, 256, batch_first=True)
        self.dense = nn.Linear(256, 7)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.dense(self.lstm(inputs)[0][:, -1])


def model_a() -> nn.Module:
    return nn.Sequential(
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
        nn.Linear(193 // 8 * 128, 7),
    )


def mel_cnn() -> nn.Module:
    blocks: list[nn.Module] = []
    channels = 1
    for filters in (32, 32, 64, 64):
        blocks += [nn.Conv2d(channels, filters, 3, padding="same"), nn.ReLU(), nn.MaxPool2d(2)]
        channels = filters
    return nn.Sequential(
        *blocks,
        nn.Flatten(),
        nn.Linear(130 // 16 * (128 // 16) * channels, 128),
        nn.ReLU(),
        nn.Linear(128, 64),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(64, 5),
    )


# The network and its optimiser, the shape of the inputs, the number of classes and the size of a batch.
NETWORKS = {
    "model-a": (model_a, lambda it: torch.optim.RMSprop(it, lr=1e-5, alpha=0.9, eps=1e-7), (1712, 1, 193), 7, 16),
    "mel-cnn": (mel_cnn, lambda it: torch.optim.Adam(it, lr=1e-3, eps=1e-7), (900, 1, 130, 128), 5, 64),
    "lstm": (Lstm, lambda it: torch.optim.Adam(it, lr=1e-3), (480, 32, 128), 7, 32),
}
PARAMETERS = {"model-a": 269_831, "mel-cnn": 597_989}


def main() -> None:
    name = sys.argv[1]
    threads = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    epochs = max(int(sys.argv[3]) if len(sys.argv) > 3 else 5, 2)
    layout = sys.argv[4] if len(sys.argv) > 4 else None
    torch.set_num_threads(threads)
    torch.manual_seed(0)

    make, optimizer_of, shape, classes, size = NETWORKS[name]
    network, inputs = make(), torch.randn(shape)
    count = sum(parameter.numel() for parameter in network.parameters())
    assert count == PARAMETERS.get(name, count)
    if layout is not None:
        memory_format = {"contiguous": torch.contiguous_format, "channels-last": torch.channels_last}[layout]
        network, inputs = network.to(memory_format=memory_format), inputs.to(memory_format=memory_format)
    optimizer = optimizer_of(network.parameters())
    loss_of = nn.CrossEntropyLoss()
    labels = torch.arange(len(inputs)) % classes

    seconds = []
    for _ in range(epochs):
        start = time.perf_counter()
        order = torch.randperm(len(inputs))
        for first in range(0, len(inputs), size):
            batch = order[first : first + size]
            optimizer.zero_grad()
            loss_of(network(inputs[batch]), labels[batch]).backward()
            optimizer.step()
        seconds.append(time.perf_counter() - start)

    median = round(statistics.median(seconds[1:]), 4)
    version = torch.__version__ if layout is None else f"{torch.__version__} ({layout})"
    print(json.dumps({"peer": "pytorch", "version": version, "threads": threads, "seconds_per_epoch": median}))


main()
