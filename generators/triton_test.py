# SPDX-License-Identifier: Apache-2.0
"""Programs with a user's own Triton kernels, as far as no device is needed: they export, and their kernels compile for two of them."""

from __future__ import annotations

import sys
import tempfile
import typing
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent))

from aoti_generate.case import CaseError, all_cases, case_called

PROGRAMS = {  # the operators that each launches
    "where_by_triton": ["aoti_cts_triton.doubled_above_zero.default"],
    "shared_dim_by_triton": ["aoti_cts_triton.product.default", "aoti_cts_triton.sum.default"],
    "sin_mm_cos_by_triton": ["aoti_cts_triton.sine.default", "aten.mm.default"],
    "small_kernels": ["aoti_cts_triton.scaled.default", "aten.gt.Scalar", "aten.mul.Tensor", "aten.where.self"],
}
SIGNATURES = {  # of each kernel: pointers, then sizes; and the constants of each way it is launched
    "doubled_above_zero_kernel": (2, [{"BLOCK": 64}]),
    "sum_kernel": (3, [{"BLOCK": 32}, {"BLOCK": 128}]),
    "joined_kernel": (3, [{"MULTIPLY": True, "BLOCK": 64}, {"MULTIPLY": False, "BLOCK": 64}]),
    "scaled_kernel": (2, [{"TWICE": True, "BLOCK": 128}, {"TWICE": False, "BLOCK": 128}]),
    "sine_kernel": (2, [{"COSINE": False, "BLOCK": 128}, {"COSINE": True, "BLOCK": 128}]),
}


def exported(name: str) -> typing.Any:
    """The program as it is exported for CUDA, from inputs without memory."""
    from aoti_generate import compile, placement

    case = case_called(name)
    case.fake_example = True
    with placement.on_devices():
        return compile.export(case, compile.build_module(case))


def cubin(kernel: typing.Any, pointers: int, constants: dict[str, typing.Any], capability: int) -> bytes:
    """The kernel compiled for a device that need not be there."""
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    function = getattr(kernel, "fn", kernel) if isinstance(kernel, triton.runtime.autotuner.Autotuner) else kernel
    kinds = ["*fp32"] * pointers + ["i32"]
    signature = {name: "constexpr" if name in constants else kinds.pop(0) for name in function.arg_names}
    values = {(function.arg_names.index(name),): value for name, value in constants.items()}
    return typing.cast(bytes, triton.compile(ASTSource(function, signature, values), target=GPUTarget("cuda", capability, 32)).asm["cubin"])


class TritonTest(unittest.TestCase):
    def test_every_such_program_is_looked_at(self) -> None:
        self.assertEqual({case.name for case in all_cases() if case.file.stem == "triton"}, set(PROGRAMS))

    def test_programs_export_with_their_kernels_as_operators(self) -> None:
        from aoti_generate import compile

        for name, operators in PROGRAMS.items():
            with self.subTest(name):
                self.assertEqual(compile.operators(exported(name)), operators)

    def test_small_kernels_are_200_launches(self) -> None:
        called = [str(node.target) for node in exported("small_kernels").graph.nodes]
        self.assertEqual(called.count("aoti_cts_triton.scaled.default"), 200)

    def test_products_are_five_of_the_size_that_is_said(self) -> None:
        for name, size in {"large_products": "4096", "static_hidden": "1024", "dynamic_hidden": "256"}.items():
            with self.subTest(name):
                graph = exported(name).graph
                called = [str(node.target) for node in graph.nodes]
                self.assertEqual(called.count("aten.mm.default"), 5)
                shapes = {tuple(str(d) for d in node.meta["val"].shape) for node in graph.nodes if str(node.target) == "aten.mm.default"}
                ((rows, columns),) = shapes
                self.assertEqual(rows, columns)
                self.assertIn(size, rows)
                self.assertEqual("*" in rows, name == "dynamic_hidden", rows)

    def test_kernels_compile_for_8_0_and_9_0(self) -> None:
        from triton.runtime.jit import KernelInterface

        from aoti_generate import triton_kernels

        written = {name for name, value in vars(triton_kernels).items() if isinstance(value, KernelInterface)}
        self.assertEqual(written, set(SIGNATURES))
        with tempfile.TemporaryDirectory() as cache, mock.patch.dict("os.environ", TRITON_CACHE_DIR=cache):
            for name, (pointers, constants) in SIGNATURES.items():
                for each in constants:
                    for capability in (80, 90):
                        with self.subTest(name, **each, capability=capability):
                            self.assertEqual(cubin(getattr(triton_kernels, name), pointers, each, capability)[:4], b"\x7fELF")

    def test_reference_is_that_of_the_program_in_plain_torch(self) -> None:
        import torch

        from aoti_generate import compile

        for name in PROGRAMS:
            with self.subTest(name):
                twin, origin = case_called(name), case_called(case_called(name).origin)
                example = next(call for call in twin.calls if call.cell == "example")
                results = [compile.as_tensors(compile.build_module(case)(*compile.make_inputs(case, example))) for case in (twin, origin)]
                for ours, theirs in zip(*results, strict=True):
                    torch.testing.assert_close(ours, theirs, rtol=0, atol=0)

    def test_twin_with_other_calls_is_refused(self) -> None:
        twin = case_called("where_by_triton")
        with mock.patch.object(twin, "calls", twin.calls[1:]):
            self.assertRaisesRegex(CaseError, "case where_by_triton: twin_of: its calls are not those of where", all_cases)
        with mock.patch.object(twin, "twin_of", "nowhere"):
            self.assertRaisesRegex(CaseError, "case where_by_triton: twin_of: there is no case nowhere", all_cases)


if __name__ == "__main__":
    unittest.main()
