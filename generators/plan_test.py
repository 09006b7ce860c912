# SPDX-License-Identifier: Apache-2.0
"""The plan and the cases it is made of. To add a complaint about a bad case: a test in BadCases."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import typing
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent))

from aoti_generate import case as vocabulary
from aoti_generate import cases, claim, hostile, plan
from aoti_generate.case import Case, CaseError, Dim, all_cases
from aoti_generate.formula import ValueRange

GENERATORS = plan.GENERATORS


def complaints(instance: typing.Any, schema: str) -> list[str]:
    from jsonschema import Draft202012Validator

    described = json.loads((GENERATORS / schema).read_text())
    Draft202012Validator.check_schema(described)
    return [f"{error.json_path}: {error.message}" for error in Draft202012Validator(described).iter_errors(instance)]


class Plan(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "new" / "cases.json"

    def test_the_plan_is_written_without_importing_torch(self) -> None:
        program = "import sys; from aoti_generate import __main__ as m; status = m.main(sys.argv[1:]); sys.exit('torch' in sys.modules or status)"
        run = [sys.executable, "-c", program, "plan", "--out", str(self.path)]
        done = subprocess.run(run, env={**os.environ, "PYTHONPATH": str(GENERATORS)}, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(json.loads(self.path.read_text())["cases"])

    def test_the_plan_is_what_its_schema_says(self) -> None:
        plan.write_plan(self.path)
        self.assertEqual(complaints(json.loads(self.path.read_text()), "cases.schema.json"), [])

    def test_the_schema_refuses_a_field_it_does_not_know(self) -> None:
        described = {"schema": 1, "cases": [{**plan.describe(all_cases()[0]), "colour": "red"}], "claims": [], "hostile": []}
        self.assertIn("'colour' was unexpected", " ".join(complaints(described, "cases.schema.json")))
        described = {"schema": 1, "cases": [], "claims": [{**claim.describe(claim.all_claims()[0]), "colour": "red"}], "hostile": []}
        self.assertIn("'colour' was unexpected", " ".join(complaints(described, "cases.schema.json")))
        described = {"schema": 1, "cases": [], "claims": [], "hostile": [{**hostile.describe(hostile.all_hostile()[0]), "colour": "red"}]}
        self.assertIn("'colour' was unexpected", " ".join(complaints(described, "cases.schema.json")))

    def test_the_plan_holds_every_script_but_what_scripts_share(self) -> None:
        plan.write_plan(self.path)
        scripts = {f"claims/{file.name}" for file in claim.CLAIMS.glob("*.py") if not file.name.startswith("_")}
        self.assertEqual({entry["file"] for entry in json.loads(self.path.read_text())["claims"]}, scripts)

    def test_a_claim_with_the_name_of_a_case_is_refused(self) -> None:
        twin = claim.Claim("cond", "EXP_7", "S2", "A claim.", Path("claims/cond.py"))
        with (
            mock.patch.object(plan, "all_claims", lambda: [twin]),
            self.assertRaisesRegex(CaseError, "claim cond: name: a case or a hostile package has it"),
        ):
            plan.write_plan(self.path)

    def test_weight_sets_mix_halves_of_every_two_and_keep_the_inputs_of_the_example(self) -> None:
        case = next(case for case in all_cases() if case.name == "replaced_weights")
        calls = [call for call in case.calls if call.cell == "weights"]
        self.assertEqual(sorted(call.weights for call in calls), [(0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (2, 2)])
        self.assertEqual({call.inputs_of for call in calls}, {"example"})

    def test_packaging_says_how_a_package_holds_its_weights(self) -> None:
        words = {case.name: plan.describe(case)["packaging"] for case in all_cases()}
        self.assertEqual(words["replaced_weights"], [])
        self.assertEqual(words["replaced_folded"], ["folded"])
        self.assertEqual(words["weights_absent"], ["absent"])
        self.assertEqual(words["weights_in_a_file"], ["in_file"])
        self.assertEqual(words["weights_mapped"], ["mapped"])

    def test_every_case_has_its_own_name_and_every_call_too(self) -> None:
        cases = all_cases()
        self.assertEqual(len({case.name for case in cases}), len(cases))
        for case in cases:
            names = [call.name for call in case.calls]
            self.assertEqual(len(set(names)), len(names), case.name)

    def test_a_dim_is_called_at_both_ends_and_one_beyond(self) -> None:
        case = next(case for case in all_cases() if case.name == "shared_dim")
        sizes = {call.cell: call.shapes[0][0] for call in case.calls if call.name.startswith("rows_")}
        self.assertEqual(sizes, {"min": 2, "min_plus_1": 3, "mid": 9, "max": 16, "below_min": 1, "above_max": 17})

    def test_a_dim_that_only_a_derived_size_uses_is_violated_there(self) -> None:
        case = next(case for case in all_cases() if case.name == "splits")
        violations = {call.cell: call.violates.size for call in case.calls if call.violates}
        self.assertEqual(violations, {"below_min": 2, "above_max": 20})  # of 2 * pairs, with pairs of 2 to 9

    def test_strides_follow_the_layout(self) -> None:
        for layout, shape, strides in (
            ("row_major", (2, 3, 4), (12, 4, 1)),
            ("transposed", (2, 3, 4), (12, 1, 3)),
            ("channels_last", (2, 3, 4, 5), (60, 1, 15, 3)),
            ("every_other", (3, 4), (8, 2)),
            ("transposed", (0, 4), (1, 1)),
        ):
            self.assertEqual(vocabulary.strides_of(layout, shape), strides, layout)

    def test_steps_make_a_case_stateful_and_follow_each_other(self) -> None:
        case = next(case for case in all_cases() if case.name == "kv_cache")
        self.assertTrue(case.stateful)
        self.assertEqual([call.values[0].low for call in case.calls if call.cell == "step"], [0, 1, 2, 3])

    def test_a_case_may_need_a_later_torch(self) -> None:
        case = Case("fake", "S0", "A case for a test.", Path("fake.py"), 1)
        self.assertEqual(case.unavailable_with("2.8.0"), "")
        case.needs_torch("2.13", "export refuses it before")
        for old in ("2.9.1", "2.12.1+cu130", "1.13.1"):
            self.assertEqual(case.unavailable_with(old), f"needs torch 2.13 or later, this is {old}: export refuses it before")
        for enough in ("2.13.0+cu130", "2.13.0.dev20260301", "2.14.0a0+git123", "3.0", "a build that names no version"):
            self.assertEqual(case.unavailable_with(enough), "", enough)

    def test_a_plan_that_cannot_be_written_is_named(self) -> None:
        self.path.parent.parent.joinpath("new").write_text("a file where a folder should be")
        run = [sys.executable, "-m", "aoti_generate", "plan", "--out", str(self.path)]
        done = subprocess.run(run, env={**os.environ, "PYTHONPATH": str(GENERATORS)}, capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn(f"error: {self.path}: ", done.stderr)
        self.assertNotIn("Traceback", done.stderr)


def build() -> None:
    """Stands for a model: the plan never calls it."""


class BadCaseFiles(unittest.TestCase):
    """A file that cannot be a case file is named with its line, by the plan and by the check that the plan makes."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def refused(self, text: str | bytes, line: int, words: str) -> None:
        file = self.folder / "mine.py"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        with self.assertRaises(CaseError) as raised:
            cases.check(file)
        self.assertRegex(str(raised.exception), f"^{re.escape(str(file))}:{line}: .*{words}")

    def test_what_is_no_python(self) -> None:
        self.refused("import typing\n\ndef f(:\n", 3, "not valid Python: ")
        self.refused("x = 'never closed\n", 1, "not valid Python: unterminated string")
        self.refused(b"x = 1\0\n", 1, "not valid Python: ")

    def test_torch_at_module_level(self) -> None:
        words = "imports torch at module level: .*inside functions only"
        for text, line in (
            ("import torch\n", 1),
            ("import typing\nimport torch.nn as nn\n", 2),
            ("import typing, torch\n", 1),
            ("\nfrom torch import nn\n", 2),
            ("from torch.nn import Linear\n", 1),
            ("try:\n    import torch\nexcept ImportError:\n    torch = None\n", 2),
            ("class Model:\n    import torch\n", 2),
            ("import typing\nif typing.TYPE_CHECKING:\n    pass\nelse:\n    import torch\n", 5),
            ("if True:\n    import torch\n", 2),
        ):
            with self.subTest(text):
                self.refused(text, line, words)

    def test_torch_inside_functions_and_for_types(self) -> None:
        file = self.folder / "mine.py"
        file.write_text(
            "import typing\nimport torchlike\nfrom .torch import x\nif typing.TYPE_CHECKING:\n    import torch\n"
            "def f():\n    import torch\n\n    def g():\n        from torch import nn\n"
        )
        cases.check(file)

    def test_the_plan_names_the_file_and_the_line_without_a_traceback(self) -> None:
        shutil.copytree(GENERATORS / "aoti_generate", self.folder / "aoti_generate", ignore=shutil.ignore_patterns("__pycache__"))
        bad = self.folder / "aoti_generate" / "cases" / "mine.py"
        command = [sys.executable, "-m", "aoti_generate", "plan", "--out", str(self.folder / "cases.json")]
        for text, words in {
            "def f(:\n": f"error: {bad}:1: not valid Python: ",
            "\n\nimport torch\n": f"error: {bad}:3: imports torch at module level",
            "x = 1\ny = frobnicate\n": f"error: {bad}:2: NameError: name 'frobnicate' is not defined",
            "from ..case import Case, case\n\n@case(source='S0')\ndef mine(c: Case) -> None:\n    'Doc.'\n    c.frobnicate()\n": (
                f"error: {bad}:6: AttributeError: 'Case' object has no attribute 'frobnicate'"
            ),
        }.items():
            with self.subTest(text):
                bad.write_text(text)
                environment = {**os.environ, "PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}
                done = subprocess.run(command, env=environment, cwd=self.folder, capture_output=True, text=True)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
                self.assertIn(words, done.stderr)
        self.assertFalse((self.folder / "cases.json").exists())


class BadCases(unittest.TestCase):
    """Each complaint names file and line, the case and the field."""

    def expect(self, field: str, words: str, body: typing.Callable[[Case], None], doc: str | None = "What it is for.", name: str = "bad") -> None:
        body.__name__, body.__doc__ = name, doc
        with mock.patch.object(vocabulary, "_registered", list(all_cases())), self.assertRaises(CaseError) as raised:
            vocabulary.case(source="S0")(body)
        place = f"{body.__code__.co_filename}:{body.__code__.co_firstlineno}: case {name}: {field}"
        self.assertRegex(str(raised.exception), f"^{re.escape(place)}\\b.*{words}")

    def test_with_sets_of_weights_that_cannot_be(self) -> None:
        def one(c: Case) -> None:
            c.input("x", "float32", (2,))
            c.weight_sets(1)

        def of_a_program_with_state(c: Case) -> None:
            c.input("x", "float32", (2,))
            c.weight_sets(2)
            c.steps(2)
            c.model(lambda: None)

        self.expect("weight_sets", "1 is neither 2 nor 3", one)
        self.expect("weight_sets", "changes its own buffers", of_a_program_with_state)

    def test_without_a_docstring(self) -> None:
        def body(c: Case) -> None:
            c.input("x", "float32", (2,))
            c.model(build)

        self.expect("doc", "docstring is missing", body, doc=None)

    def test_without_a_model(self) -> None:
        self.expect("model", "@c.model", lambda c: c.input("x", "float32", (2,)))

    def test_without_an_input(self) -> None:
        self.expect("inputs", "none", lambda c: c.model(build))

    def test_a_name_that_exists(self) -> None:
        def body(c: Case) -> None:
            c.input("x", "float32", (2,))
            c.model(build)

        self.expect("name", r"exists already in .*mlp\.py:\d+", body, name="mlp_static")

    def test_a_name_that_is_no_identifier(self) -> None:
        def body(c: Case) -> None:
            c.input("x", "float32", (2,))
            c.model(build)

        self.expect("name", "a-z", body, name="Bad-Name")

    def test_a_torch_that_is_no_version_or_needed_for_no_reason(self) -> None:
        self.expect("needs_torch", "newest is no version such as 2.13", lambda c: c.needs_torch("newest", "export refuses it before"))
        self.expect("needs_torch", "say why", lambda c: c.needs_torch("2.13", ""))

    def test_an_unknown_dtype(self) -> None:
        self.expect("input x", "unknown dtype float31; known: float64", lambda c: c.input("x", "float31", (2,)))

    def test_an_unknown_layout_and_one_of_more_dimensions(self) -> None:
        self.expect("input x", "unknown layout sparse; known: row_major", lambda c: c.input("x", "float32", (2, 2), layout="sparse"))
        self.expect("input x", "transposed needs more dimensions than 1", lambda c: c.input("x", "float32", (2,), layout="transposed"))

    def test_an_unknown_profile(self) -> None:
        def body(c: Case) -> None:
            c.input("x", "float32", (2,))
            c.profile = "quick"
            c.model(build)

        self.expect("profile", "unknown profile quick; known: default, full, named", body)

    def test_arguments_in_another_order_than_the_inputs(self) -> None:
        def body(c: Case) -> None:
            c.input("x", "float32", (2,))
            c.input("y", "float32", (2,))
            c.nest(lambda x, y: ({"second": y, "first": x},))
            c.model(build)

        self.expect("nest", "the arguments hold y, x, the inputs are x, y", body)

    def test_an_example_outside_its_dim(self) -> None:
        self.expect("dim n", r"example 9 is outside \[1, 8\]", lambda c: c.dim("n", min=1, max=8, example=9))

    def test_a_dim_that_holds_no_size(self) -> None:
        self.expect("dim n", "holds no size", lambda c: c.dim("n", min=8, max=1))

    def test_a_dim_of_another_case(self) -> None:
        self.expect("input x", "shape", lambda c: c.input("x", "float32", (Dim("n", 1, 4, 2),)))

    def test_a_dim_that_no_input_uses(self) -> None:
        def body(c: Case) -> None:
            c.dim("n", min=1, max=4)
            c.input("x", "float32", (2,))
            c.model(build)

        self.expect("dim n", "no input uses it", body)

    def test_shifted_integers(self) -> None:
        self.expect("input x", "values: .*shifted", lambda c: c.input("x", "int32", (2,), ValueRange(0, 9, 1)))

    def test_values_that_do_not_fit_the_dtype(self) -> None:
        self.expect("input x", "values: .*do not fit uint8", lambda c: c.input("x", "uint8", (2,), ValueRange(-1, 9, 0)))

    def test_values_that_are_none(self) -> None:
        self.expect("input x", "values: ", lambda c: c.input("x", "float32", (2,), ValueRange(9, 0, 0)))

    def with_input(self, then: typing.Callable[[Case], None]) -> typing.Callable[[Case], None]:
        def body(c: Case) -> None:
            c.input("x", "float32", (c.dim("n", min=1, max=8), 4))
            then(c)
            c.model(build)

        return body

    def test_a_violation_of_an_unknown_input(self) -> None:
        self.expect("call v: input", "no input is called y", self.with_input(lambda c: c.violation("v", input="y", dim=0, size=3)))

    def test_a_violation_of_an_unknown_dimension(self) -> None:
        self.expect("call v: dim", "no number 2", self.with_input(lambda c: c.violation("v", input="x", dim=2, size=3)))

    def test_a_violation_that_breaks_nothing(self) -> None:
        self.expect("call v: size", "breaks nothing", self.with_input(lambda c: c.violation("v", input="x", dim=1, size=4)))

    def test_a_call_with_an_unknown_dim(self) -> None:
        self.expect("call v: sizes", "no dim is called m", self.with_input(lambda c: c.call("v", sizes={"m": 3})))

    def test_a_call_outside_a_dim(self) -> None:
        self.expect("call v: sizes", "n=9 is outside", self.with_input(lambda c: c.call("v", sizes={"n": 9})))

    def test_a_call_with_values_of_an_unknown_input(self) -> None:
        self.expect("call v: values", "no input is called y", self.with_input(lambda c: c.call("v", values={"y": ValueRange()})))

    def test_a_step_with_values_of_an_unknown_input(self) -> None:
        self.expect("step 0: values", "no input is called y", self.with_input(lambda c: c.steps(2, lambda step: {"y": ValueRange()})))

    def test_a_call_fed_into_an_unknown_input(self) -> None:
        self.expect("call v: input", "no input is called y", self.with_input(lambda c: c.after("v", input="y", case="mlp_static")))

    def test_a_model_beside_of_an_unknown_case_or_with_other_inputs(self) -> None:
        for other, words in (("nobody", "there is no case nobody"), ("mlp_static", "mlp_static takes other inputs than this case")):
            body = self.with_input(lambda c, other=other: c.beside(other))
            body.__name__, body.__doc__ = "bad", "What it is for."
            with mock.patch.object(vocabulary, "_registered", list(all_cases())):
                vocabulary.case(source="S0")(body)
                with self.assertRaisesRegex(CaseError, f"case bad: beside: case: {words}"):
                    all_cases()

    def test_a_call_fed_by_an_unknown_case(self) -> None:
        body = self.with_input(lambda c: c.after("v", input="x", case="nobody"))
        body.__name__, body.__doc__ = "bad", "What it is for."
        with mock.patch.object(vocabulary, "_registered", list(all_cases())):
            vocabulary.case(source="S0")(body)
            with self.assertRaisesRegex(CaseError, "case bad: call v: case: there is no case nobody"):
                all_cases()

    def test_two_calls_of_one_name(self) -> None:
        self.expect("call example", "two calls share this name", self.with_input(lambda c: c.call("example")))


class Claims(unittest.TestCase):
    """Each complaint names file and line, the claim and the field."""

    GOOD = '"""Two is a number.\n\nrequirement: EXP_7\nsource: S2 4.1, 7.1\n"""\n'

    def read(self, text: str, name: str = "mine") -> claim.Claim:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = Path(folder.name) / f"{name}.py"
        self.file.write_text(text)
        return claim.read_claim(self.file)

    def expect(self, line: int, words: str, text: str, name: str = "mine") -> None:
        with self.assertRaises(CaseError) as raised:
            self.read(text, name)
        self.assertIn(f"{self.file}:{line}: claim {name}: {words}", str(raised.exception))

    def test_a_docstring_says_it_all(self) -> None:
        described = self.read("# a licence\n" + self.GOOD + "raise SystemExit('never run')\n")
        self.assertEqual(
            (described.name, described.doc, described.requirement, described.source), ("mine", "Two is a number.", "EXP_7", "S2 4.1, 7.1")
        )

    def test_without_a_docstring(self) -> None:
        self.expect(1, "doc: the docstring is missing", "x = 1\n")

    def test_a_script_that_is_no_python(self) -> None:
        self.expect(6, "syntax: ", self.GOOD + "x = = 1\n")

    def test_without_a_field(self) -> None:
        self.expect(1, "requirement: the docstring has no line", self.GOOD.replace("requirement: EXP_7\n", ""))
        self.expect(1, "source: the docstring has no line", self.GOOD.replace("source: S2 4.1, 7.1\n", ""))

    def test_a_field_that_is_there_twice(self) -> None:
        self.expect(5, "source: it is there twice", self.GOOD.replace("source:", "source: S1\nsource:"))

    def test_an_unknown_line(self) -> None:
        self.expect(3, 'doc: "requires: EXP_7" is none of the lines', self.GOOD.replace("requirement:", "requires:"))

    def test_a_requirement_that_is_none(self) -> None:
        self.expect(1, "requirement: exports is no id", self.GOOD.replace("EXP_7", "exports"))

    def test_a_name_that_is_no_identifier(self) -> None:
        self.expect(1, "name: it must be", self.GOOD, name="Bad-Name")


if __name__ == "__main__":
    unittest.main()
