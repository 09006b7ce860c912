# SPDX-License-Identifier: Apache-2.0
"""Goldens: what is blessed is what the models compute, and nothing else gets through."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import shutil
import sys
import tempfile
import typing
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import fakes
from aoti_generate import build, plan
from aoti_generate import case as vocabulary
from aoti_generate.case import Case, all_cases
from aoti_generate.formula import ValueRange
from plan_test import complaints

GOLDEN = plan.GENERATORS.parent / "golden"


class InAFolder(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.golden = self.folder / "golden"

    def linear(self) -> Case:
        import torch

        return fakes.a_case(Path(__file__), lambda: torch.nn.Linear(3, 2))

    def bless(self, case: Case, module: typing.Any = None) -> list[str]:
        from aoti_generate import compile, reference

        return reference.write_unapproved(case, module or compile.build_module(case), self.golden)

    def approve(self, *names: str) -> int:
        settings = build.Settings(None, self.folder / "store", self.golden, 1)
        with contextlib.redirect_stderr(io.StringIO()):
            return build.bless(settings, names, approve=True)

    def files(self) -> list[str]:
        return sorted(path.name for path in self.golden.iterdir())


@unittest.skipUnless(importlib.util.find_spec("torch"), "needs torch")
class Blessed(InAFolder):
    def test_the_golden_of_every_case_is_what_its_model_computes(self) -> None:
        from aoti_generate import compile, reference

        for case in all_cases():
            if case.profile == "named":
                continue  # takes minutes: it is checked where it is built
            with self.subTest(case.name):
                reference.check_golden(case, compile.build_module(case), GOLDEN)

    def test_every_golden_is_what_the_schema_says_and_has_a_case(self) -> None:
        files = sorted(GOLDEN.glob("*.json"))
        self.assertEqual([file.stem for file in files], sorted(case.name for case in all_cases() if not case.twin_of))
        for file in files:
            with self.subTest(file.name):
                self.assertEqual(complaints(json.loads(file.read_text()), "golden.schema.json"), [])

    def test_a_changed_weight_is_refused_with_the_file_and_the_fix(self) -> None:
        import torch

        from aoti_generate import compile, reference

        case = next(case for case in all_cases() if case.name == "mlp_static")
        module = compile.build_module(case)
        with torch.no_grad():
            next(iter(module.parameters()))[0, 0] += 2.0**-9
        with self.assertRaisesRegex(reference.GoldenError, "golden/mlp_static.safetensors: .* run ./aoti-cts bless mlp_static"):
            reference.check_golden(case, module, GOLDEN)

    def test_a_missing_golden_is_named_with_the_fix(self) -> None:
        from aoti_generate import compile, reference

        case = self.linear()
        with self.assertRaisesRegex(reference.GoldenError, "fake.json: case fake has no golden: run ./aoti-cts bless fake"):
            reference.check_golden(case, compile.build_module(case), self.golden)

    def test_a_new_call_without_a_golden_is_named(self) -> None:
        from aoti_generate import compile, reference

        case = self.linear()
        self.bless(case)
        self.approve()
        case.call("one_more")
        with self.assertRaisesRegex(reference.GoldenError, "call one_more of case fake has no golden"):
            reference.check_golden(case, compile.build_module(case), self.golden)


@unittest.skipUnless(importlib.util.find_spec("torch"), "needs torch")
class TwoSteps(InAFolder):
    def test_the_first_step_never_touches_the_blessed_files(self) -> None:
        import torch

        from aoti_generate import compile

        case = self.linear()
        self.assertEqual(self.bless(case)[0], "a new golden")
        self.assertEqual(self.files(), ["fake.json.unapproved", "fake.safetensors.unapproved"])
        self.assertEqual(self.approve(), 0)
        self.assertEqual(self.files(), ["fake.json", "fake.safetensors"])
        blessed = {name: (self.golden / name).read_bytes() for name in self.files()}

        changed = compile.build_module(case)
        with torch.no_grad():
            changed.bias[0] += 1
        changes = self.bless(case, changed)
        self.assertEqual({change.split(":")[0] for change in changes}, {call.name for call in case.calls})
        self.assertEqual({name: (self.golden / name).read_bytes() for name in blessed}, blessed)
        self.assertEqual(len(self.files()), 4)
        self.approve("fake")
        self.assertEqual(self.files(), ["fake.json", "fake.safetensors"])
        self.assertNotEqual((self.golden / "fake.safetensors").read_bytes(), blessed["fake.safetensors"])

    def test_a_difference_is_told_in_values_per_call_and_output(self) -> None:
        import torch

        class Model(torch.nn.Module):
            def __init__(self, last: float, dtype: torch.dtype = torch.float32, outputs: int = 1) -> None:
                super().__init__()
                self.last, self.dtype, self.outputs = last, dtype, outputs

            def forward(self, x: torch.Tensor) -> typing.Any:
                y = x.new_tensor([0, -1.5, self.last]).to(self.dtype)
                return tuple(y.clone() for _ in range(self.outputs))

        case = fakes.a_case(Path(__file__))
        new = self.bless(case, Model(2))
        self.assertIn("example: output 0\n    was nothing\n    now float32 [3], strides [1]: min -1.5, max 2, first 0 -1.5 2", new)
        self.approve()
        was = "    was float32 [3], strides [1]: min -1.5, max 2, first 0 -1.5 2\n"
        changes = self.bless(case, Model(2.25))
        now = "    now float32 [3], strides [1]: min -1.5, max 2.25, first 0 -1.5 2.25\n    largest difference 0.25"
        self.assertEqual(changes, [f"{call.name}: output 0\n{was}{now}" for call in case.calls])
        self.assertIn("    now float16 [3], strides [1]: min -1.5, max 2, first 0 -1.5 2", self.bless(case, Model(2, torch.float16))[0])
        self.assertRegex(self.bless(case, Model(2, outputs=2))[0], r"example: output 1\n    was nothing\n    now float32 \[3\]")
        self.assertIn("max 0, 1 NaN or infinite, first 0 -1.5 nan", self.bless(case, Model(float("nan")))[0])
        self.assertTrue(self.bless(case, Model(float("inf")))[0].endswith("first 0 -1.5 inf"))
        (self.golden / "fake.safetensors").write_bytes(b"damaged")
        self.assertIn("    was float32 [3], strides [1]: values not readable\n", self.bless(case, Model(3))[0])

    def test_what_does_not_differ_needs_no_approval(self) -> None:
        case = self.linear()
        self.bless(case)
        self.approve()
        self.assertEqual(self.bless(case), [])
        self.assertEqual(self.files(), ["fake.json", "fake.safetensors"])
        self.assertEqual(self.approve(), 1)

    def test_a_difference_that_was_taken_back_is_not_left_to_be_approved(self) -> None:
        case = self.linear()
        self.bless(case)
        for path in sorted(self.golden.iterdir()):
            shutil.copy(path, path.with_suffix(""))
        self.bless(case)
        self.assertEqual(self.files(), ["fake.json", "fake.safetensors"])

    def test_approving_a_name_leaves_the_others_waiting(self) -> None:
        self.bless(self.linear())
        self.assertEqual(self.approve("another"), 1)
        self.assertEqual(self.files(), ["fake.json.unapproved", "fake.safetensors.unapproved"])


@unittest.skipUnless(importlib.util.find_spec("torch"), "needs torch")
class Reference(InAFolder):
    def described(self, forward: typing.Callable[..., typing.Any], case: Case | None = None) -> tuple[dict[str, typing.Any], dict[str, typing.Any]]:
        import torch

        from aoti_generate import reference

        class Model(torch.nn.Module):
            def forward(self, *inputs: torch.Tensor) -> typing.Any:
                return forward(*inputs)

        described, tensors = reference.describe_golden(case or fakes.a_case(Path(__file__)), Model())
        self.assertEqual(complaints(json.loads(json.dumps(described, allow_nan=False)), "golden.schema.json"), [])
        return described["calls"], tensors

    def test_up_to_4096_elements_are_kept_whole(self) -> None:
        from aoti_generate import reference

        for count in (0, 1, 4096):
            self.assertIsNone(reference.stored_indices("any", count))

    def test_a_sample_of_more_keeps_both_ends_and_the_middle(self) -> None:
        from aoti_generate import reference

        for count in (4097, 1_000_000, 2**33):
            kept = reference.stored_indices("any", count)
            assert kept is not None
            positions = kept.tolist()
            self.assertEqual(positions, sorted(set(positions)))
            self.assertEqual(positions[:256], list(range(256)))
            self.assertEqual(positions[-256:], list(range(count - 256, count)))
            self.assertGreater(sum(256 <= position < count - 256 for position in positions), 2000)

    def test_a_sampled_output_holds_the_elements_at_the_kept_positions(self) -> None:
        calls, tensors = self.described(lambda x: x.repeat(100, 10))
        self.assertTrue(calls["example"]["outputs"][0]["sampled"])
        self.assertEqual(tensors["example/0"].shape, tensors["example/0/at"].shape)
        self.assertEqual(tensors["example/0"][-1].item(), tensors["example/0"][tensors["example/0/at"] == 59].item())

    def test_what_eager_refuses_is_kept_for_a_violation_and_raised_for_a_good_call(self) -> None:
        import torch

        def refuses(x: torch.Tensor) -> torch.Tensor:
            if x.shape[0] != 2:
                raise RuntimeError("two rows\nor none")
            return x

        case = fakes.a_case(Path(__file__))
        case.violation("three_rows", input="x", dim=0, size=3)
        calls, tensors = self.described(refuses, case)
        self.assertEqual(calls["three_rows"], {"eager_refuses": "two rows"})
        self.assertEqual(set(tensors), {f"{call.name}/0" for call in case.calls if call.expect == "ok"})

        def always(x: torch.Tensor) -> torch.Tensor:
            raise ValueError

        with self.assertRaises(ValueError):
            self.described(always)

    def test_the_reference_is_float64_and_eager_error_is_that_of_the_dtype(self) -> None:
        import torch

        calls, tensors = self.described(lambda x: (x * 0 + 1) / 3)
        self.assertEqual(str(tensors["example/0"].dtype), "torch.float64")
        self.assertEqual(tensors["example/0"].tolist(), [1 / 3] * 6)
        self.assertAlmostEqual(calls["example"]["outputs"][0]["eager_error"], abs(float(torch.tensor(1 / 3)) - 1 / 3))

    def test_steps_go_on_from_each_other_and_every_other_call_starts_afresh(self) -> None:
        import torch

        from aoti_generate import reference

        class Counter(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.register_buffer("calls", torch.zeros(1))

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                self.calls.add_(1)
                return self.calls * 1

        case = fakes.a_case(Path(__file__), Counter)
        case.steps(3)
        _, tensors = reference.describe_golden(case, Counter())
        counts = {name: values.item() for name, values in tensors.items()}
        self.assertEqual(counts, {"example/0": 1, "second/0": 1, "step_0/0": 1, "step_1/0": 2, "step_2/0": 3})

    def test_a_call_is_fed_with_what_the_other_program_gives(self) -> None:
        import torch

        from aoti_generate import compile, reference

        encoder = next(case for case in all_cases() if case.name == "vision_encoder")
        given = reference.Bench(encoder, compile.build_module(encoder)).compute(encoder.calls[0])[0]
        case = fakes.a_case(Path(__file__), inputs=[vocabulary.Input("x", "float32", (1, 16, 32), ValueRange())])
        case.after("fed", input="x", case="vision_encoder")
        _, tensors = self.described(lambda x: x * 2, case)
        self.assertTrue(torch.equal(tensors["fed/0"], given.exact.flatten() * 2))

    def test_a_call_beside_is_what_the_other_program_gives_for_inputs_of_this_case(self) -> None:
        import torch

        from aoti_generate import compile

        other = next(case for case in all_cases() if case.name == "mlp_static")
        case = fakes.a_case(Path(__file__), inputs=[vocabulary.Input("x", "float32", (4, 128), ValueRange())])
        case.beside("mlp_static")
        _, tensors = self.described(lambda x: x, case)
        (x,) = compile.make_inputs(case, case.calls[-1])
        exact = compile.build_module(other).double()(x.double())
        self.assertTrue(torch.equal(tensors["mlp_static/0"], exact.flatten()))

    def test_a_feed_of_another_shape_is_named(self) -> None:
        from aoti_generate import reference

        case = fakes.a_case(Path(__file__))
        case.after("fed", input="x", case="vision_encoder")
        with self.assertRaisesRegex(reference.GoldenError, r"call fed: vision_encoder gives \(1, 16, 32\), wanted is \(2, 3\)"):
            self.described(lambda x: x, case)

    def test_none_complex_numbers_and_shared_memory_are_described(self) -> None:
        import torch

        case = fakes.a_case(Path(__file__))
        calls, tensors = self.described(lambda x: (None, torch.complex(x, x * 2), x, x.t()), case)
        none, complex_numbers, same, view = calls["example"]["outputs"]
        self.assertEqual(none, {"none": True})
        self.assertEqual((complex_numbers["dtype"], complex_numbers["shape"]), ("complex64", [2, 3]))
        self.assertEqual(tensors["example/1"].tolist()[:2], [tensors["example/2"][0].item(), 2 * tensors["example/2"][0].item()])
        self.assertEqual((same["shares_input"], "shares_output" in same), ([0], False))
        self.assertEqual((view["shares_input"], view["shares_output"]), ([0], [2]))

    def test_inputs_are_nested_and_laid_out_as_the_case_says(self) -> None:
        from aoti_generate import compile

        case = fakes.a_case(Path(__file__), inputs=[vocabulary.Input("x", "float32", (2, 3), ValueRange(), "transposed")])
        case.nest(lambda x: ({"only": [x]},))
        self.assertEqual(compile.make_inputs(case, case.calls[0])[0].stride(), (1, 2))
        calls, _ = self.described(lambda parts: parts["only"][0] * 2, case)
        self.assertEqual(calls["example"]["outputs"][0]["strides"], [1, 2])

    def test_nan_and_infinity_are_references_too(self) -> None:
        import torch

        from aoti_generate import reference

        class Model(torch.nn.Module):
            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return torch.cat([x.flatten(), torch.tensor([float("nan"), float("inf"), -float("inf")], dtype=x.dtype)])

        self.described(Model().forward)
        case = fakes.a_case(Path(__file__), Model)
        self.bless(case)
        self.approve()
        reference.check_golden(case, Model(), self.golden)

    def test_the_error_of_this_eager_is_told_per_call_and_output(self) -> None:
        import torch

        from aoti_generate import reference

        class Model(torch.nn.Module):
            def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
                infinite = torch.full_like(x, 1e38) * 10  # in float32 alone
                return (x * 0 + 1) / 3, infinite, x > 0

        case = fakes.a_case(Path(__file__), Model)
        self.bless(case)
        self.approve()
        third = abs(float(torch.tensor(1 / 3)) - 1 / 3)
        self.assertEqual(reference.check_golden(case, Model(), self.golden), {call.name: [third, None, 0.0] for call in case.calls})

    def test_strides_and_dtype_are_those_of_eager(self) -> None:
        calls, _ = self.described(lambda x: (x.t(), x > 0))
        first, second = calls["example"]["outputs"]
        self.assertEqual((first["shape"], first["strides"], first["dtype"]), ([3, 2], [1, 3], "float32"))
        self.assertEqual((second["strides"], second["dtype"], second["eager_error"]), ([3, 1], "bool", 0.0))


if __name__ == "__main__":
    unittest.main()
