# SPDX-License-Identifier: Apache-2.0
"""Compiles for a CUDA device that this machine has not: Triton and the C++ compiler need none, only Inductor asks for one.

Inside `device(90)` Inductor sees one device of compute capability 9.0, and Triton a driver that compiles for it and starts nothing: the code
that would measure kernels runs on fake tensors, the first configuration of each kernel is the one that is packaged, and nothing is initialised.
It is for programs without weights: those would have to lie on the device. Imports torch. Where another release of torch asks for more than
_answers() holds, its error names what: add that there.

What Inductor and Triton have once asked they remember, so all this happens in a process of its own: `write_package` starts

    python -m aoti_generate.cross CASE CAPABILITY FILE
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import subprocess
import sys
import tempfile
import types
import typing
from pathlib import Path
from unittest import mock

import torch
from torch._dynamo.device_interface import CudaInterface
from torch._inductor.codegen.wrapper import PythonWrapperCodegen
from torch._inductor.runtime.triton_heuristics import CachingAutotuner
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils import cpp_extension

from . import compile, placement, plan
from .case import Case, case_called

# Functions of the driver's library that the library of a package calls: one that nobody calls a linker leaves out.
_OF_THE_DRIVER = (
    "cuFuncSetAttribute",
    "cuGetErrorString",
    "cuLaunchKernel",
    "cuModuleGetFunction",
    "cuModuleLoad",
    "cuModuleLoadData",
    "cuModuleUnload",
)
_SHARED_MEMORY = {80: 163 * 1024, 90: 227 * 1024}  # bytes that one block may ask for


def _properties(capability: int) -> types.SimpleNamespace:
    """What Inductor's heuristics read of a device: a data-centre GPU of that capability."""
    shared = _SHARED_MEMORY[capability]
    return types.SimpleNamespace(
        name=f"a device of compute capability {capability}",
        major=capability // 10,
        minor=capability % 10,
        multi_processor_count=108,
        regs_per_multiprocessor=65536,
        max_threads_per_multi_processor=2048,
        max_threads_per_block=1024,
        warp_size=32,
        shared_memory_per_block=48 * 1024,
        shared_memory_per_block_optin=shared,
        shared_memory_per_multiprocessor=shared + 1024,
        total_memory=1 << 36,
        L2_cache_size=1 << 25,
        is_integrated=False,
        gcnArchName="",
    )


def _answers(capability: int) -> dict[str, typing.Any]:
    """Functions of torch.cuda that ask the driver, and what they say instead."""
    properties = _properties(capability)
    return {
        "is_available": lambda: True,
        "is_bf16_supported": lambda including_emulation=True: True,
        "is_tf32_supported": lambda: True,
        "device_count": lambda: 1,
        "current_device": lambda: 0,
        "set_device": lambda device: None,
        "synchronize": lambda device=None: None,
        "get_device_properties": lambda device=None: properties,
        "get_device_capability": lambda device=None: divmod(capability, 10),
        "get_device_name": lambda device=None: properties.name,
        "get_rng_state": lambda device=None: torch.zeros(16, dtype=torch.uint8),
        "set_rng_state": lambda state, device=None: None,
        "_exchange_device": lambda device: 0,
        "_maybe_exchange_device": lambda device: 0,
    }


def _driver(capability: int) -> typing.Any:
    """Triton's driver for the device. It loads every kernel and launches none."""
    from triton.backends.compiler import GPUTarget
    from triton.backends.nvidia.driver import CudaDriver

    class Driver(CudaDriver):  # type: ignore[misc]
        def __init__(self) -> None:
            most_threads = 1024
            self.utils = types.SimpleNamespace(
                load_binary=lambda name, kernel, shared, device: (0, 0, 0, 0, most_threads),
                unload_module=lambda module: None,
                get_device_properties=lambda device: {"max_shared_mem": _SHARED_MEMORY[capability]},
            )
            self.launcher_cls = lambda source, metadata: lambda *arguments: None
            self.get_current_device = lambda: 0
            self.set_current_device = lambda device: None
            self.get_current_stream = lambda device: 0
            self.get_device_capability = lambda device=0: divmod(capability, 10)

        def get_current_target(self) -> GPUTarget:
            return GPUTarget("cuda", capability, 32)

        @staticmethod
        def is_active() -> bool:
            return True

    return Driver()


def _without_measuring(run: typing.Callable[..., None]) -> typing.Callable[..., None]:
    """Inductor's code that compiles kernels and measures them, on tensors without memory."""

    def on_fake_tensors(wrapper: PythonWrapperCodegen) -> None:
        with FakeTensorMode(allow_non_fake_inputs=True):
            run(wrapper)

    return on_fake_tensors


