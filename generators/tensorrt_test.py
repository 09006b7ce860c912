# SPDX-License-Identifier: Apache-2.0
"""What Torch-TensorRT is asked for, by a pretended one: it is not installed here."""

from __future__ import annotations

import sys
import types
import typing
import unittest
from pathlib import Path
from unittest import mock

from aoti_generate import tensorrt
from aoti_generate.case import case_called


class TensorRT(unittest.TestCase):
    def test_the_engine_is_for_all_sizes_of_the_case(self) -> None:
        import torch

        asked: dict[str, typing.Any] = {}
        pretended = types.ModuleType("torch_tensorrt")
        pretended.Input = lambda **shapes: shapes  # type: ignore[attr-defined]
        pretended.dynamo = types.SimpleNamespace(compile=lambda program, **options: asked.update(options) or "compiled")  # type: ignore[attr-defined]
        pretended.save = lambda module, path, **options: asked.update(options, module=module, path=path)  # type: ignore[attr-defined]
        example = torch.zeros(8, 10)
        program = types.SimpleNamespace(example_inputs=((example,), {}))
        case = case_called("long_batch_by_tensorrt")
        with mock.patch.dict(sys.modules, {"torch_tensorrt": pretended}):
            tensorrt.write_package(case, program, Path("/somewhere/model.pt2"))  # type: ignore[arg-type]
        self.assertEqual(asked["inputs"], [{"min_shape": (1, 10), "opt_shape": (8, 10), "max_shape": (1024, 10), "dtype": torch.float32}])
        self.assertEqual((asked["use_explicit_typing"], asked["min_block_size"]), (True, 1))
        self.assertEqual((asked["module"], asked["path"]), ("compiled", "/somewhere/model.pt2"))
        self.assertEqual((asked["output_format"], asked["retrace"], asked["arg_inputs"]), ("aot_inductor", True, (example,)))

    def test_where_it_is_not_installed_the_case_says_so(self) -> None:
        case = case_called("long_batch_by_tensorrt")
        with mock.patch.object(tensorrt, "is_installed", lambda: False):
            self.assertIn("torch_tensorrt is not installed", case.unavailable_with("2.15.0", "NVIDIA H200, 9.0"))
        with mock.patch.object(tensorrt, "is_installed", lambda: True):
            self.assertEqual(case.unavailable_with("2.15.0", "NVIDIA H200, 9.0"), "")
            self.assertIn("needs a CUDA device", case.unavailable_with("2.15.0"))


if __name__ == "__main__":
    unittest.main()
