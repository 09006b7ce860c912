// SPDX-License-Identifier: Apache-2.0
// Reading results.json back: what was written comes back, and every file that is not whole is refused in words. To add a bad file: a row of kBad.
#include "reports/read_results.h"

#include <gtest/gtest.h>

#include <limits>
#include <stdexcept>

#include "reports/fixed_runs.h"
#include "reports/report.h"
#include "reports/temporary_folder.h"

namespace aoti_cts {
namespace {

using nlohmann::json;

std::string ComplaintOf(const std::filesystem::path& path) {
  try {
    ReadResults(path);
  } catch (const std::runtime_error& e) {
    return e.what();
  }
  return "nothing is complained of";
}

TEST(ReadResultsTest, WhatWasWrittenComesBack) {
  const TemporaryFolder folder;
  for (const auto& run : {EveryVerdict(), AllGood()}) {
    folder.Write("results.json", ResultsJson(run));
    auto back = ReadResults(folder.File("results.json")).run;
    for (size_t i = 0; i < back.records.size(); ++i) {  // the rest of what a child printed is for the reports of the run itself
      back.records[i].output = run.records[i].output;
      back.records[i].residue = run.records[i].residue;
    }
    EXPECT_EQ(ResultsJson(back), ResultsJson(run));
  }
}

TEST(ReadResultsTest, AMarginThatIsNoNumberIsInfinite) {
  const TemporaryFolder folder;
  folder.Write("results.json", ResultsJson(EveryVerdict()));
  EXPECT_EQ(ReadResults(folder.path()).run.records.at(2).margins.at(1).ratio, std::numeric_limits<double>::infinity());
}

TEST(ReadResultsTest, AFolderStandsForTheFileInIt) {
  const TemporaryFolder folder;
  folder.Write("results.json", ResultsJson(AllGood()));
  EXPECT_EQ(ReadResults(folder.path()).file, folder.File("results.json").string());
}

TEST(ReadResultsTest, FieldsOfANewerSuiteArePassedOver) {
  const TemporaryFolder folder;
  json results = json::parse(ResultsJson(AllGood()));
  results["mood"] = "good";
  results["provenance"]["driver"] = "600.1";
  results["tests"][0]["mood"] = "good";
  folder.Write("results.json", results.dump());
  EXPECT_EQ(ReadResults(folder.path()).run.provenance.at("driver"), "600.1");
}

TEST(ReadResultsTest, AFileThatIsNotThereIsNamed) {
  const TemporaryFolder folder;
  EXPECT_EQ(ComplaintOf(folder.File("gone.json")), folder.File("gone.json").string() + ": cannot be read (No such file or directory)");
  EXPECT_EQ(ComplaintOf(folder.path()), folder.File("results.json").string() + ": cannot be read (No such file or directory)");
}

TEST(ReadResultsTest, TheFolderOfARunThatWasKilledIsToldHowToGetIts) {
  const TemporaryFolder folder;
  folder.Write("plan.json", "{}");
  EXPECT_EQ(ComplaintOf(folder.path()), folder.File("results.json").string() + ": cannot be read (No such file or directory); ./aoti-cts report " +
                                            folder.path().string() + " writes it from the records");
}

TEST(ReadResultsTest, AFileThatIsCutAnywhereIsRefused) {
  const TemporaryFolder folder;
  const std::string whole = ResultsJson(AllGood());
  for (size_t size = 0; size + 2 < whole.size(); size += 7) {
    folder.Write("results.json", whole.substr(0, size));
    EXPECT_EQ(ComplaintOf(folder.path()).find(folder.File("results.json").string() + ": not valid JSON, or cut short: "), 0U) << size;
  }
}

struct Bad {
  const char* name;
  void (*change)(json&);
  const char* complaint;  // after the name of the file
};

void PrintTo(const Bad& bad, std::ostream* stream) { *stream << bad.name; }

const Bad kBad[] = {
    {"AnArray", [](json& results) { results = json::array(); }, ": expected an object, found array"},
    {"NoSchema", [](json& results) { results.erase("schema"); }, R"(: the field "schema" is missing: the file was cut or edited)"},
    {"ANewerSchema", [](json& results) { results["schema"] = 2; },
     ": schema: is 2, and this suite reads 1: compare with the suite that wrote the newer file"},
    {"ProvenanceOfAnotherKind", [](json& results) { results["provenance"] = 7; }, ": provenance: expected an object, found number"},
    {"NoCommand", [](json& results) { results["provenance"].erase("command"); }, R"(: provenance: the field "command" is missing)"},
    {"NoTests", [](json& results) { results.erase("tests"); }, R"(: the field "tests" is missing)"},
    {"TestsAreNoArray", [](json& results) { results["tests"] = "all"; }, ": tests: expected an array, found string"},
    {"ATestIsNoObject", [](json& results) { results["tests"][1] = 4; }, ": tests[1]: expected an object, found number"},
    {"NoVerdict", [](json& results) { results["tests"][1].erase("verdict"); }, R"(: tests[1]: the field "verdict" is missing)"},
    {"AVerdictNobodyKnows", [](json& results) { results["tests"][1]["verdict"] = "fine"; },
     R"(: tests[1].verdict: "fine" is no verdict that this suite knows)"},
    {"JudgedIsNoTruth", [](json& results) { results["tests"][0]["judged"] = 1; }, ": tests[0].judged: expected true or false, found 1"},
    {"TimeIsText", [](json& results) { results["tests"][0]["seconds"] = "long"; }, R"(: tests[0].seconds: expected a number or "inf", found "long")"},
    {"ANegativeCount", [](json& results) { results["tests"][0]["comparisons"] = -1; },
     ": tests[0].comparisons: expected an integer of at least 0, found -1"},
    {"AMarginWithoutRatio", [](json& results) { results["tests"][1]["margins"][0].erase("ratio"); },
     R"(: tests[1].margins[0]: the field "ratio" is missing)"},
    {"AnObservationThatIsNoText", [](json& results) { results["tests"][0]["observation"] = {1}; },
     ": tests[0].observation: expected a string, found array"},
    {"AnIdOfAnotherRunner", [](json& results) { results["tests"][0]["runner"] = "eager"; }, "does not end with its runner, eager"},
    {"ATestTwice", [](json& results) { results["tests"][1]["id"] = results["tests"][0]["id"]; }, "tests[1].id: NUM_1/all_outputs_agree/mlp_"},
    {"ATestThatIsGone", [](json& results) { results["tests"].erase(1); }, ": summary.planned: says 2, and the tests are 1: the file was cut"},
    {"AVerdictThatWasEdited", [](json& results) { results["tests"][0]["verdict"] = "fail"; }, ": summary.pass: says 2, and the tests are 1"},
};

class BadResults : public testing::TestWithParam<Bad> {};

TEST_P(BadResults, AreRefusedWithFileAndField) {
  const TemporaryFolder folder;
  json results = json::parse(ResultsJson(AllGood()));
  GetParam().change(results);
  folder.Write("results.json", results.dump());
  const std::string complaint = ComplaintOf(folder.path());
  EXPECT_EQ(complaint.find(folder.File("results.json").string() + ": "), 0U) << complaint;
  EXPECT_NE(complaint.find(GetParam().complaint), std::string::npos) << complaint;
}

INSTANTIATE_TEST_SUITE_P(ReadResults, BadResults, testing::ValuesIn(kBad), [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace aoti_cts
