// SPDX-License-Identifier: Apache-2.0
// Writing and reading records.jsonl. To add a field of a test: its member in record.h, a line in ToJson and one in ReadEnd, a line in
// results.schema.json.
#include "reports/record.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <map>
#include <stdexcept>

namespace aoti_cts {
namespace {

using nlohmann::json;

// JSON has no infinity: it is written as a word.
json Number(double value) { return std::isfinite(value) ? json(value) : json("inf"); }
double NumberFrom(const json& value) { return value.is_number() ? value.get<double>() : std::numeric_limits<double>::infinity(); }

void ReadEnd(const json& line, Record& record) {
  const auto verdict = VerdictFromName(line.at("verdict").get<std::string>());
  if (!verdict) throw std::runtime_error("unknown verdict " + line.at("verdict").dump());
  record.verdict = *verdict;
  record.seconds = line.value("seconds", 0.0);
  record.comparisons = line.value("comparisons", uint64_t{0});
  record.message = line.value("message", "");
  record.observation = line.value("observation", "");
  record.known_issue = line.value("known_issue", "");
  record.repeat = line.value("repeat", "");
  record.output = line.value("output", "");
  record.residue = line.value("residue", std::vector<std::string>{});
  record.margins.clear();
  for (const json& m : line.value("margins", json::array())) {
    record.margins.push_back({m.at("output").get<int>(), NumberFrom(m.at("ratio")), NumberFrom(m.at("error")), NumberFrom(m.at("limit"))});
  }
}

Record PlannedRecord(const json& test) {
  Record record;
  record.id = test.at("id").get<std::string>();
  record.requirement = test.at("requirement").get<std::string>();
  record.sentence = test.at("sentence").get<std::string>();
  record.case_name = test.at("case").get<std::string>();
  record.call = test.at("call").get<std::string>();
  record.runner = test.at("runner").get<std::string>();
  record.judged = test.at("judged").get<bool>();
  record.cell = test.value("cell", "");
  record.expect = test.value("expect", "");
  record.check_inputs = test.value("check_inputs", false);
  return record;
}

enum class State { kUnderWay, kInterrupted, kEnded };

// A resumed run opens its runners again: the last description counts.
void ReadRunner(const json& line, Run& run) {
  const auto name = line.at("runner").get<std::string>();
  const auto same = std::find_if(run.runners.begin(), run.runners.end(), [&](const auto& runner) { return runner.first == name; });
  if (same == run.runners.end()) {
    run.runners.emplace_back(name, line.at("description"));
  } else {
    same->second = line.at("description");
  }
}

// And it complains again of what is still wrong: said once is enough.
void ReadComplaint(const json& line, Run& run) {
  const auto text = line.at("complaint").get<std::string>();
  if (std::find(run.complaints.begin(), run.complaints.end(), text) == run.complaints.end()) run.complaints.push_back(text);
}

// Fills a run from the lines of records.jsonl.
class RecordReader {
 public:
  explicit RecordReader(Run& run) : run_(run) {
    for (size_t i = 0; i < run.records.size(); ++i) index_[run.records[i].id] = i;
  }

  void Read(const json& line) {
    if (line.contains("begin")) {
      states_[line.at("begin").get<std::string>()] = State::kUnderWay;
    } else if (line.contains("interrupted")) {
      states_[line.at("interrupted").get<std::string>()] = State::kInterrupted;
    } else if (line.contains("end")) {
      const auto id = line.at("end").get<std::string>();
      const bool again = states_[id] == State::kEnded;
      states_[id] = State::kEnded;
      const auto found = index_.find(id);
      if (found == index_.end()) return;
      Record& record = run_.records[found->second];
      ReadEnd(line, record);
      if (!again) return;
      record.verdict = Verdict::kError;
      record.message = "the records hold two ends of this test: something other than the suite wrote them";
    } else if (line.contains("runner")) {
      ReadRunner(line, run_);
      stopped_.erase(line.at("runner").get<std::string>());
    } else if (line.contains("complaint")) {
      ReadComplaint(line, run_);
      if (line.contains("stops")) stopped_[line.at("stops").get<std::string>()] = line.at("complaint").get<std::string>();
    }
  }

  void Finish() {
    for (const auto& [id, state] : states_) {
      const auto found = index_.find(id);
      if (found == index_.end()) continue;
      if (state == State::kInterrupted) run_.interrupted = true;
      if (state != State::kUnderWay) continue;
      Record& record = run_.records[found->second];
      record.verdict = Verdict::kCrash;
      record.message = "the test began and never ended: the process that ran it died";
    }
    for (Record& record : run_.records) {
      const auto reason = stopped_.find(record.runner);
      if (record.verdict == Verdict::kNotRun && reason != stopped_.end()) record.message = reason->second;
    }
  }

