// SPDX-License-Identifier: Apache-2.0
// The report for a person, in GitHub's Markdown: a pull request, a CI summary. To add a section: a function here that returns it from a Section
// with a budget of its own, and its line in Markdown; the budgets together stay below the 1 MiB that GitHub shows.
#include <fmt/format.h>

#include <string>
#include <vector>

#include "reports/field_bugs.h"
#include "reports/markdown_text.h"
#include "reports/report.h"
#include "reports/tally.h"
#include "reports/text.h"

namespace aoti_cts {
namespace {

constexpr size_t kBrokenBudget = 430 * kKiB;
constexpr size_t kUntriedBudget = 160 * kKiB;
constexpr size_t kRecordedBudget = 160 * kKiB;
constexpr size_t kFieldBugsBudget = 48 * kKiB;
constexpr size_t kProgramsBudget = 50 * kKiB;
constexpr size_t kSmallBudget = 40 * kKiB;  // known issues, coverage, provenance, complaints
constexpr size_t kHeadroom = 16 * kKiB;     // sentence, verdict table, headings, the sentences that tell of a cut
static_assert(kBrokenBudget + kUntriedBudget + kRecordedBudget + kFieldBugsBudget + kProgramsBudget + 4 * kSmallBudget + kHeadroom <= 1024 * kKiB);

constexpr size_t kMessageBytes = 16 * kKiB;
constexpr size_t kOutputBytes = 4 * kKiB;
constexpr size_t kIdsPerGroup = 10;
constexpr size_t kRowsPerObservation = 20;

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

std::string FieldBugs(const Run& run, const Ledger* field_bugs) {
  if (field_bugs == nullptr) return "";
  Section section(fmt::format("## Field bugs\n\n| reported | what would show it | {} |\n|---|---|---|\n", Escaped(TorchOf(run))), kFieldBugsBudget);
  for (const ClaimAnswer& answer : AnswerClaims(*field_bugs, run)) {
    std::string shows;
    for (const LedgerEvidence& evidence : answer.claim->evidence) {
      shows += fmt::format("{}{} of {}", shows.empty() ? "" : "<br>", Escaped(OutcomesThatShow(evidence)), Code(evidence.tests, true));
    }
    const std::string why = answer.answer == ClaimTruth::kUntested ? ": " + Escaped(WhyUntested(answer)) : "";
    section.Item(
        fmt::format("| {} {} | {} | {}{} |\n", Link(answer.claim->where), Escaped(answer.claim->claim), shows, SightingOf(answer.answer), why));
  }
  return section.Finish() + "\n";
}

// What was observed of many tests of one sentence alike is one row.
std::string Recorded(const Run& run) {
  Section section("## Recorded, not judged\n\n| requirement / sentence | case.call | runner | observation |\n|---|---|---|---|\n", kRecordedBudget);
  for (const std::vector<const Record*>& alike : GroupRecorded(run)) {
    const size_t rows = alike.size() > kRowsPerObservation ? 1 : alike.size();
    for (size_t i = 0; i < rows; ++i) {
      const Record& record = *alike[i];
      const std::string call = record.call.empty() ? "" : "." + record.call;
      const std::string more = rows < alike.size() ? fmt::format(" and {} more", alike.size() - 1) : "";
      section.Item(fmt::format("| {} / {} | {}{} | {} | {} |\n", Escaped(record.requirement), Escaped(record.sentence),
                               Code(record.case_name + call, true), more, Code(record.runner, true), Escaped(record.observation)));
    }
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

std::string Programs(const Run& run) {
  Section section("## Programs\n\n| program | what it is for | profile |\n|---|---|---|\n", kProgramsBudget);
  for (const Program& program : run.programs)
    section.Item(fmt::format("| {} | {} | {} |\n", Code(program.name, true), Escaped(program.about), Escaped(program.profile)));
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

std::string Markdown(const Run& run, const Ledger* field_bugs) {
  return "# AOTI-CTS\n\n**" + VerdictSentence(run) + "**\n\n" + VerdictTable(run) + Broken(run) + KnownIssues(run) + FieldBugs(run, field_bugs) +
         Recorded(run) + Untried(run) + Coverage(run) + Programs(run) + Provenance(run) + Complaints(run);
}

}  // namespace aoti_cts
