# SPDX-License-Identifier: Apache-2.0
"""Static sizes are constants in the source of a Triton kernel, dynamic ones are arguments of its launch. No device is needed.

requirement: OPS_2
source: S2 6.2, exercise 1
"""

import re

import torch
from _cuda_code import code_of
from _programs import answer

ROWS, COLUMNS = 48, 80  # numbers that nothing else in a kernel is


class Sums(torch.nn.Module):
    """One kernel that needs both sizes."""

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The sums of rows, and all elements."""
        return torch.sin(x).sum(1), torch.cos(x)


def seen(*dynamic: int) -> tuple[list[int], list[str]]:
    """Which of the sizes stand as numbers in the kernel where these dimensions are dynamic, and what its launch is given beside tensors."""
    dims = {number: torch.export.Dim(f"dim_{number}", min=2, max=128) for number in dynamic}
    code = code_of(Sums(), [(ROWS, COLUMNS)], (dims,))
    kernel = re.search(r"^@triton\.jit\n(.*?)^'''", code, re.MULTILINE | re.DOTALL)
    launch = re.search(r"^ +triton_\w+\.run\((.*), stream=\w+\)", code, re.MULTILINE)
    assert kernel is not None and launch is not None, code
    given = [word for word in launch[1].split(", ") if re.fullmatch(r"\d+|s\d+", word)]
    return [size for size in (ROWS, COLUMNS) if re.search(rf"\b{size}\b", kernel[1])], given


static, rows, both = seen(), seen(0), seen(0, 1)
for numbers, given in (static, rows, both):
    print("in the kernel:", numbers, "in the launch:", given)
in_kernels = static[0] == [ROWS, COLUMNS] and rows[0] == [COLUMNS] and not both[0]
symbols = [sum(word.startswith("s") for word in set(given)) for _, given in (static, rows, both)]
answer(
    in_kernels and symbols == [0, 1, 2],
    f"the kernel for {ROWS} x {COLUMNS} holds the numbers {static[0]} where nothing is dynamic, {rows[0]} where rows are, {both[0]} where both are; "
    f"beside tensors its launch is given {static[1]}, {rows[1]}, {both[1]}",
)
