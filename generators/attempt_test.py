# SPDX-License-Identifier: Apache-2.0
"""Running the script of a claim in a child: what counts as an answer, and that the child is as a fresh interpreter would be. No torch."""

from __future__ import annotations

import os
import sys
import tempfile
import textwrap
import time
import typing
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent))

import fakes
from aoti_generate.answers import Answers
from aoti_generate.attempt import attempt
from aoti_generate.claim import Claim


class Scripts(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        (self.folder / "temporary").mkdir()
        self.enterContext(mock.patch.object(tempfile, "tempdir", str(self.folder / "temporary")))

    def script(self, text: str) -> Claim:
        file = self.folder / "mine.py"
        file.write_text(textwrap.dedent(text))
        return Claim("mine", "EXP_7", "S2", "A claim.", file)

    def attempt(self, text: str, **options: typing.Any) -> dict[str, typing.Any]:
        answer = attempt(self.script(text), **options)
        self.assertEqual(list((self.folder / "temporary").iterdir()), [])
        return answer


class Attempt(Scripts):
    def failure(self, text: str, **options: typing.Any) -> str:
        return typing.cast(str, self.attempt(text, **options)["failed"])

    def test_the_last_line_is_the_answer(self) -> None:
        answer = self.attempt("import sys; print('tracing'); print('false: it says no'); print('a warning', file=sys.stderr)")["ok"]
        self.assertEqual((answer["claim"], answer["answer"], answer["words"]), ("mine", "false", "it says no"))
        self.assertEqual(self.attempt("print('true: it is there'); raise SystemExit")["ok"]["answer"], "true")

    def test_a_script_without_an_answer_could_not_be_tried(self) -> None:
        self.assertIn('begins with "true: "', self.failure("print('true')"))
        self.assertIn("printed nothing", self.failure("pass"))

    def test_an_answer_that_is_not_the_last_line_or_not_alone_is_none(self) -> None:
        self.assertIn("output:\ntrue: yes\nand more", self.failure("print('true: yes'); print('and more')"))
        self.assertIn("the last line", self.failure("print('true: yes'); print('false: no')"))

    def test_an_exception_is_told_with_its_trace(self) -> None:
        said = self.failure("print('true: too early', flush=True); raise ValueError('no such thing')")
        self.assertIn("exit status 1", said)
        self.assertIn("ValueError: no such thing", said)

    def test_an_exit_status_is_no_answer(self) -> None:
        self.assertIn("exit status 3", self.failure("import sys; print('true: yes'); sys.exit(3)"))
        said = self.failure("import sys; print('true: yes'); sys.exit('a reason')")
        self.assertIn("exit status 1", said)
        self.assertIn("errors:\na reason", said)

    def test_a_signal_is_named(self) -> None:
        self.assertIn("SIGSEGV", self.failure("import os, signal; print('true: yes', flush=True); os.kill(os.getpid(), signal.SIGSEGV)"))

    def test_a_script_that_hangs_is_killed_with_all_that_it_started(self) -> None:
        began = time.monotonic()
        said = self.failure(
            f"""
            import subprocess
            with open({str(self.folder / "pid")!r}, "w") as file:
                process = subprocess.Popen(["sleep", "600"])
                file.write(str(process.pid))
            process.wait()
            """,
            deadline=1.0,
        )
        self.assertIn("no answer after 1 s", said)
        self.assertLess(time.monotonic() - began, 10)
        self.assertTrue(self.ends(int((self.folder / "pid").read_text())))

    def ends(self, process: int) -> bool:
        """Whether a killed process is gone, or a corpse that only its parent can bury, within some seconds."""
        for _ in range(200):
            try:
                if Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                    return True
            except OSError:
                return True
            time.sleep(0.02)
        return False

    def test_a_script_is_main_in_a_folder_of_its_own_and_finds_what_lies_beside_it(self) -> None:
        (self.folder / "_beside.py").write_text("ANSWER = 'true: found'\n")
        answer = self.attempt(
            """
            import os, sys, tempfile
            from _beside import ANSWER
            assert __name__ == "__main__" and sys.argv == [__file__]
            assert os.environ["TMPDIR"] == os.getcwd() == tempfile.gettempdir() and os.listdir() == []
            assert os.path.dirname(os.environ["TORCHINDUCTOR_CACHE_DIR"]) == os.path.dirname(os.getcwd())
            open("left", "w").write("behind")
            print(ANSWER)
            """
        )
        self.assertEqual(answer.get("ok", answer).get("answer"), "true", answer)

    def test_a_script_changes_nothing_here(self) -> None:
        before = (os.getcwd(), dict(os.environ), list(sys.path))
        self.attempt("import os, sys; os.chdir('/'); os.environ['X'] = '1'; sys.path.append('x'); print('true: yes')")
        self.assertEqual((os.getcwd(), dict(os.environ), list(sys.path)), before)


class Kept(Scripts):
    ANSWER: typing.ClassVar[dict[str, typing.Any]] = {"claim": "mine", "answer": "true", "words": "seen", "seconds": 0.5}

    def test_an_answer_is_found_until_script_shared_code_or_toolchain_changes(self) -> None:
        claim = self.script("print('true: yes')")
        kept = Answers(self.folder / "store", fakes.toolchain())
        self.assertIsNone(kept.find(claim))
        kept.add(claim, self.ANSWER)
        self.assertEqual(kept.find(claim), self.ANSWER)
        self.assertIsNone(Answers(self.folder / "store", fakes.toolchain(torch_version="9.9.8")).find(claim))
        (self.folder / "_beside.py").write_text("")
        self.assertIsNone(kept.find(claim))
        (self.folder / "_beside.py").unlink()
        self.assertIsNotNone(kept.find(claim))
        self.assertIsNone(kept.find(self.script("print('true: no')")))

    def test_an_answer_that_is_torn_is_asked_again(self) -> None:
        claim = self.script("print('true: yes')")
        kept = Answers(self.folder / "store", fakes.toolchain())
        kept.add(claim, self.ANSWER)
        file = next((self.folder / "store" / "claims").iterdir())
        for torn in ("", "[]", '{"claim": "mine"}'):
            file.write_text(torn)
            self.assertIsNone(kept.find(claim))


if __name__ == "__main__":
    unittest.main()
