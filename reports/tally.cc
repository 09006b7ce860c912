// SPDX-License-Identifier: Apache-2.0
// Counting and grouping the records of a run. To group them in a new way: a function here that keeps plan order.
#include "reports/tally.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "reports/text.h"

namespace aoti_cts {
namespace {

// A vector in order of first appearance, with a map beside it: a search per record would be quadratic.
template <typename Value, typename Key>
class Ordered {
 public:
  Value& At(const Key& key, const Value& fresh) {
    const auto [found, is_new] = index_.try_emplace(key, values_.size());
    if (is_new) values_.push_back(fresh);
    return values_[found->second];
  }
  std::vector<Value> Take() { return std::move(values_); }

 private:
  std::vector<Value> values_;
  std::map<Key, size_t> index_;
};

void Count(const Record& record, RequirementTally& tally) {
  const VerdictInfo& info = InfoOf(record.verdict);
  if (record.judged && info.tried) ++tally.judged;
  if (!info.tried) {
    ++tally.not_tried;
  } else if (info.red) {
    ++tally.broken;
  } else if (record.verdict == Verdict::kKnownIssue) {
    ++tally.known;
  } else if (record.verdict == Verdict::kRecorded) {
    ++tally.recorded;
  } else {
    ++tally.pass;
  }
}

KnownIssueTally EntryOf(const std::string& text) {
  KnownIssueTally entry;
  const size_t end = text.find_first_of(" \t\n");
  entry.url = text.substr(0, end);
  if (entry.url.ends_with(':')) entry.url.pop_back();
  if (end != std::string::npos) entry.reason = text.substr(std::min(text.find_first_not_of(" \t\n", end), text.size()));
  return entry;
}

struct Totals {
  size_t judged = 0;  // and tried
  size_t judged_not_tried = 0;
  size_t hold = 0;
  size_t broken = 0;
  size_t unexpected = 0;
  size_t known = 0;
  size_t recorded = 0;
  size_t not_tried = 0;
  bool red = false;
  bool only_not_run = true;  // nothing is red but what the run did not come to
};

Totals TotalsOf(const Run& run) {
  Totals totals;
  for (const Record& record : run.records) {
    const VerdictInfo& info = InfoOf(record.verdict);
    if (record.judged) ++(info.tried ? totals.judged : totals.judged_not_tried);
    totals.red = totals.red || info.red;
    if (info.red && record.verdict != Verdict::kNotRun) totals.only_not_run = false;
    if (record.judged && record.verdict == Verdict::kPass) ++totals.hold;
    if (!info.tried) ++totals.not_tried;
    if (record.verdict == Verdict::kUnexpectedPass) ++totals.unexpected;
    if (info.tried && info.red && record.verdict != Verdict::kUnexpectedPass) ++totals.broken;
    if (record.verdict == Verdict::kKnownIssue) ++totals.known;
    if (record.verdict == Verdict::kRecorded) ++totals.recorded;
  }
  return totals;
}

std::string Held(const Totals& totals) {
  if (totals.judged == 0) return "no promise was judged";
  const std::string_view verb = totals.hold == 1 || totals.judged == 1 ? "holds" : "hold";
  const std::string_view which = totals.judged_not_tried > 0 ? " that could be tried" : "";
  return fmt::format("{} of {}{} {}", totals.hold, Counted(totals.judged, "judged promise"), which, verb);
}

// What became of the tests that are no plain pass, as the clauses of a sentence.
std::string Others(const Totals& totals) {
  const auto is = [](size_t count) { return count == 1 ? "is" : "are"; };
  std::vector<std::string> clauses;
  if (totals.broken > 0) clauses.push_back(fmt::format("{} {} broken", totals.broken, is(totals.broken)));
  if (totals.unexpected > 0) {
    clauses.push_back(fmt::format("{} {} although a known issue says never", totals.unexpected, totals.unexpected == 1 ? "holds" : "hold"));
  }
  if (totals.known > 0) clauses.push_back(fmt::format("{} {} broken as a known issue says", totals.known, is(totals.known)));
  if (totals.recorded > 0) clauses.push_back(fmt::format("{} {} recorded, not judged", totals.recorded, is(totals.recorded)));
  if (totals.not_tried > 0) clauses.push_back(fmt::format("{} could not be tried", totals.not_tried));
  return fmt::format("{}", fmt::join(clauses, "; "));
}

}  // namespace

std::vector<RequirementTally> TallyRequirements(const Run& run) {
  Ordered<RequirementTally, std::string> tallies;
  for (const Record& record : run.records) {
    RequirementTally fresh;
    fresh.requirement = record.requirement;
    Count(record, tallies.At(record.requirement, fresh));
  }
  return tallies.Take();
}

std::vector<KnownIssueTally> TallyKnownIssues(const Run& run) {
  Ordered<KnownIssueTally, std::string> entries;
  for (const Record& record : run.records) {
    if (record.known_issue.empty()) continue;
    KnownIssueTally& entry = entries.At(record.known_issue, EntryOf(record.known_issue));
    ++(record.verdict == Verdict::kKnownIssue ? entry.broken : entry.not_seen);
  }
  return entries.Take();
}

std::vector<RecordGroup> GroupByReason(const std::vector<const Record*>& records) {
  Ordered<RecordGroup, std::pair<Verdict, std::string>> groups;
  for (const Record* record : records) {
    const std::string reason = Reason(*record);
    groups.At({record->verdict, reason}, {record->verdict, reason, {}}).records.push_back(record);
  }
  return groups.Take();
}

std::vector<RecordGroup> GroupUntried(const Run& run) {
  std::vector<const Record*> untried;
  for (const Record& record : run.records) {
    if (!InfoOf(record.verdict).tried) untried.push_back(&record);
  }
  std::vector<RecordGroup> result = GroupByReason(untried);
  std::stable_partition(result.begin(), result.end(), [](const RecordGroup& group) { return InfoOf(group.verdict).red; });
  return result;
}

std::vector<RecordGroup> GroupBroken(const Run& run) { return GroupByReason(BrokenRecords(run)); }

std::vector<std::vector<const Record*>> GroupRecorded(const Run& run) {
  Ordered<std::vector<const Record*>, std::array<std::string, 4>> groups;
  for (const Record& record : run.records) {
    if (record.verdict == Verdict::kRecorded)
      groups.At({record.requirement, record.sentence, record.runner, record.observation}, {}).push_back(&record);
  }
  return groups.Take();
}

std::vector<const Record*> BrokenRecords(const Run& run) {
  std::vector<const Record*> broken;
  for (const Record& record : run.records) {
    const VerdictInfo& info = InfoOf(record.verdict);
    if (info.red && info.tried) broken.push_back(&record);
  }
  return broken;
}

std::vector<std::string> OtherComplaints(const Run& run) {
  std::set<std::string> told;
  for (const Record& record : run.records) {
    if (!InfoOf(record.verdict).tried) told.insert(record.message);
  }
  std::vector<std::string> others;
  std::copy_if(run.complaints.begin(), run.complaints.end(), std::back_inserter(others),
               [&](const std::string& complaint) { return !told.contains(complaint); });
  return others;
}

std::string Reason(const Record& record) { return record.message.empty() ? std::string(InfoOf(record.verdict).meaning) : record.message; }

std::string ValueText(const nlohmann::json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string VerdictSentence(const Run& run) {
  if (run.records.empty()) return "Nothing was planned, so nothing is proved.";
  const Totals totals = TotalsOf(run);
  const std::string tests = Counted(run.records.size(), "planned test");
  const std::string_view interrupted = run.interrupted ? ", and the run was interrupted" : "";
  if (totals.not_tried == run.records.size()) return fmt::format("None of {} could be tried, so nothing is proved{}.", tests, interrupted);
  const std::string others = Others(totals);
  const std::string counts = Held(totals) + (others.empty() ? "" : fmt::format(" (of {}: {})", tests, others));
  if (run.interrupted && totals.only_not_run) return fmt::format("Interrupted: {}.", counts);
  return fmt::format("{}: {}{}.", totals.red ? "Red" : "Green", counts, interrupted);
}

}  // namespace aoti_cts
