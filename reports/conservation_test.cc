// SPDX-License-Identifier: Apache-2.0
// The conservation checker finds each way to lose a test: run folders that are wrong in one way each. To add a violation: a row of kViolations.
#include <gtest/gtest.h>
#include <stdio.h>
#include <sys/wait.h>

#include <array>
#include <string>

#include "reports/record.h"
#include "reports/report.h"
#include "reports/temporary_folder.h"

namespace aoti_cts {
namespace {

struct Outcome {
  int exit_code;
  std::string said;
};

Outcome Check(const std::filesystem::path& folder) {
  const std::string command = std::string("'") + CONSERVATION_BINARY + "' '" + folder.string() + "' 2>&1";
  FILE* pipe = popen(command.c_str(), "r");
  std::string said;
  std::array<char, 4096> buffer{};
  for (size_t got = 0; (got = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) said.append(buffer.data(), got);
  const int status = pclose(pipe);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, said};
}

constexpr const char* kPlan = R"({"provenance":{},"tests":[{"id":"a"},{"id":"b"},{"id":"c"}]})";
constexpr const char* kRecords =
    R"({"runner":"package","description":{}}
{"begin":"a"}
{"end":"a","verdict":"pass","comparisons":2}
{"begin":"b"}
{"end":"b","verdict":"fail","comparisons":1}
)";

std::string Results(const std::string& a, const std::string& summary_tail) {
  return R"({"summary":{"planned":3,"fail":1,"known_issue":0,"unexpected_pass":0,"recorded":0,"unsupported":0,"unavailable":0,"crash":0,)"
         R"("timeout":0,"error":0,)" +
         summary_tail + R"(},"tests":[{"id":"a","verdict":")" + a + R"("},{"id":"b","verdict":"fail"},{"id":"c","verdict":"not_run"}]})";
}

class ConservationTest : public testing::Test {
 protected:
  Outcome Checked(const std::string& plan, const std::string& records, const std::string& results = "") {
    folder_.Write("plan.json", plan);
    folder_.Write("records.jsonl", records);
    if (!results.empty()) folder_.Write("results.json", results);
    return Check(folder_.path());
  }

  void ExpectHolds(const Outcome& outcome, const std::string& law) {
    EXPECT_EQ(outcome.exit_code, 0);
    EXPECT_EQ(outcome.said, "conservation holds: " + law + "\n");
  }

