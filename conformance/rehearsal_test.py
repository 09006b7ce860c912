# SPDX-License-Identifier: Apache-2.0
"""What is asked of programs on CUDA, rehearsed on the pretended device: PyTorch itself compiles them, its loader and its allocator run them, its
profiler traces them; only the driver, the runtime's library and the kernels are not NVIDIA's. It says nothing of a GPU. It says that the suite, its
runners and its programs work where a driver answers as it is documented.

A property that is asked on CUDA must be tried here by some program, so a new one wants a program below for which it is asked.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

BUILD = Path(os.environ["AOTI_BUILD_DIR"])
PRETEND = BUILD / "pretended_cuda" / "pretend"
SUITE = BUILD / "aoti-cts"

# Together they are asked nearly all that is asked on CUDA: state, weights, sizes, outputs that share memory, data errors, copies between devices.
ASKED_ALL = [
    "counter_cuda",
    "replaced_weights_cuda",
    "embedding_lookup_cuda",
    "shared_dim_cuda",
    "same_value_twice_cuda",
    "checked_number_cuda",
    "mlp_cuda_then_cpu",
    "mlp_static_cuda",
]
# Other kernels, packages and weights, and what they alone can be asked: the device takes a while for large products.
ASKED_SOME = [
    "where_by_triton",
    "shared_dim_by_triton",
    "mlp_dynamic_cuda",
    "not_linked_to_libtorch_cuda",
    "embedded_kernels",
    "replaced_folded_cuda",
    "replaced_buffers_cuda",
    "weights_absent_cuda",
    "weights_in_a_file_cuda",
    "replaced_on_two_devices",
    "wide_linear_cuda",
    "two_models_cuda",
]
OF_SOME = ["NUM_1", "DYN_8", "PKG_1", "PKG_2", "CONST_1", "CONST_3", "CONST_4", "CONST_5", "THR_9"]
ON_TWO_DEVICES = "input_on_a_second_cuda_device"
# Sentences that no program here can be asked, each with the reason.
OUT_OF_REACH = {
    "no_runtime_of_torch_tensorrt_is_mapped": "Torch-TensorRT is not here",
}


def on_cases(programs: list[str]) -> list[str]:
    """The options that select them."""
    return [word for program in programs for word in ("--case", program)]


class Rehearsal(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.packages = cls.folder / "packages.json"
        built = cls.suite("build", "--packages", str(cls.packages), *ASKED_ALL, *ASKED_SOME, ON_TWO_DEVICES, AOTI_PRETENDED_CUDA_DEVICES="2")
        if built.returncode != 0:
            raise AssertionError(f"the programs are not built on the pretended device: {built.stderr}")

    @classmethod
    def suite(cls, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs the suite on the pretended device."""
        return subprocess.run([PRETEND, SUITE, *arguments], capture_output=True, text=True, env={**os.environ, **environment})

    def verdicts(self, runner: str, *selection: str, **environment: str) -> dict[str, dict[str, str]]:
        """What a run records, by id. Fails where the run is not green."""
        out = self.folder / f"run-{runner}-{len(list(self.folder.iterdir()))}"
        arguments = ["run", "--no-build", "--packages", str(self.packages), "--runner", runner, "--out", str(out), *selection]
        run = self.suite(*arguments, **environment)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        return {record["id"]: record for record in json.loads((out / "results.json").read_text())["tests"]}

    def tried(self, records: dict[str, dict[str, str]]) -> set[str]:
        """The sentences of those that have passed, or were recorded or broken as is known."""
        return {record["sentence"] for record in records.values() if record["verdict"] in ("pass", "recorded", "known_issue")}

    def test_every_property_is_tried_and_holds(self) -> None:
        of_some = [word for requirement in OF_SOME for word in ("--requirement", requirement)]
        on_two = [*on_cases(ASKED_SOME[:1]), *on_cases([ON_TWO_DEVICES])]
        tried = self.tried(self.verdicts("package", *on_cases(ASKED_ALL)))  # a case that is named is asked what takes long too
        tried |= self.tried(self.verdicts("package", *of_some, *on_cases(ASKED_SOME)))
        tried |= self.tried(
            self.verdicts("package", "--requirement", "PLACE_2", "--requirement", "PLACE_1", *on_two, AOTI_PRETENDED_CUDA_DEVICES="2")
        )
        listed = subprocess.run([SUITE, "list", "--tests", "--profile", "full"], capture_output=True, text=True, check=True).stdout.splitlines()
        cases = json.loads((BUILD / "cases.json").read_text())["cases"]
        on_cuda = {case["name"] for case in cases if case["device"] != "cpu" and not case.get("compiled_for")}
        asked = {sentence for _, sentence, program, *_ in (test.split("/") for test in listed) if program.split(".")[0] in on_cuda}
        self.assertEqual(asked - tried, set(OUT_OF_REACH))

    def test_runners_that_unpack_themselves_answer_alike(self) -> None:
        for runner in ("container", "c_abi"):
            with self.subTest(runner):
                of_all = [word for area in ("NUM", "LOAD", "LIFE", "CONST", "STREAM", "THR") for word in ("--area", area)]
                programs = on_cases(["where_by_triton", "mlp_cuda_then_cpu", "replaced_on_two_devices"])
                self.assertGreater(len(self.tried(self.verdicts(runner, *of_all, *programs))), 60)

    def test_run_says_on_what_it_ran(self) -> None:
        out = self.folder / "provenance"
        test = "NUM_1/outputs_match_the_reference/where_by_triton.example/package"
        run = self.suite("run", "--no-build", "--packages", str(self.packages), "--out", str(out), "--test", test, AOTI_PRETENDED_CUDA_DEVICES="2")
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        self.assertRegex(
            json.loads((out / "results.json").read_text())["provenance"]["cuda"], "^a pretended device, a pretended device, driver for CUDA 1"
        )

    def test_every_fault_that_is_about_a_device_is_killed(self) -> None:
        arguments = ["mutate", "--on-cuda", "--packages", str(self.packages), "--out", str(self.folder / "mutate")]
        programs = on_cases(["where_by_triton", "same_value_twice_cuda", "replaced_weights_cuda", ON_TWO_DEVICES])
        mutated = self.suite(*arguments, *programs, AOTI_PRETENDED_CUDA_DEVICES="2")
        self.assertEqual(mutated.returncode, 0, mutated.stdout + mutated.stderr)
        self.assertRegex(mutated.stdout, "\\n1[5-9] faults tried, 0 survived, 0 false alarms, 1 not tried\\n")


if __name__ == "__main__":
    unittest.main()
