# SPDX-License-Identifier: Apache-2.0
"""A program with layers on two CUDA devices is not compiled: AOTInductor supports one. Tensors are fake: no device is needed.

requirement: PLACE_2
source: https://github.com/pytorch/pytorch/pull/110030
"""

import os
import types
from pathlib import Path
from unittest import mock

import torch
import torch._inductor.scheduler
from _programs import answer, refusal, words_of
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils import cpp_extension

WORDS = "one CUDA device"  # of the refusal; any other is not about what is tried here
PRETENDED = types.SimpleNamespace(name="pretended", major=9, minor=0, multi_processor_count=108, warp_size=32, total_memory=1 << 36)
TOOLKIT = cpp_extension.CUDA_HOME or str(Path(torch.__file__).parent.parent / "nvidia" / "cu13")  # only named: nothing of it is used
os.environ["CUDA_VISIBLE_DEVICES"] = ""  # the same on every machine: a tensor on a second device that is not there would be one too many


class Layers(torch.nn.Module):
    """Two products, on the devices where their weights lie."""

    def forward(self, x: torch.Tensor, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """The second layer of the first, moved."""
        return torch.mm(torch.mm(x.to(first.device), first).to(second.device), second)


def error_of(*devices: str) -> BaseException | None:
    """What compiling ends with where x and the two weights lie so. Products are calls of a library: no kernel is compiled."""
    with FakeTensorMode():
        tensors = tuple(torch.empty(64, 64, device=device) for device in devices)
        program = torch.export.export(Layers(), tensors)
    code_only = {"aot_inductor.package_cpp_only": True, "aot_inductor.precompile_headers": False, "shape_padding": False}
    with (
        mock.patch.object(torch.cuda, "get_device_properties", lambda device=None: PRETENDED),
        mock.patch.object(torch._inductor.scheduler, "has_triton", lambda: True),
        mock.patch.object(cpp_extension, "CUDA_HOME", TOOLKIT),
    ):
        return refusal(lambda: torch._inductor.aot_compile(program.module(), tensors, options=code_only))


def said(error: BaseException | None) -> str:
    """In words."""
    return "is compiled" if error is None else f"is refused with {words_of(error)}"


on_one, on_two = error_of("cuda:0", "cuda:0", "cuda:0"), error_of("cuda:0", "cuda:0", "cuda:1")
for error in (on_one, on_two if on_two is not None and WORDS not in str(on_two) else None):
    if error is not None:
        raise error
input_elsewhere = error_of("cuda:1", "cuda:0", "cuda:0")
answer(
    on_two is not None,
    f"with both layers on one device it {said(on_one)}, with the second on another it {said(on_two)}; "
    f"with the input alone on another device it {said(input_elsewhere)}",
)
