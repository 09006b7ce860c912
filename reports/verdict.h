// SPDX-License-Identifier: Apache-2.0
// The verdicts, and what each means to an exit code, to ctest and to JUnit. One row per verdict; nothing else maps them.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace aoti_cts {

enum class Verdict {
  kNotRun,  // the default: planned, and nothing is known of it
  kPass,
  kFail,
  kKnownIssue,      // failed as an entry of the runner's known issues says
  kUnexpectedPass,  // passed although such an entry says it always fails
  kRecorded,        // the contract says nothing: what happened is kept, not judged
  kUnsupported,     // the runner declares that it has no such thing
  kUnavailable,     // this machine has not what the test needs
  kCrash,
  kTimeout,
  kError,  // the suite could not put the question: no package, no golden, a runner that failed itself
};

enum class JUnitElement { kPassed, kSkipped, kFailure, kError };

struct VerdictInfo {
  Verdict verdict;
  std::string_view name;  // in records, results.json and reports
  bool red;               // makes `run` exit 1 and a ctest entry fail
  bool tried;             // the runtime was really asked; a ctest entry where nothing was tried is skipped (77)
  JUnitElement junit;
  std::string_view meaning;  // one line for a reader of the report
};

inline constexpr std::array<VerdictInfo, 11> kVerdicts{{
    {Verdict::kNotRun, "not_run", true, false, JUnitElement::kError, "planned, but the run ended before it"},
    {Verdict::kPass, "pass", false, true, JUnitElement::kPassed, "the promise holds"},
    {Verdict::kFail, "fail", true, true, JUnitElement::kFailure, "the promise is broken"},
    {Verdict::kKnownIssue, "known_issue", false, true, JUnitElement::kSkipped, "broken as a known issue says"},
    {Verdict::kUnexpectedPass, "unexpected_pass", true, true, JUnitElement::kFailure,
     "holds although a known issue says it never does: remove the entry"},
    {Verdict::kRecorded, "recorded", false, true, JUnitElement::kSkipped, "nothing is promised: what happened is recorded, not judged"},
    {Verdict::kUnsupported, "unsupported", false, false, JUnitElement::kSkipped, "the runner declares that it has no such thing"},
    {Verdict::kUnavailable, "unavailable", false, false, JUnitElement::kSkipped, "could not be tried on this machine"},
    {Verdict::kCrash, "crash", true, true, JUnitElement::kError, "the process died"},
    {Verdict::kTimeout, "timeout", true, true, JUnitElement::kError, "no answer before the deadline"},
    {Verdict::kError, "error", true, false, JUnitElement::kError, "the question could not be put"},
}};

constexpr const VerdictInfo& InfoOf(Verdict verdict) { return kVerdicts[static_cast<size_t>(verdict)]; }

constexpr std::optional<Verdict> VerdictFromName(std::string_view name) {
  for (const VerdictInfo& info : kVerdicts) {
    if (info.name == name) return info.verdict;
  }
  return std::nullopt;
}

// Exit codes of the suite binary.
enum ExitCode : int {
  kExitGood = 0,
  kExitRed = 1,         // at least one red verdict
  kExitUsage = 2,       // the command, a file or a runner is not usable, so that nothing was tried
  kExitNothingRan = 4,  // nothing selected, or nothing tried
  kExitSkipped = 77,    // with --ctest: nothing could be tried, and each test says why
  kExitInterrupted = 130,
};

}  // namespace aoti_cts
