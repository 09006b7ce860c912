// SPDX-License-Identifier: Apache-2.0
// The summary that `run` prints: plain text, at most 80 columns, save for ids and commands, which a person copies whole. To add a part: a
// function here, and its line in Summary.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "reports/report.h"
#include "reports/tally.h"
#include "reports/text.h"

namespace aoti_cts {
namespace {

constexpr size_t kMaxListed = 50;         // more would push the table out of sight; the reports have all
constexpr size_t kRequirementWidth = 30;  // leaves room for five columns of ten

std::string VerdictTable(const Run& run) {
  std::string table = fmt::format("{:<15}  {:>6}\n", "verdict", "tests");
  for (const auto& [verdict, count] : CountVerdicts(run)) {
    const VerdictInfo& info = InfoOf(verdict);
    table += Hanging(fmt::format("{:<15}  {:>6}  ", info.name, count), info.meaning);
  }
  return table + fmt::format("{:<15}  {:>6}\n", "planned", run.records.size());
}

std::string RequirementRow(const RequirementTally& tally) {
  std::string name = CleanText(tally.requirement);
  std::string above;
  if (Columns(name) > kRequirementWidth) {
    above = Hanging("", name);
    name.clear();
  }
  return above + fmt::format("{:<30}{:>10}{:>10}{:>10}{:>10}{:>10}\n", name, tally.pass, tally.broken, tally.known, tally.recorded, tally.not_tried);
}

std::string RequirementTable(const Run& run) {
  if (run.records.empty()) return "";
  std::string table = fmt::format("\n{:<30}{:>10}{:>10}{:>10}{:>10}{:>10}\n", "requirement", "pass", "broken", "known", "recorded", "not tried");
  for (const RequirementTally& tally : TallyRequirements(run)) table += RequirementRow(tally);
  return table;
}

std::string RepeatLine(const Record& record) { return record.repeat.empty() ? "" : "    " + CleanText(FirstLine(record.repeat)) + "\n"; }

// Grouped: a runtime that refuses everything in the same words is one line to read, and how often it was said.
std::string BrokenList(const Run& run) {
  const std::vector<RecordGroup> broken = GroupBroken(run);
  if (broken.empty()) return "";
  std::string list = "\nWhat does not hold\n";
  for (size_t i = 0; i < broken.size() && i < kMaxListed; ++i) {
    const RecordGroup& group = broken[i];
    const Record& first = *group.records.front();
    list += "  " + CleanText(first.id) + "\n";
    list += Hanging(fmt::format("    {}: ", InfoOf(group.verdict).name), FirstLine(group.reason)) + RepeatLine(first);
    if (group.records.size() > 1) list += fmt::format("    and {} in the same words\n", Counted(group.records.size() - 1, "more test"));
  }
  if (broken.size() > kMaxListed) list += fmt::format("  and {} more, all in the reports\n", broken.size() - kMaxListed);
  return list;
}

// Grouped: one package that does not compile is one thing to mend, however many tests wait for it.
std::string UntriedList(const Run& run) {
  std::string list;
  size_t listed = 0;
  for (const RecordGroup& group : GroupUntried(run)) {
    if (++listed > kMaxListed) return list + "  and more, all in the reports\n";
    list += Hanging(fmt::format("  {}: ", InfoOf(group.verdict).name), Counted(group.records.size(), "test") + ": " + FirstLine(group.reason));
    if (group.verdict != Verdict::kError) continue;
    list += "    first: " + CleanText(group.records.front()->id) + "\n" + RepeatLine(*group.records.front());
  }
  return list.empty() ? "" : "\nWhat could not be tried\n" + list;
}

std::string KnownIssueList(const Run& run) {
  std::vector<std::pair<std::string, size_t>> urls;
  for (const KnownIssueTally& entry : TallyKnownIssues(run)) {
    if (entry.broken == 0) continue;
    const auto same = std::find_if(urls.begin(), urls.end(), [&](const auto& known) { return known.first == entry.url; });
    if (same == urls.end()) {
      urls.emplace_back(entry.url, entry.broken);
    } else {
      same->second += entry.broken;
    }
  }
  std::string list;
  for (const auto& [url, count] : urls) list += fmt::format("{:>7}  {}\n", count, CleanText(url));
  return list.empty() ? "" : "\nKnown issues, and tests that fail as they say\n" + list;
}

std::string ComplaintList(const Run& run) {
  std::string list;
  for (const std::string& complaint : OtherComplaints(run)) list += Hanging("  - ", complaint);
  return list.empty() ? "" : "\nAlso wrong\n" + list;
}

}  // namespace

std::string Summary(const Run& run) {
  return VerdictTable(run) + RequirementTable(run) + BrokenList(run) + UntriedList(run) + KnownIssueList(run) + ComplaintList(run) + "\n" +
         Hanging("", VerdictSentence(run));
}

}  // namespace aoti_cts
