# SPDX-License-Identifier: Apache-2.0
"""Reproducer without the suite: a package for CUDA reads a number out of an input (x.item()) before it makes the stream current that run() is handed.
The read goes to the stream that is current for the caller and does not wait for the work by which the caller fills the input on its own one.

usage: python number_of_the_data_is_read_on_another_stream.py      needs a CUDA device, compiles for half a minute;
       exit status 1 where the code of the package does so, 0 where it does not
"""

import tempfile
import zipfile

import torch


class Head(torch.nn.Module):
    """As many rows as the data say."""

    def forward(self, x: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """Twice the first rows."""
        count = rows.item()
        torch._check(count >= 2)
        torch._check(count <= 8)
        return x[:count] * 2


if not torch.cuda.is_available():
    raise SystemExit("not tried: there is no CUDA device")
with tempfile.TemporaryDirectory() as folder:
    given = (torch.ones(16, 4, device="cuda"), torch.tensor(5, device="cuda"))
    program = torch.export.export(Head(), given)
    package = torch._inductor.aoti_compile_and_package(program, package_path=folder + "/model.pt2")
    with zipfile.ZipFile(package) as archive:
        code = next(archive.read(name).decode() for name in archive.namelist() if name.endswith(".wrapper.cpp"))
    body = code[code.rindex("::run_impl(") :]
    read, made_current = body.index("aoti_torch_item_int64("), body.index("AOTICudaStreamGuard stream_guard(stream")
    order = "before" if read < made_current else "after"
    print(f"torch {torch.__version__}: the number is read {order} the stream that run() is handed is made the current one")
    raise SystemExit(1 if read < made_current else 0)
