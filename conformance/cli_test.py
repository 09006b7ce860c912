# SPDX-License-Identifier: Apache-2.0
"""The command line as a person meets it: bad input gets words that name the thing and the fix, and a non-zero exit; a run that is cut short
loses nothing; a hostile runner harms nobody but itself. To add a hostile runner: a line in HOSTILE and a branch in HOSTILE_SOURCE."""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import os
import re
import resource
import shlex
import shutil
import signal
import subprocess
import tarfile
import tempfile
import time
import typing
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import jsonschema

BUILD = Path(os.environ["AOTI_BUILD_DIR"])
SOURCE = Path(os.environ["AOTI_SOURCE_DIR"])
SUITE = str(BUILD / "aoti-cts")
PLUGINS = BUILD / "runners"
VALIDATOR = jsonschema.Draft202012Validator(json.loads((SOURCE / "reports" / "results.schema.json").read_text()))
MISSING = "PKG_3/missing_package_is_refused"  # a test in which the runner has next to nothing to do
RED = {"fail", "crash", "timeout", "error", "not_run", "unexpected_pass"}

HOSTILE_SOURCE = r"""
#include "runners/aoti_runner.h"

#include <csetjmp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <filesystem>
#include <pthread.h>
#include <string>
#include <sys/time.h>
#include <thread>
#include <unistd.h>

namespace {

const char* Way() { return getenv("HOSTILE") != nullptr ? getenv("HOSTILE") : ""; }
bool Is(const char* way) { return strcmp(Way(), way) == 0; }
bool In(const char* place) { return std::string(Way()).ends_with(std::string("_in_") + place); }

void HoldStandardOutput() {
  std::thread([] {
    flockfile(stdout);
    for (;;) pause();
  }).detach();
  usleep(50000);
}

void ExitFromAThread() {
  std::thread([] {
    usleep(50000);
    exit(0);
  }).detach();
}

// What is the same wherever it is done.
void Strike(const char* place) {
  if (!In(place)) return;
  const std::string way = Way();
  if (way.starts_with("exit_")) exit(0);
  if (way.starts_with("quick_exit_")) _exit(0);
  if (way.starts_with("crash_")) raise(SIGSEGV);
  if (way.starts_with("hang_")) for (;;) pause();
  if (way.starts_with("throw_")) throw 42;
  if (way.starts_with("kill_parent_")) { kill(getppid(), SIGKILL); for (;;) pause(); }
  if (way.starts_with("alarm_")) { alarm(1); for (;;) pause(); }
  if (way.starts_with("close_all_")) for (int fd = 0; fd < 1024; ++fd) close(fd);
  if (way.starts_with("hold_stdout_")) HoldStandardOutput();
  if (way.starts_with("exit_later_")) ExitFromAThread();
  if (way.starts_with("wipe_")) std::filesystem::remove_all(std::filesystem::path(getenv("TMPDIR")).parent_path());
}

// Lines as the suite itself writes them, to whatever is open.
void ForgeRecords() {
  const char* ids = getenv("HOSTILE_FORGES");
  std::string text;
  for (const char* verdict : {"pass", "fail"}) {
    const std::string id = std::string("\"") + ids + "\"";
    text += "{\"begin\":" + id + "}\n";
    text += "{\"end\":" + id + ",\"id\":" + id + ",\"verdict\":\"" + verdict + "\",\"comparisons\":9,\"seconds\":0.1}\n";
  }
  for (int fd = 3; fd < 1024; ++fd) if (write(fd, text.data(), text.size()) < 0) continue;
}

void ForgeAnswer() {
  const std::string answer = R"(A{"verdict":"pass","message":"","observation":"correct","comparisons":9,"margins":[]})";
  for (int fd = 3; fd < 1024; ++fd) if (write(fd, answer.data(), answer.size()) < 0) continue;
  _exit(0);
}

void LeaveDaemon(bool silent) {
  if (fork() != 0) return;
  setsid();
  if (fork() != 0) _exit(0);
  if (silent) for (int fd = 0; fd < 1024; ++fd) close(fd);
  sleep(600);
  _exit(0);
}

sigjmp_buf after_crash;
bool SwallowCrash() {
  if (sigsetjmp(after_crash, 1) != 0) return true;
  signal(SIGSEGV, [](int) { siglongjmp(after_crash, 1); });
  *static_cast<volatile int*>(nullptr) = 1;
  return false;
}

aoti_status Refuse(aoti_error* error) {
  strcpy(error->kind, "hostile");
  memset(error->text, 'x', 2000);
  error->text[2000] = 0;
  return AOTI_REFUSED;
}

// A test without a run: its end in the records, which this process has open.
void ForgeRun() {
  const char* ids = getenv("HOSTILE_FORGES");
  const std::string id = std::string("\"") + ids + "\"";
  const std::string text = "{\"begin\":" + id + "}\n{\"end\":" + id + ",\"id\":" + id +
                           ",\"verdict\":\"pass\",\"comparisons\":9,\"seconds\":0.1}\n";
  for (int fd = 3; fd < 1024; ++fd) {
    char path[4096] = {};
    const std::string link = "/proc/self/fd/" + std::to_string(fd);
    if (readlink(link.c_str(), path, sizeof path - 1) > 0 && std::string(path).ends_with("records.jsonl"))
      if (write(fd, text.data(), text.size()) < 0) continue;
  }
}

void ForgeThroughTheWorker() {
  const std::string folder = "/proc/" + std::to_string(getppid()) + "/fd";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::error_code gone;
    const auto target = std::filesystem::read_symlink(entry.path(), gone);
    if (gone || target.filename() != "records.jsonl") continue;
    const int fd = open(target.c_str(), O_WRONLY | O_APPEND);
    dup2(fd, 900);
  }
  ForgeRun();
  kill(getppid(), SIGKILL);
  _exit(0);
}

// Waits until another process is here too, and says on which devices this one may be.
std::string MeetAnother() {
  const char* devices = getenv("CUDA_VISIBLE_DEVICES");
  const std::filesystem::path place = getenv("HOSTILE_PLACE");
  const auto mine = place / std::to_string(getpid());
  fclose(fopen(mine.c_str(), "w"));
  for (int i = 0; i < 3000 && std::distance(std::filesystem::directory_iterator(place), {}) < 2; ++i) usleep(10000);
  return std::string(R"({"name": "hostile", "on": ")") + (devices != nullptr ? devices : "any") + "\"}";
}

aoti_status Open(const char*, aoti_error*) {
  Strike("open");
  if (Is("child_and_daemon") && fork() == 0) {
    sleep(5);
    _exit(0);
  }
  return AOTI_OK;
}

aoti_status Describe(aoti_text_sink sink, aoti_error*) {
  Strike("describe");
  std::string text = R"({"name": "hostile", "torch": {"version": "2.15.0"}})";
  if (Is("says_it_is_package")) text = R"({"name": "package", "base": "package", "torch": {"version": "2.15.0"}})";
  if (Is("speaks_gibberish")) text = "\xff not JSON";
  if (Is("lacks_package")) text = R"({"name": "hostile", "capabilities": {"package": "unsupported"}})";
  if (Is("long_description")) text = R"({"name": "hostile", "about": ")" + std::string(70000, 'x') + "\"}";
  if (Is("has_cuda")) text = R"({"name": "hostile", "devices": ["cpu", "cuda"]})";
  if (Is("meets_another")) text = MeetAnother();
  if (Is("no_name")) text = R"({"colour": "red"})";
  sink.write(sink.context, text.data(), text.size());
  return AOTI_OK;
}

aoti_status Load(const aoti_load_options* options, aoti_model** model, aoti_error* error) {
  usleep(200000 * (Is("exit_later_in_open") ? 1 : 0));
  Strike("load");
  if (Is("lacks_package")) raise(SIGSEGV);
  if (Is("forged_run")) ForgeThroughTheWorker();
  if (Is("child_and_daemon")) LeaveDaemon(true);
  if (Is("answers_unsupported")) return AOTI_UNSUPPORTED;
  if (Is("daemon")) LeaveDaemon(false);
  if (Is("silent_daemon")) LeaveDaemon(true);
  if (Is("forged_records")) ForgeRecords();
  if (Is("forged_answer")) ForgeAnswer();
  if (access(options->package_path, R_OK) != 0 || Is("refuses_all") || In("load")) return Refuse(error);
  *model = reinterpret_cast<aoti_model*>(&after_crash);
  return AOTI_OK;
}

void Unload(aoti_model*) {}

float zeros[1 << 20];
int64_t shape[1000], strides[1000];
aoti_value value;

aoti_status Run(aoti_model*, const aoti_value*, size_t, const aoti_run_options*, aoti_outputs* outputs, aoti_error*) {
  Strike("run");
  if (Is("status_77")) return static_cast<aoti_status>(77);
  if (Is("swallowed_crash") && SwallowCrash()) return AOTI_OK;
  if (Is("null_outputs")) { outputs->count = 1; return AOTI_OK; }
  value.tensor.device = {kDLCPU, 0};
  value.tensor.dtype = {kDLFloat, 32, 1};
  value.tensor.data = zeros;
  value.tensor.ndim = Is("thousand_dimensions") ? 1000 : Is("absurd_rank") ? -1 : 2;
  shape[0] = Is("negative_size") ? -4 : 4;
  shape[1] = strides[0] = 10;
  strides[1] = 1;
  value.tensor.shape = Is("null_shape") ? nullptr : shape;
  value.tensor.strides = Is("null_strides") ? nullptr : strides;
  if (Is("null_data")) value.tensor.data = nullptr;
  *outputs = {&value, Is("billion_outputs") ? size_t{1000000000} : 1, nullptr};
  return AOTI_OK;
}

void Release(aoti_outputs*) {}
aoti_status Copy(const aoti_value* values, size_t count, const DLDevice*, aoti_outputs* copies, aoti_error*) {
  *copies = {const_cast<aoti_value*>(values), count, nullptr};
  return Is("has_cuda") ? AOTI_OK : AOTI_UNSUPPORTED;
}
aoti_status Capture(aoti_model*, const aoti_value*, size_t, const aoti_run_options*, aoti_graph**, aoti_outputs*, aoti_error*) {
  return AOTI_UNSUPPORTED;
}
aoti_status Replay(aoti_graph*, void*, aoti_error*) { return AOTI_UNSUPPORTED; }
void ReleaseGraph(aoti_graph*) {}
aoti_status ModelMetadata(aoti_model*, aoti_text_sink, aoti_error*) { return AOTI_UNSUPPORTED; }
aoti_status PackageMetadata(const char*, const char*, aoti_text_sink, aoti_error*) { return AOTI_UNSUPPORTED; }
aoti_status SetMemory(int32_t, uint8_t, aoti_error*) { return AOTI_OK; }
aoti_status StartTrace(aoti_error*) { return AOTI_OK; }
aoti_status StopTrace(const char*, aoti_error*) { return AOTI_OK; }

aoti_status List(aoti_model*, aoti_text_sink, aoti_error*) { return AOTI_UNSUPPORTED; }
aoti_status Update(aoti_model*, const aoti_named_value*, size_t, const aoti_update_options*, aoti_error*) { return AOTI_UNSUPPORTED; }
aoti_status Extract(aoti_model*, int32_t, aoti_constants*, aoti_error*) { return AOTI_UNSUPPORTED; }
void ReleaseConstants(aoti_constants*) {}
aoti_status OfAModel(aoti_model*, aoti_error*) { return AOTI_UNSUPPORTED; }
aoti_status Fold(aoti_model*, int32_t, aoti_error*) { return AOTI_UNSUPPORTED; }
aoti_status LoadFile(aoti_model*, const char*, aoti_error*) { return AOTI_UNSUPPORTED; }

const aoti_runner_api kApi{sizeof(aoti_runner_api), AOTI_RUNNER_API_VERSION, Open, Describe, Load, Unload, Run, Release, Copy, Capture,
                           Replay, ReleaseGraph, ModelMetadata,
                           PackageMetadata, SetMemory, StartTrace, StopTrace, List, Update, Extract, ReleaseConstants, OfAModel, OfAModel, Fold,
                           LoadFile};

}  // namespace

const aoti_runner_api* aoti_get_runner_api(uint32_t) { return Is("another_version") ? nullptr : &kApi; }
"""

