# SPDX-License-Identifier: Apache-2.0
"""Packages with TensorRT engines inside, made by Torch-TensorRT as its page on AOTInductor says: where that is not installed there are none."""

from __future__ import annotations

import importlib.util
import typing
from pathlib import Path

from .case import Case

if typing.TYPE_CHECKING:
    import torch


def is_installed() -> bool:
    """Can Torch-TensorRT be imported? Imports nothing."""
    return importlib.util.find_spec("torch_tensorrt") is not None


def write_package(case: Case, program: torch.export.ExportedProgram, path: Path) -> None:
    """Engines for the case's smallest, example and largest sizes, what TensorRT does not take compiled by AOTInductor, all in one package."""
    import torch_tensorrt

    arguments, _ = program.example_inputs
    least, most = (
        {dim.name: size for dim, size in zip(case.dims, sizes, strict=True)} for sizes in zip(*((d.min, d.max) for d in case.dims), strict=True)
    )
    shapes = zip(case.shapes_at(least), case.shapes_at({}), case.shapes_at(most), arguments, strict=True)
    inputs = [
        torch_tensorrt.Input(min_shape=smallest, opt_shape=usual, max_shape=largest, dtype=value.dtype) for smallest, usual, largest, value in shapes
    ]
    compiled = torch_tensorrt.dynamo.compile(program, inputs=inputs, use_explicit_typing=True, min_block_size=1)
    torch_tensorrt.save(compiled, str(path), output_format="aot_inductor", retrace=True, arg_inputs=arguments)