  TemporaryFolder folder_;
};

TEST_F(ConservationTest, AGoodRunPassesAndTheLawIsPrintedWithItsNumbers) {
  ExpectHolds(Checked(kPlan, kRecords, Results("pass", R"("pass":1,"not_run":1)")),
              "planned 3 = pass 1 + fail 1 + known_issue 0 + unexpected_pass 0 + recorded 0 + unsupported 0 + unavailable 0 + crash 0 + timeout 0 + "
              "error 0 + not_run 1");
}

TEST_F(ConservationTest, AMissingResultsFileIsNoViolation) { EXPECT_EQ(Checked(kPlan, kRecords).exit_code, 0); }

TEST_F(ConservationTest, ATestThatNeverEndedCountsAsACrash) {
  ExpectHolds(Checked(kPlan, std::string(kRecords) + "{\"begin\":\"c\"}\n{\"end\":\"c"),
              "planned 3 = pass 1 + fail 1 + known_issue 0 + unexpected_pass 0 + recorded 0 + unsupported 0 + unavailable 0 + crash 1 + timeout 0 + "
              "error 0 + not_run 0 (torn lines passed over: 1)");
}

TEST_F(ConservationTest, AnInterruptedTestCountsAsNotRun) {
  ExpectHolds(Checked(kPlan, std::string(kRecords) + "{\"begin\":\"c\"}\n{\"interrupted\":\"c\"}\n"),
              "planned 3 = pass 1 + fail 1 + known_issue 0 + unexpected_pass 0 + recorded 0 + unsupported 0 + unavailable 0 + crash 0 + timeout 0 + "
              "error 0 + not_run 1");
}

TEST_F(ConservationTest, ATestThatIsRunAgainBecauseItNeverEndedIsLawful) {
  const std::string again = "{\"begin\":\"c\"}\n{\"begin\":\"c\"}\n{\"end\":\"c\",\"verdict\":\"timeout\",\"comparisons\":0}\n";
  EXPECT_EQ(Checked(kPlan, kRecords + again).exit_code, 0);
}

TEST_F(ConservationTest, WhatTheSuiteWritesOfARunPasses) {
  folder_.Write("plan.json", [] {
    nlohmann::json tests = nlohmann::json::array();
    for (const VerdictInfo& info : kVerdicts) {
      Record record;
      record.id = info.name;
      tests.push_back(ToJson(record));
    }
    return nlohmann::json{{"provenance", nlohmann::json::object()}, {"tests", tests}}.dump();
  }());
  RecordWriter writer(folder_.File("records.jsonl"));
  writer.Runner("package", nlohmann::json::object());
  for (const VerdictInfo& info : kVerdicts) {
    if (info.verdict == Verdict::kNotRun) continue;
    Record record;
    record.id = info.name;
    record.verdict = info.verdict;
    record.comparisons = 1;
    writer.Begin(record.id);
    if (info.verdict != Verdict::kCrash) writer.End(record);
  }
  writer.Complaint("a dead entry");
  folder_.Write("results.json", ResultsJson(ReadRun(folder_.path())));
  ExpectHolds(Check(folder_.path()),
              "planned 11 = pass 1 + fail 1 + known_issue 1 + unexpected_pass 1 + recorded 1 + unsupported 1 + unavailable 1 + crash 1 + timeout 1 + "
              "error 1 + not_run 1");
}

struct Violation {
  std::string name;
  std::string plan;
  std::string records;
  std::string results;
  std::string said;
};

void PrintTo(const Violation& violation, std::ostream* stream) { *stream << violation.name; }

const std::array kViolations{
    Violation{"NothingIsPlanned", R"({"tests":[]})", "", "", "nothing is planned"},
    Violation{"AnIdIsPlannedTwice", R"({"tests":[{"id":"a"},{"id":"a"}]})", "", "", "a: planned 2 times"},
    Violation{"ATestEndsTwice", kPlan, std::string(kRecords) + R"({"end":"a","verdict":"pass","comparisons":2})", "", "a: ends 2 times"},
    Violation{"ASecondEndBreaksTheSum", kPlan, std::string(kRecords) + R"({"end":"a","verdict":"pass","comparisons":2})", "",
              "the sum is wrong: planned 3 != pass 2"},
    Violation{"ATestEndsThatWasNotPlanned", kPlan, "{\"begin\":\"d\"}\n{\"end\":\"d\",\"verdict\":\"pass\",\"comparisons\":1}", "",
              "d: in the records, but not planned"},
    Violation{"ATestEndsThatNeverBegan", kPlan, R"({"end":"a","verdict":"fail","comparisons":1})", "", "a: ends without having begun"},
    Violation{"ATestBeginsAgainAfterItsEnd", kPlan, std::string(kRecords) + R"({"begin":"a"})", "", "a: begins again after it ended"},
    Violation{"APassHasNoComparison", kPlan, "{\"begin\":\"a\"}\n{\"end\":\"a\",\"verdict\":\"pass\",\"comparisons\":0}", "",
              "a: pass without a comparison"},
    Violation{"AnUnexpectedPassHasNoComparison", kPlan, "{\"begin\":\"a\"}\n{\"end\":\"a\",\"verdict\":\"unexpected_pass\"}", "",
              "a: unexpected_pass without a comparison"},
    Violation{"AVerdictIsUnknown", kPlan, "{\"begin\":\"a\"}\n{\"end\":\"a\",\"verdict\":\"fine\",\"comparisons\":1}", "",
              "a: ends with \"fine\", which is no verdict"},
    Violation{"ResultsGiveATestAnotherVerdict", kPlan, kRecords, Results("recorded", R"("pass":1,"not_run":1)"),
              "a: recorded in results.json, pass by the records"},
    Violation{"ResultsCountOtherwise", kPlan, kRecords, Results("pass", R"("pass":2,"not_run":0)"),
              "results.json: summary.pass is 2, the records say 1"},
    Violation{"ResultsLackACount", kPlan, kRecords, Results("pass", R"("pass":1)"), "results.json: summary.not_run is no count, the records say 1"},
    Violation{"ResultsLackATest", kPlan, kRecords, R"({"summary":{},"tests":[]})", "a: planned, but missing from results.json"},
    Violation{"ResultsHaveATestTwice", kPlan, kRecords, R"({"summary":{},"tests":[{"id":"a","verdict":"pass"},{"id":"a","verdict":"pass"}]})",
              "a: more than once in results.json"},
    Violation{"ResultsHaveATestThatWasNotPlanned", kPlan, kRecords, R"({"summary":{},"tests":[{"id":"d","verdict":"pass"}]})",
              "d: in results.json, but not planned"},
};

class ConservationViolation : public ConservationTest, public testing::WithParamInterface<Violation> {};

TEST_P(ConservationViolation, IsFound) {
  const Outcome outcome = Checked(GetParam().plan, GetParam().records, GetParam().results);
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_NE(outcome.said.find("conservation violated: " + GetParam().said), std::string::npos) << outcome.said;
}

INSTANTIATE_TEST_SUITE_P(Each, ConservationViolation, testing::ValuesIn(kViolations), [](const auto& row) { return row.param.name; });

TEST_F(ConservationTest, AnUnusableFileIsNamed) {
  const auto expect_named = [&](const std::string& file) {
    const Outcome outcome = Check(folder_.path());
    EXPECT_EQ(outcome.exit_code, 2) << outcome.said;
    EXPECT_TRUE(outcome.said.starts_with(folder_.File(file).string() + ": ")) << outcome.said;
  };
  expect_named("plan.json");  // there is none
  folder_.Write("plan.json", "");
  expect_named("plan.json");
  folder_.Write("plan.json", R"({"tests":[{"name":"a"}]})");
  expect_named("plan.json");
  folder_.Write("plan.json", kPlan);
  expect_named("records.jsonl");
  folder_.Write("records.jsonl", R"({"begin":5})");
  expect_named("records.jsonl");
  folder_.Write("records.jsonl", kRecords);
  folder_.Write("results.json", "{");
  expect_named("results.json");
}

}  // namespace
}  // namespace aoti_cts
