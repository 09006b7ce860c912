// SPDX-License-Identifier: Apache-2.0
// Which test of DYN comes into which cell of the grid, and what the cell says.
#include "reports/lattice.h"

#include <gtest/gtest.h>

#include "reports/temporary_folder.h"

namespace aoti_cts {
namespace {

Record OneCall(const std::string& requirement, const std::string& call, const std::string& cell, bool check_inputs,
               Verdict verdict = Verdict::kPass) {
  Record record;
  record.requirement = requirement;
  record.case_name = "mlp";
  record.call = call;
  record.cell = cell;
  record.expect = "refused";
  record.check_inputs = check_inputs;
  record.runner = "package";
  record.verdict = verdict;
  return record;
}

TEST(LatticeTest, ACallStandsInTheRowOfItsDimensionAndTheColumnOfItsCell) {
  aoti_cts::Run run;
  run.records = {OneCall("DYN_1", "batch_above_max", "above_max", true), OneCall("DYN_2", "batch_above_max", "above_max", false),
                 OneCall("DYN_8", "batch_min", "min", false), OneCall("DYN_8", "batch_min_plus_1", "min_plus_1", false)};
  const std::vector<LatticeTable> tables = Lattice(run);
  ASSERT_EQ(tables.size(), 1U);
  ASSERT_EQ(tables[0].rows.size(), 1U);
  const LatticeRow& row = tables[0].rows[0];
  EXPECT_EQ(row.name, "batch");
  EXPECT_EQ(row.cells[5][1].at(0).record, &run.records.front());
  EXPECT_EQ(row.cells[5][0].at(0).record, &run.records[1]);
  EXPECT_EQ(row.cells[1][0].at(0).record, &run.records[2]);
  EXPECT_EQ(row.cells[2][0].at(0).record, &run.records[3]);
}

TEST(LatticeTest, OtherCallsHaveRowsOfTheirOwnAndOtherCellsALabel) {
  aoti_cts::Run run;
  run.records = {OneCall("DYN_3", "batch_7", "static", true), OneCall("DYN_1", "batch_huge_size", "huge_size", true),
                 OneCall("DYN_1", "batch_64", "above_max", true)};
  const std::vector<LatticeTable> tables = Lattice(run);
  ASSERT_EQ(tables.at(0).rows.size(), 3U);
  EXPECT_EQ(tables[0].rows[0].name, "batch_7");
  EXPECT_EQ(tables[0].rows[0].cells[6][1].at(0).label, "");
  EXPECT_EQ(tables[0].rows[1].name, "batch");
  EXPECT_EQ(tables[0].rows[1].cells[6][1].at(0).label, "huge size");
  EXPECT_EQ(tables[0].rows[2].name, "batch_64");
  EXPECT_EQ(tables[0].rows[2].cells[5][1].size(), 1U);
}

TEST(LatticeTest, TheFirstRequirementSpeaksForACallAndOthersAreLeftOut) {
  aoti_cts::Run run;
  run.records = {OneCall("DYN_1", "batch_above_max", "above_max", true), OneCall("DYN_6", "batch_above_max", "above_max", true, Verdict::kFail),
                 OneCall("ERR_1", "batch_above_max", "above_max", true), OneCall("DYN_1", "", "", true), OneCall("DYN_1", "batch_max", "", true)};
  const std::vector<LatticeTable> tables = Lattice(run);
  ASSERT_EQ(tables.at(0).rows.size(), 1U);
  EXPECT_EQ(tables[0].rows[0].cells[5][1].size(), 1U);
  EXPECT_EQ(tables[0].rows[0].cells[5][1][0].record, &run.records.front());
}

TEST(LatticeTest, AMismatchHasARowOfItsOwnWithWhatBecameOfIt) {
  aoti_cts::Run run;
  run.records = {OneCall("DYN_5", "", "", true), OneCall("DYN_5", "", "", false, Verdict::kRecorded), OneCall("DYN_5", "", "", false)};
  run.records[0].sentence = "wrong_dtype_is_refused_or_answered_right";
  run.records[1].sentence = "wrong_dtype_without_checks";
  run.records[1].observation = "silently_wrong";
  run.records[2].sentence = "input_at_an_offset_is_answered_right";
  const std::vector<LatticeTable> tables = Lattice(run);
  ASSERT_EQ(tables.at(0).rows.size(), 2U);
  EXPECT_EQ(tables[0].rows[0].name, "wrong dtype");
  EXPECT_EQ(LatticeWordOf(*tables[0].rows[0].cells[6][1].at(0).record).word, "refused or right");
  EXPECT_EQ(LatticeWordOf(*tables[0].rows[0].cells[6][0].at(0).record).word, "silently wrong");
  EXPECT_EQ(tables[0].rows[1].name, "input at an offset");
  EXPECT_EQ(LatticeWordOf(*tables[0].rows[1].cells[6][0].at(0).record).word, "golden");
}

TEST(LatticeTest, EachCaseAndRunnerHasATable) {
  aoti_cts::Run run;
  run.records = {OneCall("DYN_8", "n_min", "min", true), OneCall("DYN_8", "n_min", "min", true), OneCall("DYN_8", "n_min", "min", true)};
  run.records[1].case_name = "other";
  run.records[2].runner = "c_abi";
  EXPECT_EQ(Lattice(run).size(), 3U);
}

TEST(LatticeTest, ThePlanSaysWhereACallLiesAndOneThatDoesNotIsLeftOut) {
  const TemporaryFolder folder;
  folder.Write("plan.json", R"json({"provenance": {}, "tests": [
    {"id": "a", "requirement": "DYN_1", "sentence": "s", "case": "c", "call": "n_max", "runner": "r", "judged": true,
     "cell": "max", "expect": "ok", "check_inputs": true},
    {"id": "b", "requirement": "DYN_1", "sentence": "s", "case": "c", "call": "n_min", "runner": "r", "judged": true}]})json");
  const aoti_cts::Run run = ReadRun(folder.path());
  const std::vector<LatticeTable> tables = Lattice(run);
  ASSERT_EQ(tables.size(), 1U);
  ASSERT_EQ(tables[0].rows.size(), 1U);
  ASSERT_EQ(tables[0].rows[0].cells[4][1].size(), 1U);
  EXPECT_EQ(tables[0].rows[0].cells[4][1][0].record->expect, "ok");
}