# way -> (tests to try it on, the verdicts they may have, words that some message or complaint must hold)
HOSTILE: dict[str, tuple[str, set[str], str]] = {
    "hold_stdout_in_open": (MISSING, {"not_run"}, "gave no sign of life and was killed"),
    "hang_in_open": (MISSING, {"not_run"}, "does not return from open.. or describe"),
    "hang_in_describe": (MISSING, {"not_run"}, "does not return from open.. or describe"),
    "crash_in_open": (MISSING, {"not_run"}, "a worker of runner hostile died of Segmentation fault"),
    "exit_in_open": (MISSING, {"not_run"}, "a worker of runner hostile stopped with exit status 0"),
    "exit_later_in_open": (MISSING, {"not_run", "crash"}, "a worker of runner hostile stopped with exit status 0"),
    "alarm_in_open": (MISSING, {"not_run"}, "a worker of runner hostile died of Alarm clock"),
    "throw_in_open": (MISSING, {"not_run"}, "a worker of runner hostile (died of Aborted|stopped)"),
    "speaks_gibberish": (MISSING, {"not_run"}, "runner hostile: describe.. must give a JSON object"),
    "no_name": (MISSING, {"not_run"}, 'runner hostile: describe.. must give a JSON object with at least "name"'),
    "another_version": (MISSING, {"not_run"}, "does not speak version 1 of runners/aoti_runner.h: rebuild it"),
    "exit_in_load": (MISSING, {"crash"}, "ended with exit status 0 inside the test"),
    "quick_exit_in_load": (MISSING, {"crash"}, "ended with exit status 0 inside the test"),
    "crash_in_load": (MISSING, {"crash"}, "SIGSEGV"),
    "hang_in_load": (MISSING, {"timeout"}, "no answer after"),
    "throw_in_load": (MISSING, {"error"}, "the test body threw"),
    "kill_parent_in_load": (MISSING, {"crash", "not_run"}, "a worker of runner hostile died of Killed"),
    "alarm_in_load": (MISSING, {"crash", "timeout"}, "SIGALRM|no answer after"),
    "close_all_in_load": (MISSING, {"crash"}, "ended with exit status 0 inside the test"),
    "wipe_in_load": (MISSING, {"fail"}, "has removed TMPDIR itself"),
    "daemon": (MISSING, {"timeout", "fail"}, "a process was left running"),
    "silent_daemon": (MISSING, {"fail"}, "a process was left running outside the test's process group, and killed: aoti-cts"),
    "child_and_daemon": (MISSING, {"fail"}, "a process was left running outside the test's process group, and killed: aoti-cts"),
    "absurd_rank": ("NUM_1/outputs_match*", {"fail"}, "has -1 dimensions, promised were 2"),
    "long_description": (MISSING, {"not_run"}, "describe.. gives 70.* bytes, at most 65536 are read"),
    "forged_answer": (MISSING, {"crash"}, "something other than the suite wrote on the pipe"),
    "forged_records": (MISSING, {"crash"}, "ended with exit status 0 inside the test|something other than the suite wrote"),
    "quick_exit_in_run": ("NUM_1/outputs_match*", {"crash"}, "ended with exit status 0 inside the test"),
    "status_77": ("NUM_1/outputs_match*", {"error"}, "the runner failed"),
    "swallowed_crash": ("NUM_1/outputs_match*", {"fail"}, "outputs"),
    "null_outputs": ("NUM_1/outputs_match*", {"crash"}, "SIGSEGV"),
    "billion_outputs": ("NUM_1/outputs_match*", {"fail"}, "1000000000"),
    "negative_size": ("NUM_1/outputs_match*", {"fail"}, r"has shape \[-4, 10\]"),
    "thousand_dimensions": ("NUM_1/outputs_match*", {"fail"}, "has 1000 dimensions, promised were 2"),
    "null_shape": ("NUM_1/outputs_match*", {"fail", "crash"}, "SIGSEGV"),
    "null_strides": ("NUM_1/outputs_match*", {"fail"}, "limit"),
    "null_data": ("NUM_1/outputs_match*", {"fail", "crash"}, "SIGSEGV"),
    "zeros": ("NUM_1/outputs_match*", {"fail"}, "limit"),
    "answers_unsupported": (MISSING, {"fail"}, "its description does not say so, see the capabilities in runners/aoti_runner.h"),
}


class Finished(typing.NamedTuple):
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return self.err + self.out


def children_of(pid: int) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1]) == pid:
                found.append(int(entry.name))
    return found


