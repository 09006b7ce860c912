# SPDX-License-Identifier: Apache-2.0
"""Hybrid programs, exported as on a machine with CUDA: fake tensors need no device."""

from __future__ import annotations

import sys
import typing
import unittest
from pathlib import Path

if typing.TYPE_CHECKING:
    import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))

from aoti_generate import placement
from aoti_generate.case import Case, all_cases, case_called
from aoti_generate.store import Toolchain

COPIES = {  # between devices, in each call
    "mlp_cpu_then_cuda": 1,
    "mlp_cuda_then_cpu": 2,
    "embedding_on_cpu": 1,
    "cpu_buffer_in_cuda_model": 2,
    "there_and_back_again": 3,
    "input_on_a_second_cuda_device": 1,
    "replaced_on_two_devices": 2,
}


def exported(case: Case) -> list[tuple[torch.device, torch.device]]:
    """From which device to which each operator of the exported program copies, in order; for others both are the same."""
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode

    with placement.on_devices(), FakeTensorMode(allow_non_fake_inputs=True):
        assert case.builder is not None
        module = case.builder().eval()
        example = next(call for call in case.calls if call.cell == "example")
        inputs = [
            torch.empty(shape, dtype=getattr(torch, spec.dtype), device=spec.device) for spec, shape in zip(case.inputs, example.shapes, strict=True)
        ]
        program = torch.export.export(module, tuple(inputs))
    moves = []
    for node in program.graph.nodes:
        sources = [arg.meta["val"].device for arg in node.all_input_nodes if isinstance(arg.meta.get("val"), torch.Tensor)]
        if node.op == "call_function" and sources and isinstance(node.meta.get("val"), torch.Tensor):
            moves.append((sources[0], node.meta["val"].device))
    return moves


class HybridTest(unittest.TestCase):
    def test_every_hybrid_case_is_looked_at(self) -> None:
        self.assertEqual({case.name for case in all_cases() if case.device == "hybrid"}, set(COPIES))

    def test_each_copy_between_devices_stays_in_the_exported_program(self) -> None:
        for name, copies in COPIES.items():
            with self.subTest(name):
                moves = exported(case_called(name))
                self.assertEqual(sum(1 for source, target in moves if source != target), copies, moves)

    def test_outputs_lie_where_the_case_says(self) -> None:
        for name in COPIES:
            with self.subTest(name):
                case = case_called(name)
                self.assertEqual(exported(case)[-1][1].type, case.output_device)

    def test_an_input_on_a_second_device_wants_two_and_nothing_is_computed_there(self) -> None:
        case = case_called("input_on_a_second_cuda_device")
        self.assertEqual(case.cuda_devices(), 2)
        self.assertEqual({str(target) for _, target in exported(case)}, {"cuda:0"})
        one, two = ((*("2.15.0", "NVIDIA H200, 9.0", True), count) for count in (1, 2))
        self.assertIn("needs 2 CUDA devices: there is 1", case.unavailable_with(*one))
        self.assertEqual(case.unavailable_with(*two), "")
        self.assertIn("needs a CUDA device", case.unavailable_with("2.15.0"))
        self.assertEqual({other.cuda_devices() for other in all_cases() if other != case}, {1})

    def test_parts_lie_on_the_cpu_while_a_reference_is_computed(self) -> None:
        self.assertEqual(placement.cuda(), "cpu")
        with placement.on_devices():
            self.assertEqual(placement.cuda(), "cuda")
        self.assertEqual(placement.cuda(), "cpu")


class TwinTest(unittest.TestCase):
    def test_twin_has_formula_golden_and_calls_of_its_origin(self) -> None:
        origin, twin = case_called("mlp_dynamic"), case_called("mlp_dynamic_cuda")
        self.assertEqual((twin.origin, twin.device, twin.output_device), ("mlp_dynamic", "cuda", "cuda"))
        self.assertEqual([spec.device for spec in twin.inputs], ["cuda"])
        self.assertEqual(twin.calls, origin.calls)

    def test_twin_is_fed_by_the_twin_of_what_feeds_its_origin(self) -> None:
        feeds = [[call.feed.case for call in case_called(name).calls if call.feed] for name in ("text_decoder", "text_decoder_cuda")]
        self.assertEqual(feeds, [["vision_encoder"], ["vision_encoder_cuda"]])

    def test_data_that_the_host_refuses_is_refused_on_cuda_too(self) -> None:
        cells = {name: {call.cell for call in case_called(name).calls} & {"data", "data_on_device"} for name in ("checked_number", "floor_division")}
        on_cuda = {name: {call.cell for call in case_called(f"{name}_cuda").calls} & {"data", "data_on_device"} for name in cells}
        self.assertEqual(cells, {"checked_number": {"data"}, "floor_division": {"data"}})
        self.assertEqual(on_cuda, {"checked_number": {"data"}, "floor_division": {"data_on_device"}})

    def test_there_is_one_of_every_family_and_dtype(self) -> None:
        from aoti_generate.case import DTYPES

        twins = [case for case in all_cases() if case.name.endswith("_cuda") and case.twin_of]
        self.assertGreaterEqual(len(twins), 60)
        self.assertEqual({spec.dtype for case in twins for spec in case.inputs}, set(DTYPES))
        about_the_cpu = {"custom_operators", "random_numbers", "hybrid", "triton", "products"}
        self.assertEqual({case.file.stem for case in all_cases()} - {case.file.stem for case in twins}, about_the_cpu)

    def test_every_run_has_it_though_its_origin_may_be_of_the_full_profile(self) -> None:
        origin, twin = case_called("arithmetic_of_int16"), case_called("arithmetic_of_int16_cuda")
        self.assertEqual((origin.profile, twin.profile), ("full", "default"))

    def test_without_a_device_it_is_unavailable(self) -> None:
        twin = case_called("mlp_dynamic_cuda")
        self.assertIn("needs a CUDA device", twin.unavailable_with("2.15.0"))
        self.assertEqual(twin.unavailable_with("2.15.0", "NVIDIA H200, 9.0"), "")
        self.assertEqual(case_called("mlp_dynamic").unavailable_with("2.15.0"), "")

    def test_packages_for_another_device_are_others(self) -> None:
        here, there = (Toolchain(Path(), "2.15.0", "abc", "g++", "avx2", device) for device in ("NVIDIA H200, 9.0", "NVIDIA A100, 8.0"))
        self.assertNotEqual(here.key("cuda"), there.key("cuda"))
        self.assertEqual(here.key("cpu"), there.key("cpu"))


if __name__ == "__main__":
    unittest.main()
