// SPDX-License-Identifier: Apache-2.0
// Checks that no test got lost: reads the plan, the records and, where there is one, results.json, and shares no code with what wrote them, so
// that a mistake there cannot hide here. To add a verdict: kVerdicts; to add a rule: a function that appends to the violations.
#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

using nlohmann::json;
using Violations = std::vector<std::string>;
using Counts = std::map<std::string, long>;

constexpr int kHolds = 0;
constexpr int kViolated = 1;
constexpr int kUnusable = 2;

constexpr std::array<std::string_view, 11> kVerdicts{"pass",        "fail",  "known_issue", "unexpected_pass", "recorded", "unsupported",
                                                     "unavailable", "crash", "timeout",     "error",           "not_run"};

bool IsVerdict(const std::string& name) { return std::find(kVerdicts.begin(), kVerdicts.end(), name) != kVerdicts.end(); }

// What the records say of one id.
struct History {
  bool planned = false;
  int begins = 0;
  bool under_way = false;
  std::vector<std::string> ends;  // verdicts; one at most is lawful
  long comparisons = 0;           // of the last end
};

struct RunFolder {
  std::vector<std::string> plan;  // ids, as often as they are planned
  std::map<std::string, History> histories;
  long torn_lines = 0;
};

std::ifstream Open(const std::string& file) {
  std::ifstream stream(file);
  if (!stream || !std::filesystem::is_regular_file(file)) throw std::runtime_error("cannot be read; is this the folder of a run?");
  return stream;
}

void ReadPlan(const std::string& file, RunFolder& folder) {
  std::ifstream stream = Open(file);
  const json plan = json::parse(stream);
  for (const json& test : plan.at("tests")) {
    const auto id = test.at("id").get<std::string>();
    folder.plan.push_back(id);
    folder.histories[id].planned = true;
  }
}

void ReadRecord(const json& line, std::map<std::string, History>& histories) {
  if (line.contains("begin")) {
    History& history = histories[line.at("begin").get<std::string>()];
    ++history.begins;
    history.under_way = true;
  } else if (line.contains("interrupted")) {
    histories[line.at("interrupted").get<std::string>()].under_way = false;
  } else if (line.contains("end")) {
    History& history = histories[line.at("end").get<std::string>()];
    history.ends.push_back(line.value("verdict", ""));
    history.comparisons = line.value("comparisons", 0L);
    history.under_way = false;
  }
}

void ReadRecords(const std::string& file, RunFolder& folder) {
  std::ifstream stream = Open(file);
  long number = 0;
  try {
    for (std::string text; std::getline(stream, text);) {
      ++number;
      const json line = json::parse(text, nullptr, false);
      if (line.is_object()) {
        ReadRecord(line, folder.histories);
      } else {
        ++folder.torn_lines;  // of a process that was killed while it wrote; its test never ended
      }
    }
  } catch (const json::exception& e) {
    throw std::runtime_error("line " + std::to_string(number) + ": " + e.what());
  }
}

// What became of a planned test.
std::string VerdictOf(const History& history) {
  if (history.under_way) return "crash";
  return history.ends.empty() ? "not_run" : history.ends.back();
}

// Every end counts, so that a second one breaks the sum.
Counts CountRecords(const RunFolder& folder) {
  Counts counts;
  for (const auto& [id, history] : folder.histories) {
    for (const std::string& verdict : history.ends) ++counts[verdict];
    if (history.under_way) ++counts["crash"];
    if (history.planned && history.ends.empty() && !history.under_way) ++counts["not_run"];
  }
  return counts;
}

long Sum(const Counts& counts) {
  return std::accumulate(counts.begin(), counts.end(), 0L, [](long sum, const auto& count) { return sum + count.second; });
}

std::string Law(size_t planned, const Counts& counts, std::string_view relation) {
  std::string law = "planned " + std::to_string(planned);
  for (const std::string_view verdict : kVerdicts) {
    const auto found = counts.find(std::string(verdict));
    law += std::string(verdict == kVerdicts.front() ? relation : " + ") + std::string(verdict) + " ";
    law += std::to_string(found == counts.end() ? 0 : found->second);
  }
  return law;
}

void CheckPlan(const RunFolder& folder, Violations& violations) {
  if (folder.plan.empty()) violations.push_back("nothing is planned");
  std::map<std::string, int> times;
  for (const std::string& id : folder.plan) ++times[id];
  for (const auto& [id, count] : times) {
    if (count > 1) violations.push_back(id + ": planned " + std::to_string(count) + " times");
  }
}

