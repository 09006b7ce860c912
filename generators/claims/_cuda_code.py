# SPDX-License-Identifier: Apache-2.0
"""What Inductor writes for a CUDA device that is not there: tensors are fake, and nothing of it is compiled or run."""

from __future__ import annotations

import ast
import contextlib
import os
import re
import types
import typing
from unittest import mock

import torch
import torch._inductor.scheduler
from torch._dynamo.device_interface import CudaInterface
from torch._inductor.codecache import CudaKernelParamCache
from torch._inductor.debug import DebugContext
from torch._inductor.graph import GraphLowering
from torch._inductor.virtualized import V
from torch._subclasses.fake_tensor import FakeTensorMode

PRETENDED = types.SimpleNamespace(
    name="pretended",
    major=9,
    minor=0,
    multi_processor_count=108,
    warp_size=32,
    total_memory=1 << 36,
    regs_per_multiprocessor=1 << 16,
    max_threads_per_multi_processor=2048,
    max_threads_per_block=1024,
)
os.environ["CUDA_VISIBLE_DEVICES"] = ""  # the same on every machine


def _properties(device: object = None) -> types.SimpleNamespace:
    return PRETENDED


def _parameters(kernel: str) -> dict[str, typing.Any]:
    """What the wrapper in C++ is told of a kernel once it is compiled; of its source, what the wrapper's own depends on."""
    source = V.graph.wrapper_code._kernel_name_to_body[kernel]
    given = [name for name in _found(rf"def {kernel}\((.*)\):", source).split(", ") if ":" not in name]
    return {
        "def_args": given,
        "call_args": given,
        "triton_meta": {"constants": {}, "signature": ast.literal_eval(_found(r"'signature': (\{.*?\})", source))},
        "inductor_meta": {"grid_type": "Grid1D", "kernel_name": kernel},
        "config": {"XBLOCK": 128},
        "num_warps": 4,
        "shared_mem": 0,
        "mangled_name": kernel,
        "cubin_path": f"{kernel}.cubin",
    }


def _found(pattern: str, source: str) -> str:
    found = re.search(pattern, source)
    assert found is not None, source
    return found[1]


def code_of(model: torch.nn.Module, shapes: list[tuple[int, ...]], dynamic: typing.Any = None, **lowering: typing.Any) -> str:
    """The source of the exported program's wrapper: with its Triton kernels where it is one in Python, which it is unless `lowering` says
    cpp_wrapper=True, aot_mode=True."""
    with FakeTensorMode():
        inputs = tuple(torch.empty(shape, device="cuda:0") for shape in shapes)
        program = torch.export.export(model, inputs, dynamic_shapes=dynamic).run_decompositions()
    fakes = [node.meta["val"] for node in program.graph.nodes if node.op == "placeholder"]
    with contextlib.ExitStack() as stack:
        for pretended in (
            mock.patch.object(torch.cuda, "get_device_properties", _properties),
            mock.patch.object(CudaInterface, "get_device_properties", staticmethod(_properties)),
            mock.patch.object(CudaInterface, "get_compute_capability", staticmethod(lambda device=None: 90)),
            mock.patch.object(torch._inductor.scheduler, "has_triton", lambda: True),
            mock.patch.object(CudaKernelParamCache, "get", _parameters),
            mock.patch("torch.utils._triton.triton_hash_with_backend", lambda: "pretended"),
        ):
            stack.enter_context(pretended)
        graph = GraphLowering(program.graph_module, example_inputs=fakes, shape_env=fakes[0].fake_mode.shape_env, **lowering)
        for handler in (V.set_graph_handler(graph), V.set_fake_mode(fakes[0].fake_mode), V.set_debug_handler(DebugContext())):
            stack.enter_context(handler)
        graph.run(*fakes)
        code = graph.codegen()[0]
    return typing.cast(str, getattr(code, "value", code))
