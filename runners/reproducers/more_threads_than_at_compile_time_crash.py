# SPDX-License-Identifier: Apache-2.0
"""Reproducer without the suite: a package whose sum is computed in parallel writes beyond its accumulators where OpenMP has more threads than the
machine that compiled it had.

usage: python more_threads_than_at_compile_time_crash.py      exit status 1 where a call ends the process, 0 where it does not; compiles for half a
minute
"""

import subprocess
import sys
import tempfile

import torch


class Mean(torch.nn.Module):
    """The mean of squares of 4096 numbers: enough to share among threads."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """One number."""
        return x.square().mean()


def call(package: str, threads: int) -> None:
    """Loads and calls the package in this process."""
    model = torch._inductor.aoti_load_package(package)
    torch.set_num_threads(threads)
    for _ in range(20):
        model(torch.ones(4096))


if len(sys.argv) == 3:
    call(sys.argv[1], int(sys.argv[2]))
    sys.exit(0)
with tempfile.TemporaryDirectory() as folder:
    torch.set_num_threads(2)
    program = torch.export.export(Mean(), (torch.ones(4096),))
    package = torch._inductor.aoti_compile_and_package(program, package_path=folder + "/model.pt2")
    ends = {threads: subprocess.run([sys.executable, __file__, package, str(threads)], check=False).returncode for threads in (1, 2, 64)}
    print(f"torch {torch.__version__}: compiled with 2 threads; exit statuses of processes with 1, 2 and 64 threads: {list(ends.values())}")
    sys.exit(1 if ends[64] != 0 and ends[1] == ends[2] == 0 else 0)
