// SPDX-License-Identifier: Apache-2.0
// What is written of a test is read back, also after a kill, an interrupt or a full disk. To add a way to be cut off: a test that writes the
// lines it leaves.
#include "reports/record.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <limits>

#include "reports/temporary_folder.h"

namespace aoti_cts {
namespace {

using nlohmann::json;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Record PlannedTest(const std::string& name) {
  Record record;
  record.requirement = "DYN_1";
  record.sentence = "batch_above_max_is_refused";
  record.case_name = name;
  record.call = "batch_65";
  record.runner = "package";
  record.id = "DYN_1/batch_above_max_is_refused/" + name + ".batch_65/package";
  return record;
}

class RecordTest : public testing::Test {
 protected:
  RecordTest() {
    json tests = json::array();
    for (const Record& record : {first_, second_}) tests.push_back(ToJson(record));
    const json programs{{{"name", "mlp"}, {"about", "for tests"}, {"profile", "full"}}};
    folder_.Write("plan.json", json{{"provenance", {{"commit", "abc"}}}, {"programs", programs}, {"tests", tests}}.dump());
  }

  std::filesystem::path Records() const { return folder_.File("records.jsonl"); }
  aoti_cts::Run Read() const { return ReadRun(folder_.path()); }

  TemporaryFolder folder_;
  Record first_ = PlannedTest("mlp");
  Record second_ = PlannedTest("sums");
};

TEST_F(RecordTest, EverythingWrittenOfATestIsReadBack) {
  Record record = first_;
  record.verdict = Verdict::kFail;
  record.seconds = 0.1;
  record.comparisons = 3;
  record.message = "line one\nline \"two\" | \x01";
  record.observation = "refused";
  record.known_issue = "https://example.org/1 reason";
  record.repeat = "./aoti-cts run --test x";
  record.output = "said";
  record.margins = {{0, 0.1, 1e-300, 2.5}, {1, 1.0 / 3, 3, 9}};
  record.residue = {"left.txt"};
  RecordWriter writer(Records());
  writer.Begin(record.id);
  writer.End(record);
  const auto run = Read();
  ASSERT_EQ(run.records.size(), 2u);
  EXPECT_EQ(ToJson(run.records[0]), ToJson(record));
  EXPECT_EQ(ToJson(run.records[1]), ToJson(second_));
  EXPECT_EQ(run.provenance.at("commit"), "abc");
  ASSERT_EQ(run.programs.size(), 1u);
  EXPECT_EQ(run.programs[0].name, "mlp");
  EXPECT_EQ(run.programs[0].about, "for tests");
  EXPECT_EQ(run.programs[0].profile, "full");
}

TEST_F(RecordTest, InfiniteMarginsAreReadBackAsInfinite) {
  first_.verdict = Verdict::kFail;
  first_.margins = {{0, kInfinity, std::numeric_limits<double>::quiet_NaN(), 0}};
  RecordWriter(Records()).End(first_);
  const RecordMargin margin = Read().records[0].margins.at(0);
  EXPECT_EQ(margin.ratio, kInfinity);
  EXPECT_EQ(margin.error, kInfinity);
  EXPECT_EQ(margin.limit, 0);
}

TEST_F(RecordTest, BytesThatAreNotUtf8DoNotStopARecord) {
  first_.verdict = Verdict::kFail;
  first_.message = "\xff\xfe";
  RecordWriter(Records()).End(first_);
  EXPECT_EQ(Read().records[0].message, "\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST_F(RecordTest, APlannedTestWithoutALineIsNotRun) {
  for (const Record& record : Read().records) EXPECT_EQ(record.verdict, Verdict::kNotRun);
}

TEST_F(RecordTest, ATestThatBeganAndNeverEndedIsACrash) {
  RecordWriter(Records()).Begin(first_.id);
  const auto run = Read();
  EXPECT_EQ(run.records[0].verdict, Verdict::kCrash);
  EXPECT_NE(run.records[0].message.find("never ended"), std::string::npos);
  EXPECT_EQ(run.records[1].verdict, Verdict::kNotRun);
  EXPECT_FALSE(run.interrupted);
}

TEST_F(RecordTest, AnInterruptedTestIsNotACrash) {
  RecordWriter writer(Records());
  writer.Begin(first_.id);
  writer.Interrupted(first_.id);
  const auto run = Read();
  EXPECT_EQ(run.records[0].verdict, Verdict::kNotRun);
  EXPECT_TRUE(run.interrupted);
}

TEST_F(RecordTest, ARunThatWasResumedAndDoneIsNoLongerInterrupted) {
  RecordWriter writer(Records());
  writer.Begin(first_.id);
  writer.Interrupted(first_.id);
  first_.verdict = Verdict::kPass;
  writer.Begin(first_.id);
  writer.End(first_);
  const auto run = Read();
  EXPECT_EQ(run.records[0].verdict, Verdict::kPass);
  EXPECT_FALSE(run.interrupted);
}

TEST_F(RecordTest, ATornLastLineIsPassedOver) {
  {
    RecordWriter writer(Records());
    first_.verdict = Verdict::kPass;
    writer.Begin(first_.id);
    writer.End(first_);
    writer.Begin(second_.id);
  }
  std::ofstream(Records(), std::ios::app) << R"({"end":"DYN_1/ba)";
  const auto run = Read();
  EXPECT_EQ(run.records[0].verdict, Verdict::kPass);
  EXPECT_EQ(run.records[1].verdict, Verdict::kCrash);
}

TEST_F(RecordTest, WhatAResumedRunWritesAfterATornLineIsRead) {
  std::ofstream(Records()) << "{\"begin\":\"" << second_.id << "\"}\n{\"end\":\"DYN_1/ba";
  RecordWriter writer(Records());
  second_.verdict = Verdict::kPass;
  writer.Begin(first_.id);
  writer.Begin(second_.id);
  writer.End(second_);
  const auto run = Read();
  EXPECT_EQ(run.records[0].verdict, Verdict::kCrash);
  EXPECT_EQ(run.records[1].verdict, Verdict::kPass);
}

TEST_F(RecordTest, ATestThatIsNotRunSaysWhatStoppedItsRunner) {
  RecordWriter writer(Records());
  writer.Complaint("a dead entry");
  writer.Stopped("other", "cannot be opened");
  writer.Stopped("package", "died once");
  writer.Stopped("package", "died again");
  first_.verdict = Verdict::kPass;
  writer.Begin(first_.id);
  writer.End(first_);
  const auto run = Read();
  EXPECT_EQ(run.complaints.size(), 4u);
  EXPECT_EQ(run.records[0].message, "");
  EXPECT_EQ(run.records[1].message, "died again");
}

TEST_F(RecordTest, WhatStoppedARunnerIsForgottenWhenAResumedRunOpensIt) {
  RecordWriter writer(Records());
  writer.Stopped("package", "cannot be opened");
  writer.Runner("package", json::object());
  EXPECT_EQ(Read().records[0].message, "");
}

TEST_F(RecordTest, ARunnerAndAComplaintOfAResumedRunAreKeptOnce) {
  RecordWriter writer(Records());
  writer.Runner("package", {{"torch", "old"}});
  writer.Runner("c_abi", {{"torch", "new"}});
  writer.Runner("package", {{"torch", "new"}});
  writer.Complaint("a dead entry");
  writer.Complaint("a dead entry");
  const auto run = Read();
  ASSERT_EQ(run.runners.size(), 2u);
  EXPECT_EQ(run.runners[0].first, "package");
  EXPECT_EQ(run.runners[0].second.at("torch"), "new");
  EXPECT_EQ(run.complaints, std::vector<std::string>{"a dead entry"});
}

std::string WhatReadingSays(const std::filesystem::path& folder) {
  try {
    ReadRun(folder);
  } catch (const std::runtime_error& e) {
    return e.what();
  }
  return "";
}

TEST_F(RecordTest, AMissingPlanIsNamed) {
  std::filesystem::remove(folder_.File("plan.json"));
  EXPECT_NE(WhatReadingSays(folder_.path()).find(folder_.File("plan.json").string()), std::string::npos);
}

TEST_F(RecordTest, APlanThatIsNoJsonIsNamed) {
  folder_.Write("plan.json", "{\"tests\": [");
  EXPECT_NE(WhatReadingSays(folder_.path()).find(folder_.File("plan.json").string()), std::string::npos);
}

TEST_F(RecordTest, ARecordWithAnUnknownVerdictIsNamedWithItsLine) {
  folder_.Write("records.jsonl", "{\"begin\":\"" + first_.id + "\"}\n{\"end\":\"" + first_.id + "\",\"verdict\":\"fine\"}\n");
  const std::string said = WhatReadingSays(folder_.path());
  EXPECT_NE(said.find(Records().string() + ":2: unknown verdict \"fine\""), std::string::npos) << said;
}

// Limits the size of files this process writes, as a full disk does, until the end of the scope.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  void (*handler_)(int);
  rlimit before_{};
};

std::string WhatWritingSays(const std::filesystem::path& file, const std::string& id, rlim_t limit) {
  RecordWriter writer(file);
  const FileSizeLimit full(limit);
  try {
    writer.Begin(id);
  } catch (const std::runtime_error& e) {
    return e.what();
  }
  return "";
}

class FullDisk : public RecordTest, public testing::WithParamInterface<rlim_t> {};

TEST_P(FullDisk, IsAnErrorThatNamesTheFileAndTheFix) {
  const std::string said = WhatWritingSays(Records(), first_.id, GetParam());
  EXPECT_NE(said.find(Records().string()), std::string::npos) << said;
  EXPECT_NE(said.find("File too large"), std::string::npos) << said;
  EXPECT_NE(said.find("run --resume"), std::string::npos) << said;
}

TEST_P(FullDisk, LeavesRecordsThatARunCanGoOnFrom) {
  EXPECT_NE(WhatWritingSays(Records(), first_.id, GetParam()), "");
  first_.verdict = Verdict::kPass;
  RecordWriter writer(Records());
  writer.Begin(first_.id);
  writer.End(first_);
  EXPECT_EQ(Read().records[0].verdict, Verdict::kPass);
}

// Nothing fits, or a part of the line does.
INSTANTIATE_TEST_SUITE_P(AtTheStartAndInsideALine, FullDisk, testing::Values(0, 10));

TEST(RecordWriterTest, AFileThatCannotBeOpenedIsNamed) {
  try {
    RecordWriter writer("/nowhere/records.jsonl");
    FAIL() << "no complaint";
  } catch (const std::runtime_error& e) {
    EXPECT_NE(std::string(e.what()).find("/nowhere/records.jsonl: cannot be written (No such file or directory)"), std::string::npos) << e.what();
  }
}

TEST(VerdictTest, EveryVerdictIsFoundByItsNameAndStandsAtItsPlace) {
  for (const VerdictInfo& info : kVerdicts) {
    EXPECT_EQ(VerdictFromName(info.name), info.verdict);
    EXPECT_EQ(&InfoOf(info.verdict), &info);
  }
  EXPECT_EQ(VerdictFromName("green"), std::nullopt);
}

}  // namespace
}  // namespace aoti_cts
