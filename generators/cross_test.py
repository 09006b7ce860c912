# SPDX-License-Identifier: Apache-2.0
"""Packages for CUDA devices that are not there, compiled here by the real torch: what is in them."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import unittest
import zipfile
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent))

from aoti_generate import placement
from aoti_generate.case import CaseError, case_called
from aoti_generate.store import Toolchain

_EM_CUDA = 190


def compute_capability(cubin: bytes) -> int:
    """That of a cubin, times ten, from the flags of its ELF header."""
    assert cubin[:4] == b"\x7fELF" and struct.unpack_from("<H", cubin, 18)[0] == _EM_CUDA
    (flags,) = struct.unpack_from("<I", cubin, 48)
    version_of_the_layout = cubin[8]
    return flags >> 8 & 0xFF if version_of_the_layout >= 8 else flags & 0xFF


def binaries(fatbin: bytes) -> list[tuple[str, int]]:
    """Kind and compute capability, times ten, of what a file of several binaries holds, from the headers before each."""
    magic, _, at, size = struct.unpack_from("<IHHQ", fatbin)
    assert magic == 0xBA55ED50
    found, end = [], at + size
    while at < end:
        kind, _, header, length = struct.unpack_from("<HHIQ", fatbin, at)
        (capability,) = struct.unpack_from("<I", fatbin, at + 28)
        found.append(({1: "ptx", 2: "elf"}[kind], capability))
        at += header + length
    return found


@unittest.skipUnless(placement.pretended_device(), "the pretended CUDA device is not built here")
class CrossTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(cls.folder / "inductor")
        os.environ["TRITON_CACHE_DIR"] = str(cls.folder / "triton")
        cls.addClassCleanup(lambda: [os.environ.pop(name) for name in ("TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR")])
        cls.packages = {capability: cls.compiled(capability) for capability in (80, 90)}

    @classmethod
    def compiled(cls, capability: int, name: str = "sin_mm_cos_sm_90") -> dict[str, bytes]:
        """The files of the package of one program, compiled for that capability."""
        from aoti_generate import cross

        path = cls.folder / f"{name}.{capability}.pt2"
        cross.write_package(dataclasses.replace(case_called(name), compiled_for=capability), path)
        with zipfile.ZipFile(path) as archive:
            return {Path(name).name: archive.read(name) for name in archive.namelist()}

    def test_every_kernel_lies_in_the_package_and_is_for_the_capability(self) -> None:
        for capability, files in self.packages.items():
            with self.subTest(capability):
                cubins = [data for name, data in files.items() if name.endswith(".cubin")]
                self.assertEqual([compute_capability(cubin) for cubin in cubins], [capability, capability])  # sin; cos after the product

    def test_kernel_is_loaded_where_it_is_first_needed_and_once(self) -> None:
        for capability, files in self.packages.items():
            with self.subTest(capability):
                wrapper = next(data.decode() for name, data in files.items() if name.endswith(".wrapper.cpp"))
                guarded = re.findall(r"if \((\S+) == nullptr\) \{\s+(\S+) = loadKernel\(", wrapper)
                self.assertEqual(len(guarded), len(re.findall(r"= loadKernel\(", wrapper)))
                self.assertEqual([kernel for kernel, _ in guarded], [loaded for _, loaded in guarded])
                for kernel, _ in guarded:
                    self.assertLess(wrapper.index(f"{kernel} = loadKernel("), wrapper.index(f"launchKernel({kernel},"))

    def test_kernels_lie_in_the_read_only_data_of_the_library_where_that_is_asked_for(self) -> None:
        files = self.compiled(90, "embedded_kernels_sm_90")
        self.assertEqual([name for name in files if name.endswith((".cubin", ".fatbin"))], [])
        library = self.folder / "embedded.so"
        library.write_bytes(next(data for name, data in files.items() if name.endswith(".so")))
        asked = subprocess.run(["readelf", "-SsW", str(library)], capture_output=True, text=True, check=True).stdout
        section = re.search(r"\[ *(\d+)\] \.rodata +PROGBITS +(\w+) (\w+) (\w+) +\w+ +A ", asked)
        assert section is not None, asked
        number, address, offset = section[1], int(section[2], 16), int(section[3], 16)
        # of the longer table, where the shorter one has them too
        begins = dict(re.findall(rf" (\w+) +\d+ \w+ +GLOBAL +\w+ +{number} __(triton\w+)_start", asked))
        self.assertEqual(len(begins), 2, asked)
        for begin in begins:
            self.assertEqual(compute_capability(library.read_bytes()[int(begin, 16) - address + offset :]), 90)

    def test_files_for_several_architectures_hold_code_for_one_and_ptx(self) -> None:
        if placement.fatbinary() is None:
            self.skipTest("needs fatbinary of the CUDA Toolkit (it comes with nvcc)")
        from aoti_generate import compile

        files = self.compiled(90, "multi_arch_kernels_sm_90")
        self.assertEqual([name for name in files if name.endswith(".cubin")], [])
        held = [data for name, data in files.items() if name.endswith(".fatbin")]
        self.assertEqual([binaries(data) for data in held], [[("elf", 90), ("ptx", 90)]] * 2)
        kernels = compile.kernels(self.folder / "multi_arch_kernels_sm_90.90.pt2")
        self.assertEqual(len(kernels["held"]), 2)
        self.assertEqual(kernels["held"], kernels["named"])

    def test_package_for_several_architectures_is_not_built_without_what_joins_them(self) -> None:
        for name in ("multi_arch_kernels", "multi_arch_kernels_sm_90"):
            case = case_called(name)
            self.assertEqual(case.unavailable_with("2.15.0", "NVIDIA H200, 9.0"), "")
            self.assertIn("needs fatbinary of the CUDA Toolkit", case.unavailable_with("2.15.0", "NVIDIA H200, 9.0", fatbinary=False))
        self.assertEqual(case_called("embedded_kernels_sm_90").unavailable_with("2.15.0", fatbinary=False), "")

    def test_what_joins_architectures_is_looked_for_on_the_path_and_in_toolkits(self) -> None:
        home = self.folder / "toolkit"
        (home / "bin").mkdir(parents=True)
        program = home / "bin" / "fatbinary"
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        with mock.patch.dict(os.environ, PATH="/no/such/folder", CUDA_HOME=str(home)):
            self.assertEqual(placement.fatbinary(), program)
            self.assertEqual(placement.for_compilers()["PATH"], f"/no/such/folder:{home / 'bin'}")
        with (
            mock.patch.dict(os.environ, PATH="/no/such/folder"),
            mock.patch.object(placement, "_toolkits", lambda: [self.folder / "none"]),
        ):
            self.assertIsNone(placement.fatbinary())
            self.assertNotIn("PATH", placement.for_compilers())

    def test_wrapper_loads_kernels_by_names_that_are_in_the_package(self) -> None:
        for capability, files in self.packages.items():
            with self.subTest(capability):
                wrapper = next(data.decode() for name, data in files.items() if name.endswith(".wrapper.cpp"))
                wanted = re.findall(r'loadKernel\("([^"]+)"', wrapper)
                self.assertEqual(len(wanted), 2, wanted)
                for path in wanted:
                    self.assertIn(Path(path).name, files)
                self.assertIn("cubin_dir_", wrapper)

    def test_metadata_name_device_and_capability(self) -> None:
        for capability, files in self.packages.items():
            with self.subTest(capability):
                for metadata in [json.loads(data) for name, data in files.items() if name.endswith("_metadata.json")]:
                    self.assertEqual((metadata["AOTI_DEVICE_KEY"], metadata["AOTI_COMPUTE_CAPABILITY"]), ("cuda", str(capability)))

    def test_library_is_linked_to_the_driver_and_to_libtorch_cuda(self) -> None:
        for capability, files in self.packages.items():
            with self.subTest(capability):
                library = self.folder / f"{capability}.so"
                library.write_bytes(next(data for name, data in files.items() if name.endswith(".so")))
                asked = subprocess.run(["readelf", "-d", str(library)], capture_output=True, text=True, check=True).stdout
                self.assertTrue({"libcuda.so.1", "libtorch_cuda.so", "libtorch.so"} <= set(re.findall(r"\(NEEDED\).*\[(.*)\]", asked)), asked)

    def test_what_the_compiler_says_is_passed_on(self) -> None:
        from aoti_generate import cross

        old = dataclasses.replace(case_called("sin_mm_cos_sm_90"), compiled_for=12)
        words = "(?s)failed .exit status 1.: .*too old to be supported by the triton GPU compiler.* your device is of CUDA capability 1.2"
        self.assertRaisesRegex(RuntimeError, words, cross.write_package, old, self.folder / "12.pt2")

    def test_device_that_is_not_built_is_said_so(self) -> None:
        from aoti_generate import cross

        with mock.patch.dict(os.environ, AOTI_CTS_PRETEND="/no/such/pretend"):
            self.assertRaisesRegex(
                FileNotFoundError, "AOTI_CTS_PRETEND=/no/such/pretend", cross.write_package, case_called("sin_mm_cos_sm_90"), self.folder / "x"
            )

    def test_package_for_a_device_that_is_not_there_is_the_same_everywhere(self) -> None:
        case = case_called("sin_mm_cos_sm_90")
        here, there = (Toolchain(Path(), "2.15.0", "abc", "g++", "avx2", device) for device in ("", "NVIDIA A100, 8.0"))
        self.assertEqual(here.key_of(case), there.key_of(case))
        self.assertEqual(case.unavailable_with("2.15.0"), "")
        self.assertIn("needs the headers of the CUDA Toolkit", case.unavailable_with("2.15.0", cuda_headers=False))
        self.assertIn("needs the pretended CUDA device", case.unavailable_with("2.15.0", pretended=False))
        self.assertEqual((case.origin, case.device, case.compiled_for), ("sin_mm_cos", "cuda", 90))

    def test_program_with_weights_has_no_such_twin(self) -> None:
        from aoti_generate import compile

        weighty = dataclasses.replace(case_called("mlp_static"), compiled_for=90)
        self.assertRaisesRegex(CaseError, "case mlp_static: compiled_for: its weights", compile.build_module, weighty)


if __name__ == "__main__":
    unittest.main()