def alive_with(mark: str) -> dict[int, str]:
    """Command lines of all processes that have the mark in their environment, by process id."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"CLI_TEST_MARK={mark}\0".encode() in (entry / "environ").read_bytes() + b"\0":
                found[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
    return found


def wait_until(condition: typing.Callable[[], typing.Any], seconds: float = 90) -> typing.Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError("waited in vain")


class CommandLine(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.out = self.folder / "run"
        self.mark = f"{self.folder.name}-{time.monotonic_ns()}"
        self.temporary = self.folder / "tmp"
        self.temporary.mkdir()
        self.environment = {**os.environ, "CLI_TEST_MARK": self.mark, "TMPDIR": str(self.temporary)}
        self.environment.pop("LD_LIBRARY_PATH", None)

    def start(self, *arguments: str | Path, before: typing.Callable[[], None] | None = None, **changed: str) -> subprocess.Popen[str]:
        """The suite, leading a process group and a session of its own."""

        def prepare() -> None:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # in the background of a shell it is ignored
            if before:
                before()

        return subprocess.Popen(
            [SUITE, *map(str, arguments)],
            env={**self.environment, **changed},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
            preexec_fn=prepare,
        )

    def do(self, *arguments: str | Path, before: typing.Callable[[], None] | None = None, **changed: str) -> Finished:
        with self.start(*arguments, before=before, **changed) as process:
            out, err = process.communicate(timeout=120)
            return Finished(process.returncode, out, err)

    def run_suite(self, *arguments: str | Path, out: Path | None = None, **named: typing.Any) -> Finished:
        """A run of ready packages."""
        return self.do("run", "--no-build", "--out", out or self.out, *arguments, **named)

    def case_count(self) -> int:
        """How many cases there are that need neither be named nor a device."""
        cases = json.loads((BUILD / "cases.json").read_text())["cases"]
        return sum(case["profile"] == "default" and case["device"] == "cpu" for case in cases)

    def refused(self, code: int, words: str, finished: Finished) -> None:
        self.assertEqual(finished.code, code, finished.said)
        self.assertRegex(finished.said, words)

    def results(self, out: Path | None = None) -> dict[str, dict[str, typing.Any]]:
        """Tests of a run by id, once all that holds of every run has been seen to hold of this one."""
        folder = out or self.out
        kept = subprocess.run([BUILD / "aoti-cts-conservation", folder], capture_output=True, text=True, check=False)
        self.assertEqual(kept.returncode, 0, kept.stdout + kept.stderr)
        results = json.loads((folder / "results.json").read_text())
        self.assertEqual([f"{e.json_path}: {e.message}" for e in VALIDATOR.iter_errors(results)], [])
        suites = ElementTree.parse(folder / "junit.xml").getroot()
        summary = results["summary"]
        for attribute, verdicts in {
            "tests": ["planned"],
            "failures": ["fail", "unexpected_pass"],
            "errors": ["crash", "timeout", "error", "not_run"],
            "skipped": ["known_issue", "recorded", "unsupported", "unavailable"],
        }.items():
            self.assertEqual(int(suites.get(attribute, "-1")), sum(summary[v] for v in verdicts), attribute)
            elements = {"tests": "testcase", "failures": "failure", "errors": "error", "skipped": "skipped"}[attribute]
            self.assertEqual(len(list(suites.iter(elements))), int(suites.get(attribute, "-1")))
        return {test["id"]: test for test in results["tests"]}

    def lines(self, kind: str) -> list[str]:
        """Ids of the whole lines of one kind in the records, in order."""
        found = []
        for line in (self.out / "records.jsonl").read_text().splitlines():
            with contextlib.suppress(ValueError):
                record = json.loads(line)
                if kind in record:
                    found.append(record[kind])
        return found

    def edited(self, source: Path, change: typing.Callable[[typing.Any], None]) -> Path:
        """A copy of a JSON file with a change."""
        content = json.loads(source.read_text())
        change(content)
        path = self.folder / source.name
        path.write_text(json.dumps(content))
        return path


class WithHostileRunner(CommandLine):
    """Tests that need a runner of their own: it loads no torch and is ready in milliseconds."""

    hostile: typing.ClassVar[Path]

    @classmethod
    def setUpClass(cls) -> None:
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        cls.hostile = Path(temporary.name) / "libhostile.so"
        source = Path(temporary.name) / "hostile.cc"
        source.write_text(HOSTILE_SOURCE)
        command = ["g++", "-std=c++20", "-shared", "-fPIC", "-pthread", f"-I{SOURCE}", f"-I{BUILD / 'include'}", str(source), "-o", str(cls.hostile)]
        subprocess.run(command, check=True)

    def run_hostile(self, way: str, *arguments: str | Path, **named: typing.Any) -> Finished:
        return self.run_suite("--runner", self.hostile, *arguments, HOSTILE=way, **named)


class Binary(CommandLine):
    def test_the_suite_needs_neither_libtorch_nor_python(self) -> None:
        needed = subprocess.run(["readelf", "-d", SUITE], capture_output=True, text=True, check=True).stdout
        libraries = [line for line in needed.splitlines() if "NEEDED" in line]
        self.assertTrue(libraries)
        for line in libraries:
            self.assertNotRegex(line, "torch|c10|python")

    def test_listing_starts_in_no_time(self) -> None:
        began = time.monotonic()
        listed = self.do("list", "--cases")
        self.assertLess(time.monotonic() - began, 0.3)
        self.assertEqual(listed.code, 0)
        self.assertRegex(listed.out, r"(?m)^mlp_static .*batch 4")

    def test_every_list_works_where_nothing_is_built_yet(self) -> None:
        for what in ("--cases", "--claims", "--hostile", "--tests", "--requirements", "--areas", "--runners", "--ctest"):
            with self.subTest(what):
                listed = self.do("list", what, AOTI_CTS_HOME=str(self.folder / "empty"), CXX="/nonexistent", PATH="/nonexistent")
                self.assertEqual(listed.code, 0, listed.said)
                self.assertTrue(listed.out.strip())
                if what in ("--cases", "--requirements", "--areas", "--runners"):  # ids are whole, for a person to copy
                    self.assertLessEqual(max(map(len, listed.out.splitlines())), 80)

    def test_one_requirement_is_listed_with_the_sentences_that_try_it(self) -> None:
        listed = self.do("list", "--requirement", "DYN_1")
        self.assertEqual(listed.code, 0, listed.said)
        self.assertRegex(listed.out, r"^DYN_1 +With AOTI_RUNTIME_CHECK_INPUTS=1")
        self.assertRegex(listed.out, r"\n +\d+ judged +size_outside_the_range_is_refused\n")
        self.assertNotIn("DYN_2", listed.out)
        ids = self.do("list", "--tests", "--requirement", "DYN_1").out.splitlines()
        self.assertTrue(ids and all(test.startswith("DYN_1/") for test in ids))
        self.refused(2, "no requirement is called DYN_99", self.do("list", "--requirement", "DYN_99"))

    def test_two_cases_of_one_program_are_named_and_a_declared_repetition_is_none(self) -> None:
        plan = json.loads((BUILD / "cases.json").read_text())
        manifest = json.loads((BUILD / "packages.json").read_text())
        built = {entry["case"] for entry in manifest["packages"] if "path" in entry}
        plan["cases"] = [case for case in plan["cases"] if case["name"] in built]

        def listed() -> Finished:
            for name, content in (("plan.json", plan), ("manifest.json", manifest)):
                (self.folder / name).write_text(json.dumps(content))
            return self.do("list", "--duplicates", "--plan", self.folder / "plan.json", "--packages", self.folder / "manifest.json")

        self.refused(0, r"(?m)^\d+ programs that differ in operators", listed())
        for entries, key in ((plan["cases"], "name"), (manifest["packages"], "case")):
            entries.append({**next(entry for entry in entries if entry[key] == "mlp_static"), key: "twin"})
        self.refused(1, "mlp_static and twin are the same program\n +operators aten.gelu", listed())
        plan["cases"][-1]["repeats"] = "mlp_static"
        self.refused(0, "twin is the program of another case again, as it says: not counted", listed())
        plan["cases"][-1].update(repeats="", name="unbuilt")
        self.refused(2, "1 case has no package, .* unbuilt: run ./aoti-cts build --profile full", listed())

    def test_help_names_every_verb_and_the_exit_codes(self) -> None:
        helped = self.do("--help")
        self.assertEqual(helped.code, 0)
        for verb in ("doctor", "build", "list", "explain", "run", "report", "compare", "bless", "mutate", "bench", "abi"):
            self.assertRegex(helped.out, rf"(?m)^\s+{verb}\s")
            self.assertEqual(self.do(verb, "--help").code, 0)
        self.assertIn("130 interrupted", helped.out)

    def test_the_version_is_one_line(self) -> None:
        self.refused(0, r"^\d+\.\d+\.\d+\n$", self.do("--version"))

    def test_an_unknown_verb_or_option_exits_2(self) -> None:
        self.refused(2, "frobnicate", self.do("frobnicate"))
        self.refused(2, "--frobnicate", self.do("run", "--frobnicate"))
        self.refused(2, "a verb is missing, for example run(?s:.*)mutate", self.do())
        self.refused(2, "--jobs", self.do("run", "--jobs", "0"))
        self.refused(2, "--deadline", self.do("run", "--deadline", "0"))

    def test_what_a_complaint_advises_exists(self) -> None:
        for option in ("--case", "--requirement", "--area"):
            said = self.run_suite(option, "nonesuch").err
            advised = re.search(r"\./aoti-cts (list --\w+)", said)
            assert advised, said
            self.assertEqual(self.do(*advised[1].split()).code, 0, said)


class CFunctions(CommandLine):
    """The verb `abi`."""

    LISTS = SOURCE / "conformance" / "abi"

    def lists(self) -> list[dict[str, typing.Any]]:
        return [json.loads(path.read_text()) for path in sorted(self.LISTS.glob("*.json"))]

    def test_the_list_of_this_torch_is_made_again_the_same(self) -> None:
        made = json.loads(self.do("abi", "list").out)
        kept = next((listed for listed in self.lists() if listed["torch"] == made["torch"]), None)
        if kept is None:
            self.skipTest(f"no list of torch {made['torch']} is kept")
        self.assertEqual({**made, "made": None}, {**kept, "made": None})

    def test_functions_of_cuda_stand_apart(self) -> None:
        for listed in self.lists():
            with self.subTest(listed["torch"]):
                self.assertIn("aoti_torch_create_cuda_stream_guard", listed["functions_of_cuda"])
                self.assertIn("aoti_torch_cuda_mm_out", listed["functions_of_cuda"])
                self.assertEqual(set(listed["functions"]) & set(listed["functions_of_cuda"]), set())

    def test_a_change_of_a_function_of_cuda_is_one(self) -> None:
        base = self.LISTS / "torch-2.15.0.json"
        self.refused(
            0, r"(?m)^C functions of CUDA that packages may use: 0 removed, 0 declared otherwise, 0 added$", self.do("abi", "diff", base, base)
        )
        without = self.edited(base, lambda listed: listed["functions_of_cuda"].pop("aoti_torch_cuda_mm_out"))
        self.refused(1, "uses one of the functions of CUDA removed does not load", self.do("abi", "diff", base, without))
        self.refused(0, "uses one of the functions of CUDA added does not load", self.do("abi", "diff", without, base))

    def test_with_a_torch_without_cuda_only_the_others_are_compared(self) -> None:
        base = self.LISTS / "torch-2.15.0.json"
        without = self.edited(base, lambda listed: listed.update(torch="2.15.0+cpu", functions_of_cuda={}))
        for pair in ((base, without), (without, base)):
            self.refused(0, r"C functions of CUDA are not compared: 2\.15\.0\+cpu has none", self.do("abi", "diff", *pair))


class BadRunner(CommandLine):
    def test_a_runner_that_does_not_exist(self) -> None:
        self.refused(2, "runner nonesuch: no such runner in .*list --runners names them", self.run_suite("--runner", "nonesuch"))
        self.refused(2, "runner /nonexistent/r.so: there is no such file", self.run_suite("--runner", "/nonexistent/r.so"))
        self.assertFalse(self.out.exists())

    def test_a_path_that_is_no_shared_library(self) -> None:
        text = self.folder / "text.so"
        text.write_text("no library at all\n" * 100)
        finished = self.run_suite("--runner", text, "--test", MISSING + "/*")
        self.refused(2, "runner text .* cannot be loaded: .*invalid ELF header.*list --runners", finished)
        self.assertEqual(finished.err.count("cannot be loaded"), 1, "said by one worker, not by each")
        tests = self.results().values()
        self.assertEqual({test["verdict"] for test in tests}, {"not_run"})
        for test in tests:
            self.assertRegex(test["message"], "runner text .* cannot be loaded")
        for report in ("junit.xml", "report.md"):
            self.assertNotIn("the run ended before it", re.sub(r"\|.*\|", "", (self.out / report).read_text()))
        self.assertEqual(self.do("report", self.out).code, 2)

    def test_two_runners_of_one_name(self) -> None:
        words = "two runners are called package .*: name each once"
        self.refused(2, words, self.run_suite("--runner", "package", "--runner", "package"))
        twin = self.folder / "package.so"
        twin.write_text("")
        self.refused(2, words, self.run_suite("--runner", "package", "--runner", twin))
        self.assertFalse(self.out.exists())

    def test_a_shared_library_that_is_no_runner(self) -> None:
        library = next(Path("/").glob("usr/lib/*-linux-gnu/libz.so.1"), None) or next(Path("/").glob("lib/*-linux-gnu/libm.so.6"))
        self.refused(2, "is no runner: it does not export aoti_get_runner_api; see runners/aoti_runner.h", self.run_suite("--runner", library))

    def test_a_fault_that_nobody_knows(self) -> None:
        finished = self.run_suite("--runner", "faulty:nonesuch", "--test", MISSING + "/*")
        self.refused(2, 'no fault is called "nonesuch": ./aoti-cts mutate --list', finished)
        self.refused(2, "no fault is called nonesuch: ./aoti-cts mutate --list", self.do("mutate", "nonesuch"))
        self.refused(0, "crash_on_third_call", self.do("mutate", "--list"))

    def patched(self, old: bytes, new: bytes) -> Path:
        """A copy of the plug-in with a text replaced by another of equal length."""
        content = (PLUGINS / "aoti_runner_package.so").read_bytes()
        self.assertIn(old, content)
        self.assertEqual(len(old), len(new))
        path = self.folder / "package.so"
        path.write_bytes(content.replace(old, new))
        return path

    def test_a_torch_that_is_another_build_than_the_plugin_s(self) -> None:
        commit = json.loads((BUILD / "packages.json").read_text())["toolchain"]["torch_git"].encode()
        runner = self.patched(commit, commit[::-1])
        said = rf"runner package cannot be opened: it was built for torch .* and found .*{commit.decode()}.*; run ./aoti-cts setup"
        self.refused(2, said, self.run_suite("--runner", runner, "--test", MISSING + "/*"))

    def test_a_torch_that_is_gone(self) -> None:
        described = subprocess.run(["readelf", "-d", PLUGINS / "aoti_runner_package.so"], capture_output=True, text=True, check=True).stdout
        place = re.search(r"R(?:UN)?PATH.*\[(.*)\]", described)
        assert place
        runner = self.patched(place[1].encode(), b"/gone".ljust(len(place[1]), b"x"))
        said = "cannot be loaded: .*lib(torch|c10).*torch is missing where this runner was built against it: run ./aoti-cts setup"
        self.refused(2, said, self.run_suite("--runner", runner, "--test", MISSING + "/*"))

    def test_a_good_runner_beside_a_bad_one_does_not_hide_it(self) -> None:
        text = self.folder / "text.so"
        text.write_text("no library at all\n")
        self.refused(1, "cannot be loaded", self.run_suite("--runner", "package", "--runner", text, "--test", MISSING + "/mlp_static/*"))
        self.assertEqual({test["runner"]: test["verdict"] for test in self.results().values()}, {"package": "pass", "text": "not_run"})


class BadFiles(WithHostileRunner):
    def run_bad(self, *arguments: str | Path) -> Finished:
        return self.run_hostile("refuses_all", *arguments)

    def test_a_manifest_with_a_field_that_nobody_knows(self) -> None:
        packages = self.edited(BUILD / "packages.json", lambda m: m.update(colour="red"))
        self.refused(2, f'{packages}: unknown field "colour"', self.run_bad("--packages", packages))
        packages = self.edited(BUILD / "packages.json", lambda m: m["packages"][1].update(colour="red"))
        self.refused(2, rf'{packages}: packages\[1\]: unknown field "colour"', self.run_bad("--packages", packages))

    def test_a_manifest_that_lacks_a_field_or_has_a_wrong_one(self) -> None:
        entries = json.loads((BUILD / "packages.json").read_text())["packages"]
        first = next(place for place, entry in enumerate(entries) if "path" in entry)
        packages = self.edited(BUILD / "packages.json", lambda m: m["packages"][first].pop("sha256"))
        self.refused(2, rf'{packages}: packages\[{first}\]: the field "sha256" is missing', self.run_bad("--packages", packages))
        packages = self.edited(BUILD / "packages.json", lambda m: m["packages"][first].update(bytes="many"))
        self.refused(2, rf"{packages}: packages\[{first}\].bytes: .*(number|integer)", self.run_bad("--packages", packages))
        packages = self.edited(BUILD / "packages.json", lambda m: m.update(schema=99))
        self.refused(2, f"{packages}: unknown schema: run ./aoti-cts build", self.run_bad("--packages", packages))

    def test_a_manifest_that_is_named_is_not_made(self) -> None:
        gone = self.folder / "gone.json"
        self.refused(2, f"{gone}: cannot be read .No such file.*; run ./aoti-cts build", self.do("run", "--packages", gone, "--out", self.out))
        self.assertFalse(gone.exists())

    def test_names_are_looked_up_before_anything_is_built(self) -> None:
        for option, words in (("--area", "no area is called NIX"), ("--requirement", "no requirement is called NIX"), ("--case", "called NIX")):
            finished = self.do("run", option, "NIX", "--out", self.out)
            self.refused(2, words, finished)
            self.assertNotIn("packages ready", finished.said)

    def test_a_manifest_or_plan_that_is_missing_or_no_json(self) -> None:
        gone = self.folder / "gone.json"
        self.refused(2, f"{gone}: cannot be read .No such file.*; run ./aoti-cts build", self.run_bad("--packages", gone))
        self.refused(2, f"{gone}: cannot be read .No such file", self.run_bad("--plan", gone))
        self.refused(2, f"{gone}: cannot be read .No such file", self.do("list", "--plan", gone))
        self.refused(2, f"{gone}: cannot be read .No such file", self.run_bad("--requirements", gone))
        requirements = self.edited(SOURCE / "conformance" / "requirements.json", lambda r: r.update(schema=2))
        self.refused(2, f"{requirements}: schema 2 is not the one this suite reads", self.run_bad("--requirements", requirements))
        gone.write_text('{"schema": 1, ')
        for option in ("--packages", "--plan", "--requirements"):
            self.refused(2, f"{gone}: not valid JSON", self.run_bad(option, gone))
        self.assertFalse(self.out.exists())

    def test_a_plan_with_a_field_that_nobody_knows(self) -> None:
        plan = self.edited(BUILD / "cases.json", lambda p: p["cases"][0].update(colour="red"))
        self.refused(2, rf'{plan}: cases\[0\].*unknown field "colour"', self.run_bad("--plan", plan))
        self.refused(2, 'unknown field "colour"', self.do("list", "--plan", plan))

    def error_of(self, case: str, *arguments: str | Path) -> str:
        """The one message of all tests of a case, which must be errors and red."""
        finished = self.run_bad("--case", case, *arguments)
        self.assertEqual(finished.code, 2, finished.said)
        self.assertEqual(len(re.findall(r"(?m)^error: ", finished.err)), 1, "one cause is said once, and counted")
        if len(self.results()) > 1:
            self.assertRegex(finished.err, r"\d+ more error in the same words: ")
        tests = self.results().values()
        self.assertEqual({test["verdict"] for test in tests}, {"error"})
        messages = {test["message"] for test in tests}
        self.assertEqual(len(messages), 1)
        return messages.pop()

    def test_a_golden_that_was_edited(self) -> None:
        golden = self.folder / "golden"
        shutil.copytree(SOURCE / "golden", golden)
        data = bytearray((golden / "mlp_static.safetensors").read_bytes())
        data[-1] ^= 1
        (golden / "mlp_static.safetensors").write_bytes(data)
        said = self.error_of("mlp_static", "--golden", golden)
        self.assertRegex(
            said,
            "mlp_static.json: .*the hash of .* is not the blessed one: .*(bless.*restore it|restore it.*bless)",
        )

    def test_no_golden_that_can_be_read(self) -> None:
        finished = self.run_bad("--test", "NUM_1/outputs_match_the_reference/*", "--golden", self.folder / "nowhere")
        self.refused(2, "nowhere/.*json: cannot be read .*run ./aoti-cts bless", finished)
        self.assertEqual({test["verdict"] for test in self.results().values()}, {"error", "unsupported"}, "the runner is for the CPU alone")

    def test_a_golden_that_is_missing(self) -> None:
        golden = self.folder / "golden"
        shutil.copytree(SOURCE / "golden", golden)
        (golden / "mlp_static.safetensors").unlink()
        self.assertRegex(self.error_of("mlp_static", "--golden", golden), "mlp_static.safetensors: cannot be read .*run ./aoti-cts bless")
        (golden / "mlp_static.json").unlink()
        self.assertRegex(self.error_of("mlp_static", "--golden", golden), "mlp_static.json: cannot be read .*run ./aoti-cts bless mlp_static")

    def with_entry(self, case: str, **changed: typing.Any) -> Path:
        def change(manifest: typing.Any) -> None:
            entry = next(e for e in manifest["packages"] if e["case"] == case)
            entry.update(changed)

        return self.edited(BUILD / "packages.json", change)

    def test_a_package_that_has_vanished(self) -> None:
        said = self.error_of("mlp_static", "--packages", self.with_entry("mlp_static", path="/nonexistent/x.pt2"))
        self.assertRegex(said, "the package of case mlp_static has vanished: /nonexistent/x.pt2 .*; run ./aoti-cts build")

    def test_a_package_that_was_truncated(self) -> None:
        package = self.folder / "short.pt2"
        package.write_bytes(b"PK")
        said = self.error_of("mlp_static", "--packages", self.with_entry("mlp_static", path=str(package)))
        self.assertRegex(said, rf"the package of case mlp_static has 2 bytes, \d+ were recorded: {package}; delete it and run ./aoti-cts build")

    def test_a_case_that_is_not_in_the_manifest(self) -> None:
        packages = self.edited(BUILD / "packages.json", lambda m: m.update(packages=[e for e in m["packages"] if e["case"] != "cond"]))
        self.assertRegex(self.error_of("cond", "--packages", packages), "case cond is not in the package manifest: run ./aoti-cts build")

    def test_a_case_that_did_not_compile_gives_errors_with_the_compiler_s_words(self) -> None:
        words = "CppCompileError: error: 'frobnicate' was not declared in this scope"

        def change(manifest: typing.Any) -> None:
            manifest["packages"] = [{"case": "cond", "failed": words} if e["case"] == "cond" else e for e in manifest["packages"]]

        said = self.error_of("cond", "--packages", self.edited(BUILD / "packages.json", change))
        self.assertEqual(said, f"case cond did not compile: {words}")
        self.assertIn("frobnicate", (self.out / "junit.xml").read_text())

    CLAIM = "cond_is_imported_from_torch"

    def test_a_claim_that_could_not_be_tried_is_an_error_with_the_script_s_words(self) -> None:
        def change(manifest: typing.Any) -> None:
            manifest["claims"] = [{"claim": self.CLAIM, "failed": "the script ended with SIGSEGV"}]

        said = self.error_of(self.CLAIM, "--packages", self.edited(BUILD / "packages.json", change))
        self.assertEqual(said, f"the claim {self.CLAIM} could not be tried: the script ended with SIGSEGV")

    def test_a_claim_that_is_not_in_the_manifest(self) -> None:
        packages = self.edited(BUILD / "packages.json", lambda m: m.update(claims=[]))
        self.assertRegex(self.error_of(self.CLAIM, "--packages", packages), "has not been tried: run ./aoti-cts build")

    def test_what_a_script_found_is_recorded_and_never_judged(self) -> None:
        found = {"claim": self.CLAIM, "answer": "false", "words": "seen by nobody", "seconds": 0.1}
        packages = self.edited(BUILD / "packages.json", lambda m: m.update(claims=[found]))
        finished = self.run_suite("--case", self.CLAIM, "--packages", packages)
        self.assertEqual(finished.code, 0, finished.said)
        (test,) = self.results().values()
        self.assertEqual((test["verdict"], test["observation"], test["message"]), ("recorded", "false", "seen by nobody"))
        self.assertEqual(test["id"], f"EXP_7/what_a_document_claims/{self.CLAIM}/package")
        self.assertIn(f"python generators/claims/{self.CLAIM}.py", (self.out / "report.html").read_text())

    HOSTILE = "library_is_text"

    def test_a_hostile_package_that_could_not_be_made_is_an_error_with_the_words(self) -> None:
        def change(manifest: typing.Any) -> None:
            manifest["hostile"] = [{"hostile": self.HOSTILE, "failed": "KeyError: .text"}]

        said = self.error_of(self.HOSTILE, "--packages", self.edited(BUILD / "packages.json", change), "--requirement", "PKG_3")
        self.assertEqual(said, f"the hostile package {self.HOSTILE} could not be made: KeyError: .text")

    def test_a_hostile_package_is_named_as_a_case_is_and_judged_beside_the_good_one(self) -> None:
        finished = self.run_suite("--case", self.HOSTILE)
        self.assertEqual(finished.code, 0, finished.said)
        verdicts = {name: test["verdict"] for name, test in self.results().items()}
        refused, leaves = (f"{sentence}/{self.HOSTILE}/package" for sentence in ("damaged_package_is_refused", "refused_package_leaves_no_file"))
        self.assertEqual(verdicts, {f"PKG_3/{refused}": "pass", f"LIFE_1/{leaves}": "known_issue"})

    def test_names_that_do_not_exist(self) -> None:
        self.refused(
            2,
            "no case, claim or hostile package is called nonesuch: ./aoti-cts list --cases, list",
            self.run_bad("--case", "nonesuch", "--case", "cond"),
        )
        self.refused(2, "no requirement is called X_1: ./aoti-cts list --requirements", self.run_bad("--requirement", "X_1"))
        self.refused(2, "no area is called X: ./aoti-cts list --areas", self.run_bad("--area", "X"))
        self.assertFalse(self.out.exists())

    def test_nothing_selected(self) -> None:
        for selection in (["--test", "nonesuch/*"], ["--requirement", "THR_1", "--case", "cond"]):
            self.refused(4, "nothing is selected: .*list --tests", self.run_bad(*selection))
        self.assertEqual(self.do("list", "--tests", "--test", "nonesuch/*").code, 4)
        self.assertFalse(self.out.exists())

    def test_a_folder_that_cannot_be_made(self) -> None:
        (self.folder / "file").write_text("")
        bad = self.folder / "file" / "run"
        self.refused(2, f"{bad}: cannot be made .Not a directory.; name another folder with --out", self.run_hostile("refuses_all", out=bad))

    def test_a_tmpdir_that_does_not_exist(self) -> None:
        said = "TMPDIR=/nonexistent is no folder .*: make it, or set TMPDIR to one"
        self.refused(2, said, self.run_hostile("refuses_all", TMPDIR="/nonexistent"))
        self.refused(2, said, self.do("doctor", TMPDIR="/nonexistent"))
        self.refused(2, said, self.do("mutate", "--list", TMPDIR="/nonexistent"))


def issue(tests: str, **changed: str) -> dict[str, str]:
    about = {"torch": ">=2.8", "source": "https://example.org/1", "reason": "a reason", "seen": "always", "expires": "2999-01-01"}
    return {"tests": tests, **about, **changed}


class KnownIssues(WithHostileRunner):
    def known(self, *issues: dict[str, str], runner: str = "package") -> Path:
        folder = self.folder / "known"
        folder.mkdir(exist_ok=True)
        (folder / f"{runner}.known_issues.json").write_text(json.dumps({"schema": 1, "about": "for a test", "issues": list(issues)}))
        return folder

    def test_an_entry_excuses_what_it_says_and_nothing_else(self) -> None:
        names = ["cond", "mlp_static", "mlp_dynamic", "shared_dim", "sin_mm_cos"]
        test = {name: f"LIFE_1/failed_load_leaves_no_file/{name}/package" for name in names}
        good = {name: f"{MISSING}/{name}/package" for name in names}
        known = self.known(
            issue(good["cond"]),
            issue(good["mlp_static"], seen="sometimes"),
            issue(good["shared_dim"], torch="<2.0"),
            issue(test["cond"], text="aotinductor_"),
            issue(test["mlp_static"], text="other words"),
            issue(test["mlp_dynamic"], expires="2020-01-01"),
            issue(test["shared_dim"], torch="<2.0"),
        )
        finished = self.run_suite("--known-issues", known, "--test", "LIFE_1/failed*", "--test", MISSING + "/*")
        self.assertEqual(finished.code, 1)
        tests = self.results()
        self.assertEqual({name: tests[test[name]]["verdict"] for name in names}, {"cond": "known_issue", **dict.fromkeys(names[1:], "fail")})
        self.assertEqual({name: tests[good[name]]["verdict"] for name in names}, {"cond": "unexpected_pass", **dict.fromkeys(names[1:], "pass")})
        self.assertIn("remove the entry", tests[good["cond"]]["message"])
        self.assertIn('a known issue names this test, but its words "other words" are not in the message', tests[test["mlp_static"]]["message"])
        self.assertEqual("https://example.org/1: a reason", tests[good["mlp_static"]]["known_issue"])
        self.assertNotIn("known_issue", tests[good["shared_dim"]])
        self.assertRegex(finished.said, f"known issue expired on 2020-01-01: {test['mlp_dynamic']} .* excuses nothing any more")

    def test_an_always_entry_alone_turns_a_run_of_passing_tests_red(self) -> None:
        known = self.known(issue(MISSING + "/*"))
        self.refused(1, "unexpected_pass", self.run_suite("--known-issues", known, "--test", MISSING + "/cond/*"))

    def test_a_runner_does_not_choose_what_excuses_it(self) -> None:
        known = self.known(issue("*", seen="sometimes"))
        finished = self.run_hostile("says_it_is_package", "--known-issues", known, "--test", "NUM_1/outputs_match*/mlp_static.*")
        self.assertEqual(finished.code, 1, finished.said)
        self.assertEqual({test["verdict"] for test in self.results().values()}, {"fail"})

    def test_an_entry_that_matches_nothing_is_reported(self) -> None:
        known = self.known(issue("NUM_1/no_such_sentence/*"), runner="hostile")
        finished = self.run_hostile("refuses_all", "--known-issues", known)
        self.assertRegex(finished.said, "known issue matches no test: NUM_1/no_such_sentence/. .*: correct or remove it")

    def test_a_file_that_cannot_be_read_is_named_with_the_field(self) -> None:
        for bad, words in {
            r"issues\[0\]: unknown field .colour": issue("*", colour="red"),
            r"issues\[0\].torch: .~2.8. is not a version range: use >=": issue("*", torch="~2.8"),
            r"issues\[0\].torch: .>=x. is not a version range": issue("*", torch=">=x"),
            r"issues\[0\].seen: neither always nor sometimes": issue("*", seen="often"),
            r"issues\[0\].expires: expected YYYY-MM-DD": issue("*", expires="soon"),
            r"issues\[0\].source: .runners/gone.py. is neither a URL nor a file in": issue("*", source="runners/gone.py"),
        }.items():
            with self.subTest(bad):
                finished = self.run_suite("--known-issues", self.known(words), "--test", MISSING + "/cond/*")
                self.refused(2, "package.known_issues.json: " + bad, finished)
                self.assertEqual({test["verdict"] for test in self.results().values()}, {"not_run"})


class Capabilities(WithHostileRunner):
    def test_what_a_runner_says_it_has_not_is_not_begun_and_no_pass(self) -> None:
        finished = self.run_hostile("lacks_package", "--test", MISSING + "/*")
        self.assertEqual(finished.code, 4, finished.said)
        self.assertNotIn("Green", finished.out)
        tests = self.results().values()
        self.assertEqual({(test["verdict"], test["message"]) for test in tests}, {("unsupported", "the runner says it has no such thing: package")})

    def test_what_it_has_is_judged_beside_that(self) -> None:
        finished = self.run_hostile("lacks_package", "--test", MISSING + "/cond/*", "--test", "LIFE_1/unloading*/cond/*")
        self.assertEqual(finished.code, 1, finished.said)
        self.assertEqual({name[:6]: test["verdict"] for name, test in self.results().items()}, {"PKG_3/": "unsupported", "LIFE_1": "crash"})


@unittest.skipUnless((PLUGINS / "aoti_runner_eager.so").exists(), "the runner eager is not built: there is no shared libpython")
class Eager(CommandLine):
    def test_a_package_without_its_program_is_an_error_with_the_fix(self) -> None:
        def move(manifest: typing.Any) -> None:
            entry = next(e for e in manifest["packages"] if e["case"] == "cond")
            entry["path"] = str(shutil.copy(entry["path"], self.folder / "alone.pt2"))

        packages = self.edited(BUILD / "packages.json", move)
        finished = self.run_suite("--runner", "eager", "--packages", packages, "--test", "LOAD_5/*/cond/*", "--test", "LOAD_5/*/where/*")
        self.assertEqual(finished.code, 1, finished.said)
        without, whole = self.results().values()
        self.assertEqual((without["verdict"], whole["verdict"]), ("error", "pass"))
        self.assertRegex(without["message"], f"exported program is not there: {self.folder}/alone.program.pt2; run ./aoti-cts build")


class MadeElsewhere(CommandLine):
    """A package out of the store, copied away and judged with a spec of its own: no generator, plan or manifest is asked."""

    EXAMPLE = SOURCE / "conformance" / "example.spec.json"
    UNTOLD = "the spec does not say what this call must answer"

    def setUp(self) -> None:
        super().setUp()
        manifest = json.loads((BUILD / "packages.json").read_text())
        stored = next(entry["path"] for entry in manifest["packages"] if entry["case"] == "mlp_dynamic")
        self.package = self.folder / "their model.pt2"
        shutil.copy(stored, self.package)
        shutil.copy(SOURCE / "golden" / "mlp_dynamic.safetensors", self.folder / "theirs.safetensors")
        self.spec = json.loads(self.EXAMPLE.read_text())
        for call in self.spec["calls"]:
            call["outputs"] = "theirs.safetensors"

    def judge(self, *arguments: str | Path, runner: str = "package") -> Finished:
        spec = self.folder / "spec.json"
        spec.write_text(json.dumps(self.spec))
        return self.do(
            "run", "--package", self.package, "--spec", spec, "--runner", runner, "--out", self.out, *arguments, AOTI_CTS_HOME="/nonexistent"
        )

    def test_the_example_follows_the_schema_and_a_good_package_is_green(self) -> None:
        schema = json.loads((SOURCE / "generators" / "spec.schema.json").read_text())
        jsonschema.Draft202012Validator(schema).validate(json.loads(self.EXAMPLE.read_text()))
        self.refused(0, "(?s)3 tests: the spec does not say what this call must.*answer.*Green", self.judge())
        tests = self.results()
        self.assertEqual({test["case"] for test in tests.values()}, {"mlp_dynamic"})
        for test in ("NUM_1/outputs_match_the_reference/mlp_dynamic.example", "DYN_8/size_inside_the_range_is_golden/mlp_dynamic.batch_max"):
            self.assertEqual(tests[test + "/package"]["verdict"], "pass")
        untold = [test["id"] for test in tests.values() if test["message"] == self.UNTOLD]
        self.assertEqual([test.split("/")[2] for test in untold], [f"mlp_dynamic.batch_{cell}" for cell in ("min", "min_plus_1", "mid")])
        self.assertGreater(sum(test["verdict"] == "pass" for test in tests.values()), 80)

    def test_a_wrong_golden_is_red_and_the_command_repeats_it(self) -> None:
        file = self.folder / "theirs.safetensors"
        content = bytearray(file.read_bytes())
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        place = 8 + int.from_bytes(content[:8], "little") + header["example/0"]["data_offsets"][0]
        content[place : place + 8] = bytes(8)
        file.write_bytes(content)
        finished = self.judge("--requirement", "NUM_1")
        self.refused(1, r"has 1 of 80 elements beyond their limit", finished)
        command = re.search(r"\./aoti-cts (run --package .* --test 'NUM_1/outputs_match[^']*')", finished.out)
        assert command, finished.out
        self.refused(1, "1 of 80 elements", self.do(*shlex.split(command[1]), "--out", self.folder / "again"))

    def test_without_goldens_repetition_structure_and_bounds_are_judged(self) -> None:
        del self.spec["calls"]
        self.refused(0, "Green", self.judge())
        tests = self.results()
        untold = [test for test in tests.values() if test["message"] == self.UNTOLD]
        self.assertEqual({test["requirement"] for test in untold}, {"NUM_1", "DYN_8"})
        self.assertEqual({test["verdict"] for test in untold}, {"unavailable"})
        passed = {test["id"].rpartition("/mlp")[0] for test in tests.values() if test["verdict"] == "pass"}
        self.assertLessEqual(
            {
                "NUM_1/unwritten_memory_stays_out_of_outputs",
                "NUM_6/outputs_outlive_later_calls_and_the_loader",
                "DYN_1/size_outside_the_range_is_refused",
                "THR_1/every_thread_gets_its_own_answer_4x2",
                "LIFE_1/loading_again_and_again_leaves_no_file_thread_or_descriptor",
            },
            passed,
        )
        for fault, killed_by in {"swapped_results": "THR_1", "checks_ignored": "DYN_1", "output_reused": "NUM_6"}.items():
            with self.subTest(fault):
                self.refused(1, f"{killed_by}/", self.judge("--requirement", killed_by, runner=f"faulty:{fault}"))
        self.spec["outputs"][0]["dtype"] = "float64"
        self.refused(1, "example, alone on a fresh loader: output 0 .*has dtype float32, promised was float64", self.judge("--requirement", "LOAD_4"))

    def test_a_spec_or_package_that_is_not_usable_exits_2(self) -> None:
        self.spec["colour"] = "red"
        self.refused(2, 'spec.json: unknown field "colour"', self.judge())
        del self.spec["colour"]
        self.spec["calls"][0]["outputs"] = "gone.safetensors"
        self.refused(2, r"spec.json.calls\[0\].outputs: .*gone.safetensors: cannot be read", self.judge())
        self.package.unlink()
        self.spec["calls"] = []
        self.refused(2, "their model.pt2: cannot be read", self.judge())
        self.refused(2, "which package is .*spec.json about. Name it with --package", self.do("run", "--spec", self.folder / "spec.json"))
        self.refused(2, "Name its spec with --spec; conformance/example.spec.json is an example", self.do("run", "--package", self.package))
        self.refused(2, "no case, claim or hostile package is called mlp_static", self.judge("--case", "mlp_static"))
        self.assertFalse(self.out.exists())


# A driver with one device, and compute-sanitizer as far as the suite sees it: its options, one log per process, and logs in the form of
# pytorch#140777 (memcheck), of NVIDIA's documentation of racecheck, and of a process that makes no call of CUDA.
FAKE_SANITIZER = r"""#!/usr/bin/env bash
while [ $# -gt 0 ]; do
  case $1 in
    --tool) tool=$2; shift 2 ;;
    --log-file) log=${2//%p/$$}; shift 2 ;;
    --target-processes | --report-api-errors) shift 2 ;;
    *) break ;;
  esac
