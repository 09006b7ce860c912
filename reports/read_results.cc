// SPDX-License-Identifier: Apache-2.0
// To read a new field of a test: a line in RecordAt.
#include "reports/read_results.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <limits>
#include <map>
#include <set>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "reports/report.h"

namespace aoti_cts {
namespace {

using nlohmann::json;

constexpr const char* kWriteAgain = "the file was cut or edited; ./aoti-cts report RUN_FOLDER writes it again";

// A value and where it stands, for example `run/results.json: tests[3].margins[0]`.
class Place {
 public:
  Place(const json& value, std::string where, std::string_view before_field = ".")
      : value_(value), where_(std::move(where)), before_field_(before_field) {}

  [[noreturn]] void Complain(const std::string& what) const { throw std::runtime_error(fmt::format("{}: {}", where_, what)); }

  bool Has(const std::string& field) const { return value_.is_object() && value_.contains(field); }

  Place At(const std::string& field) const {
    if (!value_.is_object()) Complain(fmt::format("expected an object, found {}", value_.type_name()));
    if (!value_.contains(field)) Complain(fmt::format("the field \"{}\" is missing: {}", field, kWriteAgain));
    return {value_.at(field), fmt::format("{}{}{}", where_, before_field_, field)};
  }

  // Of an array.
  template <typename Each>
  void ForEach(const Each& each) const {
    if (!value_.is_array()) Complain(fmt::format("expected an array, found {}", value_.type_name()));
    for (size_t i = 0; i < value_.size(); ++i) each(Place{value_[i], fmt::format("{}[{}]", where_, i)});
  }

  std::string Text() const {
    if (!value_.is_string()) Complain(fmt::format("expected a string, found {}", Shown()));
    return value_.get<std::string>();
  }

  bool Truth() const {
    if (!value_.is_boolean()) Complain(fmt::format("expected true or false, found {}", Shown()));
    return value_.get<bool>();
  }

  uint64_t Count() const {
    if (!value_.is_number_unsigned()) Complain(fmt::format("expected an integer of at least 0, found {}", Shown()));
    return value_.get<uint64_t>();
  }

  // JSON has no infinity: it is written as a word.
  double Measure() const {
    if (value_ == "inf") return std::numeric_limits<double>::infinity();
    if (!value_.is_number()) Complain(fmt::format("expected a number or \"inf\", found {}", Shown()));
    return value_.get<double>();
  }

  const json& Object() const {
    if (!value_.is_object()) Complain(fmt::format("expected an object, found {}", value_.type_name()));
    return value_;
  }

  const json& Json() const { return value_; }

 private:
  std::string Shown() const { return value_.is_structured() ? value_.type_name() : value_.dump(-1, ' ', false, json::error_handler_t::replace); }

  const json& value_;
  std::string where_;
  std::string_view before_field_;
};

std::string TextOr(const Place& place, const std::string& field) { return place.Has(field) ? place.At(field).Text() : ""; }

Record RecordAt(const Place& test) {
  Record record;
  record.id = test.At("id").Text();
  record.requirement = test.At("requirement").Text();
  record.sentence = test.At("sentence").Text();
  record.case_name = test.At("case").Text();
  record.call = test.At("call").Text();
  record.runner = test.At("runner").Text();
  record.judged = test.At("judged").Truth();
  const Place verdict_at = test.At("verdict");
  const auto verdict = VerdictFromName(verdict_at.Text());
  if (!verdict) verdict_at.Complain(fmt::format("\"{}\" is no verdict that this suite knows", verdict_at.Text()));
  record.verdict = *verdict;
  record.seconds = test.At("seconds").Measure();
  record.comparisons = test.At("comparisons").Count();
  record.message = test.At("message").Text();
  record.observation = TextOr(test, "observation");
  record.known_issue = TextOr(test, "known_issue");
  record.repeat = TextOr(test, "repeat");
  test.At("margins").ForEach([&](const Place& margin) {
    record.margins.push_back(
        {static_cast<int>(margin.At("output").Count()), margin.At("ratio").Measure(), margin.At("error").Measure(), margin.At("limit").Measure()});
  });
  if (!record.id.ends_with("/" + record.runner)) test.At("id").Complain(fmt::format("{} does not end with its runner, {}", record.id, record.runner));
  return record;
}

void ReadTests(const Place& tests, Run& run) {
  std::set<std::string> ids;
  tests.ForEach([&](const Place& test) {
    run.records.push_back(RecordAt(test));
    if (!ids.insert(run.records.back().id).second) test.At("id").Complain(fmt::format("{} is there twice: {}", run.records.back().id, kWriteAgain));
  });
}

// The summary was counted when the file was written: tests that have gone since show here.
void CheckSummary(const Place& summary, const Run& run) {
  const auto check = [&](const std::string& field, size_t found) {
    const Place place = summary.At(field);
    if (place.Count() != found) place.Complain(fmt::format("says {}, and the tests are {}: {}", place.Count(), found, kWriteAgain));
  };
  check("planned", run.records.size());
  std::map<Verdict, size_t> counts;
  for (const auto& [verdict, count] : CountVerdicts(run)) counts[verdict] = count;
  for (const VerdictInfo& info : kVerdicts) check(std::string(info.name), counts[info.verdict]);
}

void CheckSchema(const Place& results) {
  const Place schema = results.At("schema");
  if (schema.Json() == kResultsSchema) return;
  schema.Complain(fmt::format("is {}, and this suite reads {}: compare with the suite that wrote the newer file, or run the older one again",
                              schema.Json().dump(-1, ' ', false, json::error_handler_t::replace), kResultsSchema));
}

Run RunAt(const Place& results) {
  CheckSchema(results);
  Run run;
  const Place provenance = results.At("provenance");
  run.provenance = provenance.Object();
  for (const char* field : {"suite_version", "commit", "command", "started"}) static_cast<void>(provenance.At(field).Text());
  results.At("runners").ForEach([&](const Place& runner) { run.runners.emplace_back(runner.At("name").Text(), runner.At("description").Json()); });
  results.At("complaints").ForEach([&](const Place& complaint) { run.complaints.push_back(complaint.Text()); });
  run.interrupted = results.At("interrupted").Truth();
  ReadTests(results.At("tests"), run);
  CheckSummary(results.At("summary"), run);
  return run;
}

}  // namespace

RunFile ReadResults(const std::filesystem::path& file_or_folder) {
  std::error_code missing;
  const bool folder = std::filesystem::is_directory(file_or_folder, missing);
  const std::filesystem::path file = folder ? file_or_folder / "results.json" : file_or_folder;
  std::ifstream stream(file);
  if (!stream) {
    const std::string reason = std::strerror(errno);
    const bool run = folder && std::filesystem::exists(file_or_folder / "plan.json", missing);
    throw std::runtime_error(fmt::format("{}: cannot be read ({}){}", file.string(), reason,
                                         run ? "; ./aoti-cts report " + file_or_folder.string() + " writes it from the records" : ""));
  }
  json results;
  try {
    results = json::parse(stream);
  } catch (const json::exception& e) {
    throw std::runtime_error(fmt::format("{}: not valid JSON, or cut short: {}", file.string(), e.what()));
  }
  return {file.string(), RunAt(Place{results, file.string(), ": "})};
}

}  // namespace aoti_cts
