// SPDX-License-Identifier: Apache-2.0
// A Record is what is known of one test. Records are append-only: one JSON line as a test begins and one as it ends, so that a run that is
// killed leaves everything it knew, and names the test that was under way.
//
// A run folder holds plan.json (what was to be done, with provenance), records.jsonl (what happened), and what reports are made of them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "reports/verdict.h"

namespace aoti_cts {

struct RecordMargin {
  int output = 0;
  double ratio = 0;  // error over limit of the worst element; +inf where no error can be named
  double error = 0;
  double limit = 0;
};

struct Record {
  std::string id;  // requirement/sentence/case[.call]/runner
  std::string requirement;
  std::string sentence;
  std::string case_name;
  std::string call;  // empty where the test is about the whole package
  std::string runner;
  bool judged = true;  // false: the contract says nothing, a classification is recorded
  std::string cell;    // of the call: where its sizes lie in the range, or what it violates; empty where the plan does not say
  std::string expect;  // of the call: what the contract says of it where it is judged: ok, refused, recorded
  bool check_inputs = false;

  Verdict verdict = Verdict::kNotRun;
  double seconds = 0;
  uint64_t comparisons = 0;
  std::string message;      // why it is not a pass, in full
  std::string observation;  // class of what happened, for recorded tests: refused, correct, silently_wrong, out_of_bounds, crash, hang; true, false
  std::string known_issue;  // URL and reason of the entry that applied
  std::string repeat;       // shortest command that repeats this test
  std::string output;       // tail of the child's standard output and error, kept where the verdict is red
  std::vector<RecordMargin> margins;
  std::vector<std::string> residue;  // left in the test's TMPDIR
};

nlohmann::json ToJson(const Record& record);

// A program that a run has tests of.
struct Program {
  std::string name;
  std::string about;    // what it is for, in one line
  std::string profile;  // who compiles and runs it: default, full, named
};

// One run: its planned tests with what is known of each, and where and how it ran.
struct Run {
  nlohmann::json provenance = nlohmann::json::object();
  std::vector<Record> records;                                  // in plan order
  std::vector<std::pair<std::string, nlohmann::json>> runners;  // name, description
  std::vector<Program> programs;                                // in the order of case files; none in runs of suites that did not say
  std::vector<std::string> complaints;  // what went wrong outside any test: a runner that could not be opened, a dead known issue
  bool interrupted = false;             // a test was interrupted and has not been run since
};

// How many records have each verdict, in the order of kVerdicts; zero counts are left out.
std::vector<std::pair<Verdict, size_t>> CountVerdicts(const Run& run);

// Appends lines to records.jsonl; each is one write(2), so parallel processes do not mix. Throws std::runtime_error naming the file where the
// disk is full: nothing is worth more than the record.
class RecordWriter {
 public:
  explicit RecordWriter(const std::filesystem::path& file);
  ~RecordWriter();
  RecordWriter(const RecordWriter&) = delete;
  RecordWriter& operator=(const RecordWriter&) = delete;

  void Begin(const std::string& id);
  void End(const Record& record);
  // The run was interrupted while this test was under way: it is not the test's fault.
  void Interrupted(const std::string& id);
  void Runner(const std::string& name, const nlohmann::json& description);
  void Complaint(const std::string& text);
  // A complaint that is the reason why tests of `runner` do not begin.
  void Stopped(const std::string& runner, const std::string& text);

 private:
  void Line(const nlohmann::json& line);
  std::filesystem::path file_;
  int fd_ = -1;
};

// Reads plan.json and records.jsonl of a run folder. A test begun and never ended is a crash; a planned one without a line is not_run, and its
// message is what stopped its runner, where the records say so.
// Throws std::runtime_error naming the file where either cannot be read.
Run ReadRun(const std::filesystem::path& folder);

}  // namespace aoti_cts