done
[ "$PYTORCH_NO_CUDA_MEMORY_CACHING" = 1 ] || exit 9
"$@" || exit
case "$FAKE_SAYS $*" in
  silence*) exit 0 ;;
  "finds "*NUM_1/outputs_follow*)
    cat >"$log" <<END
========= COMPUTE-SANITIZER
========= Invalid __global__ read of size 8 bytes
=========     at void at::native::kernel<float, long>(T1 *, const T1 *)+0x70
=========     by thread (0,60,0) in block (0,8,0)
=========     Address 0x7f0605dfbde0 is out of bounds
=========     and is 32 bytes before the nearest allocation at 0x7f0605dfbe00 of size 8,600 bytes
=========     Saved host backtrace up to driver entry point at kernel launch time
=========     Host Frame: [0x334640]
=========
========= ERROR SUMMARY: 2 errors
END
    ;;
  races*)
    cat >"$log" <<END
========= COMPUTE-SANITIZER
========= Error: Race reported between Write access at kernel(int*)+0x50 and Read access at kernel(int*)+0x90 [4 hazards]
=========
========= RACECHECK SUMMARY: 1 hazard displayed (1 error, 0 warnings)
END
    ;;
  idle*) printf '========= COMPUTE-SANITIZER\n========= Error: Target application terminated before first instrumented API call\n' >"$log" ;;
  *) printf '========= COMPUTE-SANITIZER\n========= ERROR SUMMARY: 0 errors\n' >"$log" ;;
