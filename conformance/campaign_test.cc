// SPDX-License-Identifier: Apache-2.0
// Which tests a selection plans, and what a run exits with. To add a way to select: one more TEST_F.
#include "conformance/campaign.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "fixtures/case.h"
#include "fixtures/property.h"
#include "reports/ledger.h"
#include "reports/verdict.h"

namespace aoti_cts {
namespace {

// The plan of this build, for two runners.
class PlanTest : public testing::Test {
 protected:
  PlanTest() : cases_(ReadCases(AOTI_PLAN).value()), runners_{{"package", "package.so"}, {"faulty.stride", "faulty.so"}} {}
  std::vector<PlannedTest> Plan(const Selection& selection = {}) const { return PlanTests(cases_, runners_, selection); }

  const std::vector<Case> cases_;
  const std::vector<RunnerSpec> runners_;
};

void ExpectAll(const std::vector<PlannedTest>& tests, const std::function<bool(const PlannedTest&)>& holds) {
  EXPECT_FALSE(tests.empty());
  for (const PlannedTest& test : tests) EXPECT_TRUE(holds(test)) << test.id;
}

TEST_F(PlanTest, IdsAreUnique) {
  std::set<std::string> ids;
  for (const PlannedTest& test : Plan()) EXPECT_TRUE(ids.insert(test.id).second) << test.id;
  EXPECT_GT(ids.size(), 100u);
}

TEST_F(PlanTest, AnIdIsRequirementSentenceCaseCallAndRunner) {
  ExpectAll(Plan(), [](const PlannedTest& test) {
    const std::string call = test.call != nullptr ? "." + test.call->name : "";
    return test.id == test.property->requirement + "/" + test.property->sentence + "/" + test.program->name + call + "/" + test.runner->name;
  });
}

TEST_F(PlanTest, IdsNeedNoQuoting) {
  ExpectAll(Plan(), [](const PlannedTest& test) {
    return std::all_of(test.id.begin(), test.id.end(), [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '.' || c == '/'; });
  });
}

TEST_F(PlanTest, EachRunnerHasTheSameTests) {
  const auto tests = Plan();
  const auto count = [&](const RunnerSpec& runner) {
    return std::count_if(tests.begin(), tests.end(), [&](const PlannedTest& t) { return t.runner == &runner; });
  };
  EXPECT_EQ(count(runners_[0]), count(runners_[1]));
  EXPECT_TRUE(std::is_sorted(tests.begin(), tests.end(), [](const PlannedTest& a, const PlannedTest& b) { return a.runner < b.runner; }));
}

// A claim whose globs match nothing, or that counts as untested although tests ask: the ledger or the tests must be corrected.
TEST_F(PlanTest, TheLedgerMatchesTheTestsThereAre) {
  std::vector<std::string> ids;
  for (const PlannedTest& test : Plan()) ids.push_back(test.id);
  EXPECT_EQ(LedgerComplaints(ReadLedger(AOTI_LEDGER), ids, AOTI_SOURCE_DIR), std::vector<std::string>{});
}

// Also those that only a full run tries.
TEST_F(PlanTest, TheFieldBugsMatchTheTestsThereAre) {
  std::vector<std::string> ids;
  for (const PlannedTest& test : Plan({.profile = Profile::kFull})) ids.push_back(test.id);
  EXPECT_EQ(LedgerComplaints(ReadLedger(AOTI_FIELD_BUGS), ids, AOTI_SOURCE_DIR), std::vector<std::string>{});
}

TEST_F(PlanTest, EveryClaimThatAScriptTriesIsEvidenceInTheLedgerOrOfAFieldBug) {
  Ledger ledger = ReadLedger(AOTI_LEDGER);
  const Ledger field_bugs = ReadLedger(AOTI_FIELD_BUGS);
  ledger.claims.insert(ledger.claims.end(), field_bugs.claims.begin(), field_bugs.claims.end());
  for (const PlannedTest& test : Plan()) {
    if (!test.program->is_claim() || test.runner != runners_.data()) continue;
    const bool used = std::any_of(ledger.claims.begin(), ledger.claims.end(), [&](const LedgerClaim& claim) {
      return std::any_of(claim.evidence.begin(), claim.evidence.end(), [&](const LedgerEvidence& e) { return GlobMatches(e.tests, test.id); });
    });
    EXPECT_TRUE(used) << test.id;
  }
}

TEST_F(PlanTest, EveryCaseIsTested) {
  const auto tests = Plan();
  for (const Case& c : cases_) {
    if (c.profile != CaseProfile::kDefault) continue;  // only where it is asked for
    EXPECT_TRUE(std::any_of(tests.begin(), tests.end(), [&](const PlannedTest& t) { return t.program == &c; })) << c.name;
  }
}

TEST_F(PlanTest, ACaseOfTheFullProfileIsTestedInItAndWhereItIsNamed) {
  const auto is_of = [](CaseProfile profile) { return [profile](const PlannedTest& t) { return t.program->profile == profile; }; };
  const auto usual = Plan();
  EXPECT_TRUE(std::all_of(usual.begin(), usual.end(), is_of(CaseProfile::kDefault)));
  const auto full = Plan({.profile = Profile::kFull});
  EXPECT_TRUE(std::any_of(full.begin(), full.end(), is_of(CaseProfile::kFull)));
  EXPECT_TRUE(std::none_of(full.begin(), full.end(), is_of(CaseProfile::kNamed))) << "it takes minutes: only where it is named";
  EXPECT_FALSE(Plan({.cases = {"sort"}}).empty());
  EXPECT_FALSE(Plan({.tests = {"NUM_1/*/sort.example/*"}}).empty());
  EXPECT_FALSE(Plan({.cases = {"batch_and_sequence_4096"}}).empty());
}

TEST_F(PlanTest, EveryCallIsTested) {
  const auto tests = Plan();
  for (const Case& c : cases_) {
    if (c.profile != CaseProfile::kDefault || c.compiled_for != 0) continue;  // no device runs what was compiled for another one
    for (const Call& call : c.calls) {
      if (call.cell == "task" || call.cell == "step" || call.cell == "second" || call.cell == "weights")
        continue;  // some properties take them by themselves
      EXPECT_TRUE(std::any_of(tests.begin(), tests.end(), [&](const PlannedTest& t) { return t.call == &call; })) << c.name << "." << call.name;
    }
  }
}

TEST_F(PlanTest, CanariesArePlannedOnlyWhereTheirAreaIsNamed) {
  ExpectAll(Plan(), [](const PlannedTest& test) { return !test.property->canary; });
  EXPECT_TRUE(Plan({.tests = {"CANARY_1/*"}}).empty()) << "a glob is not enough";
  EXPECT_TRUE(Plan({.requirements = {"CANARY_1"}}).empty());
  const auto canaries = Plan({.areas = {"CANARY"}});
  ExpectAll(canaries, [](const PlannedTest& test) { return test.property->canary; });
  EXPECT_GE(canaries.size(), 2 * 5u);
}

TEST_F(PlanTest, AnAreaSelectsItsRequirements) {
  ExpectAll(Plan({.areas = {"DYN"}}), [](const PlannedTest& test) { return test.property->requirement.starts_with("DYN_"); });
  const auto two = Plan({.areas = {"NUM", "THR"}});
  EXPECT_EQ(two.size(), Plan({.areas = {"NUM"}}).size() + Plan({.areas = {"THR"}}).size());
}

TEST_F(PlanTest, ARequirementIsNoPrefix) {
  ExpectAll(Plan({.requirements = {"DYN_1"}}), [](const PlannedTest& test) { return test.property->requirement == "DYN_1"; });
  EXPECT_TRUE(Plan({.requirements = {"DYN"}}).empty());
}

TEST_F(PlanTest, ACaseSelectsItsTests) {
  ExpectAll(Plan({.cases = {"mlp_static"}}), [](const PlannedTest& test) { return test.program->name == "mlp_static"; });
  EXPECT_TRUE(Plan({.cases = {"mlp"}}).empty());
}

TEST_F(PlanTest, GlobsSelectById) {
  ExpectAll(Plan({.tests = {"*/package"}}), [](const PlannedTest& test) { return test.runner->name == "package"; });
  const std::string id = Plan().front().id;
  EXPECT_EQ(Plan({.tests = {id}}).size(), 1u);
  EXPECT_EQ(Plan({.tests = {id, "nothing"}}).size(), 1u) << "one glob of several is enough";
  EXPECT_TRUE(Plan({.tests = {"nothing"}}).empty());
  EXPECT_TRUE(Plan({.tests = {id.substr(0, id.size() - 1)}}).empty()) << "a part of an id is not the id";
}

TEST_F(PlanTest, SelectionsNarrowEachOther) {
  ExpectAll(Plan({.areas = {"DYN"}, .cases = {"mlp_dynamic"}, .tests = {"*/package"}}), [](const PlannedTest& test) {
    return test.property->requirement.starts_with("DYN_") && test.program->name == "mlp_dynamic" && test.runner->name == "package";
  });
  EXPECT_TRUE(Plan({.areas = {"DYN"}, .requirements = {"NUM_1"}}).empty());
}

TEST_F(PlanTest, NoRunnerMeansNoTest) { EXPECT_TRUE(PlanTests(cases_, {}, {}).empty()); }

// --- exit codes --------------------------------------------------------------------------------------------------------

Run RunWith(const std::vector<Verdict>& verdicts) {
  Run run;
  for (const Verdict verdict : verdicts) run.records.emplace_back().verdict = verdict;
  return run;
}

TEST(ExitCodeTest, EachVerdictHasItsCode) {
  const std::map<Verdict, int> codes{{Verdict::kNotRun, kExitUsage},
                                     {Verdict::kPass, kExitGood},
                                     {Verdict::kFail, kExitRed},
                                     {Verdict::kKnownIssue, kExitGood},
                                     {Verdict::kUnexpectedPass, kExitRed},
                                     {Verdict::kRecorded, kExitGood},
                                     {Verdict::kUnsupported, kExitNothingRan},
                                     {Verdict::kUnavailable, kExitNothingRan},
                                     {Verdict::kCrash, kExitRed},
                                     {Verdict::kTimeout, kExitRed},
                                     {Verdict::kError, kExitUsage}};
  EXPECT_EQ(codes.size(), kVerdicts.size());
  for (const auto& [verdict, code] : codes) EXPECT_EQ(ExitCodeOf(RunWith({verdict})), code) << InfoOf(verdict).name;
}

TEST(ExitCodeTest, OneRedVerdictAmongManyIsRed) {
  EXPECT_EQ(ExitCodeOf(RunWith({Verdict::kPass, Verdict::kPass, Verdict::kCrash, Verdict::kPass})), kExitRed);
  EXPECT_EQ(ExitCodeOf(RunWith({Verdict::kPass, Verdict::kUnsupported, Verdict::kKnownIssue})), kExitGood);
}

TEST(ExitCodeTest, WhatCouldNotBeTriedIsRedBesideWhatWas) {
  EXPECT_EQ(ExitCodeOf(RunWith({Verdict::kPass, Verdict::kNotRun})), kExitRed);
  EXPECT_EQ(ExitCodeOf(RunWith({Verdict::kError, Verdict::kKnownIssue})), kExitRed);
  EXPECT_EQ(ExitCodeOf(RunWith({Verdict::kError, Verdict::kNotRun, Verdict::kUnsupported})), kExitUsage);
}

TEST(ExitCodeTest, NothingTriedIsNotGood) {
  EXPECT_EQ(ExitCodeOf(RunWith({})), kExitNothingRan);
  EXPECT_EQ(ExitCodeOf(RunWith({Verdict::kUnsupported, Verdict::kUnavailable})), kExitNothingRan);
}

TEST(ExitCodeTest, AnInterruptedRunSaysSoWhateverItHasFound) {
  for (const Verdict verdict : {Verdict::kPass, Verdict::kFail, Verdict::kNotRun}) {
    aoti_cts::Run run = RunWith({verdict});
    run.interrupted = true;
    EXPECT_EQ(ExitCodeOf(run), kExitInterrupted);
  }
}

}  // namespace
}  // namespace aoti_cts
