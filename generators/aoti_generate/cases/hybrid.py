# SPDX-License-Identifier: Apache-2.0
"""Programs that run in part on the CPU and in part on CUDA, or on one CUDA device with an input on another. `cuda()` is the device of what lies
there, when a model is built and in its code."""

from __future__ import annotations

import typing

from ..case import Case, case
from ..placement import cuda

if typing.TYPE_CHECKING:
    import torch


def _mlp(first: typing.Callable[[], str], second: typing.Callable[[], str]) -> torch.nn.Module:
    """The MLP 128-256-10 with its layers on two devices."""
    import torch
    from torch import nn

    class Hybrid(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc1 = nn.Linear(128, 256, device=first())
            self.fc2 = nn.Linear(256, 10, device=second())

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            hidden = torch.nn.functional.gelu(self.fc1(x.to(self.fc1.weight.device)))
            return self.fc2(hidden.to(self.fc2.weight.device))

    return Hybrid()


def _cpu() -> str:
    return "cpu"


@case(source="S0, hybrid: fc1 on CPU, fc2 on GPU; SPEC PLACE-1", device="hybrid")
def mlp_cpu_then_cuda(c: Case) -> None:
    """The MLP with its first layer on the CPU and its second on CUDA: one copy to the device."""
    batch = c.dim("batch", min=1, max=64, example=8)
    c.input("x", "float32", (batch, 128))
    c.output_device = "cuda"
    c.contraction = 256
    c.fake_example = True
    c.model(lambda: _mlp(_cpu, cuda))


@case(source="S0, hybrid: fc1 on GPU, fc2 on CPU; SPEC PLACE-1", device="hybrid")
def mlp_cuda_then_cpu(c: Case) -> None:
    """The MLP with its first layer on CUDA and its second on the CPU: a copy there and one back."""
    batch = c.dim("batch", min=1, max=64, example=8)
    c.input("x", "float32", (batch, 128))
    c.contraction = 256
    c.fake_example = True
    c.model(lambda: _mlp(cuda, _cpu))


@case(source="SPEC PLACE-2", device="hybrid")
def embedding_on_cpu(c: Case) -> None:
    """A table on the CPU, looked up there, in front of a layer on CUDA."""
    tokens = c.dim("tokens", min=2, max=16, example=6)
    c.input("ids", "int64", (tokens,))
    c.output_device = "cuda"
    c.contraction = 24

    @c.model
    def build() -> torch.nn.Module:
        from torch import nn

        class Lookup(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.table = nn.Embedding(50, 24)
                self.layer = nn.Linear(24, 12, device=cuda())

            def forward(self, ids: torch.Tensor) -> torch.Tensor:
                return self.layer(self.table(ids % 50).to(self.layer.weight.device))

        return Lookup()


@case(source="SPEC PLACE-2", device="hybrid")
def cpu_buffer_in_cuda_model(c: Case) -> None:
    """A model on CUDA that reads a buffer on the CPU in every call."""
    rows = c.dim("rows", min=2, max=16, example=4)
    c.input("x", "float32", (rows, 32))
    c.output_device = "cuda"
    c.contraction = 32

    @c.model
    def build() -> torch.nn.Module:
        import torch
        from torch import nn

        class Shifted(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.layer = nn.Linear(32, 16, device=cuda())
                self.register_buffer("shift", torch.zeros(3, 16))

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                device = self.layer.weight.device
                return self.layer(x.to(device)) + self.shift.to(device).sum(0)

        return Shifted()


@case(source="SPEC PLACE-2: D2H and H2D inside the graph", device="hybrid")
def there_and_back_again(c: Case) -> None:
    """From CUDA to the CPU and back in the middle of a program."""
    rows = c.dim("rows", min=2, max=16, example=4)
    c.input("x", "float32", (rows, 48))
    c.output_device = "cuda"
    c.contraction = 48

    @c.model
    def build() -> torch.nn.Module:
        import torch
        from torch import nn

        class Detour(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.before = nn.Linear(48, 24, device=cuda())
                self.between = nn.Linear(24, 24)
                self.after = nn.Linear(24, 8, device=cuda())

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                y = torch.relu(self.before(x.to(self.before.weight.device)))
                y = torch.tanh(self.between(y.to("cpu")))
                return self.after(y.to(self.after.weight.device))

        return Detour()


@case(source="SPEC PLACE-2; torch/_inductor/codegen/cpp_wrapper_cpu.py: device indices stay as they are for copies between devices", device="hybrid")
def input_on_a_second_cuda_device(c: Case) -> None:
    """A layer on one CUDA device, and an input that lies on another: one copy between the two. Layers on both are refused."""
    rows = c.dim("rows", min=2, max=16, example=4)
    c.input("x", "float32", (rows, 32), device="cuda")
    c.input("y", "float32", (rows, 16), device="cuda:1")
    c.output_device = "cuda"
    c.contraction = 32
    c.fake_example = True

    @c.model
    def build() -> torch.nn.Module:
        from torch import nn

        class Shifted(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.layer = nn.Linear(32, 16, device=cuda())

            def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
                return self.layer(x) + y.to(x.device)

        return Shifted()
