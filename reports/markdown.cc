// SPDX-License-Identifier: Apache-2.0
// The report for a person, in GitHub's Markdown: a pull request, a CI summary. To add a section: a function here that returns it from a Section
// with a budget of its own, and its line in Markdown; the budgets together stay below the 1 MiB that GitHub shows.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string>
#include <vector>

#include "reports/report.h"
#include "reports/tally.h"
#include "reports/text.h"

namespace aoti_cts {
namespace {

constexpr size_t kKiB = 1024;
constexpr size_t kBrokenBudget = 480 * kKiB;
constexpr size_t kUntriedBudget = 160 * kKiB;
constexpr size_t kRecordedBudget = 160 * kKiB;
constexpr size_t kSmallBudget = 40 * kKiB;  // known issues, coverage, provenance, complaints
constexpr size_t kHeadroom = 16 * kKiB;     // sentence, verdict table, headings, the sentences that tell of a cut
static_assert(kBrokenBudget + kUntriedBudget + kRecordedBudget + 4 * kSmallBudget + kHeadroom <= 1024 * kKiB);

constexpr size_t kMessageBytes = 16 * kKiB;
constexpr size_t kOutputBytes = 4 * kKiB;
constexpr size_t kCellBytes = 1 * kKiB;
constexpr size_t kIdsPerGroup = 10;

size_t LongestBackticks(std::string_view text) {
  size_t longest = 0;
  size_t here = 0;
  for (const char c : text) {
    here = c == '`' ? here + 1 : 0;
    longest = std::max(longest, here);
  }
  return longest;
}

bool WordCharacter(std::string_view text, size_t at) { return at < text.size() && std::isalnum(static_cast<unsigned char>(text[at])) != 0; }

// An underscore inside a word is no emphasis, and most names have one.
bool IsMarkup(std::string_view text, size_t at) {
  if (text[at] == '_') return at == 0 || !WordCharacter(text, at - 1) || !WordCharacter(text, at + 1);
  return std::string_view("\\`*[]|~$").find(text[at]) != std::string_view::npos;
}

// Text on one line, in a table or not, that reads as it was written.
std::string Escaped(std::string_view raw) {
  const std::string text = CleanText(Shorten(raw, kCellBytes));
  std::string escaped;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') {
      escaped += "<br>";
    } else if (text[i] == '<') {
      escaped += "&lt;";
    } else if (text[i] == '&') {
      escaped += "&amp;";
    } else {
      if (IsMarkup(text, i)) escaped += '\\';
      escaped += text[i];
    }
  }
  return escaped;
}

// A name or an id in code, for a table or not: GitHub takes \| for | in a table's code only.
std::string Code(std::string_view raw, bool in_table) {
  std::string text;
  for (const char c : CleanText(raw)) {
    if (in_table && c == '|') text += '\\';
    text += c == '\n' ? ' ' : c;
  }
  if (text.empty()) return "";
  const std::string ticks(LongestBackticks(text) + 1, '`');
  const std::string_view space = text.front() == '`' || text.back() == '`' ? " " : "";
  return fmt::format("{0}{1}{2}{1}{0}", ticks, space, text, space);
}

// A fence longer than any run of backticks within.
std::string Fenced(std::string_view raw, std::string_view language, size_t bytes) {
  const std::string text = CleanText(Shorten(raw, bytes));
  const std::string fence(std::max<size_t>(3, LongestBackticks(text) + 1), '`');
  return fmt::format("{}{}\n{}{}{}\n", fence, language, text, text.ends_with('\n') ? "" : "\n", fence);
}

std::string Link(const std::string& url) {
  const bool is_link = (url.starts_with("https://") || url.starts_with("http://")) && url.find_first_of("<>") == std::string::npos;
  return is_link ? "<" + CleanText(url) + ">" : Escaped(url);
}

// Items under a heading, within a budget of bytes; what does not fit is counted. A section without items is nothing at all.
class Section {
 public:
  Section(std::string head, size_t budget) : text_(std::move(head)), budget_(budget) {}

  void Item(const std::string& item) {
    ++items_;
    if (text_.size() + item.size() > budget_) {
      ++left_out_;
    } else {
      text_ += item;
    }
  }

  std::string Finish() const {
    if (items_ == 0) return "";
    if (left_out_ == 0) return text_ + (text_.ends_with("\n\n") ? "" : "\n");
    return text_ + fmt::format("\n**{} of {} are left out here for size; `results.json` beside this file has all.**\n\n", left_out_, items_);
  }

 private:
  std::string text_;
  size_t budget_;
  size_t items_ = 0;
  size_t left_out_ = 0;
};

std::string VerdictTable(const Run& run) {
  std::string table = "| verdict | tests | meaning |\n|---|---:|---|\n";
  for (const auto& [verdict, count] : CountVerdicts(run))
    table += fmt::format("| {} | {} | {} |\n", InfoOf(verdict).name, count, InfoOf(verdict).meaning);
  return table + fmt::format("| **planned** | **{}** | |\n\n", run.records.size());
}

std::string IdList(const std::vector<const Record*>& records, size_t from) {
  std::string list;
  for (size_t i = from; i < records.size() && i < from + kIdsPerGroup; ++i) list += "- " + Code(records[i]->id, false) + "\n";
  if (records.size() > from + kIdsPerGroup) list += fmt::format("- and {} more, all in `results.json`\n", records.size() - from - kIdsPerGroup);
  return list;
}