esac
"""


class Sanitizer(WithHostileRunner):
    """`run --sanitizer` with a pretended driver, device and tool."""

    def setUp(self) -> None:
        super().setUp()
        driver = BUILD / "pretended_cuda" / "libcuda.so.1"
        if not driver.exists():
            self.skipTest("the pretended device is not built here: no headers of the CUDA Toolkit")
        shutil.copy(driver, self.folder / "libcuda.so.1")
        self.tools = self.folder / "bin"
        self.tools.mkdir()
        tool = self.tools / "compute-sanitizer"
        tool.write_text(FAKE_SANITIZER)
        tool.chmod(0o755)
        self.package = self.folder / "model.pt2"
        self.package.write_text("the hostile runner loads any file")
        spec = {"schema": 1, "name": "theirs", "device": "hybrid", "inputs": [{"name": "x", "dtype": "float32", "shape": [4]}]}
        (self.folder / "spec.json").write_text(json.dumps(spec))

    def sanitize(self, says: str, *arguments: str, tool: str = "memcheck", **changed: str) -> Finished:
        named = {"PATH": f"{self.tools}:{os.environ['PATH']}", "LD_LIBRARY_PATH": str(self.folder), "FAKE_SAYS": says, **changed}
        selected = arguments or ("--test", "NUM_1/outputs_follow*", "--test", "LOAD_4/*")
        files = ("--package", self.package, "--spec", self.folder / "spec.json")
        return self.run_hostile("has_cuda", "--sanitizer", tool, *files, *selected, **named)

    def verdicts(self) -> dict[str, str]:
        return {test["requirement"]: test["verdict"] for test in self.results().values()}

    def test_a_finding_fails_the_test_whose_process_it_happened_in(self) -> None:
        self.refused(1, "compute-sanitizer memcheck found 2 errors in this test", self.sanitize("finds"))
        self.assertEqual(self.verdicts(), {"NUM_1": "fail", "LOAD_4": "pass"})
        message = next(test["message"] for test in self.results().values() if test["verdict"] == "fail")
        self.assertRegex(message, r"Invalid __global__ read of size 8 bytes\n.*at void at::native::kernel(?s:.*)32 bytes before the nearest")
        logs = list((self.out / "sanitizer").glob("*/*.log"))
        self.assertEqual(len(logs), 1, "only what was found stays")
        self.assertIn(str(logs[0].parent), message)

    def test_nothing_found_is_green_also_where_a_test_makes_no_call_of_cuda(self) -> None:
        for says in ("nothing", "idle"):
            self.refused(0, "Green", self.sanitize(says))
            self.assertEqual(self.verdicts(), {"NUM_1": "pass", "LOAD_4": "pass"})

    def test_the_other_tools_are_read_too(self) -> None:
        self.refused(1, r"compute-sanitizer racecheck found 1 error in this test: Error: Race reported", self.sanitize("races", tool="racecheck"))

    def test_a_tool_that_says_nothing_is_no_pass(self) -> None:
        self.refused(2, "compute-sanitizer memcheck has left no summary of this test, so nothing is known", self.sanitize("silence"))
        self.assertEqual(set(self.verdicts().values()), {"error"})

    def test_a_refusal_of_the_suite_under_the_tool_is_no_pass(self) -> None:
        broken = self.tools / "compute-sanitizer"
        broken.write_text("#!/bin/sh\nexit 3\n")
        self.refused(1, "ended with exit status 3 inside the test", self.sanitize("nothing"))

    def test_where_no_test_is_about_cuda_that_is_said(self) -> None:
        finished = self.run_suite("--sanitizer", "memcheck", "--case", "mlp_static", PATH=str(self.tools))
        self.refused(4, "--sanitizer looks at tests of CUDA programs alone, and none is selected", finished)

    def test_without_a_device_the_tests_are_unavailable(self) -> None:
        self.refused(4, "no CUDA device", self.sanitize("finds", LD_LIBRARY_PATH="/nonexistent"))

    @unittest.skipIf(Path("/usr/local/cuda/bin/compute-sanitizer").exists(), "the real tool is where it is looked for last")
    def test_without_the_tool_the_fix_is_named(self) -> None:
        finished = self.sanitize("finds", PATH="/nonexistent", CUDA_HOME="/nonexistent")
        self.refused(2, "--sanitizer needs compute-sanitizer, which is neither on PATH .*install the CUDA Toolkit's package", finished)
        self.refused(2, "frobcheck not in", self.sanitize("finds", tool="frobcheck"))


class Resources(WithHostileRunner):
    """GPUs that ctest hands out, with two pretended ones."""

    def pretend(self, numbers: str) -> dict[str, str]:
        tools = self.folder / "bin"
        tools.mkdir()
        (tools / "nvidia-smi").write_text(f"#!/bin/sh\nprintf '{numbers}'\n")
        (tools / "nvidia-smi").chmod(0o755)
        return {"PATH": f"{tools}:{os.environ['PATH']}"}

    def gpus(self, **changed: str) -> list[str]:
        listed = self.do("list", "--resources", **changed)
        self.assertEqual(listed.code, 0, listed.said)
        spec = json.loads(listed.out)
        self.assertEqual(spec["version"], {"major": 1, "minor": 0})
        return [gpu["id"] for gpu in spec["local"][0]["gpus"]]

    def ctest(self, entries: int, *arguments: str | Path) -> set[str]:
        """On which devices entries ran that ctest has run at the same time."""
        place = self.folder / "place"
        place.mkdir()
        lines = ""
        for entry in range(entries):
            command = f'"{SUITE}" run --ctest --no-build -j 1 --runner "{self.hostile}" --test "{MISSING}/mlp_static/*" --out "{self.folder}/{entry}"'
            lines += f'add_test({entry} {command})\nset_tests_properties({entry} PROPERTIES RESOURCE_GROUPS "gpus:1")\n'
        (self.folder / "CTestTestfile.cmake").write_text(lines)
        environment = {**self.environment, "HOSTILE": "meets_another", "HOSTILE_PLACE": str(place)}
        command = [os.environ["AOTI_CTEST"], "-j2", "--test-dir", str(self.folder), *map(str, arguments)]
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
        shutil.rmtree(place)
        return {json.loads((self.folder / str(e) / "results.json").read_text())["runners"][0]["description"]["on"] for e in range(entries)}

    def test_entries_that_run_at_once_are_on_different_devices(self) -> None:
        pretended = self.pretend("0\\n1\\n")
        self.assertEqual(self.gpus(**pretended), ["0", "1"])
        self.assertEqual(self.gpus(**pretended, CUDA_VISIBLE_DEVICES="3,5"), ["3", "5"])
        self.assertEqual(self.gpus(**pretended, CUDA_VISIBLE_DEVICES="GPU-8932f937"), [])
        spec = self.folder / "resources.json"
        spec.write_text(self.do("list", "--resources", **pretended).out)
        self.assertEqual(self.ctest(2, "--resource-spec-file", spec), {"0", "1"})

    def test_without_a_device_entries_run_all_the_same(self) -> None:
        self.assertEqual(self.gpus(PATH="/nonexistent"), [])
        self.environment.pop("CUDA_VISIBLE_DEVICES", None)
        self.assertEqual(self.ctest(2), {"any"})

    def test_entries_of_areas_that_are_asked_of_cuda_programs_want_a_device(self) -> None:
        wanting = {line.split()[0] for line in self.do("list", "--ctest").out.splitlines() if 'RESOURCE_GROUPS "gpus:1"' in line}
        self.assertLessEqual({"set_tests_properties(conformance.NUM.package", "set_tests_properties(conformance.PLACE.package"}, wanting)
        self.assertNotIn("set_tests_properties(conformance.OPS.package", wanting)

    def test_a_device_that_is_no_number_is_named(self) -> None:
        given = {"CTEST_RESOURCE_GROUP_COUNT": "1", "CTEST_RESOURCE_GROUP_0": "gpus", "CTEST_RESOURCE_GROUP_0_GPUS": "id:first,slots:1"}
        self.refused(2, "CTEST_RESOURCE_GROUP_0_GPUS=id:first,slots:1 names no device by its number", self.run_suite("--ctest", **given))


class Verdicts(CommandLine):
    def test_a_healthy_runner_is_green_and_its_reports_are_sound(self) -> None:
        finished = self.run_suite("--case", "shared_dim")
        self.assertEqual(finished.code, 0, finished.said)
        self.assertNotIn("not_run", {test["verdict"] for test in self.results().values()})
        self.assertIn("Green", (self.out / "report.md").read_text())

    def test_each_of_five_broken_ways_is_caught_and_named(self) -> None:
        for fault, requirement, selection, verdict in (
            ("last_element", "NUM_1", "--case=shared_dim", "fail"),
            ("wrong_stride", "NUM_1", "--case=shared_dim", "fail"),
            ("refused_call_returns", "DYN_1", "--case=shared_dim", "fail"),
            ("swapped_results", "THR_1", "--requirement=THR_1", "fail"),
            ("crash_on_third_call", "NUM_6", "--case=shared_dim", "crash"),
        ):
            with self.subTest(fault):
                out = self.folder / fault
                finished = self.run_suite("--runner", f"faulty:{fault}", selection, out=out)
                self.assertEqual(finished.code, 1)
                tests = self.results(out)
                red = {name for name, test in tests.items() if test["verdict"] == verdict}
                self.assertTrue([name for name in red if name.startswith(requirement + "/")], red)
                self.assertIn(f"{requirement}/", finished.err, "a red test is named as soon as it is red")
                self.assertNotIn("not_run", {test["verdict"] for test in tests.values()})
                for name in red:
                    self.assertIn(f"--runner faulty:{fault} --test '{name}'", tests[name]["repeat"])

    def test_a_hang_is_a_timeout_and_the_others_go_on(self) -> None:
        finished = self.run_suite("--runner", "faulty:hang_on_third_call", "--case", "cond", "--area", "NUM", "--deadline", "1")
        self.assertEqual(finished.code, 1)
        tests = self.results()
        self.assertEqual({t["verdict"] for n, t in tests.items() if n.startswith("NUM_6/")}, {"timeout"})
        self.assertLessEqual({t["verdict"] for n, t in tests.items() if not n.startswith("NUM_6/")}, {"pass", "known_issue", "recorded", "timeout"})

    def test_a_report_is_written_again_the_same(self) -> None:
        self.run_suite("--test", MISSING + "/*")
        before = {name: (self.out / name).read_bytes() for name in ("results.json", "junit.xml", "report.md")}
        for name in ("junit.xml", "report.md"):
            (self.out / name).unlink()
        self.assertEqual(self.do("report", self.out).code, 0)
        self.assertEqual((self.out / "junit.xml").read_text().count("<testcase"), self.case_count())
        for name, content in before.items():
            self.assertEqual((self.out / name).read_text(), content.decode(), name)

    def test_a_report_of_a_folder_that_is_no_run(self) -> None:
        self.refused(2, f"{self.folder}/plan.json: cannot be read; is this the folder of a run", self.do("report", self.folder))


class Compare(CommandLine):
    """Two real runs of one case: PyTorch's loader, and the same with the last element of an output damaged."""

    def setUp(self) -> None:
        super().setUp()
        self.base, self.candidate = self.folder / "base", self.folder / "candidate"
        tests = ["--test", "NUM_1/outputs_match*/mlp_static.*", "--test", f"{MISSING}/mlp_static/*"]
        self.assertEqual(self.run_suite(*tests, out=self.base).code, 0)
        self.assertEqual(self.run_suite("--runner", "faulty:last_element", *tests, out=self.candidate).code, 1)

    def compared(self, *arguments: str | Path) -> dict[str, typing.Any]:
        """The comparison as JSON, which must follow its schema and add up."""
        schema = json.loads((SOURCE / "reports" / "compare.schema.json").read_text())
        comparison = json.loads(self.do("compare", *arguments, "--format", "json").out)
        self.assertEqual([f"{e.json_path}: {e.message}" for e in jsonschema.Draft202012Validator(schema).iter_errors(comparison)], [])
        classes = comparison["classes"]
        self.assertEqual(len(comparison["tests"]), sum(classes.values()) - classes["same"])
        for side in ("base", "candidate"):
            self.assertEqual(comparison[side]["planned"], classes["same"] + sum(test[side] is not None for test in comparison["tests"]))
        return {**comparison, "classes": {name: count for name, count in classes.items() if count}}

    def copied(self, name: str, change: typing.Callable[[typing.Any], None]) -> Path:
        """The results of BASE with a change, under another name."""
        path = self.folder / name
        path.write_text(self.edited(self.base / "results.json", change).read_text())
        return path

    def test_a_run_against_itself_has_nothing_to_tell(self) -> None:
        finished = self.do("compare", self.base, self.base / "results.json")
        self.refused(0, r"\nGreen: nothing got worse in \d+ tests tried in both runs \(\d+ same\)\.\n$", finished)
        self.assertIn("nothing that the two runs say of themselves", finished.out)
        self.assertEqual(set(self.compared(self.base, self.base)["classes"]), {"same"})

    def test_a_fault_is_new_failures_with_the_commands_that_repeat_them(self) -> None:
        failed = [test for test in self.results(self.candidate).values() if test["verdict"] == "fail"]
        finished = self.do("compare", self.base, self.candidate)
        self.refused(1, rf"\nRed: {len(failed)} new failures? \(\d+ same\)\.\n$", finished)
        self.assertIn(failed[0]["id"], finished.out)
        repeat = re.search(r"(?m)^    \./aoti-cts (run .*)$", finished.out)
        assert repeat, finished.out
        self.assertEqual(self.do(*shlex.split(repeat[1]), "--no-build", "--out", self.out).code, 1)
        comparison = self.compared(self.base, self.candidate)
        self.assertTrue(comparison["matched_without_runner"])
        self.assertEqual({test["candidate"]["id"] for test in comparison["tests"]}, {test["id"] for test in failed})
        self.refused(0, rf"Green: .*{len(failed)} fixed", self.do("compare", self.candidate, self.base))

    def test_a_test_that_is_missing_is_red_but_where_it_may_be(self) -> None:
        def shorten(results: typing.Any) -> None:
            gone = next(test for test in results["tests"] if test["id"].startswith(MISSING))
            results["tests"].remove(gone)
            results["summary"]["planned"] -= 1
            results["summary"][gone["verdict"]] -= 1

        shorter = self.copied("shorter.json", shorten)
        self.refused(1, r"Red: 1 missing \(", self.do("compare", self.base, shorter))
        self.refused(0, r"Green: .*1 allowed", self.do("compare", self.base, shorter, "--allow-missing", f"{MISSING}/*"))
        self.refused(1, r"--allow-missing 'DYN_9/\*' excuses no test", self.do("compare", self.base, shorter, "--allow-missing", "DYN_9/*"))
        self.refused(0, r"Green: .*1 new test", self.do("compare", shorter, self.base))

    def test_runs_that_tried_nothing_are_never_green(self) -> None:
        def empty(results: typing.Any) -> None:
            results.update(tests=[], summary=dict.fromkeys(results["summary"], 0))

        nothing = self.copied("nothing.json", empty)
        for base, candidate in ((nothing, nothing), (nothing, self.base), (self.base, nothing)):
            finished = self.do("compare", base, candidate, "--allow-missing", "*")
            self.refused(1, "Red: no test was tried in both runs, so nothing is\\s+proved", finished)

    def test_the_comparison_goes_to_a_file(self) -> None:
        report = self.folder / "new" / "compare.md"
        finished = self.do("compare", self.base, self.candidate, "--format", "markdown", "--out", report)
        self.refused(1, rf"^Red: .*\ncomparison: {report}\n$", finished)
        text = report.read_text()
        for words in ("**Red: ", "| **new failure** |", "Repeat it with", "<details>", "last_element"):
            self.assertIn(words, text)
        self.refused(2, "/dev/null/compare.md: cannot be written", self.do("compare", self.base, self.base, "--out", "/dev/null/compare.md"))

    def test_a_file_that_is_not_usable_exits_2_and_is_named_with_the_field(self) -> None:
        whole = (self.base / "results.json").read_bytes()
        cut = self.folder / "cut.json"
        cut.write_bytes(whole[: len(whole) // 2])
        newer = self.copied("newer.json", lambda r: r.update(schema=2))
        bad = self.copied("bad.json", lambda r: r["tests"][0].update(verdict="fine"))
        bare = self.folder / "bare"
        bare.mkdir()
        shutil.copy(self.base / "plan.json", bare)
        for path, words in (
            (self.folder / "gone.json", "gone.json: cannot be read .No such file or directory"),
            (bare, rf"bare/results.json: cannot be read .*; ./aoti-cts report {bare} writes it"),
            (cut, "cut.json: not valid JSON, or cut short"),
            (self.base / "plan.json", 'plan.json: the field "schema" is missing'),
            (newer, "newer.json: schema: is 2, and this suite reads 1"),
            (bad, r'bad.json: tests\[0\].verdict: "fine" is no verdict that this suite knows'),
        ):
            with self.subTest(path.name):
                self.refused(2, words, self.do("compare", path, self.base))
                self.refused(2, words, self.do("compare", self.base, path))
        self.refused(2, "candidate", self.do("compare", self.base))
        self.refused(2, "--format", self.do("compare", self.base, self.base, "--format", "xml"))


class Explain(CommandLine):
    known = "DYN_8/size_inside_the_range_is_accepted_by_checks/mlp_dynamic.batch_min/package"

    def explain(self, name: str, *arguments: str | Path, code: int = 0) -> str:
        explained = self.do("explain", name, "--run", self.out, *arguments)
        self.assertEqual(explained.code, code, explained.said)
        for line in explained.out.splitlines():  # ids, paths and commands are whole, for a person to copy
            self.assertTrue(len(line) <= 80 or max(map(len, line.split())) > 60, line)
        self.assertNotIn("\x1b", explained.out)
        return explained.out

    def test_a_requirement_with_its_properties_faults_claims_and_verdicts(self) -> None:
        self.run_suite("--requirement", "DYN_1", "--runner", "faulty:checks_ignored", "--case", "mlp_dynamic")
        told = self.explain("DYN_1")
        for words in (
            r"^DYN_1  With AOTI_RUNTIME_CHECK_INPUTS=1 a size outside",
            r"source    S2 6.3",
            r"since     all torch versions",
            r"positive  size outside the range is refused",
            r"negative  size outside the range is refused",
            r"- size outside the range is refused .judged, input checks on; \d+",
            r"- checks_ignored: AOTI_RUNTIME_CHECK_INPUTS has no effect",
            r"- S2.69: A batch of 64 where 32 is the maximum",
            r"In the run run, torch 2",
            r"\n  fail 2\n  fail: DYN_1/size_outside_the_range_is_refused/mlp_dynamic.batch_below_min/faulty.checks_ignored\n    a call with",
        ):
            self.assertRegex(told, words)

    def test_a_requirement_that_was_not_tried_and_no_run_at_all(self) -> None:
        self.assertIn("No run yet: ./aoti-cts run makes one", self.explain("NUM_6"))
        self.run_suite("--test", MISSING + "/cond/*")
        self.assertIn("not tried in it", self.explain("NUM_6"))

    def test_an_area(self) -> None:
        self.run_suite("--area", "PKG", "--case", "cond")
        told = self.explain("PKG")
        for words in (r"PKG, an area", r"  PKG_1 ", r"  PKG_2 ", r"  PKG_3 ", r"in the run: pass 3", r"\n  pass [0-9]+\n"):
            self.assertRegex(told, words)

    def test_a_claim(self) -> None:
        self.run_suite("--case", "bounds_are_checked_by_default")
        told = self.explain("bounds_are_checked_by_default")
        for words in (
            r"tried by  generators/claims/bounds_are_checked_by_default.py\n",
            r"promise   DYN_2",
            r"false     torch 2\.15\.0: ",
            r"recorded: false 1",
        ):
            self.assertRegex(told, words)
        self.assertNotIn("Calls", told)

    def test_a_case(self) -> None:
        self.run_suite("--test", "DYN_3/*/mlp_static.batch_7/*")
        told = self.explain("mlp_static")
        for words in (
            r"^mlp_static  .*batch 4",
            r"written   generators/aoti_generate/cases/mlp.py:\d+",
            r"input     x: float32 \[4, 128\]",
            r"batch_7 +x float32 \[7, 128\], must be refused where input checks",
            r"breaks dimension 0 of x with the size 7",
            r"sha256    [0-9a-f]{64}",
            r"exported  x \[4, 128\]",
            r"pass 1, recorded 2\n  recorded: silently_wrong 2",
        ):
            self.assertRegex(re.sub(r"\s*\n\s{20,}", " ", told), words)
        self.assertIn("none yet: ./aoti-cts build", self.explain("mlp_static", "--packages", self.folder / "gone.json"))

    def test_a_test_with_its_verdict_and_the_command_that_repeats_it(self) -> None:
        self.run_suite("--test", self.known)
        told = self.explain(self.known)
        for words in (
            r"promise   Every size inside the exported range",
            r"sentence  size inside the range is accepted by checks",
            r"asked     judged, input checks on",
            r"call      batch_min: x float32 \[1, 128\], must be answered .min",
            r"verdict   known_issue: broken as a known issue says",
            r"known     https://github.com",
            r"dim value is too small at 0, expected it to be >= 2, but got: 1",
            rf"Repeat it with\n  ./aoti-cts run --runner package --test '{re.escape(self.known)}'\n$",
        ):
            self.assertRegex(told, words)
        self.assertIn("/faulty.none", self.explain(self.known.replace("package", "faulty.none")))

    def test_a_glob_and_a_sentence(self) -> None:
        self.run_suite("--test", MISSING + "/*")
        for name in (MISSING + "/*", MISSING.split("/")[1]):
            told = self.explain(name)
            self.assertEqual(told.count(f"\n  {MISSING}/"), 50)
            self.assertRegex(told, r"\n  and [0-9]+ more:\n")
            self.assertIn(f"\n  pass {self.case_count()}\n", told)

    def test_a_name_that_is_unknown_gets_the_near_ones(self) -> None:
        for name, near in (("DYN1", "DYN, DYN_1"), ("mlp_dinamic", "mlp_dynamic"), (self.known[:-9] + "x/package", self.known), ("dyn_8", "DYN_8")):
            explained = self.do("explain", name)
            self.assertEqual((explained.code, explained.out), (2, ""))
            self.assertRegex(explained.err, f"{re.escape(name)} is no requirement, area, case, sentence or test; did you mean .*{re.escape(near)}")
        self.refused(2, "xyzzy is no requirement, .*list names", self.do("explain", "xyzzy"))
        self.refused(2, "name is required", self.do("explain"))


class Keep(CommandLine):
    """`run --keep`: one repeat.cc is compiled, and told which kept test to repeat."""

    healthy = "NUM_1/outputs_match_the_reference/mlp_static.example/package"
    wrong = "DYN_3/wrong_static_size_without_checks/mlp_static.batch_7/package"
    crash = "DYN_4/unequal_sizes_without_checks/shared_dim.second_of_1_row/package"
    threads = "THR_1/every_thread_gets_its_own_answer_4x2/sin_mm_cos/package"
    files = "LIFE_1/failed_load_leaves_no_file/mlp_static/package"

    def kept(self, test: str) -> Path:
        return self.out / "kept" / test.replace("/", "__")

    def tensors(self, test: str, name: str) -> dict[str, typing.Any]:
        from safetensors.numpy import load_file

        return dict(load_file(self.kept(test) / f"{name}.safetensors"))

    def test_the_program_shows_a_broken_promise_and_no_healthy_one(self) -> None:
        tests = (self.healthy, self.wrong, self.crash, self.threads, self.files)
        finished = self.run_suite("--keep", *[word for test in tests for word in ("--test", test)])
        self.refused(0, r"kept: 5 tests in .*/kept/", finished)
        program = (self.kept(self.healthy) / "repeat.cc").read_text()
        for test in tests:
            self.assertEqual((self.kept(test) / "repeat.cc").read_text(), program, "one program for all tests of a run")
            self.assertIn(test, (self.kept(test) / "README.txt").read_text())
        build = re.search(r"(?m)^// +(g\+\+ .*)$", program)
        assert build
        subprocess.run(build[1], shell=True, check=True, cwd=self.kept(self.healthy))
        for test, code, words in (
            (self.healthy, 0, "0 times something was not as promised"),
            (self.wrong, 1, r"NOT AS PROMISED: run 1 .batch_7., output 0: 30 of 70 elements .* at \[4, 0\] got .* limit"),
            (self.crash, -signal.SIGSEGV, "^$"),
            (self.threads, 0, "note: the test made these calls in several threads; (?s:.*)0 times"),
            (self.files, 1, "NOT AS PROMISED: .*/aotinductor_.* was left behind"),
        ):
            with self.subTest(test):
                repeated = subprocess.run([self.kept(self.healthy) / "repeat", self.kept(test)], capture_output=True, text=True, check=False)
                self.assertEqual(repeated.returncode, code, repeated.stdout + repeated.stderr)
                self.assertRegex(repeated.stdout, words)
        nothing = subprocess.run([self.kept(self.healthy) / "repeat", self.folder], capture_output=True, text=True, check=False)
        self.assertEqual(nothing.returncode, 2)
        self.assertIn("calls.txt cannot be read: name the folder of a kept test", nothing.stderr)
        self.look_into_the_files()

    def look_into_the_files(self) -> None:
        inputs, outputs = self.tensors(self.wrong, "inputs"), self.tensors(self.wrong, "outputs")
        reference, difference = self.tensors(self.wrong, "reference"), self.tensors(self.wrong, "difference")
        self.assertEqual({name: (value.shape, str(value.dtype)) for name, value in inputs.items()}, {"batch_7/x": ((7, 128), "float32")})
        self.assertEqual({name: (value.shape, str(value.dtype)) for name, value in outputs.items()}, {"run_1/0": ((7, 10), "float32")})
        self.assertEqual({name: (value.shape, str(value.dtype)) for name, value in reference.items()}, {"batch_7/0": ((7, 10), "float64")})
        self.assertEqual((outputs["run_1/0"].astype("float64") - reference["batch_7/0"] != difference["run_1/0"]).sum(), 0)
        self.assertGreater(abs(difference["run_1/0"]).max(), 0.1)
        self.assertEqual(set(self.tensors(self.crash, "inputs")), {"second_of_1_row/x", "second_of_1_row/y"}, "written before the crash")
        self.assertEqual(self.tensors(self.crash, "outputs"), {})

    def test_of_many_tests_only_those_that_are_no_pass_are_kept(self) -> None:
        finished = self.run_suite("--keep", "--case", "mlp_static", "--case", "shared_dim")
        self.assertEqual(finished.code, 0, finished.said)
        tests = self.results()
        self.assertGreater(len(tests), 20)
        of_interest = {name for name, test in tests.items() if test["verdict"] == "known_issue" or test.get("observation", "correct") != "correct"}
        self.assertEqual({path.name for path in (self.out / "kept").iterdir()}, {name.replace("/", "__") for name in of_interest})
        self.assertIn(f"kept: {len(of_interest)} tests in", finished.out)

    def test_a_run_without_keep_leaves_nothing_of_it(self) -> None:
        self.run_suite("--test", self.wrong)
        self.assertFalse((self.out / "kept").exists())

    def test_the_rule_stands_in_the_help(self) -> None:
        self.assertRegex(
            " ".join(self.do("run", "--help").out.split()), "--keep .* of all tests where at most 20 are selected, else of those that are red"
        )


class Folders(WithHostileRunner):
    def test_runs_begun_within_one_second_have_a_folder_each(self) -> None:
        one = ["run", "--no-build", "--quiet", "--runner", self.hostile, "--test", MISSING + "/cond/*"]
        processes = [self.start(*one, HOSTILE="refuses_all") for _ in range(6)]
        folders = set()
        for process in processes:
            out, err = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 0, err)
            named = re.search(r"reports: (.*)/\n", out)
            assert named, out
            folders.add(named[1])
        self.assertEqual(len(folders), len(processes))

    def test_a_run_that_does_not_begin_leaves_no_folder(self) -> None:
        before = set((BUILD / "runs").glob("*"))
        self.refused(4, "nothing is selected", self.do("run", "--no-build", "--test", "nonesuch/*"))
        self.refused(2, "no case, claim or hostile package is called nonesuch", self.do("run", "--no-build", "--case", "nonesuch"))
        self.assertEqual(set((BUILD / "runs").glob("*")), before)


class Launcher(unittest.TestCase):
    """The script in front of the binary."""

    def launch(self, **changed: str) -> Finished:
        done = subprocess.run([SOURCE / "aoti-cts", "list"], env={**os.environ, **changed}, capture_output=True, text=True, check=False)
        return Finished(done.returncode, done.stdout, done.stderr)

    def bundle(self, *arguments: str) -> Finished:
        done = subprocess.run([SOURCE / "aoti-cts", "bundle", *arguments], capture_output=True, text=True, check=False)
        return Finished(done.returncode, done.stdout, done.stderr)

    def test_a_bundle_holds_the_commit_and_what_it_links(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "bundle.tar.gz"
            finished = self.bundle(str(file))
            self.assertEqual(finished.code, 0, finished.said)
            self.assertLess(file.stat().st_size, 64 << 20)
            with tarfile.open(file) as archive:
                names = set(archive.getnames())
                commit = archive.extractfile("aoti-cts/dependencies/commit")
                assert commit is not None
                self.assertIn(commit.read().decode().strip(), finished.err)
            tracked = subprocess.run(["git", "-C", SOURCE, "ls-tree", "-r", "--name-only", "HEAD"], capture_output=True, text=True, check=True)
            self.assertLessEqual({f"aoti-cts/{name}" for name in tracked.stdout.splitlines()}, names)
            headers = ("fmt/format.h", "nlohmann/json.hpp", "CLI/CLI.hpp", "gtest/gtest.h", "sha2.h")
            self.assertLessEqual({f"aoti-cts/dependencies/usr/include/{header}" for header in headers}, names)

    def test_a_bundle_without_a_name_exits_2(self) -> None:
        finished = self.bundle()
        self.assertEqual(finished.code, 2, finished.said)
        self.assertIn("bundle wants the name of the archive", finished.err)

    def test_a_torch_that_cannot_be_used_exits_2(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            for torch, words in {
                "newest": "AOTI_CTS_TORCH=newest is neither a version nor an existing folder",
                folder: f"AOTI_CTS_TORCH={folder} has neither bin/python nor lib/libtorch.so",
            }.items():
                with self.subTest(torch):
                    finished = self.launch(AOTI_CTS_TORCH=torch)
                    self.assertEqual(finished.code, 2, finished.said)
                    self.assertIn(words, finished.err)

    def test_a_set_up_that_fails_exits_2_and_says_where(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "bin").mkdir()
            (Path(folder) / "bin" / "python").symlink_to("/bin/false")
            finished = self.launch(AOTI_CTS_TORCH=folder)
            self.assertEqual(finished.code, 2, finished.said)
            self.assertRegex(finished.err, r"set-up stopped at line \d+: ")


# The launcher as far as .ci/gpu sees it. FAILS names the verb that fails, SLOW the one that is cut off at its first try.
FAKE_LAUNCHER = r"""#!/usr/bin/env bash
here=$(dirname "$0")
echo "$*" >>"$here/calls"
[ "$1" != "$FAILS" ] || exit 3
if [ "$1" = "$SLOW" ] && [ ! -e "$here/slow" ]; then touch "$here/slow"; trap 'exit 130' TERM; for i in $(seq 300); do sleep 0.1; done; fi
case $1 in
  run)
    while [ $# -gt 0 ]; do [ "$1" != --out ] || out=$2; shift; done
    mkdir -p "$out"
    echo "{\"torch_library\": \"$here/torch\"}" >"$out/results.json"
    echo "# run of $here" >"$out/report.md"
    printf 'verdicts\nRed: 3 of 4 judged promises hold.\n\nreports\n'
    exit 1 ;;
  bench) echo "fork 1 ms" ;;
  doctor) printf 'machine\n  torch          2.11.0+cu130 (abc)\n' ;;
esac
"""


class Steps(unittest.TestCase):
    """.ci/gpu, with a pretended launcher and device."""

    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.root = Path(temporary.name) / "a+b [project]"
        tools = self.root / "bin"
        for folder in (self.root / ".ci", self.root / "dependencies", tools):
            folder.mkdir(parents=True)
        shutil.copy(SOURCE / ".ci" / "gpu", self.root / ".ci" / "gpu")
        (self.root / "dependencies" / "commit").write_text("0123abc\n")
        for file, text in ((self.root / "aoti-cts", FAKE_LAUNCHER), (tools / "nvidia-smi", "#!/bin/sh\necho 'NVIDIA H200, 580.65'\n")):
            file.write_text(text)
            file.chmod(0o755)
        self.environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "GIT_CEILING_DIRECTORIES": temporary.name}

    def step(self, *arguments: str, **changed: str) -> Finished:
        command = [str(self.root / ".ci" / "gpu"), *arguments]
        done = subprocess.run(command, env={**self.environment, **changed}, capture_output=True, text=True, check=False, timeout=60)
        return Finished(done.returncode, done.stdout, done.stderr)

    def calls(self) -> list[str]:
        return [line.split()[0] for line in (self.root / "calls").read_text().splitlines()]

    def test_each_command_does_the_next_step_and_says_what_comes_after_it(self) -> None:
        for step, following in (
            ("build", "packages"),
            ("packages", "run"),
            ("run", "figures"),
            ("figures", "gather"),
            ("gather", "nothing, all is done"),
        ):
            finished = self.step()
            self.assertEqual(finished.code, 0, finished.said)
            self.assertRegex(finished.err, rf"{step} is done in \d+ s; next: {following}")
        self.assertEqual(self.calls(), ["setup", "build", "run", "bench", "doctor"])
        self.assertRegex(self.step().err, r"all is done: build \d+ s, packages \d+ s")
        self.assertEqual(len(self.calls()), 5, "what is done is not done again")

    def test_what_is_gathered_says_where_it_was_seen_and_names_no_folder_of_the_machine(self) -> None:
        out = self.root / "seen"
        self.assertEqual(self.step("--all", "--out", str(out), "--case", "mlp_static").code, 0)
        self.assertIn("run --no-build --out", (self.root / "calls").read_text())
        self.assertIn("--case mlp_static", (self.root / "calls").read_text())
        self.assertEqual({file.name for file in out.iterdir()}, {"README.md", "results.json", "report.md", "doctor.txt", "figures.txt"})
        self.assertEqual(json.loads((out / "results.json").read_text()), {"torch_library": ".../torch"})
        readme = (out / "README.md").read_text()
        for words in ("| commit | 0123abc |", "NVIDIA H200, 580.65", "| torch | 2.11.0+cu130 (abc) |", "Red: 3 of 4", "| cases | mlp_static |"):
            self.assertIn(words, readme)
        for file in out.iterdir():
            self.assertNotIn(str(self.root), file.read_text())

    def test_a_step_that_is_cut_off_goes_on_and_the_ones_before_are_kept(self) -> None:
        finished = self.step("--all", SLOW="build", AOTI_CTS_STEP_SECONDS="1")
        self.assertEqual(finished.code, 75, finished.said)
        self.assertRegex(finished.err, r"packages was cut off after \d+ s: the same command goes on with it")
        self.assertEqual(self.step("--all", SLOW="build").code, 0)
        self.assertEqual(self.calls(), ["setup", "build", "build", "run", "bench", "doctor"])

    def test_a_step_that_fails_is_no_success_and_is_tried_again(self) -> None:
        finished = self.step("--all", FAILS="setup")
        self.assertEqual(finished.code, 2, finished.said)
        self.assertIn("build failed after 0 s (exit status 3)", finished.err)
        self.assertEqual(self.step().code, 0)
        self.assertEqual(self.step("--frobnicate").code, 2)


class UnderWay(CommandLine):
    """A run that somebody does something to."""

    selection: typing.ClassVar[tuple[str, ...]]

    def start_run(self, *arguments: str, ended: int = 3, **changed: str) -> subprocess.Popen[str]:
        """A run that has ended some tests, and not yet all."""
        process = self.start("run", "--no-build", "--out", self.out, *(arguments or self.selection), **changed)
        self.addCleanup(process.kill)
        wait_until(lambda: (self.out / "records.jsonl").exists() and (process.poll() is not None or len(self.lines("end")) >= ended))
        self.assertIsNone(process.poll())
        return process

    def all_gone(self) -> None:
        wait_until(lambda: not alive_with(self.mark))


class Interruption(UnderWay):
    selection = ("--runner", "package", "-j1", "--case", "mlp_dynamic", "--case", "shared_dim")

    def resume_and_look(self, command: list[str] | None = None) -> None:
        """--resume with the same command, or the given one, runs the rest, all of it and nothing else."""
        ended = self.lines("end")
        planned = [test["id"] for test in json.loads((self.out / "plan.json").read_text())["tests"]]
        self.assertTrue(0 < len(ended) < len(planned))
        begun = len(self.lines("begin"))
        finished = self.do(*command) if command else self.run_suite("--resume", *self.selection)
        self.assertEqual(finished.code, 0, finished.said)
        self.assertEqual(sorted(self.lines("begin")[begun:]), sorted(set(planned) - set(ended)))
        self.assertNotIn("not_run", {test["verdict"] for test in self.results().values()})

    def test_ctrl_c_keeps_what_is_known_and_resume_does_the_rest(self) -> None:
        process = self.start_run()
        os.killpg(process.pid, signal.SIGINT)
        began = time.monotonic()
        out, err = process.communicate(timeout=20)
        self.assertLess(time.monotonic() - began, 5)
        self.assertEqual(process.returncode, 130, err)
        self.assertEqual(list(self.temporary.iterdir()), [])
        self.assertIn("interrupted: nothing is lost, this goes on with the rest:", out)
        self.all_gone()
        verdicts = [test["verdict"] for test in self.results().values()]
        self.assertIn("not_run", verdicts)
        self.assertFalse({"crash", "timeout", "fail"} & set(verdicts), "what was under way is not the test's fault")
        advised = shlex.split(out.split("this goes on with the rest:\n")[1])
        self.assertEqual(advised[0], "./aoti-cts")
        self.resume_and_look(advised[1:])

    def test_a_run_that_is_told_to_end_by_signal_15_does_the_same(self) -> None:
        process = self.start_run()
        process.terminate()
        self.assertIn("--resume", process.communicate(timeout=20)[0])
        self.assertEqual(process.returncode, 130)
        self.all_gone()
        self.results()

    def test_a_run_that_is_killed_leaves_no_process_and_resume_does_the_rest(self) -> None:
        process = self.start_run()
        process.kill()
        process.communicate(timeout=20)
        self.all_gone()
        self.resume_and_look()

    def test_a_whole_process_group_that_is_killed_can_be_resumed(self) -> None:
        process = self.start_run()
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=20)
        self.all_gone()
        reported = self.do("report", self.out)
        self.assertEqual(reported.code, 1, reported.said)
        self.resume_and_look()

    def test_a_worker_that_is_killed_costs_the_test_under_way_and_nothing_hangs(self) -> None:
        hang = ("--runner", "faulty:hang_on_third_call", "-j1", "--deadline", "60")
        process = self.start_run(*hang, "--requirement", "NUM_6", "--requirement", "PKG_3", ended=0)
        wait_until(lambda: self.lines("begin"))
        (worker,) = children_of(process.pid)
        wait_until(lambda: children_of(worker))
        os.kill(worker, signal.SIGKILL)
        _, err = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 1)
        self.assertRegex(err, "a worker of runner faulty.hang_on_third_call died of Killed outside any sandbox")
        self.all_gone()
        tests = self.results()
        (under_way,) = (test for test in tests.values() if test["verdict"] == "crash")
        self.assertIn("the process that ran it died", under_way["message"])
        self.assertEqual({test["verdict"] for test in tests.values()}, {"crash", "not_run"})

    def test_a_worker_that_is_killed_later_is_replaced(self) -> None:
        process = self.start_run()
        os.kill(children_of(process.pid)[0], signal.SIGKILL)
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 1)
        self.assertIn("died of Killed outside any sandbox", err)
        verdicts = [test["verdict"] for test in self.results().values()]
        self.assertEqual((verdicts.count("crash"), verdicts.count("not_run")), (1, 0))

    def test_resuming_with_another_selection_is_refused(self) -> None:
        self.assertEqual(self.run_suite("--test", MISSING + "/*").code, 0)
        before = (self.out / "records.jsonl").read_bytes()
        for selection in ([], ["--test", MISSING + "/cond/*"], ["--case", "cond"], ["--test", MISSING + "/*", "--runner", "faulty:none"]):
            with self.subTest(selection):
                words = f"{self.out}: the run planned .*resume with the same command, or start a new run"
                self.refused(2, words, self.run_suite("--resume", *selection))
        self.assertEqual((self.out / "records.jsonl").read_bytes(), before)

    def test_resume_without_a_folder_takes_the_run_that_was_begun_last(self) -> None:
        latest = BUILD / "runs" / "latest"
        one = ["run", "--no-build", "--test", MISSING + "/cond/*"]
        self.assertEqual(self.do(*one).code, 0)
        first = latest.resolve()
        for _ in range(2):
            finished = self.do(*one, "--resume")
            self.assertEqual(finished.code, 0, finished.said)
            self.assertIn(first.name, finished.err)
            self.assertEqual(latest.resolve(), first)
        for name in ("results.json", "junit.xml", "report.md"):
            self.assertTrue((first / name).exists(), name)

    def test_resuming_what_is_complete_runs_nothing(self) -> None:
        for extra in ([], ["--resume"]):
            self.assertEqual(self.run_suite("--test", MISSING + "/*", *extra).code, 0)
        self.assertEqual(len(self.lines("begin")), self.case_count())
        self.results()

    def test_resuming_a_folder_that_is_no_run_is_refused(self) -> None:
        self.refused(2, f"{self.out}/plan.json: cannot be read; is this the folder of a run", self.run_suite("--resume"))
        self.assertFalse(self.out.exists())

    def interrupted(self, *arguments: str | Path, ready: typing.Callable[[], typing.Any], **changed: str) -> Finished:
        """Ctrl-C, as a terminal sends it: to the whole process group."""
        process = self.start(*arguments, **changed)
        self.addCleanup(process.kill)
        wait_until(ready)
        os.killpg(process.pid, signal.SIGINT)
        began = time.monotonic()
        out, err = process.communicate(timeout=20)
        self.assertLess(time.monotonic() - began, 5)
        self.all_gone()
        return Finished(process.returncode, out, err)

    def slow_compiler(self) -> dict[str, str]:
        """A compiler that takes its time even to say its version."""
        path = self.folder / "slow-c++"
        path.write_text(f"#!/bin/sh\ntouch {self.folder}/asked\nexec sleep 600\n")
        path.chmod(0o755)
        return {"CXX": str(path)}

    def test_ctrl_c_in_build_and_bless_and_in_the_build_of_a_run_exits_130(self) -> None:
        asked = self.folder / "asked"
        for verb in (["build", "cond"], ["bless", "cond"], ["run", "--out", str(self.out)]):
            with self.subTest(verb[0]):
                asked.unlink(missing_ok=True)
                finished = self.interrupted(*verb, ready=asked.exists, **self.slow_compiler())
                self.assertEqual(finished.code, 130, finished.said)
                self.assertIn("the same command goes on from here", finished.err)
                self.assertNotIn("Traceback", finished.said)
        self.assertFalse(self.out.exists())

    def test_a_build_that_is_killed_leaves_no_generator(self) -> None:
        process = self.start("build", "cond", **self.slow_compiler())
        wait_until((self.folder / "asked").exists)
        process.kill()
        process.communicate(timeout=20)
        wait_until(lambda: not any("aoti" in words for words in alive_with(self.mark).values()))
        for pid in alive_with(self.mark):  # the compiler: a real one ends by itself
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.all_gone()

    def test_ctrl_c_in_doctor_is_no_success(self) -> None:
        finished = self.interrupted("doctor", ready=(self.folder / "asked").exists, **self.slow_compiler())
        self.assertNotEqual(finished.code, 0)

    def test_ctrl_c_in_list_and_report_is_no_success(self) -> None:
        os.mkfifo(self.folder / "plan.json")  # whoever opens it waits for a writer
        for arguments in (["list", "--plan", str(self.folder / "plan.json")], ["report", str(self.folder)]):
            with self.subTest(arguments[0]):
                finished = self.interrupted(*arguments, ready=lambda: [pid for pid in alive_with(self.mark) if "fifo_open" in waits_in(pid)] or [0])
                self.assertNotEqual(finished.code, 0)

    def test_ctrl_c_in_mutate_exits_130(self) -> None:
        records = self.out / "hang_on_third_call" / "records.jsonl"
        begun = lambda: records.exists() and '"begin"' in records.read_text()  # noqa: E731
        finished = self.interrupted("mutate", "hang_on_third_call", "last_element", "--out", self.out, ready=begun)
        self.assertEqual(finished.code, 130, finished.said)
        self.assertIn("interrupted at the fault hang_on_third_call", finished.err)


