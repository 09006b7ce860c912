// SPDX-License-Identifier: Apache-2.0
// What became of every test between two runs, BASE and CANDIDATE, and whether anything got worse. To add a class: its row in kChanges, where the
// classes that are worse come first, and its line in compare.cc.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reports/read_results.h"
#include "reports/record.h"

namespace aoti_cts {

// Every test of either run has exactly one.
enum class Change {
  kNewFailure,
  kMissing,
  kNotRun,
  kNoLongerTried,
  kNowKnownIssue,
  kStillFailing,
  kFixed,
  kKnownIssue,
  kRecordedChange,
  kMarginDrift,
  kNewTest,
  kNowTried,
  kAllowed,
  kNotTried,
  kSame,
};

struct ChangeInfo {
  Change change;
  std::string_view name;  // in JSON
  bool worse;             // makes `compare` exit 1
  std::string_view title;
  std::string_view meaning;
};

inline constexpr std::array<ChangeInfo, 15> kChanges{{
    {Change::kNewFailure, "new_failure", true, "new failure", "fails in CANDIDATE, and was not seen to fail in BASE"},
    {Change::kMissing, "missing", true, "missing", "planned in BASE, gone in CANDIDATE"},
    {Change::kNotRun, "not_run", true, "not run", "planned in CANDIDATE, but its run ended before it"},
    {Change::kNoLongerTried, "no_longer_tried", true, "no longer tried", "tried in BASE, in CANDIDATE not tried or not judged any more"},
    {Change::kNowKnownIssue, "now_known_issue", false, "now a known issue", "broken in CANDIDATE, as an entry says that did not apply in BASE"},
    {Change::kStillFailing, "still_failing", false, "still failing", "fails in both"},
    {Change::kFixed, "fixed", false, "fixed", "broken in BASE, holds in CANDIDATE"},
    {Change::kKnownIssue, "known_issue", false, "known issue", "a known issue applies in both"},
    {Change::kRecordedChange, "recorded_change", false, "recorded change", "nothing is promised, and something else happens than in BASE"},
    {Change::kMarginDrift, "margin_drift", false, "margin drift", "holds in both, nearer to its limit than in BASE"},
    {Change::kNewTest, "new_test", false, "new test", "not in BASE, and does not fail"},
    {Change::kNowTried, "now_tried", false, "now tried", "not tried or not judged in BASE, does not fail in CANDIDATE"},
    {Change::kAllowed, "allowed", false, "allowed", "missing or no longer tried, as --allow-missing says it may be"},
    {Change::kNotTried, "not_tried", false, "not tried", "tried in neither"},
    {Change::kSame, "same", false, "same", "as it was"},
}};

constexpr const ChangeInfo& InfoOf(Change change) { return kChanges[static_cast<size_t>(change)]; }

// How near the output whose margin grew most came to its limit: 1 is at it.
struct Drift {
  int output = 0;
  double base = 0;
  double candidate = 0;
};

struct ComparedTest {
  const Record* base = nullptr;  // null where only the other run has the test
  const Record* candidate = nullptr;
  Change change = Change::kSame;
  std::optional<Drift> drift;  // where the change is kMarginDrift

  const Record& latest() const { return candidate != nullptr ? *candidate : *base; }
};

struct CompareRunsOptions {
  double margin_factor = 2;                // a margin that grows by more drifts
  std::vector<std::string> allow_missing;  // globs over ids
  bool (*matches)(const std::string& glob, const std::string& text) = nullptr;
};

inline constexpr double kLeastDrift = 0.1;     // of the limit: below it a margin that grows is noise
inline constexpr double kSlowerSeconds = 0.1;  // a test that takes less than this longer is not slower,
inline constexpr double kSlowerFactor = 2;     // nor is one that takes less than twice as long
inline constexpr size_t kSlowestListed = 10;

// What is no test: a version, a library, the goldens.
struct Difference {
  std::string what;
  std::string base;  // empty where that run does not say
  std::string candidate;
};

// How long the tests took that were tried in both. Recorded only: machines and their load differ.
struct Times {
  size_t tests = 0;
  double base_seconds = 0;
  double candidate_seconds = 0;
  size_t slower = 0;
  std::vector<ComparedTest> slowest;  // those of them whose time grew most, at most kSlowestListed
};

// Points into the two runs, which must outlive it.
struct RunComparison {
  const RunFile* base = nullptr;
  const RunFile* candidate = nullptr;
  double margin_factor = 0;
  bool without_runner = false;      // each run has one runner, another one: tests are matched without that part of their ids
  std::vector<ComparedTest> tests;  // in the order of CANDIDATE, then what is missing in the order of BASE
  std::vector<Difference> environment;
  std::vector<std::string> notes;  // what a reader must know beside the numbers
  Times times;

  size_t Count(Change change) const;
  std::vector<const ComparedTest*> Of(Change change) const;
  bool Worse() const;  // something is, or nothing was tried in both and so nothing is proved
};

RunComparison CompareRuns(const RunFile& base, const RunFile& candidate, const CompareRunsOptions& options);

// Every test of both runs must stand in exactly one place of the comparison. What is lost or counted twice, or nothing.
std::string NotConserved(const RunComparison& comparison);

// The comparison in one sentence, which begins with Green or Red.
std::string ComparisonSentence(const RunComparison& comparison);

// All three are in compare_report.cc.
std::string CompareText(const RunComparison& comparison);      // at most 80 columns, save for ids and commands, which a person copies whole
std::string CompareMarkdown(const RunComparison& comparison);  // short enough for a comment on a pull request
std::string CompareJson(const RunComparison& comparison);      // its schema is reports/compare.schema.json

}  // namespace aoti_cts
