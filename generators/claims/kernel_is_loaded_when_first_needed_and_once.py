# SPDX-License-Identifier: Apache-2.0
"""A kernel is loaded when it is first needed, and once. It is read in the C++ that would be compiled: no device is needed.

requirement: OPS_2
source: S1
"""

import re

import torch
from _cuda_code import code_of
from _programs import answer


class Product(torch.nn.Module):
    """Two kernels, of which one is launched twice."""

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """The cosine of a product of sines."""
        return torch.cos(torch.mm(torch.sin(x), torch.sin(y)))


code = code_of(Product(), [(64, 64), (64, 64)], cpp_wrapper=True, aot_mode=True)
loads = re.findall(r"(\S+) = loadKernel\(", code)
guarded = re.findall(r"if \((\S+) == nullptr\) \{\s+\1 = loadKernel\([^;]*;\s+\}", code)
at_launch = [
    kernel
    for kernel in guarded
    if re.search(rf"{re.escape(kernel)} = loadKernel\((?:.(?!^\}}))*?launchKernel\({re.escape(kernel)},", code, re.S | re.M)
]
launches = {kernel: len(re.findall(rf"^ +call_{kernel.rpartition('.')[2]}\(", code, re.M)) for kernel in loads}
print(launches)
answer(
    bool(loads) and loads == guarded == at_launch and len(set(loads)) == len(loads) and max(launches.values()) > 1,
    f"{len(loads)} kernels, launched in {sum(launches.values())} places, are loaded in {len(loads)}: {len(at_launch)} of these before the launch, "
    "each where the pointer to the kernel, which every instance of the model has, is still null",
)