TEST(LatticeTest, EveryOutcomeHasAWord) {
  Record record = OneCall("DYN_1", "n_min", "min", true);
  EXPECT_EQ(LatticeWordOf(record).word, "refused");
  record.expect = "ok";
  EXPECT_EQ(LatticeWordOf(record).word, "golden");
  for (const auto& [verdict, word] : {std::pair{Verdict::kFail, "broken"},
                                      {Verdict::kCrash, "crash"},
                                      {Verdict::kTimeout, "hang"},
                                      {Verdict::kKnownIssue, "known issue"},
                                      {Verdict::kUnexpectedPass, "golden"},
                                      {Verdict::kNotRun, "not tried"},
                                      {Verdict::kUnavailable, "not tried"}}) {
    record.verdict = verdict;
    EXPECT_EQ(LatticeWordOf(record).word, word);
  }
  record.verdict = Verdict::kRecorded;
  for (const auto& [observation, word] : {std::pair{"refused", "refused"},
                                          {"correct", "correct"},
                                          {"silently_wrong", "silently wrong"},
                                          {"out_of_bounds", "out of bounds"},
                                          {"crash", "crash"},
                                          {"hang", "hang"},
                                          {"<b>", "unknown"},
                                          {"", "unknown"}}) {
    record.observation = observation;
    EXPECT_EQ(LatticeWordOf(record).word, word);
  }
}

}  // namespace
}  // namespace aoti_cts
