// SPDX-License-Identifier: Apache-2.0
// What the reports say of field bugs. To add a way in which a bug shows: one more record in SomeBugs' run.
#include "reports/field_bugs.h"

#include <gtest/gtest.h>

#include <string>

#include "reports/report.h"

namespace aoti_cts {
namespace {

constexpr const char* kReport = "https://example.org/issues/7";

Record Ended(const std::string& id, Verdict verdict) {
  Record record;
  record.id = id;
  record.requirement = id.substr(0, id.find('/'));
  record.sentence = "values_are_right";
  record.runner = "package";
  record.verdict = verdict;
  return record;
}

Run SomeRun() {
  Run run;
  run.provenance = {{"torch", "2.15.0"}};
  run.records = {Ended("NUM_1/values_are_right/bytes/package", Verdict::kKnownIssue), Ended("NUM_1/values_are_right/floats/package", Verdict::kPass)};
  return run;
}

LedgerClaim Bug(const std::string& id, const std::string& tests, const std::string& untested) {
  LedgerClaim bug{id, kReport, "numbers <are> wrong", {}, {}, untested, "2.14.0", "", ""};
  if (!tests.empty()) bug.evidence.push_back({tests, {"fail", "known_issue"}, ""});
  return bug;
}

Ledger SomeBugs() {
  return {{{"F1", "values"}},
          {Bug("F1.1", "NUM_1/*/bytes/*", ""), Bug("F1.2", "NUM_1/*/floats/*", ""), Bug("F1.3", "NUM_1/*", ""), Bug("F1.4", "", "needs two GPUs")}};
}

TEST(FieldBugsTest, EachAnswerHasAWordOfItsOwn) {
  EXPECT_EQ(SightingOf(ClaimTruth::kTrue), "seen");
  EXPECT_EQ(SightingOf(ClaimTruth::kDepends), "seen in some tests");
  EXPECT_EQ(SightingOf(ClaimTruth::kFalse), "not seen");
  EXPECT_EQ(SightingOf(ClaimTruth::kUntested), "not tried");
}

TEST(FieldBugsTest, OutcomesAreNamedInWords) { EXPECT_EQ(OutcomesThatShow({"*", {"fail", "known_issue"}, ""}), "fail or known issue"); }

TEST(FieldBugsTest, MarkdownSaysOfEachBugWhatThisTorchShows) {
  const Ledger bugs = SomeBugs();
  const std::string text = Markdown(SomeRun(), &bugs);
  for (const char* said : {"| reported | what would show it | torch 2.15.0 |", "fail or known issue of `NUM_1/*/bytes/*` | seen |",
                           "fail or known issue of `NUM_1/*/floats/*` | not seen |", "fail or known issue of `NUM_1/*` | seen in some tests |",
                           "|  | not tried: needs two GPUs |", kReport}) {
    EXPECT_NE(text.find(said), std::string::npos) << said << "\n" << text;
  }
}

TEST(FieldBugsTest, HtmlSaysTheSame) {
  const Ledger bugs = SomeBugs();
  const std::string text = Html(SomeRun(), nullptr, {}, &bugs);
  for (const char* said : {"on torch 2.15.0.", "numbers &lt;are&gt; wrong", "Reported for 2.14.0", "<p>needs two GPUs</p>", "id=\"F1.3\"",
                           "<a href=\"https://example.org/issues/7\">"}) {
    EXPECT_NE(text.find(said), std::string::npos) << said;
  }
}

TEST(FieldBugsTest, WithoutAListNothingIsSaid) {
  EXPECT_EQ(Markdown(SomeRun(), nullptr).find("Field bugs"), std::string::npos);
  EXPECT_EQ(Html(SomeRun(), nullptr, {}).find("Field bugs"), std::string::npos);
}

}  // namespace
}  // namespace aoti_cts
