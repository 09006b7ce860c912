// SPDX-License-Identifier: Apache-2.0
// results.json: everything that is known of a run, for programs. To add a field: here or in ToJson, and in results.schema.json.
#include <nlohmann/json.hpp>
#include <string>

#include "reports/report.h"

namespace aoti_cts {
namespace {

using nlohmann::ordered_json;

// All verdicts, zeros included: a reader need not know which can be absent.
ordered_json SummaryOf(const Run& run) {
  ordered_json summary{{"planned", run.records.size()}};
  for (const VerdictInfo& info : kVerdicts) summary[std::string(info.name)] = 0;
  for (const auto& [verdict, count] : CountVerdicts(run)) summary[std::string(InfoOf(verdict).name)] = count;
  return summary;
}

}  // namespace

std::string ResultsJson(const Run& run) {
  ordered_json runners = ordered_json::array();
  for (const auto& [name, description] : run.runners) runners.push_back({{"name", name}, {"description", description}});
  ordered_json tests = ordered_json::array();
  for (const Record& record : run.records) tests.emplace_back(ToJson(record));
  ordered_json results;
  results["schema"] = kResultsSchema;
  results["provenance"] = run.provenance;
  results["runners"] = std::move(runners);
  results["summary"] = SummaryOf(run);
  results["complaints"] = run.complaints;
  results["interrupted"] = run.interrupted;
  results["tests"] = std::move(tests);
  return results.dump(1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace aoti_cts