def waits_in(pid: int) -> str:
    """The kernel function a process sleeps in, where the kernel tells."""
    with contextlib.suppress(OSError):
        return (Path("/proc") / str(pid) / "wchan").read_text()
    return ""


# So few that their plan is smaller than the disks below.
FEW_CASES = [word for case in ("cond", "mlp_static", "mlp_dynamic", "shared_dim", "sin_mm_cos") for word in ("--case", case)]
FEW_CASES += ["--area", "DYN", "--area", "NUM", "--area", "THR"]


class Undisturbed(UnderWay):
    """Figures that tests beside them would spoil."""

    figures = "PERF_1/first_call_against_later_ones"
    selection = (
        "--runner",
        "package",
        "-j2",
        "--case",
        "mlp_static",
        "--case",
        "mlp_dynamic",
        "--case",
        "shared_dim",
        "--requirement",
        "PERF_1",
        "--requirement",
        "DYN_8",
    )

    def beside(self) -> dict[str, set[str]]:
        """For each test the others that were under way between its begin and its end."""
        found: dict[str, set[str]] = {}
        under_way: set[str] = set()
        for line in (self.out / "records.jsonl").read_text().splitlines():
            record = json.loads(line)
            if begun := record.get("begin"):
                found[begun] = set(under_way)
                for other in under_way:
                    found[other].add(begun)
                under_way.add(begun)
            under_way.discard(record.get("end", ""))
        return found

    def test_they_are_taken_while_no_other_test_is_under_way_and_the_others_share_the_cores(self) -> None:
        self.assertEqual(self.run_suite(*self.selection).code, 0)
        beside = self.beside()
        alone = {test for test in beside if test.startswith(self.figures)}
        self.assertGreaterEqual(len(alone), 3)
        self.assertEqual({test: beside[test] for test in alone}, {test: set() for test in alone})
        self.assertTrue(any(beside[test] for test in beside.keys() - alone))
        self.assertEqual({test["verdict"] for test in self.results().values()} & RED, set())

    def test_what_cannot_be_tried_waits_for_nobody(self) -> None:
        self.assertEqual(self.run_suite("-j2", "--test", "GRAPH_2/*", "--test", MISSING + "/mlp_dynamic/*", CUDA_VISIBLE_DEVICES="").code, 0)
        begun = self.lines("begin")
        self.assertFalse(begun[-1].startswith("GRAPH_2/"), "the plan has it before the other, and there is no device")

    def start_figures(self) -> tuple[subprocess.Popen[str], int]:
        """A run whose others are through and whose first figure hangs, and the worker that is left."""
        hang = ("--runner", "faulty:hang_on_third_call", "-j2", "--deadline", "60")
        process = self.start_run(
            *hang, "--case", "mlp_static", "--case", "mlp_dynamic", "--test", self.figures + "/*", "--test", MISSING + "/*", ended=2
        )
        wait_until(lambda: len(self.lines("begin")) == 3)
        (worker,) = children_of(process.pid)
        wait_until(lambda: children_of(worker))
        return process, worker

    def verdicts(self) -> list[str]:
        return sorted(test["verdict"] for test in self.results().values())

    def test_a_worker_that_is_killed_meanwhile_ends_the_run(self) -> None:
        process, worker = self.start_figures()
        os.kill(worker, signal.SIGKILL)
        _, err = process.communicate(timeout=20)
        self.assertEqual(process.returncode, 1)
        self.assertIn("died of Killed outside any sandbox", err)
        self.all_gone()
        self.assertEqual(self.verdicts(), ["crash", "not_run", "pass", "pass"])

    def test_ctrl_c_meanwhile_ends_the_run(self) -> None:
        process, _ = self.start_figures()
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=5)
        self.assertEqual(process.returncode, 130, err)
        self.all_gone()
        self.assertEqual(self.verdicts(), ["not_run", "not_run", "pass", "pass"])