void CheckHistory(const std::string& id, const History& history, Violations& violations) {
  if (!history.planned) violations.push_back(id + ": in the records, but not planned");
  if (!history.ends.empty() && history.begins == 0) violations.push_back(id + ": ends without having begun");
  if (history.ends.size() > 1) violations.push_back(id + ": ends " + std::to_string(history.ends.size()) + " times");
  if (!history.ends.empty() && history.under_way) violations.push_back(id + ": begins again after it ended");
  for (const std::string& verdict : history.ends) {
    if (!IsVerdict(verdict)) violations.push_back(id + ": ends with \"" + verdict + "\", which is no verdict");
  }
  const std::string verdict = VerdictOf(history);
  const bool passes = verdict == "pass" || verdict == "unexpected_pass";
  if (passes && history.comparisons <= 0) violations.push_back(id + ": " + verdict + " without a comparison");
}

void CheckSum(const RunFolder& folder, Violations& violations) {
  const Counts counts = CountRecords(folder);
  if (Sum(counts) != static_cast<long>(folder.plan.size())) violations.push_back("the sum is wrong: " + Law(folder.plan.size(), counts, " != "));
}

void CheckResultCounts(const json& summary, const RunFolder& folder, Violations& violations) {
  Counts expected;
  for (const std::string_view verdict : kVerdicts) expected[std::string(verdict)] = 0;
  for (const auto& [id, history] : folder.histories) {
    if (history.planned) ++expected[VerdictOf(history)];
  }
  expected["planned"] = static_cast<long>(folder.plan.size());
  for (const auto& [name, count] : expected) {
    const long said = summary.value(name, -1L);
    const std::string what = said < 0 ? "no count" : std::to_string(said);
    if (said != count) violations.push_back("results.json: summary." + name + " is " + what + ", the records say " + std::to_string(count));
  }
}

void CheckResultTests(const json& tests, const RunFolder& folder, Violations& violations) {
  std::map<std::string, int> times;
  for (const json& test : tests) {
    const auto id = test.at("id").get<std::string>();
    const auto said = test.at("verdict").get<std::string>();
    if (++times[id] == 2) violations.push_back(id + ": more than once in results.json");
    const auto found = folder.histories.find(id);
    if (found == folder.histories.end() || !found->second.planned) {
      violations.push_back(id + ": in results.json, but not planned");
    } else if (const std::string verdict = VerdictOf(found->second); verdict != said) {
      violations.push_back(id + ": " + said + " in results.json, " + verdict + " by the records");
    }
  }
  for (const auto& [id, history] : folder.histories) {
    if (history.planned && !times.contains(id)) violations.push_back(id + ": planned, but missing from results.json");
  }
}

void CheckResults(const std::string& file, const RunFolder& folder, Violations& violations) {
  if (!std::filesystem::exists(file)) return;  // reports are made after the run
  std::ifstream stream = Open(file);
  const json results = json::parse(stream);
  CheckResultCounts(results.at("summary"), folder, violations);
  CheckResultTests(results.at("tests"), folder, violations);
}

int Report(const RunFolder& folder, const Violations& violations) {
  for (const std::string& violation : violations) std::cout << "conservation violated: " << violation << "\n";
  if (!violations.empty()) return kViolated;
  std::cout << "conservation holds: " << Law(folder.plan.size(), CountRecords(folder), " = ");
  if (folder.torn_lines > 0) std::cout << " (torn lines passed over: " << folder.torn_lines << ")";
  std::cout << "\n";
  return kHolds;
}

int Check(const std::string& path) {
  std::string file = path + "/plan.json";
  try {
    RunFolder folder;
    ReadPlan(file, folder);
    ReadRecords(file = path + "/records.jsonl", folder);
    Violations violations;
    CheckPlan(folder, violations);
    for (const auto& [id, history] : folder.histories) CheckHistory(id, history, violations);
    CheckSum(folder, violations);
    CheckResults(file = path + "/results.json", folder, violations);
    return Report(folder, violations);
  } catch (const std::exception& e) {
    std::cerr << file << ": " << e.what() << "\n";
    return kUnusable;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: aoti-cts-conservation RUN_FOLDER...\n";
    return kUnusable;
  }
  int worst = 0;
  for (int i = 1; i < argc; ++i) worst = std::max(worst, Check(argv[i]));
  return worst;
}