std::string BrokenItem(const RecordGroup& group) {
  const Record& record = *group.records.front();
  const std::string call = record.call.empty() ? "" : "." + record.call;
  std::string item = fmt::format("### {} {}\n\n", Escaped(record.requirement), Escaped(record.sentence));
  item += fmt::format("**{}**: case {}, runner {}, test {}\n\n", InfoOf(record.verdict).name, Code(record.case_name + call, false),
                      Code(record.runner, false), Code(record.id, false));
  item += Fenced(group.reason, "text", kMessageBytes);
  for (const std::string& left : record.residue) item += "\nLeft behind: " + Code(Shorten(left, kCellBytes), false) + "\n";
  if (!record.repeat.empty()) item += "\nRepeat it with\n\n" + Fenced(record.repeat, "sh", kMessageBytes);
  if (!record.output.empty()) {
    item += "\n<details><summary>The end of its output</summary>\n\n" + Fenced(record.output, "text", kOutputBytes) + "\n</details>\n";
  }
  if (group.records.size() > 1)
    item += fmt::format("\n{} in the same words:\n\n", Counted(group.records.size() - 1, "more test")) + IdList(group.records, 1);
  return item + "\n";
}

std::string Broken(const Run& run) {
  Section section("## What does not hold\n\n", kBrokenBudget);
  for (const RecordGroup& group : GroupBroken(run)) section.Item(BrokenItem(group));
  return section.Finish();
}

std::string KnownIssues(const Run& run) {
  Section section("## Known issues\n\n", kSmallBudget);
  for (const KnownIssueTally& entry : TallyKnownIssues(run)) {
    const std::string not_seen = entry.not_seen == 0 ? "" : fmt::format(", not seen in {}", entry.not_seen);
    section.Item(fmt::format("- {} {} (seen in {}{})\n", Link(entry.url), Escaped(entry.reason), Counted(entry.broken, "test"), not_seen));
  }
  return section.Finish();
}

std::string Recorded(const Run& run) {
  Section section("## Recorded, not judged\n\n| requirement / sentence | case.call | runner | observation |\n|---|---|---|---|\n", kRecordedBudget);
  for (const Record& record : run.records) {
    if (record.verdict != Verdict::kRecorded) continue;
    const std::string call = record.call.empty() ? "" : "." + record.call;
    section.Item(fmt::format("| {} / {} | {} | {} | {} |\n", Escaped(record.requirement), Escaped(record.sentence),
                             Code(record.case_name + call, true), Code(record.runner, true), Escaped(record.observation)));
  }
  return section.Finish();
}

// A reason of one line stands beside the count, a longer one (a compiler's message) in a fence.
std::string UntriedItem(const RecordGroup& group) {
  const std::string head = fmt::format("**{}**, {}", InfoOf(group.verdict).name, Counted(group.records.size(), "test"));
  const bool one_line = CleanText(group.reason).find('\n') == std::string::npos;
  std::string item =
      one_line ? fmt::format("{}: {}\n\n", head, Escaped(group.reason)) : head + ":\n\n" + Fenced(group.reason, "text", kMessageBytes) + "\n";
  item += IdList(group.records, 0);
  const std::string& repeat = group.records.front()->repeat;
  if (group.verdict == Verdict::kError && !repeat.empty()) item += "\nRepeat the first with\n\n" + Fenced(repeat, "sh", kMessageBytes);
  return item + "\n";
}

std::string Untried(const Run& run) {
  Section section("## Could not be tried\n\n", kUntriedBudget);
  for (const RecordGroup& group : GroupUntried(run)) section.Item(UntriedItem(group));
  return section.Finish();
}

std::string Coverage(const Run& run) {
  Section section("## Coverage\n\nTests per requirement.\n\n| requirement | judged | recorded | unavailable |\n|---|---:|---:|---:|\n", kSmallBudget);
  for (const RequirementTally& tally : TallyRequirements(run)) {
    section.Item(fmt::format("| {} | {} | {} | {} |\n", Escaped(tally.requirement), tally.judged, tally.recorded, tally.not_tried));
  }
  return section.Finish();
}

std::string Provenance(const Run& run) {
  Section section("## Provenance\n\n| what | value |\n|---|---|\n", kSmallBudget);
  for (const auto& [name, value] : run.provenance.items()) section.Item(fmt::format("| {} | {} |\n", Escaped(name), Escaped(ValueText(value))));
  for (const auto& [name, description] : run.runners) {
    section.Item(fmt::format("| runner {} | {} |\n", Escaped(name), Escaped(ValueText(description))));
  }
  return section.Finish();
}

std::string Complaints(const Run& run) {
  Section section("## Also wrong\n\n", kSmallBudget);
  for (const std::string& complaint : OtherComplaints(run)) section.Item("- " + Escaped(complaint) + "\n");
  return section.Finish();
}

}  // namespace

std::string Markdown(const Run& run) {
  return "# AOTI-CTS\n\n**" + VerdictSentence(run) + "**\n\n" + VerdictTable(run) + Broken(run) + KnownIssues(run) + Recorded(run) + Untried(run) +
         Coverage(run) + Provenance(run) + Complaints(run);
}

}  // namespace aoti_cts
