# SPDX-License-Identifier: Apache-2.0
"""The driver of `build`, with a worker that compiles nothing: a failure is data, Ctrl-C loses nothing, words name the thing and the fix."""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import tempfile
import time
import typing
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent))

import fakes
from aoti_generate import crew
from aoti_generate.case import all_cases
from aoti_generate.claim import all_claims
from aoti_generate.hostile import all_hostile
from plan_test import complaints


class Build(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.driver = fakes.Driver(Path(folder.name).resolve())
        default = [case for case in all_cases() if case.profile == "default"]
        self.names = [case.name for case in default if case.device == "cpu" or case.compiled_for]
        self.elsewhere = [case.name for case in default if case.name not in self.names]
        self.claims = [claim.name for claim in all_claims()]
        self.hostile = [known.name for known in all_hostile()]

    def expect(self, status: int, words: str, *arguments: str, **named: typing.Any) -> str:
        code, said = self.driver.run(*arguments, **named)
        self.assertRegex(said, words)
        self.assertEqual(code, status, said)
        self.assertNotIn("Traceback", said)
        self.assertEqual(self.driver.alive(), {})
        return said

    def test_every_package_is_in_the_manifest_and_the_second_build_compiles_nothing(self) -> None:
        self.expect(0, f"{len(self.names)} of {len(self.names)} packages ready, {len(self.names)} compiled now", "-j3")
        packages = self.driver.packages()
        self.assertEqual([name for name in packages if name not in self.elsewhere], self.names)
        self.assertTrue(all(Path(packages[name]["path"]).stat().st_size == packages[name]["bytes"] for name in self.names))
        reasons = {packages[name]["unavailable"] for name in self.elsewhere}
        self.assertEqual(reasons, {"needs a CUDA device: there is none on the machine that compiled the packages"})
        said = self.expect(0, "ready, 0 compiled now", behaviour={"*": "die"})
        self.assertNotIn("compiling", said)
        self.assertEqual(
            sorted(p.name for p in self.driver.store.iterdir()), ["action", "build.log", "claims", "claims.log", "content", "hostile", "work"]
        )
        self.assertEqual(list((self.driver.store / "work").iterdir()), [])

    def test_a_named_case_brings_the_one_that_feeds_it_and_no_other(self) -> None:
        self.expect(0, "2 of 2 packages ready, 2 compiled now", "text_decoder")
        self.assertEqual(set(self.driver.packages()), {"vision_encoder", "text_decoder"})

    def test_a_case_outside_every_profile_is_compiled_where_it_is_named(self) -> None:
        self.expect(0, "1 of 1 packages ready, 1 compiled now", "batch_and_sequence_4096")
        self.assertEqual(list(self.driver.packages()), ["batch_and_sequence_4096"])

    def test_a_failed_compile_is_data_with_the_compilers_words(self) -> None:
        self.expect(1, "no package for cond: CppCompileError", behaviour={"cond": "fail"})
        packages = self.driver.packages()
        self.assertEqual(packages["cond"], {"case": "cond", "failed": fakes.COMPILER_SAYS})
        self.assertEqual([name for name, entry in packages.items() if "failed" in entry], ["cond"])

    def test_a_case_that_the_torch_is_too_old_for_is_not_built_and_no_failure(self) -> None:
        count, others = len(self.names), len(self.elsewhere) + 1
        self.expect(
            0,
            f"{count - 1} of {count - 1} packages ready, {count - 1} compiled now, {others} more not for this torch or machine",
            behaviour={"cond": "newer"},
        )
        words = "needs torch 10.0 or later, this is 9.9.9: a stand-in says so"
        self.assertEqual(self.driver.packages()["cond"], {"case": "cond", "unavailable": words})
        self.assertEqual(complaints(json.loads(self.driver.manifest.read_text()), "packages.schema.json"), [])

    def test_keep_going_writes_the_same_and_exits_0(self) -> None:
        self.expect(0, "no package for cond", "--keep-going", behaviour={"cond": "fail"})
        self.assertIn("failed", self.driver.packages()["cond"])

    def test_the_manifest_is_what_its_schema_says(self) -> None:
        self.driver.run(behaviour={"cond": "fail", self.claims[0]: "fail"})
        manifest = json.loads(self.driver.manifest.read_text())
        self.assertEqual(complaints(manifest, "packages.schema.json"), [])
        for place in ("packages", "claims", "hostile"):
            spoilt = json.loads(json.dumps(manifest))
            spoilt[place][0]["colour"] = "red"
            self.assertNotEqual(complaints(spoilt, "packages.schema.json"), [])

    def test_a_worker_that_dies_fails_its_case_alone(self) -> None:
        self.expect(
            1, "no package for mlp_static: the generator process died .SIGKILL.; its output is in .*build.log", "-j1", behaviour={"mlp_static": "die"}
        )
        self.assertEqual([name for name, entry in self.driver.packages().items() if "failed" in entry], ["mlp_static"])
        self.assertFalse((self.driver.store / "kept").exists())

    def test_a_named_case_is_built_alone_and_the_others_stay_known(self) -> None:
        self.assertNotIn("claims", self.expect(0, "1 of 1 packages ready, 1 compiled now", "cond"))
        self.assertEqual((list(self.driver.packages()), self.driver.claims()), (["cond"], {}))
        self.expect(0, "1 of 1 packages ready, 1 compiled now", "mlp_static")
        self.assertEqual(list(self.driver.packages()), ["cond", "mlp_static"])

    def test_an_unknown_case_is_named(self) -> None:
        self.expect(2, "error: no case, claim or hostile package is called nonesuch: .*list --cases, list --claims and list --hostile", "nonesuch")
        self.assertFalse(self.driver.manifest.exists())

    def test_every_claim_is_answered_and_the_second_build_tries_none(self) -> None:
        count = len(self.claims)
        self.expect(0, f"{count} of {count} claims answered, {count} tried now")
        self.assertEqual(list(self.driver.claims()), self.claims)
        answer = {"claim": self.claims[0], "answer": "false", "words": "seen by a stand-in", "seconds": 0.5}
        self.assertEqual(self.driver.claims()[self.claims[0]], answer)
        self.expect(0, f"{count} of {count} claims answered, 0 tried now", behaviour={"*": "die"})
        self.assertEqual(self.driver.claims()[self.claims[0]], answer)

    def test_a_claim_that_cannot_be_tried_is_data_and_is_tried_again(self) -> None:
        first = self.claims[0]
        self.expect(1, f"no answer to {first}: CppCompileError", behaviour={first: "fail"})
        self.assertEqual(self.driver.claims()[first], {"claim": first, "failed": fakes.COMPILER_SAYS})
        self.assertEqual([name for name, entry in self.driver.claims().items() if "failed" in entry], [first])
        self.expect(0, "claims answered, 1 tried now")

    def test_a_named_claim_is_tried_alone_and_the_others_stay_known(self) -> None:
        for number in (1, 2):
            said = self.expect(0, "1 of 1 claims answered, 1 tried now", self.claims[number - 1])
            self.assertNotIn("packages", said)
            self.assertEqual((list(self.driver.claims()), self.driver.packages()), (self.claims[:number], {}))

    def test_every_hostile_package_is_made_and_the_second_build_makes_none(self) -> None:
        count = len(self.hostile)
        self.expect(0, f"{count} of {count} hostile packages ready, {count} made now")
        self.assertEqual(list(self.driver.hostile()), self.hostile)
        first = self.driver.hostile()[self.hostile[0]]
        self.assertEqual(Path(first["path"]).read_bytes(), b"mlp_static" + self.hostile[0].encode())
        Path(self.driver.hostile()[self.hostile[1]]["path"]).unlink()
        self.expect(0, f"{count} of {count} hostile packages ready, 1 made now", behaviour={"*": "die"})
        self.assertEqual(self.driver.hostile()[self.hostile[0]], first)

    def test_a_hostile_package_that_cannot_be_made_is_data(self) -> None:
        self.driver.environment["FAKE_HOSTILE"] = self.hostile[0]
        self.expect(1, f"no hostile package {self.hostile[0]}: KeyError: '.text'", self.hostile[0])
        self.assertEqual(self.driver.hostile(), {self.hostile[0]: {"hostile": self.hostile[0], "failed": "KeyError: '.text'"}})
        del self.driver.environment["FAKE_HOSTILE"]
        self.expect(0, "1 of 1 hostile packages ready, 1 made now", self.hostile[0])

    def test_a_named_hostile_package_brings_the_good_ones_it_is_made_from(self) -> None:
        self.assertNotIn("claims", self.expect(0, "1 of 1 hostile packages ready, 1 made now", "library_of_another_program"))
        self.assertEqual(set(self.driver.packages()), {"mlp_static", "shared_dim"})
        self.assertEqual(list(self.driver.hostile()), ["library_of_another_program"])

    def test_a_hostile_package_without_a_good_one_is_data(self) -> None:
        self.expect(1, "there is no package of mlp_static to make it from", "library_is_text", behaviour={"mlp_static": "fail"})
        self.assertIn("failed", self.driver.hostile()["library_is_text"])

    def test_a_hostile_package_has_no_golden(self) -> None:
        code, said = self.driver.run("library_is_text", verb="bless")
        self.assertEqual(code, 2)
        self.assertIn("error: library_is_text is a hostile package: only cases have goldens", said)

    def test_a_claim_has_no_golden(self) -> None:
        code, said = self.driver.run(self.claims[0], verb="bless")
        self.assertEqual(code, 2)
        self.assertIn(f"error: {self.claims[0]} is a claim: only cases have goldens", said)

    def interrupt(self, number: int) -> str:
        with self.driver.start("-j2", behaviour={"shared_dim": "hang", "mlp_dynamic": "hang"}) as process:
            assert process.stderr
            for line in process.stderr:  # finished packages are told as they come
                if line.startswith("[2/"):
                    break
            deadline = time.monotonic() + 20
            while sum("sleep 600" in words for words in self.driver.alive().values()) < 2 and time.monotonic() < deadline:
                time.sleep(0.02)
            began = time.monotonic()
            process.send_signal(number)
            said = process.communicate(timeout=20)[1]
            self.assertLess(time.monotonic() - began, 5)
            self.assertEqual(process.returncode, 130, said)
        self.assertEqual(self.driver.alive(), {})
        self.assertNotIn("Traceback", said)
        self.assertNotIn("FAILED", said)
        return said

    def test_ctrl_c_ends_every_process_and_keeps_finished_packages(self) -> None:
        self.assertIn("finished packages are kept", self.interrupt(signal.SIGINT))
        self.assertFalse(self.driver.manifest.exists())
        self.assertEqual(list((self.driver.store / "work").iterdir()), [])
        self.expect(0, "ready, [1-9][0-9]* compiled now")

    def test_a_driver_that_is_told_to_end_takes_its_workers_with_it(self) -> None:
        self.interrupt(signal.SIGTERM)

    def test_a_driver_that_is_killed_leaves_nothing_that_stops_the_next(self) -> None:
        with self.driver.start("-j1", behaviour={"*": "hang"}) as process:
            assert process.stderr
            process.stderr.readline()
            time.sleep(0.5)
            process.kill()
        for pid in self.driver.alive():
            os.kill(pid, signal.SIGKILL)  # a real compiler ends by itself, and its worker at the end of its input
        self.expect(0, "packages ready")
        self.assertEqual(list((self.driver.store / "work").iterdir()), [])

    def test_no_compiler_is_named_with_the_fix(self) -> None:
        self.driver.environment["CXX"] = "/nonexistent"
        self.expect(2, "error: no C.. compiler: /nonexistent is not on PATH; install g.. .apt-get install g..")

    def test_a_missing_torch_folder_is_named(self) -> None:
        self.driver.torch = self.driver.folder / "gone"
        self.expect(2, f"error: {self.driver.torch}/version.py cannot be read")

    def test_a_store_that_cannot_be_is_named(self) -> None:
        self.driver.store.write_text("a file where the store should be")
        self.expect(2, f"error: {self.driver.store}/work: Not a directory; ")

    @unittest.skipIf(os.geteuid() == 0, "nothing is read-only for root")
    def test_a_read_only_store_is_named_with_the_fix(self) -> None:
        self.driver.store.mkdir(mode=0o555)
        self.expect(2, f"error: {self.driver.store}/work: Permission denied; make it writable or set AOTI_CTS_HOME")

    def test_a_disk_that_fills_up_is_said_and_the_old_manifest_stays(self) -> None:
        self.expect(0, "ready", "cond")
        before = self.driver.manifest.read_text()
        # a limit that the stand-in's packages keep, and facts and manifest do not
        said = self.expect(2, f"error: {self.driver.manifest}: File too large; .*ulimit -f", before=lambda: limit_files(len(fakes.NO_FILES)))
        self.assertIn("no package for mlp_static: OSError", said)
        self.assertEqual(self.driver.manifest.read_text(), before)


def limit_files(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


class Progress(unittest.TestCase):
    def setUp(self) -> None:
        self.enterContext(mock.patch.object(crew.sys, "stderr", mock.Mock(isatty=lambda: False)))

    def test_the_first_package_of_each_worker_does_not_spoil_the_estimate(self) -> None:
        progress = crew.Progress(10, 2, crew.COMPILE)
        self.assertAlmostEqual(progress.left(), 10 * crew.COMPILE.seconds / 2)
        for seconds in (30.0, 31.0):
            progress.step("first", seconds, False)
        self.assertAlmostEqual(progress.left(), 8 * crew.COMPILE.seconds / 2)
        for seconds in (4.0, 5.0, 100.0):
            progress.step("later", seconds, False)
        self.assertAlmostEqual(progress.left(), 5 * 5.0 / 2)

    def test_nothing_is_left_at_the_end(self) -> None:
        progress = crew.Progress(1, 1, crew.COMPILE)
        with mock.patch.object(progress, "say") as say:
            progress.step("only", 3.0, True)
        say.assert_called_once_with("[1/1] compiled only: FAILED after 3.0 s")


if __name__ == "__main__":
    unittest.main()