 private:
  Run& run_;
  std::map<std::string, size_t> index_;
  std::map<std::string, State> states_;
  std::map<std::string, std::string> stopped_;  // runner, and why it begins no further test: the last reason is the one that stands
};

void ReadPlan(const std::filesystem::path& file, Run& run) {
  std::ifstream stream(file);
  if (!stream) throw std::runtime_error(file.string() + ": cannot be read; is this the folder of a run?");
  try {
    const json plan = json::parse(stream);
    run.provenance = plan.at("provenance");
    for (const json& program : plan.value("programs", json::array()))
      run.programs.push_back(
          {program.at("name").get<std::string>(), program.at("about").get<std::string>(), program.at("profile").get<std::string>()});
    for (const json& test : plan.at("tests")) run.records.push_back(PlannedRecord(test));
  } catch (const std::exception& e) {
    throw std::runtime_error(file.string() + ": " + e.what());
  }
}

void ReadRecords(const std::filesystem::path& file, Run& run) {
  std::ifstream stream(file);  // there is none before the first test begins: then nothing is known of any
  RecordReader reader(run);
  size_t number = 0;
  for (std::string text; std::getline(stream, text);) {
    ++number;
    const json line = json::parse(text, nullptr, false);
    if (!line.is_object()) continue;  // torn: the process was killed, or the disk was full, while it was written
    try {
      reader.Read(line);
    } catch (const std::exception& e) {
      throw std::runtime_error(file.string() + ":" + std::to_string(number) + ": " + e.what());
    }
  }
  reader.Finish();
}

// A killed process may have left half a line: end it, so that the next line can be read.
void EndTornLine(int fd) {
  const off_t size = lseek(fd, 0, SEEK_END);
  char last = '\n';
  if (size <= 0 || pread(fd, &last, 1, size - 1) != 1 || last == '\n') return;
  last = '\n';
  if (write(fd, &last, 1) < 0) return;  // the disk is full, and the first line to be written says so
}

}  // namespace

json ToJson(const Record& record) {
  json margins = json::array();
  for (const RecordMargin& m : record.margins) {
    margins.push_back({{"output", m.output}, {"ratio", Number(m.ratio)}, {"error", Number(m.error)}, {"limit", Number(m.limit)}});
  }
  json value{
      {"id", record.id},           {"requirement", record.requirement}, {"sentence", record.sentence}, {"case", record.case_name},
      {"call", record.call},       {"runner", record.runner},           {"judged", record.judged},     {"verdict", InfoOf(record.verdict).name},
      {"seconds", record.seconds}, {"comparisons", record.comparisons}, {"message", record.message},   {"margins", margins}};
  for (const auto& [name, text] : {std::pair{"observation", &record.observation},
                                   {"known_issue", &record.known_issue},
                                   {"repeat", &record.repeat},
                                   {"output", &record.output}}) {
    if (!text->empty()) value[name] = *text;
  }
  if (!record.residue.empty()) value["residue"] = record.residue;
  return value;
}

std::vector<std::pair<Verdict, size_t>> CountVerdicts(const Run& run) {
  std::array<size_t, kVerdicts.size()> counts{};
  for (const Record& record : run.records) ++counts[static_cast<size_t>(record.verdict)];
  std::vector<std::pair<Verdict, size_t>> result;
  for (size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] > 0) result.emplace_back(kVerdicts[i].verdict, counts[i]);
  }
  return result;
}

RecordWriter::RecordWriter(const std::filesystem::path& file) : file_(file), fd_(open(file.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644)) {
  if (fd_ < 0) throw std::runtime_error(file.string() + ": cannot be written (" + std::strerror(errno) + ")");
  EndTornLine(fd_);
}

RecordWriter::~RecordWriter() {
  if (fd_ >= 0) close(fd_);
}

void RecordWriter::Begin(const std::string& id) { Line({{"begin", id}}); }
void RecordWriter::Interrupted(const std::string& id) { Line({{"interrupted", id}}); }
void RecordWriter::Runner(const std::string& name, const json& description) { Line({{"runner", name}, {"description", description}}); }
void RecordWriter::Complaint(const std::string& text) { Line({{"complaint", text}}); }
void RecordWriter::Stopped(const std::string& runner, const std::string& text) { Line({{"complaint", text}, {"stops", runner}}); }

void RecordWriter::End(const Record& record) {
  json line = ToJson(record);
  line["end"] = record.id;
  Line(line);
}

void RecordWriter::Line(const json& line) {
  const std::string text = line.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  const ssize_t written = write(fd_, text.data(), text.size());
  if (written == static_cast<ssize_t>(text.size())) return;
  int reason = written < 0 ? errno : ENOSPC;
  if (written > 0) {
    const char newline = '\n';  // end the torn line, so that the next one can be read
    if (write(fd_, &newline, 1) < 0) reason = errno;
  }
  throw std::runtime_error(file_.string() + ": a record cannot be written (" + std::strerror(reason) +
                           "); free some space, then ./aoti-cts run --resume");
}

Run ReadRun(const std::filesystem::path& folder) {
  Run run;
  ReadPlan(folder / "plan.json", run);
  ReadRecords(folder / "records.jsonl", run);
  return run;
}

}  // namespace aoti_cts