class FullDisk(WithHostileRunner):
    def test_records_that_cannot_be_written_end_the_run_and_resume_completes_it(self) -> None:
        def limit() -> None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (70000, 70000))  # above the plan, below the records

        finished = self.run_hostile("refuses_all", "-j2", *FEW_CASES, before=limit)
        self.assertNotEqual(finished.code, 0)
        self.assertRegex(finished.err, f"{self.out}/(records.jsonl: a record|results.json:) cannot be written .File too large.*free some space")
        self.assertRegex(finished.err, "records.jsonl: a record cannot be written")
        known, begun = self.lines("end"), len(self.lines("begin"))
        self.assertTrue(known)
        finished = self.run_hostile("refuses_all", "--resume", *FEW_CASES)
        self.assertEqual(finished.code, 1, finished.said)
        tests = self.results()
        self.assertFalse({"crash", "not_run"} & {test["verdict"] for test in tests.values()})
        self.assertEqual(sorted(self.lines("begin")[begun:]), sorted(set(tests) - set(known)))

    def test_a_plan_that_cannot_be_written_is_named(self) -> None:
        def limit() -> None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

        self.refused(2, f"{self.out}/plan.json: cannot be written .File too large.; free some space", self.run_hostile("refuses_all", before=limit))

    def test_a_disk_that_is_really_full(self) -> None:
        disk = self.folder / "disk"
        disk.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", disk], capture_output=True, check=False).returncode != 0:
            self.skipTest("no small file system can be mounted here: that needs root")
        self.addCleanup(subprocess.run, ["umount", "--lazy", disk], check=True)
        self.out = disk / "run"
        finished = self.run_hostile("refuses_all", "-j2", *FEW_CASES)
        self.assertNotEqual(finished.code, 0)
        words = f"{self.out}/records.jsonl: a record cannot be written .No space left on device.*free some space, then .*--resume"
        self.assertRegex(finished.err, words)
        known = self.lines("end")
        self.assertTrue(known)
        subprocess.run(["mount", "-o", "remount,size=4m", disk], check=True)
        self.assertEqual(self.run_hostile("refuses_all", "--resume", *FEW_CASES).code, 1)
        self.assertFalse({"crash", "not_run"} & {test["verdict"] for test in self.results().values()})
        self.assertEqual(self.lines("end")[: len(known)], known)


