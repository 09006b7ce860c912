# SPDX-License-Identifier: Apache-2.0
"""Export and the content key: a program that moved is the same program, one that computes something else is not. Compiles nothing."""

from __future__ import annotations

import importlib.util
import sys
import tempfile
import typing
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent))

import fakes
from aoti_generate.case import Case
from aoti_generate.formula import ValueRange
from aoti_generate.store import Store

PROGRAM = """
import torch

class Affine(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.empty(3, 3))
        self.register_buffer("offset", torch.empty(3))
        self.register_buffer("order", torch.arange(3))

    def forward(self, x):
        return (x @ self.weight {op} self.offset)[:, self.order]
"""


@unittest.skipUnless(importlib.util.find_spec("torch"), "needs torch")
class ContentKey(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def case(self, file: str = "a.py", *, above: str = "", op: str = "+", most: int = 8, weights: ValueRange | None = None) -> Case:
        path = self.folder / file
        path.parent.mkdir(exist_ok=True)
        path.write_text(above + PROGRAM.format(op=op))
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        made = Case("moving", "S0", "A case for a test.", path, 1, builder=module.Affine)
        made.weights = weights or made.weights
        made.input("x", "float32", (made.dim("rows", min=1, max=most, example=4), 3))
        made.finish()
        return made

    def content(self, **how: typing.Any) -> str:
        from aoti_generate import compile

        case = self.case(**how)
        return compile.canonical_hash(compile.export(case, compile.build_module(case)))

    def test_the_same_program_from_another_path_and_line_has_the_same_key(self) -> None:
        self.assertEqual(self.content(), self.content(file="elsewhere/b.py", above="# moved\n" * 40))

    def test_another_weight_is_another_key(self) -> None:
        self.assertNotEqual(self.content(), self.content(weights=ValueRange(-64, 63, 8)))

    def test_another_range_of_a_dim_is_another_key(self) -> None:
        self.assertNotEqual(self.content(), self.content(most=9))

    def test_another_op_is_another_key(self) -> None:
        self.assertNotEqual(self.content(), self.content(op="-"))

    def test_one_element_of_a_constant_is_another_key(self) -> None:
        import torch

        from aoti_generate import compile

        case = self.case()
        module = compile.build_module(case)
        before = compile.canonical_hash(compile.export(case, module))
        for tensor in (module.weight, module.offset, module.order):
            with torch.no_grad():
                tensor.flatten()[-1] += 1
            after = compile.canonical_hash(compile.export(case, module))
            self.assertNotEqual(before, after)
            before = after


@unittest.skipUnless(importlib.util.find_spec("torch"), "needs torch")
class Export(unittest.TestCase):
    def test_input_facts_are_the_exported_sizes_and_bounds(self) -> None:
        import torch

        from aoti_generate import compile

        made = Case("facts", "S0", "A case for a test.", Path(__file__), 1, builder=torch.nn.Identity)
        made.input("x", "float32", (made.dim("rows", min=2, max=16), 3))
        made.finish()
        program = compile.export(made, compile.build_module(made))
        self.assertEqual(compile.input_facts(program), [[{"min": 2, "max": 16}, 3]])

    def test_weights_come_from_the_formula_in_every_process(self) -> None:
        import torch

        from aoti_generate import compile, formula

        made = fakes.a_case(Path(__file__), lambda: torch.nn.Linear(3, 2))
        expected = formula.tensor("fake/param/weight", (2, 3), torch.float32, made.weights)
        self.assertTrue(torch.equal(compile.build_module(made).weight, expected))

    def test_a_set_of_weights_fills_its_half(self) -> None:
        import torch

        from aoti_generate import compile, formula

        made = fakes.a_case(Path(__file__), lambda: torch.nn.Linear(3, 2))
        other = compile.with_weights(compile.build_module(made), made, (0, 1))
        self.assertTrue(torch.equal(other.weight, compile.build_module(made).weight))
        self.assertTrue(torch.equal(other.bias, formula.tensor("fake@1/param/bias", (2,), torch.float32, made.weights)))

    def test_a_parameter_of_two_names_is_one_constant(self) -> None:
        import torch

        from aoti_generate import compile

        module = torch.nn.Sequential(torch.nn.Linear(3, 3, bias=False), torch.nn.Linear(3, 3, bias=False))
        module[1].weight = module[0].weight
        module.register_buffer("count", torch.zeros(1, dtype=torch.int64))
        facts = compile.constant_facts(module)
        self.assertEqual([fact["names"] for fact in facts], [["0.weight", "1.weight"], ["count"]])
        self.assertEqual([fact["by_formula"] for fact in facts], [True, False])


@unittest.skipUnless(importlib.util.find_spec("torch"), "needs torch")
class Program(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.store = Store(self.folder / "store", fakes.toolchain())
        self.compiled = 0

    def compile(self) -> Path:
        """Compiles with a stand-in for the compiler; returns where the program lies."""
        import torch

        from aoti_generate import compile, reference

        def write_package(program: torch.export.ExportedProgram, *, package_path: str, inductor_configs: object) -> None:
            self.compiled += 1
            Path(package_path).write_text("a package")

        case = fakes.a_case(Path(__file__), lambda: torch.nn.Linear(3, 2))
        with (
            mock.patch.object(torch._inductor, "aoti_compile_and_package", write_package),
            mock.patch.object(reference, "check_golden", return_value={"example": [0.5]}),
        ):
            facts = compile.compile_case(case, self.store, self.folder / "golden", self.folder / "work")
        self.assertEqual(facts["eager_error"], {"example": [0.5]})
        self.store.add("key", facts)
        return self.store.program_path(facts["content"])

    def test_the_program_is_kept_beside_the_package_and_computes_the_same(self) -> None:
        import torch

        program = torch.export.load(self.compile())
        self.assertEqual(list(program.state_dict), ["weight", "bias"])
        self.assertEqual(program.module()(torch.zeros(2, 3)).shape, (2, 2))

    def test_a_store_without_programs_is_completed_without_compiling(self) -> None:
        path = self.compile()
        path.unlink()
        self.assertIsNone(self.store.find("key"))
        self.assertEqual(self.compile(), path)
        self.assertIsNotNone(self.store.find("key"))
        self.assertEqual(self.compiled, 1)


if __name__ == "__main__":
    unittest.main()
