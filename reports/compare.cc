// SPDX-License-Identifier: Apache-2.0
// Sorting the tests of two runs. To add a rule: a line in Classify, above the lines it takes its tests from.
#include "reports/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "reports/tally.h"
#include "reports/text.h"

namespace aoti_cts {
namespace {

bool Tried(const Record& record) { return InfoOf(record.verdict).tried; }

// A stale known issue makes a run red, but the promise holds.
bool Holds(const Record& record) { return record.verdict == Verdict::kPass || record.verdict == Verdict::kUnexpectedPass; }

// Red, and something was found: a test that was not run says nothing.
bool Fails(const Record& record) { return InfoOf(record.verdict).red && !Holds(record) && record.verdict != Verdict::kNotRun; }

// As an entry says, or passed for once although one applies that says it fails in some runs.
bool UnderKnownIssue(const Record& record) {
  return record.verdict == Verdict::kKnownIssue || (record.verdict == Verdict::kPass && !record.known_issue.empty());
}

// The worst margin of each output; a test may have run several times.
std::map<int, double> WorstMargins(const Record& record) {
  std::map<int, double> worst;
  for (const RecordMargin& margin : record.margins) {
    double& known = worst[margin.output];
    known = std::max(known, margin.ratio);
  }
  return worst;
}

std::optional<Drift> DriftOf(const Record& base, const Record& candidate, double factor) {
  const std::map<int, double> before = WorstMargins(base);
  std::optional<Drift> worst;
  for (const auto& [output, ratio] : WorstMargins(candidate)) {
    const auto known = before.find(output);
    if (known == before.end() || ratio <= kLeastDrift || ratio <= factor * known->second) continue;
    if (!worst || ratio > worst->candidate) worst = Drift{output, known->second, ratio};
  }
  return worst;
}

Change ClassifyNew(const Record& candidate) {
  if (candidate.verdict == Verdict::kNotRun) return Change::kNotRun;
  return Fails(candidate) ? Change::kNewFailure : Change::kNewTest;
}

// A test that could not be tried in BASE is not known to have failed there, so that its failure is new.
Change ClassifyFailure(const Record& base, const Record& candidate) {
  const bool as_before = Tried(base) || !Tried(candidate);
  return Fails(base) && as_before ? Change::kStillFailing : Change::kNewFailure;
}

Change ClassifyUntried(const Record& base) { return Tried(base) ? Change::kNoLongerTried : Change::kNotTried; }

// A promise that is judged no more is not asked any more.
Change ClassifyRecorded(const Record& base, const Record& candidate) {
  if (!Tried(base)) return Change::kNowTried;
  if (base.verdict != Verdict::kRecorded) return Change::kNoLongerTried;
  return base.observation == candidate.observation ? Change::kSame : Change::kRecordedChange;
}

Change ClassifyHolding(const Record& base, const Record& candidate) {
  if (base.verdict == Verdict::kKnownIssue) return UnderKnownIssue(candidate) ? Change::kKnownIssue : Change::kFixed;
  if (Fails(base)) return Change::kFixed;
  return Holds(base) ? Change::kSame : Change::kNowTried;
}

Change Classify(const Record& base, const Record& candidate) {
  if (candidate.verdict == Verdict::kNotRun) return Change::kNotRun;
  if (Fails(candidate)) return ClassifyFailure(base, candidate);
  if (!Tried(candidate)) return ClassifyUntried(base);
  if (candidate.verdict == Verdict::kRecorded) return ClassifyRecorded(base, candidate);
  if (candidate.verdict == Verdict::kKnownIssue) return UnderKnownIssue(base) ? Change::kKnownIssue : Change::kNowKnownIssue;
  return ClassifyHolding(base, candidate);
}

std::set<std::string> RunnersOf(const Run& run) {
  std::set<std::string> runners;
  for (const Record& record : run.records) runners.insert(record.runner);
  return runners;
}

std::string KeyOf(const Record& record, bool without_runner) {
  return without_runner ? record.id.substr(0, record.id.size() - record.runner.size()) : record.id;
}

// --- what is no test

// How a reader knows a field of the provenance; others are shown under the names they have.
constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kFieldNames{{
    {"torch", "torch"},
    {"runtime_torch", "torch of the runtime"},
    {"torch_git", "torch commit"},
    {"torch_library_sha256", "libtorch"},
    {"compiler", "compiler"},
    {"isa", "ISA"},
    {"cuda", "CUDA devices"},
    {"host", "host"},
    {"commit", "suite commit"},
    {"plan_sha256", "cases"},
    {"goldens_sha256", "goldens"},
}};

// What every two runs have of their own, and a path, which says where a library lies and not what it is.
bool OfTheRunAlone(const std::string& field) { return field == "command" || field == "started" || field == "torch_library"; }

std::string FieldName(const std::string& field) {
  const auto* const known = std::find_if(kFieldNames.begin(), kFieldNames.end(), [&](const auto& row) { return row.first == field; });
  if (known != kFieldNames.end()) return std::string(known->second);
  std::string words = field;
  std::replace(words.begin(), words.end(), '_', ' ');
  return words;
}

std::string FieldOf(const nlohmann::json& object, const std::string& field) { return object.contains(field) ? ValueText(object.at(field)) : ""; }

void AddDifferences(const nlohmann::json& base, const nlohmann::json& candidate, const std::string& prefix, std::vector<Difference>& differences) {
  std::vector<std::string> fields;
  fields.reserve(kFieldNames.size());
  for (const auto& [field, ignored] : kFieldNames) fields.emplace_back(field);
  for (const auto* object : {&base, &candidate}) {
    for (const auto& [field, ignored] : object->items()) {
      if (std::find(fields.begin(), fields.end(), field) == fields.end()) fields.push_back(field);
    }
  }
  for (const std::string& field : fields) {
    if (OfTheRunAlone(field)) continue;
    const Difference difference{prefix + FieldName(field), FieldOf(base, field), FieldOf(candidate, field)};
    if (difference.base != difference.candidate) differences.push_back(difference);
  }
}

// What a runner says of itself, its torch in front: the provenance has the one that compiled the packages.
nlohmann::json Described(const nlohmann::json& description) {
  if (!description.is_object()) return {{"description", description}};
  nlohmann::json flat = description;
  flat.erase("torch");
  const nlohmann::json torch = description.value("torch", nlohmann::json::object());
  if (torch.is_object() && torch.contains("version")) flat["torch"] = torch.at("version");
  if (torch.is_object() && torch.contains("git")) flat["torch_git"] = torch.at("git");
  return flat;
}

std::vector<Difference> EnvironmentOf(const Run& base, const Run& candidate) {
  std::vector<Difference> differences;
  AddDifferences(base.provenance, candidate.provenance, "", differences);
  for (const auto& [name, description] : base.runners) {
    for (const auto& [other, other_description] : candidate.runners) {
      if (name == other) AddDifferences(Described(description), Described(other_description), "runner " + name + ": ", differences);
    }
  }
  return differences;
}

Times TimesOf(const std::vector<ComparedTest>& tests) {
  Times times;
  for (const ComparedTest& test : tests) {
    if (test.base == nullptr || test.candidate == nullptr || !Tried(*test.base) || !Tried(*test.candidate)) continue;
    ++times.tests;
    times.base_seconds += test.base->seconds;
    times.candidate_seconds += test.candidate->seconds;
    const double grown = test.candidate->seconds - test.base->seconds;
    if (grown >= kSlowerSeconds && test.candidate->seconds >= kSlowerFactor * test.base->seconds) times.slowest.push_back(test);
  }
  const auto grown = [](const ComparedTest& test) { return test.candidate->seconds - test.base->seconds; };
  std::stable_sort(times.slowest.begin(), times.slowest.end(), [&](const auto& a, const auto& b) { return grown(a) > grown(b); });
  times.slower = times.slowest.size();
  times.slowest.resize(std::min(times.slowest.size(), kSlowestListed));
  return times;
}

std::vector<std::string> NotesOf(const RunComparison& comparison) {
  const Run& base = comparison.base->run;
  const Run& candidate = comparison.candidate->run;
  std::vector<std::string> notes;
  const std::string before = FieldOf(base.provenance, "suite_version");
  const std::string now = FieldOf(candidate.provenance, "suite_version");
  if (before != now) notes.push_back(fmt::format("The suites differ, {} and {}: a test of the same name may ask something else.", before, now));
  if (comparison.without_runner) {
    notes.push_back(fmt::format("The runners differ, {} and {}: tests are matched without that part of their ids.", *RunnersOf(base).begin(),
                                *RunnersOf(candidate).begin()));
  }
  if (base.interrupted) notes.emplace_back("The run of BASE was interrupted: what it did not try is not compared.");
  if (candidate.interrupted) notes.emplace_back("The run of CANDIDATE was interrupted: ./aoti-cts run --resume goes on with it.");
  return notes;
}

// Tests that may be missing, and a note of each glob that excuses none: it is out of date, or mistyped.
void Allow(const CompareRunsOptions& options, RunComparison& comparison) {
  std::vector<bool> used(options.allow_missing.size());
  for (ComparedTest& test : comparison.tests) {
    if (test.change != Change::kMissing && test.change != Change::kNoLongerTried) continue;
    for (size_t i = 0; i < used.size(); ++i) {
      if (!options.matches(options.allow_missing[i], test.base->id)) continue;
      used[i] = true;
      test.change = Change::kAllowed;
    }
  }
  for (size_t i = 0; i < used.size(); ++i) {
    if (!used[i]) comparison.notes.push_back(fmt::format("--allow-missing '{}' excuses no test.", options.allow_missing[i]));
  }
}

ComparedTest Paired(const Record& base, const Record& candidate, double margin_factor) {
  ComparedTest test{&base, &candidate, Classify(base, candidate), std::nullopt};
  if (test.change == Change::kSame && Holds(candidate)) test.drift = DriftOf(base, candidate, margin_factor);
  if (test.drift) test.change = Change::kMarginDrift;
  return test;
}

std::vector<ComparedTest> Match(const RunComparison& comparison) {
  std::map<std::string, const Record*> before;
  for (const Record& record : comparison.base->run.records) before[KeyOf(record, comparison.without_runner)] = &record;
  std::vector<ComparedTest> tests;
  for (const Record& record : comparison.candidate->run.records) {
    const auto found = before.find(KeyOf(record, comparison.without_runner));
    if (found == before.end()) {
      tests.push_back({nullptr, &record, ClassifyNew(record), std::nullopt});
      continue;
    }
    tests.push_back(Paired(*found->second, record, comparison.margin_factor));
    before.erase(found);
  }
  for (const Record& record : comparison.base->run.records) {
    const bool missing = before.contains(KeyOf(record, comparison.without_runner));
    if (missing) tests.push_back({&record, nullptr, Change::kMissing, std::nullopt});
  }
  return tests;
}

std::string Clause(const RunComparison& comparison, const ChangeInfo& info) {
  const size_t count = comparison.Count(info.change);
  const bool is_noun = info.title.starts_with("new ") || info.change == Change::kKnownIssue || info.change == Change::kRecordedChange;
  return is_noun ? Counted(count, info.title) : fmt::format("{} {}", count, info.title);
}

std::string Clauses(const RunComparison& comparison, bool worse) {
  std::vector<std::string> clauses;
  for (const ChangeInfo& info : kChanges) {
    if (info.worse == worse && comparison.Count(info.change) > 0) clauses.push_back(Clause(comparison, info));
  }
  return fmt::format("{}", fmt::join(clauses, ", "));
}

// How often each record of a run stands in the comparison.
std::string Misplaced(const Run& run, const std::map<const Record*, size_t>& places, std::string_view which) {
  size_t once = 0;
  for (const Record& record : run.records) {
    const auto found = places.find(&record);
    const size_t count = found == places.end() ? 0 : found->second;
    if (count != 1) return fmt::format("the test {} of {} is counted {} times", record.id, which, count);
    ++once;
  }
  return once == places.size() ? "" : fmt::format("the comparison counts {} that {} has not", Counted(places.size() - once, "test"), which);
}

}  // namespace

size_t RunComparison::Count(Change change) const {
  return static_cast<size_t>(std::count_if(tests.begin(), tests.end(), [&](const ComparedTest& test) { return test.change == change; }));
}

std::vector<const ComparedTest*> RunComparison::Of(Change change) const {
  std::vector<const ComparedTest*> found;
  for (const ComparedTest& test : tests) {
    if (test.change == change) found.push_back(&test);
  }
  return found;
}

bool RunComparison::Worse() const {
  return times.tests == 0 || std::any_of(tests.begin(), tests.end(), [](const ComparedTest& test) { return InfoOf(test.change).worse; });
}

RunComparison CompareRuns(const RunFile& base, const RunFile& candidate, const CompareRunsOptions& options) {
  RunComparison comparison;
  comparison.base = &base;
  comparison.candidate = &candidate;
  comparison.margin_factor = options.margin_factor;
  const std::set<std::string> before = RunnersOf(base.run);
  const std::set<std::string> now = RunnersOf(candidate.run);
  comparison.without_runner = before.size() == 1 && now.size() == 1 && before != now;
  comparison.tests = Match(comparison);
  comparison.environment = EnvironmentOf(base.run, candidate.run);
  comparison.notes = NotesOf(comparison);
  Allow(options, comparison);
  comparison.times = TimesOf(comparison.tests);
  return comparison;
}

std::string NotConserved(const RunComparison& comparison) {
  std::map<const Record*, size_t> base;
  std::map<const Record*, size_t> candidate;
  for (const ComparedTest& test : comparison.tests) {
    if (test.base != nullptr) ++base[test.base];
    if (test.candidate != nullptr) ++candidate[test.candidate];
  }
  const std::string lost = Misplaced(comparison.base->run, base, "BASE");
  return lost.empty() ? Misplaced(comparison.candidate->run, candidate, "CANDIDATE") : lost;
}

std::string ComparisonSentence(const RunComparison& comparison) {
  const std::string worse = Clauses(comparison, true);
  const std::string rest = Clauses(comparison, false);
  const std::string others = rest.empty() ? "" : fmt::format(" ({})", rest);
  if (comparison.times.tests == 0) {
    return fmt::format("Red: no test was tried in both runs, so nothing is proved{}{}{}.", worse.empty() ? "" : ": ", worse, others);
  }
  if (!worse.empty()) return fmt::format("Red: {}{}.", worse, others);
  return fmt::format("Green: nothing got worse in {} tried in both runs{}.", Counted(comparison.times.tests, "test"), others);
}

}  // namespace aoti_cts
