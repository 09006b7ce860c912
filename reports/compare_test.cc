// SPDX-License-Identifier: Apache-2.0
// Every class of change from pairs of verdicts, what is counted and what is worse, and the approved texts of one comparison that has every class.
// To add a pair: a row of kPairs.
#include "reports/compare.h"

#include <fnmatch.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "reports/approved_test.h"
#include "reports/fixed_runs.h"
#include "reports/report.h"
#include "reports/text.h"

namespace aoti_cts {
namespace {

using nlohmann::json;

bool Matches(const std::string& glob, const std::string& text) { return fnmatch(glob.c_str(), text.c_str(), 0) == 0; }

CompareRunsOptions OptionsWith(const std::vector<std::string>& allow_missing = {}) { return {2, allow_missing, Matches}; }

RunFile FileOf(const std::vector<Record>& records, const std::string& name = "results.json") {
  Run run = AllGood();
  run.records = records;
  return {name, run};
}

Record TestOf(Verdict verdict, const std::string& call = "batch_1") { return OneTest("NUM_1", "all_outputs_agree", call, verdict); }

Record Recorded(const std::string& observation) {
  Record record = TestOf(Verdict::kRecorded);
  record.observation = observation;
  return record;
}

Record WithIssue(Verdict verdict) {
  Record record = TestOf(verdict);
  record.known_issue = "https://example.org/issues/9: flips";
  return record;
}

Record WithMargin(double ratio, Verdict verdict = Verdict::kPass) {
  Record record = TestOf(verdict);
  record.margins = {{0, ratio, ratio * 1e-6, 1e-6}};
  return record;
}

Record Taking(double seconds, const std::string& call) {
  Record record = TestOf(Verdict::kPass, call);
  record.seconds = seconds;
  return record;
}

Record Through(const std::string& runner, Record record) {
  record.id = record.id.substr(0, record.id.rfind('/') + 1) + runner;
  record.runner = runner;
  return record;
}

Change ChangeOf(const std::vector<Record>& base, const std::vector<Record>& candidate) {
  const RunFile before = FileOf(base);
  const RunFile now = FileOf(candidate);
  const RunComparison comparison = CompareRuns(before, now, OptionsWith());
  EXPECT_EQ(comparison.tests.size(), 1U);
  EXPECT_EQ(NotConserved(comparison), "");
  return comparison.tests.at(0).change;
}

// --- classes

struct Pair {
  Record base;
  Record candidate;
  Change change;
};

using V = Verdict;

const std::vector<Pair>& Pairs() {
  static const std::vector<Pair> kPairs{
      {TestOf(V::kPass), TestOf(V::kPass), Change::kSame},
      {TestOf(V::kPass), TestOf(V::kFail), Change::kNewFailure},
      {TestOf(V::kPass), TestOf(V::kCrash), Change::kNewFailure},
      {TestOf(V::kPass), TestOf(V::kTimeout), Change::kNewFailure},
      {TestOf(V::kPass), TestOf(V::kError), Change::kNewFailure},
      {TestOf(V::kPass), WithIssue(V::kKnownIssue), Change::kNowKnownIssue},
      {TestOf(V::kPass), TestOf(V::kUnexpectedPass), Change::kSame},
      {TestOf(V::kPass), Recorded("correct"), Change::kNoLongerTried},
      {TestOf(V::kPass), TestOf(V::kUnsupported), Change::kNoLongerTried},
      {TestOf(V::kPass), TestOf(V::kUnavailable), Change::kNoLongerTried},
      {TestOf(V::kPass), TestOf(V::kNotRun), Change::kNotRun},
      {TestOf(V::kFail), TestOf(V::kPass), Change::kFixed},
      {TestOf(V::kFail), TestOf(V::kCrash), Change::kStillFailing},
      {TestOf(V::kFail), TestOf(V::kError), Change::kStillFailing},
      {TestOf(V::kFail), WithIssue(V::kKnownIssue), Change::kNowKnownIssue},
      {TestOf(V::kFail), TestOf(V::kUnexpectedPass), Change::kFixed},
      {TestOf(V::kFail), TestOf(V::kUnsupported), Change::kNoLongerTried},
      {TestOf(V::kFail), TestOf(V::kNotRun), Change::kNotRun},
      {WithIssue(V::kKnownIssue), WithIssue(V::kKnownIssue), Change::kKnownIssue},
      {WithIssue(V::kKnownIssue), WithIssue(V::kPass), Change::kKnownIssue},
      {WithIssue(V::kPass), WithIssue(V::kKnownIssue), Change::kKnownIssue},
      {WithIssue(V::kKnownIssue), TestOf(V::kPass), Change::kFixed},
      {WithIssue(V::kKnownIssue), WithIssue(V::kUnexpectedPass), Change::kFixed},
      {WithIssue(V::kUnexpectedPass), WithIssue(V::kKnownIssue), Change::kNowKnownIssue},
      {WithIssue(V::kKnownIssue), TestOf(V::kFail), Change::kNewFailure},
      {Recorded("refused"), Recorded("refused"), Change::kSame},
      {Recorded("refused"), Recorded("silently_wrong"), Change::kRecordedChange},
      {Recorded("refused"), TestOf(V::kPass), Change::kNowTried},
      {Recorded("refused"), TestOf(V::kFail), Change::kNewFailure},
      {Recorded("refused"), TestOf(V::kUnavailable), Change::kNoLongerTried},
      {TestOf(V::kUnsupported), TestOf(V::kUnavailable), Change::kNotTried},
      {TestOf(V::kUnsupported), TestOf(V::kPass), Change::kNowTried},
      {TestOf(V::kUnsupported), Recorded("refused"), Change::kNowTried},
      {TestOf(V::kUnsupported), WithIssue(V::kKnownIssue), Change::kNowKnownIssue},
      {TestOf(V::kUnsupported), TestOf(V::kFail), Change::kNewFailure},
      {TestOf(V::kError), TestOf(V::kError), Change::kStillFailing},
      {TestOf(V::kError), TestOf(V::kFail), Change::kNewFailure},
      {TestOf(V::kError), TestOf(V::kPass), Change::kFixed},
      {TestOf(V::kError), TestOf(V::kUnsupported), Change::kNotTried},
      {TestOf(V::kNotRun), TestOf(V::kNotRun), Change::kNotRun},
      {TestOf(V::kNotRun), TestOf(V::kError), Change::kNewFailure},
      {TestOf(V::kNotRun), TestOf(V::kPass), Change::kNowTried},
  };
  return kPairs;
}

TEST(ChangesTest, EachPairOfVerdictsIsInItsClass) {
  for (const Pair& pair : Pairs()) {
    EXPECT_EQ(InfoOf(ChangeOf({pair.base}, {pair.candidate})).name, InfoOf(pair.change).name)
        << InfoOf(pair.base.verdict).name << " -> " << InfoOf(pair.candidate.verdict).name;
  }
}

TEST(ChangesTest, NoVerdictThatIsRedAndHoldsNotGoesWithoutSayingSo) {
  const std::set<Change> harmless{Change::kSame,     Change::kFixed,   Change::kKnownIssue, Change::kRecordedChange, Change::kMarginDrift,
                                  Change::kNowTried, Change::kNewTest, Change::kNotTried,   Change::kAllowed};
  for (const VerdictInfo& base : kVerdicts) {
    for (const VerdictInfo& candidate : kVerdicts) {
      const bool bad = candidate.red && candidate.verdict != V::kUnexpectedPass;
      const Change change = ChangeOf({TestOf(base.verdict)}, {TestOf(candidate.verdict)});
      EXPECT_EQ(harmless.contains(change) && bad, false) << base.name << " -> " << candidate.name << " is " << InfoOf(change).name;
    }
  }
}

TEST(ChangesTest, EachHasItsRowInOrder) {
  for (size_t i = 0; i < kChanges.size(); ++i) EXPECT_EQ(static_cast<size_t>(kChanges[i].change), i);
}

TEST(ChangesTest, ATestInOneRunOnlyIsNewOrMissing) {
  for (const VerdictInfo& info : kVerdicts) {
    EXPECT_EQ(ChangeOf({TestOf(info.verdict)}, {}), Change::kMissing) << info.name;
    const bool fails = info.red && info.verdict != V::kUnexpectedPass && info.verdict != V::kNotRun;
    const Change expected = info.verdict == V::kNotRun ? Change::kNotRun : fails ? Change::kNewFailure : Change::kNewTest;
    EXPECT_EQ(ChangeOf({}, {TestOf(info.verdict)}), expected) << info.name;
  }
}

TEST(MarginDriftTest, IsMoreThanTheFactorAndAboveATenthOfTheLimit) {
  EXPECT_EQ(ChangeOf({WithMargin(0.2)}, {WithMargin(0.41)}), Change::kMarginDrift);
  EXPECT_EQ(ChangeOf({WithMargin(0.2)}, {WithMargin(0.4)}), Change::kSame);
  EXPECT_EQ(ChangeOf({WithMargin(0.04)}, {WithMargin(0.1)}), Change::kSame);
  EXPECT_EQ(ChangeOf({WithMargin(0.04)}, {WithMargin(0.11)}), Change::kMarginDrift);
  EXPECT_EQ(ChangeOf({WithMargin(0)}, {WithMargin(0.11)}), Change::kMarginDrift);
  EXPECT_EQ(ChangeOf({WithMargin(0.9)}, {WithMargin(0.2)}), Change::kSame);
  EXPECT_EQ(ChangeOf({TestOf(V::kPass)}, {WithMargin(0.9)}), Change::kSame) << "BASE has no margin to compare with";
  EXPECT_EQ(ChangeOf({WithMargin(0.2)}, {WithMargin(7, V::kFail)}), Change::kNewFailure) << "a failure is told once";
}

TEST(MarginDriftTest, NamesTheOutputThatIsNearestToItsLimit) {
  Record base = TestOf(V::kPass);
  base.margins = {{0, 0.1, 0, 1}, {1, 0.1, 0, 1}, {1, 0.2, 0, 1}, {2, 0.1, 0, 1}};
  Record candidate = TestOf(V::kPass);
  candidate.margins = {{0, 0.3, 0, 1}, {1, 0.5, 0, 1}, {2, 0.15, 0, 1}};
  const RunFile before = FileOf({base});
  const RunFile now = FileOf({candidate});
  const RunComparison comparison = CompareRuns(before, now, OptionsWith());
  ASSERT_TRUE(comparison.tests[0].drift);
  EXPECT_EQ(comparison.tests[0].drift->output, 1);
  EXPECT_EQ(comparison.tests[0].drift->base, 0.2);
  EXPECT_EQ(comparison.tests[0].drift->candidate, 0.5);
  EXPECT_FALSE(comparison.Worse());
  EXPECT_EQ(CompareRuns(before, now, {4, {}, Matches}).Count(Change::kMarginDrift), 0U);
}

// --- matching

TEST(MatchingTest, OneRunnerAgainstAnotherIsMatchedWithoutIt) {
  const RunFile base = FileOf({TestOf(V::kPass), TestOf(V::kPass, "batch_2")});
  const RunFile candidate = FileOf({Through("eager", TestOf(V::kPass)), Through("eager", TestOf(V::kFail, "batch_2"))});
  const RunComparison comparison = CompareRuns(base, candidate, OptionsWith());
  EXPECT_TRUE(comparison.without_runner);
  EXPECT_EQ(comparison.Count(Change::kSame), 1U);
  EXPECT_EQ(comparison.Count(Change::kNewFailure), 1U);
  EXPECT_EQ(comparison.tests.size(), 2U);
  EXPECT_EQ(comparison.notes, std::vector<std::string>{"The runners differ, package and eager: tests are matched without that part of their ids."});
}

TEST(MatchingTest, SeveralRunnersAreMatchedById) {
  const RunFile one = FileOf({TestOf(V::kPass)});
  const RunFile two = FileOf({TestOf(V::kPass), Through("eager", TestOf(V::kFail))});
  const RunComparison more = CompareRuns(one, two, OptionsWith());
  EXPECT_FALSE(more.without_runner);
  EXPECT_EQ(more.Count(Change::kSame), 1U);
  EXPECT_EQ(more.Count(Change::kNewFailure), 1U);
  EXPECT_EQ(CompareRuns(two, one, OptionsWith()).Count(Change::kMissing), 1U);
}

// --- what is worse

bool Worse(const std::vector<Record>& base, const std::vector<Record>& candidate, const std::vector<std::string>& allow_missing = {}) {
  const RunFile before = FileOf(base);
  const RunFile now = FileOf(candidate);
  return CompareRuns(before, now, OptionsWith(allow_missing)).Worse();
}

TEST(WorseTest, ARunIsNotWorseThanItself) {
  const RunFile all = {"results.json", EveryVerdict()};
  auto without = all.run;
  std::erase_if(without.records, [](const Record& record) { return record.verdict == V::kNotRun; });
  const RunFile whole = {"results.json", without};
  const RunComparison comparison = CompareRuns(whole, whole, OptionsWith());
  EXPECT_FALSE(comparison.Worse());
  EXPECT_EQ(NotConserved(comparison), "");
  EXPECT_EQ(ComparisonSentence(comparison),
            "Green: nothing got worse in 11 tests tried in both runs (15 still failing, 2 known issues, 3 not tried, 6 same).");
  EXPECT_TRUE(CompareRuns(all, all, OptionsWith()).Worse()) << "fewer run than planned is never green";
}

TEST(WorseTest, OneOfAClassThatIsWorseIsEnough) {
  const Record good = TestOf(V::kPass, "batch_2");
  for (const Pair& pair : Pairs()) {
    EXPECT_EQ(Worse({good, pair.base}, {good, pair.candidate}), InfoOf(pair.change).worse) << InfoOf(pair.change).name;
  }
  EXPECT_TRUE(Worse({good, TestOf(V::kUnsupported)}, {good})) << "missing, although it was not tried";
  EXPECT_TRUE(Worse({good}, {good, TestOf(V::kFail)}));
  EXPECT_FALSE(Worse({good}, {good, TestOf(V::kPass)}));
}

TEST(WorseTest, WhereNothingWasTriedInBothNothingIsProved) {
  EXPECT_TRUE(Worse({}, {}));
  EXPECT_TRUE(Worse({}, {TestOf(V::kPass)}));
  EXPECT_TRUE(Worse({TestOf(V::kUnsupported)}, {TestOf(V::kUnsupported)}));
  EXPECT_TRUE(Worse({TestOf(V::kUnsupported)}, {TestOf(V::kPass)}));
  EXPECT_TRUE(Worse({TestOf(V::kPass)}, {}, {"*"})) << "whatever may be missing";
  const RunFile none = FileOf({});
  EXPECT_EQ(ComparisonSentence(CompareRuns(none, none, OptionsWith())), "Red: no test was tried in both runs, so nothing is proved.");
}

TEST(AllowMissingTest, ExcusesWhatIsMissingOrNoLongerTriedAndNothingElse) {
  const Record good = TestOf(V::kPass, "batch_2");
  EXPECT_FALSE(Worse({good, TestOf(V::kPass)}, {good}, {"NUM_1/*.batch_1/*"}));
  EXPECT_FALSE(Worse({good, TestOf(V::kPass)}, {good, TestOf(V::kUnavailable)}, {"NUM_1/*.batch_1/*"}));
  EXPECT_TRUE(Worse({good, TestOf(V::kPass)}, {good}, {"NUM_2/*"}));
  EXPECT_TRUE(Worse({good, TestOf(V::kPass)}, {good, TestOf(V::kNotRun)}, {"*"}));
  EXPECT_TRUE(Worse({good, TestOf(V::kPass)}, {good, TestOf(V::kFail)}, {"*"}));
}

TEST(AllowMissingTest, AGlobThatExcusesNothingIsTold) {
  const RunFile base = FileOf({TestOf(V::kPass), TestOf(V::kPass, "batch_2")});
  const RunFile candidate = FileOf({TestOf(V::kPass)});
  const RunComparison comparison = CompareRuns(base, candidate, OptionsWith({"*batch_2*", "NUM_1/*batch_2*", "*batch_3*"}));
  EXPECT_EQ(comparison.notes, std::vector<std::string>{"--allow-missing '*batch_3*' excuses no test."});
  EXPECT_EQ(comparison.Count(Change::kAllowed), 1U);
}

// --- adding up

TEST(CompareConservationTest, ATestThatIsLostOrCountedTwiceOrFromElsewhereIsNamed) {
  const RunFile base = FileOf({TestOf(V::kPass), TestOf(V::kPass, "batch_2")});
  const RunFile candidate = FileOf({TestOf(V::kPass), TestOf(V::kFail, "batch_2")});
  const RunComparison whole = CompareRuns(base, candidate, OptionsWith());
  EXPECT_EQ(NotConserved(whole), "");
  RunComparison lost = whole;
  lost.tests.pop_back();
  EXPECT_EQ(NotConserved(lost), "the test NUM_1/all_outputs_agree/mlp_dynamic.batch_2/package of BASE is counted 0 times");
  RunComparison twice = whole;
  twice.tests.push_back({nullptr, whole.tests[1].candidate, Change::kNewFailure, std::nullopt});
  EXPECT_EQ(NotConserved(twice), "the test NUM_1/all_outputs_agree/mlp_dynamic.batch_2/package of CANDIDATE is counted 2 times");
  RunComparison foreign = whole;
  const Record other = TestOf(V::kPass, "batch_3");
  foreign.tests.push_back({&other, nullptr, Change::kMissing, std::nullopt});
  EXPECT_EQ(NotConserved(foreign), "the comparison counts 1 test that BASE has not");
}

TEST(CompareConservationTest, TheClassesOfManyRandomPairsOfRunsAddUp) {
  uint32_t state = 1;
  const auto next = [&state](uint32_t below) {
    state = state * 1664525U + 1013904223U;
    return (state >> 16) % below;
  };
  for (int round = 0; round < 200; ++round) {
    std::vector<std::vector<Record>> runs(2);
    for (auto& run : runs) {
      for (int call = 0; call < 12; ++call) {
        if (next(4) > 0) run.push_back(TestOf(kVerdicts[next(kVerdicts.size())].verdict, std::to_string(call)));
      }
    }
    const RunFile base = FileOf(runs[0]);
    const RunFile candidate = FileOf(runs[1]);
    const RunComparison comparison = CompareRuns(base, candidate, OptionsWith({"*.1/*"}));
    EXPECT_EQ(NotConserved(comparison), "");
    const json written = json::parse(CompareJson(comparison));
    size_t sum = 0;
    for (const auto& [name, count] : written.at("classes").items()) sum += count.get<size_t>();
    EXPECT_EQ(sum, comparison.tests.size());
    EXPECT_EQ(sum - written.at("classes").at("same").get<size_t>(), written.at("tests").size());
  }
}

// --- time and environment

TEST(TimesTest, OnlyWhatGrewBeyondTheNoiseIsNamed) {
  const RunFile base = FileOf({Taking(0.01, "a"), Taking(0.5, "b"), Taking(0.2, "c"), Taking(1, "d"), Taking(0.02, "e")});
  std::vector<Record> records = {Taking(0.1, "a"), Taking(0.99, "b"), Taking(0.5, "c"), Taking(3, "d"), Taking(9, "e")};
  records.back().verdict = V::kUnsupported;
  const RunFile candidate = FileOf(records);
  const Times times = CompareRuns(base, candidate, OptionsWith()).times;
  EXPECT_EQ(times.tests, 4U);
  EXPECT_DOUBLE_EQ(times.base_seconds, 1.71);
  EXPECT_DOUBLE_EQ(times.candidate_seconds, 4.59);
  EXPECT_EQ(times.slower, 2U);
  ASSERT_EQ(times.slowest.size(), 2U);
  EXPECT_EQ(times.slowest[0].candidate->call, "d");
  EXPECT_EQ(times.slowest[1].candidate->call, "c");
}

TEST(TimesTest, TenAreNamedAndAllAreCounted) {
  std::vector<Record> base;
  std::vector<Record> candidate;
  for (int i = 0; i < 15; ++i) {
    base.push_back(Taking(0.1, std::to_string(i)));
    candidate.push_back(Taking(1 + i, std::to_string(i)));
  }
  const RunFile before = FileOf(base);
  const RunFile now = FileOf(candidate);
  const RunComparison comparison = CompareRuns(before, now, OptionsWith());
  EXPECT_EQ(comparison.times.slower, 15U);
  EXPECT_EQ(comparison.times.slowest.size(), 10U);
  EXPECT_EQ(comparison.times.slowest[0].candidate->call, "14");
  EXPECT_FALSE(comparison.Worse());
}

TEST(EnvironmentTest, NamesOnlyWhatTheRunsSayDifferently) {
  RunFile base = FileOf({TestOf(V::kPass)});
  RunFile candidate = base;
  base.run.provenance.update({{"torch", "2.14.0"}, {"isa", "avx2"}, {"torch_library", "/a/libtorch_cpu.so"}});
  candidate.run.provenance.update({{"torch", "2.15.0"},
                                   {"isa", "avx2"},
                                   {"torch_library", "/b/libtorch_cpu.so"},
                                   {"goldens_sha256", "0123"},
                                   {"cuda_driver", "600.1"},
                                   {"command", "./aoti-cts run -j1"},
                                   {"started", "2026-01-02T03:04:05Z"}});
  base.run.runners = {{"package", {{"about", "a"}, {"torch", {{"version", "2.14.0"}, {"library", "/a"}}}}}};
  candidate.run.runners = {{"package", {{"about", "a"}, {"torch", {{"version", "2.15.0"}, {"library", "/b"}}}}}};
  std::vector<std::vector<std::string>> seen;
  for (const Difference& each : CompareRuns(base, candidate, OptionsWith()).environment) seen.push_back({each.what, each.base, each.candidate});
  const std::vector<std::vector<std::string>> expected{
      {"torch", "2.14.0", "2.15.0"}, {"goldens", "", "0123"}, {"cuda driver", "", "600.1"}, {"runner package: torch", "2.14.0", "2.15.0"}};
  EXPECT_EQ(seen, expected);
}

TEST(EnvironmentTest, AnotherSuiteIsFineButSaid) {
  const RunFile base = FileOf({TestOf(V::kPass)});
  RunFile candidate = base;
  candidate.run.provenance["suite_version"] = "0.2.0";
  const RunComparison comparison = CompareRuns(base, candidate, OptionsWith());
  EXPECT_FALSE(comparison.Worse());
  EXPECT_EQ(comparison.notes, std::vector<std::string>{"The suites differ, 0.1.0 and 0.2.0: a test of the same name may ask something else."});
}

// --- what is written

Record Named(const std::string& requirement, const std::string& call, Verdict verdict, const std::string& message = "") {
  Record record = OneTest(requirement, "a_promise", call, verdict);
  record.message = message;
  return record;
}

// Two runs with every class of change, nasty characters, and failures in the same words.
std::pair<RunFile, RunFile> EveryChange() {
  Run base = EveryVerdict();
  base.interrupted = false;
  base.provenance["torch"] = "2.14.0+cpu";
  base.provenance["goldens_sha256"] = std::string(64, 'a');
  Run candidate = EveryVerdict();
  candidate.provenance["suite_version"] = "0.2.0";
  candidate.provenance["commit"] = std::string(40, 'b') + "-dirty";
  candidate.provenance["goldens_sha256"] = std::string(64, 'c');
  const auto add = [&](const Record& before, const Record& now) {
    base.records.push_back(before);
    candidate.records.push_back(now);
  };
  for (const char* call : {"a", "b", "c"}) {
    add(Named("PKG_1", call, V::kPass), Named("PKG_1", call, V::kFail, "output 0: error 3.5 of limit 0.5 at [3,7]\n  got      2\n  expected 5.5"));
  }
  add(Named("PKG_2", "", V::kUnavailable), Named("PKG_2", "", V::kCrash, kNasty));
  candidate.records.push_back(Named("PKG_1", "d", V::kError, "case d did not compile: error: expected ';'"));
  base.records.push_back(Named("LIFE_2", "gone", V::kPass));
  base.records.push_back(Named("LIFE_2", "may_go", V::kFail, "x"));
  add(Named("LIFE_3", "", V::kPass), Named("LIFE_3", "", V::kUnsupported, "package: no metadata"));
  add(Named("LIFE_4", "", V::kPass), Named("LIFE_4", "", V::kKnownIssue, "accepted"));
  candidate.records.back().known_issue = "https://example.org/issues/9: flips are not checked";
  add(Named("NUM_2", "", V::kFail, "wrong"), Named("NUM_2", "", V::kPass));
  add(Named("NUM_3", "", V::kRecorded), Named("NUM_3", "", V::kRecorded));
  base.records.back().observation = "refused";
  candidate.records.back().observation = "silently_wrong";
  add(Named("NUM_4", "", V::kPass), Named("NUM_4", "", V::kPass));
  base.records.back().margins = {{0, 0.125, 0, 0}};
  candidate.records.back().margins = {{0, 0.75, 0, 0}};
  candidate.records.back().seconds = 1.5;
  candidate.records.push_back(Named("NUM_5", "", V::kPass));
  add(Named("NUM_6", "", V::kUnavailable, "no CUDA device"), Named("NUM_6", "", V::kPass));
  return {RunFile{"base/results.json", base}, RunFile{"candidate/results.json", candidate}};
}

struct Format {
  std::string extension;
  std::string (*write)(const RunComparison&);
};

const Format kFormats[] = {{"txt", CompareText}, {"md", CompareMarkdown}, {"json", CompareJson}};

TEST(CompareFormatsTest, WriteWhatWasApprovedForEveryClassOfChange) {
  const auto [base, candidate] = EveryChange();
  const RunComparison comparison = CompareRuns(base, candidate, OptionsWith({"LIFE_2/*may_go*"}));
  for (const ChangeInfo& info : kChanges) EXPECT_GT(comparison.Count(info.change), 0U) << info.name;
  for (const Format& format : kFormats) ExpectApproved("compare_every_change." + format.extension, format.write(comparison));
}

TEST(CompareFormatsTest, WriteWhatWasApprovedForARunAgainstItself) {
  const RunFile run = {"results.json", AllGood()};
  const RunComparison comparison = CompareRuns(run, run, OptionsWith());
  for (const Format& format : kFormats) ExpectApproved("compare_same." + format.extension, format.write(comparison));
}

TEST(CompareFormatsTest, AreCleanTextWhateverARuntimeSaid) {
  const auto [base, candidate] = EveryChange();
  const RunComparison comparison = CompareRuns(base, candidate, OptionsWith());
  for (const auto& write : {CompareText, CompareMarkdown}) {
    const std::string text = write(comparison);
    EXPECT_EQ(CleanText(text), text);
  }
}

TEST(CompareTextTest, HasAtMostEightyColumnsButInIdsAndCommands) {
  const auto [base, candidate] = EveryChange();
  std::istringstream lines(CompareText(CompareRuns(base, candidate, OptionsWith())));
  for (std::string line; std::getline(lines, line);) {
    if (line.find("/a_promise/") != std::string::npos || line.find("./aoti-cts run --test") != std::string::npos) continue;
    EXPECT_LE(Columns(line), kTextWidth) << line;
  }
}

TEST(CompareMarkdownTest, FitsIntoACommentHoweverMuchChanged) {
  constexpr size_t kComment = 65536;
  const RunFile many = {"results.json", Huge(3000, 400)};
  RunFile none = many;
  none.run.records.resize(1);
  RunFile passed = many;
  for (Record& record : passed.run.records) record.verdict = V::kPass;
  using Two = std::pair<const RunFile*, const RunFile*>;
  for (const auto& [base, candidate] : {Two{&passed, &many}, {&many, &passed}, {&many, &none}, {&none, &many}}) {
    const RunComparison comparison = CompareRuns(*base, *candidate, OptionsWith());
    const std::string text = CompareMarkdown(comparison);
    EXPECT_LE(text.size(), kComment);
    EXPECT_NE(text.find("are left out here for size; `compare --format json` has all"), std::string::npos);
    EXPECT_NE(text.find(ComparisonSentence(comparison)), std::string::npos);
  }
}

}  // namespace
}  // namespace aoti_cts