def _first_is_best(tuner: CachingAutotuner, *arguments: typing.Any, **named: typing.Any) -> dict[typing.Any, float]:
    return {launcher: float(place) for place, launcher in enumerate(tuner.launchers)}


def _empty(size: typing.Sequence[int], stride: typing.Sequence[int], dtype: torch.dtype) -> torch.Tensor:
    return torch.empty_strided(size, stride, dtype=dtype, device="cuda")


def toolkit() -> Path:
    """CUDA's headers, where no toolkit is named: those that come with torch's own wheels."""
    named = os.environ.get("CUDA_HOME") or os.environ.get("CUDA_PATH") or cpp_extension.CUDA_HOME
    return Path(named) if named and (Path(named) / "include" / "cuda.h").is_file() else Path(torch.__file__).parent.parent / "nvidia" / "cu13"


@contextlib.contextmanager
def device(capability: int) -> typing.Iterator[None]:
    """While it lasts, this process seems to have one CUDA device. `capability` is that of the device: 80 or 90."""
    import triton

    interface = {name: answer for name, answer in _answers(capability).items() if name in CudaInterface.__dict__}
    interface |= {"get_raw_stream": lambda index: 0, "exchange_device": lambda index: 0, "maybe_exchange_device": lambda index: 0}
    measure = _without_measuring(PythonWrapperCodegen.generate_and_run_autotune_block)
    with contextlib.ExitStack() as stack:
        patch = mock.patch.object
        for name, answer in _answers(capability).items():
            stack.enter_context(patch(torch.cuda, name, answer))
        for name, answer in interface.items():
            stack.enter_context(patch(CudaInterface, name, staticmethod(answer)))
        stack.enter_context(patch(torch._C, "_cuda_getCurrentRawStream", lambda index: 0))
        stack.enter_context(patch(torch._C._dynamo.guards, "_empty_strided_cuda", _empty))
        stack.enter_context(patch(FakeTensorMode, "avoid_device_init", property(lambda mode: True)))
        stack.enter_context(patch(PythonWrapperCodegen, "generate_and_run_autotune_block", measure))
        stack.enter_context(patch(CachingAutotuner, "benchmark_all_configs", _first_is_best))
        stack.enter_context(patch(cpp_extension, "CUDA_HOME", str(toolkit())))
        # One process, for the answers are this one's; a launcher of Triton's, for that of Inductor loads kernels by itself.
        stack.enter_context(torch._inductor.config.patch({"compile_threads": 1, "use_static_cuda_launcher": False}))
        triton.runtime.driver.set_active(_driver(capability))  # for good: kernels ask it when this process ends
        yield


def _for_compilers(folder: Path) -> dict[str, str]:
    """Where g++ finds what the wheels leave out: headers that Triton brings along, and in `folder` a stand-in for the library of a driver."""
    source = folder / "libcuda.c"
    source.write_text("".join(f"void {function}(void) {{}}\n" for function in _OF_THE_DRIVER))
    subprocess.run([os.environ.get("CXX", "g++"), "-shared", "-x", "c", source, "-Wl,-soname,libcuda.so.1", "-o", folder / "libcuda.so"], check=True)
    triton = Path(torch.__file__).parent.parent / "triton" / "backends" / "nvidia" / "include"
    return {
        "CPATH": os.pathsep.join(filter(None, [os.environ.get("CPATH"), str(triton)])),
        "LIBRARY_PATH": os.pathsep.join(filter(None, [os.environ.get("LIBRARY_PATH"), str(folder)])),
    }


def write_package(case: Case, path: Path) -> None:
    """Compiles the case for its capability, in a process of its own."""
    command = [sys.executable, "-m", "aoti_generate.cross", case.name, str(case.compiled_for), str(path)]
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, **_for_compilers(Path(folder)), "PYTHONPATH": str(plan.GENERATORS)}
        asked = subprocess.run(command, capture_output=True, text=True, env=environment)
    if asked.returncode != 0:
        raise RuntimeError(f"compiling for a device that is not there failed (exit status {asked.returncode}): {asked.stderr[-10000:]}")


def main(name: str, capability: str, path: str) -> int:
    """What `write_package` starts."""
    case = dataclasses.replace(case_called(name), compiled_for=int(capability))
    with placement.on_devices():
        program = compile.export(case, compile.build_module(case))
    with device(case.compiled_for):
        compile.write_package(program, {}, Path(path), case.options)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