class Doctor(CommandLine):
    def test_all_is_here(self) -> None:
        self.refused(0, "all that build and run need is here", self.do("doctor"))

    def test_a_missing_compiler_is_named_with_the_fix(self) -> None:
        self.refused(2, r"compiler +MISSING: install g\+\+, or set CXX", self.do("doctor", CXX="/nonexistent"))


class HostileRunners(WithHostileRunner):
    def try_way(self, way: str, selection: str) -> tuple[Finished, float]:
        began = time.monotonic()
        deadline = "0.5" if way.startswith("h") and way.endswith(("_open", "_describe")) else "1"  # six times as long is waited for a hanging open()
        arguments = ["--test", f"{selection}/mlp_static[./]*", "--deadline", deadline, "-j2"]
        forged = f"{selection}/mlp_static/hostile"
        finished = self.run_hostile(way, *arguments, out=self.folder / way, CLI_TEST_MARK=f"{self.mark}-{way}", HOSTILE_FORGES=forged)
        return finished, time.monotonic() - began

    def test_each_ends_red_in_bounded_time_and_leaves_nothing_behind(self) -> None:
        with concurrent.futures.ThreadPoolExecutor(6) as pool:  # most of them wait
            done = {way: pool.submit(self.try_way, way, selection) for way, (selection, _, _) in HOSTILE.items()}
        for way, (_, verdicts, words) in HOSTILE.items():
            with self.subTest(way):
                finished, seconds = done[way].result()
                tests = self.results(self.folder / way)
                tried = {test["verdict"] for test in tests.values()} - {"not_run", "error"}
                self.assertEqual(finished.code, 1 if tried else 2, finished.said)
                self.assertLess(seconds, 30)
                self.assertLessEqual({test["verdict"] for test in tests.values()}, verdicts)
                self.assertTrue({test["verdict"] for test in tests.values()} & RED)
                self.assertRegex(finished.said + "".join(test["message"] for test in tests.values()), words)
                self.assertEqual(alive_with(f"{self.mark}-{way}"), {})
        self.assertEqual(list(self.temporary.iterdir()), [])

    def test_an_end_that_no_worker_has_written_is_no_pass(self) -> None:
        finished, _ = self.try_way("forged_run", MISSING)
        folder = self.folder / "forged_run"
        self.assertIn(finished.code, (1, 2), finished.said)
        tests = {test["id"]: test for test in json.loads((folder / "results.json").read_text())["tests"]}
        self.assertEqual(tests[f"{MISSING}/mlp_static/hostile"]["verdict"], "error")
        self.assertIn("something other than the suite wrote them", tests[f"{MISSING}/mlp_static/hostile"]["message"])
        kept = subprocess.run([BUILD / "aoti-cts-conservation", folder], capture_output=True, text=True, check=False)
        self.assertNotEqual(kept.returncode, 0, "the records themselves show that they were forged")
        self.assertEqual(alive_with(f"{self.mark}-forged_run"), {})

    def test_the_answers_of_other_runners_stay_theirs(self) -> None:
        theirs = f"{MISSING}/mlp_static/package"
        for way in ("forged_records", "forged_answer", "kill_parent_in_load", "wipe_in_load"):
            for order in (["package", str(self.hostile)], [str(self.hostile), "package"]):
                with self.subTest(way, first=order[0]):
                    out = self.folder / f"{way}-{order.index('package')}"
                    runners = [word for runner in order for word in ("--runner", runner)]
                    finished = self.run_suite(*runners, "--test", f"{MISSING}/mlp_static/*", out=out, HOSTILE=way, HOSTILE_FORGES=theirs)
                    self.assertEqual(finished.code, 1, finished.said)
                    tests = self.results(out)
                    self.assertEqual(tests.pop(theirs)["verdict"], "pass")
                    self.assertLessEqual({test["verdict"] for test in tests.values()}, RED)


if __name__ == "__main__":
    unittest.main(verbosity=2)  # a line per test, as it is run
