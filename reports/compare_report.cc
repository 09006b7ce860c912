// SPDX-License-Identifier: Apache-2.0
// A comparison for a terminal, for a pull request and for a program. To add a part: a function per format, and its line in CompareText,
// CompareMarkdown or CompareJson. What is said of a test of some class is in What.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "reports/compare.h"
#include "reports/ledger.h"
#include "reports/markdown_text.h"
#include "reports/tally.h"
#include "reports/text.h"

namespace aoti_cts {
namespace {

using nlohmann::ordered_json;

constexpr int kCompareSchema = 1;  // raised when a reader of the older form would misread the newer

// GitHub takes 64 KiB in a comment.
constexpr size_t kFailureBudget = 16 * kKiB;
constexpr size_t kWorseBudget = 4 * kKiB;  // of each other class that is shown open
constexpr size_t kFoldedBudget = 2 * kKiB;
constexpr size_t kEnvironmentBudget = 4 * kKiB;
constexpr size_t kNoteBudget = 3 * kKiB;
constexpr size_t kHeadroom = 3 * kKiB;  // sentence, table of classes, headings, the sentences that tell of a cut
constexpr size_t kOtherWorse = 4;
constexpr size_t kFolded = 11;  // the other classes but `same`, times, the two runs
static_assert(kFailureBudget + kOtherWorse * kWorseBudget + kFolded * kFoldedBudget + kEnvironmentBudget + kNoteBudget + kHeadroom <= 64 * kKiB);

constexpr size_t kMessageBytes = 2 * kKiB;
constexpr size_t kIdsPerGroup = 10;
constexpr size_t kWorseListed = 50;  // in the text; more would push the counts out of sight
constexpr size_t kOthersListed = 10;
constexpr const char* kWhole = "`compare --format json`";

// --- what every format says

std::string_view NameIn(const Record* record) { return record == nullptr ? "none" : InfoOf(record->verdict).name; }

std::string Verdicts(const ComparedTest& test) {
  if (test.base == nullptr) return fmt::format("{}, not in BASE", NameIn(test.candidate));
  if (test.candidate == nullptr) return fmt::format("was {}", NameIn(test.base));
  return test.base->verdict == test.candidate->verdict ? std::string(NameIn(test.base))
                                                       : fmt::format("{} -> {}", NameIn(test.base), NameIn(test.candidate));
}

std::string Observed(const Record& record) { return record.observation.empty() ? "nothing" : record.observation; }

std::string After(const std::string& words) { return words.empty() ? "" : ": " + FirstLine(words); }

std::string Observations(const ComparedTest& test) { return fmt::format("{} -> {}", Observed(*test.base), Observed(*test.candidate)); }

// Beside the id of a test: what makes it one of its class.
std::string What(const ComparedTest& test) {
  if (test.change == Change::kRecordedChange) return Observations(test) + After(test.candidate->message);
  if (test.change == Change::kFixed || test.change == Change::kNowTried) {
    const std::string before = FirstLine(test.base->known_issue.empty() ? test.base->message : test.base->known_issue);
    return Verdicts(test) + (before.empty() ? "" : ", was: " + before);
  }
  if (test.drift) {
    return fmt::format("output {}: {:.3g} -> {:.3g} of its limit", test.drift->output, test.drift->base, test.drift->candidate);
  }
  const Record& latest = test.latest();
  std::string reason = latest.verdict == Verdict::kPass || test.candidate == nullptr ? "" : latest.message;
  if (latest.verdict == Verdict::kKnownIssue) reason = latest.known_issue;
  if (latest.verdict == Verdict::kUnexpectedPass) reason = InfoOf(latest.verdict).meaning;
  return Verdicts(test) + After(reason);
}

// New failures in the same words are one thing to mend, however many there are.
struct FailureGroup {
  RecordGroup group;
  const ComparedTest* first;
};

std::vector<FailureGroup> NewFailures(const RunComparison& comparison) {
  std::map<const Record*, const ComparedTest*> tests;
  std::vector<const Record*> records;
  for (const ComparedTest* test : comparison.Of(Change::kNewFailure)) {
    tests[test->candidate] = test;
    records.push_back(test->candidate);
  }
  std::vector<FailureGroup> groups;
  for (RecordGroup& group : GroupByReason(records)) {
    const ComparedTest* first = tests.at(group.records.front());
    groups.push_back({std::move(group), first});
  }
  return groups;
}

// Tests of one class of which the same is to be said.
struct Alike {
  const ComparedTest* first;
  size_t count = 0;
};

// By this tests are alike. An observation of many programs is one, however much their messages differ; a script of a claim stands for itself.
std::string LikenessOf(const ComparedTest& test) {
  const Record& record = test.latest();
  switch (test.change) {
    case Change::kRecordedChange:
      return record.sentence == kClaimSentence ? record.id : fmt::format("{}/{}: {}", record.requirement, record.sentence, Observations(test));
    case Change::kNewTest:
    case Change::kNowTried:
      return fmt::format("{}/{}: {}", record.requirement, record.sentence, What(test));
    case Change::kNoLongerTried:
    case Change::kNowKnownIssue:
    case Change::kStillFailing:
    case Change::kFixed:
      return What(test);
    default:
      return record.id;
  }
}

// In order of first appearance.
std::vector<Alike> Grouped(const RunComparison& comparison, const ChangeInfo& info) {
  std::vector<Alike> groups;
  std::map<std::string, size_t> places;
  for (const ComparedTest* test : comparison.Of(info.change)) {
    const auto [place, is_new] = places.try_emplace(LikenessOf(*test), groups.size());
    if (is_new) groups.push_back({test});
    ++groups[place->second].count;
  }
  return groups;
}

// What did not change is told by its reason, not test by test.
bool IsUnchanged(const ChangeInfo& info) { return info.change == Change::kKnownIssue || info.change == Change::kNotTried; }

// What is said of the tests of a class, in order of first appearance, with the number of them it is said of.
std::vector<std::pair<std::string, size_t>> Reasons(const RunComparison& comparison, const ChangeInfo& info) {
  std::vector<std::pair<std::string, size_t>> reasons;
  std::map<std::string, size_t> places;
  for (const ComparedTest* test : comparison.Of(info.change)) {
    const std::string reason = What(*test);
    const auto [place, is_new] = places.try_emplace(reason, reasons.size());
    if (is_new) reasons.emplace_back(reason, 0);
    ++reasons[place->second].second;
  }
  return reasons;
}

std::string Heading(const RunComparison& comparison, const ChangeInfo& info) {
  std::string title(info.title);
  title[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(title[0])));
  return fmt::format("{}: {}", title, Counted(comparison.Count(info.change), "test"));
}

// A hash in the twelve digits that a person compares; JSON has it whole.
std::string Short(const std::string& value) {
  constexpr size_t kShortestHash = 40;
  constexpr size_t kDigits = 12;
  const size_t digits = std::min(value.find_first_not_of("0123456789abcdef"), value.size());
  return digits < kShortestHash ? value : value.substr(0, kDigits) + value.substr(digits);
}

std::string Said(const std::string& value) { return value.empty() ? "not said" : Short(value); }

std::string TimeSentence(const RunComparison& comparison) {
  const Times& times = comparison.times;
  return fmt::format("{} tried in both took {:.2f} s in BASE and {:.2f} s in CANDIDATE; {} took at least {} s longer and {} times as long.",
                     Counted(times.tests, "test"), times.base_seconds, times.candidate_seconds, times.slower, kSlowerSeconds, kSlowerFactor);
}

std::string Took(const ComparedTest& test) { return fmt::format("{:.3f} s -> {:.3f} s", test.base->seconds, test.candidate->seconds); }

std::string FactOf(const RunFile& file, const std::string& field) {
  return file.run.provenance.contains(field) ? ValueText(file.run.provenance.at(field)) : "";
}

std::string AboutRun(const RunFile& file) {
  const std::string torch = FactOf(file, "torch");
  const std::string runtime = FactOf(file, "runtime_torch");
  return fmt::format("{}, {}{}{}", FactOf(file, "started"), Counted(file.run.records.size(), "test"), torch.empty() ? "" : ", torch " + torch,
                     runtime.empty() ? "" : " run by torch " + runtime);
}

std::string DriftMeaning(const RunComparison& comparison, const ChangeInfo& info) {
  if (info.change != Change::kMarginDrift) return std::string(info.meaning);
  return fmt::format("{}: more than {} times as near, and above {} of it", info.meaning, comparison.margin_factor, kLeastDrift);
}

// --- text

std::string RunLines(std::string_view label, const RunFile& file) {
  constexpr std::string_view kIndent = "           ";
  std::string lines = fmt::format("{:<11}{}\n", label, CleanText(file.file));
  lines += fmt::format("{}{}\n", kIndent, CleanText(FirstLine(FactOf(file, "command"))));
  return lines + Hanging(std::string(kIndent), AboutRun(file));
}

std::string ClassTable(const RunComparison& comparison) {
  std::string table = fmt::format("\n{:<17}  {:>6}\n", "class", "tests");
  for (const ChangeInfo& info : kChanges) {
    const size_t count = comparison.Count(info.change);
    if (count > 0) table += Hanging(fmt::format("{:<17}  {:>6}  ", info.title, count), DriftMeaning(comparison, info));
  }
  return table + fmt::format("{:<17}  {:>6}\n", "all", comparison.tests.size());
}

std::string FailureText(const RunComparison& comparison) {
  std::string list;
  size_t listed = 0;
  for (const auto& [group, first] : NewFailures(comparison)) {
    if (++listed > kWorseListed) return list + "  and more: --format json has all\n";
    const Record& record = *first->candidate;
    list += "  " + CleanText(record.id) + "\n" + Hanging(fmt::format("    {}: ", Verdicts(*first)), FirstLine(group.reason));
    if (!record.repeat.empty()) list += "    " + CleanText(FirstLine(record.repeat)) + "\n";
    if (group.records.size() > 1) list += fmt::format("    and {} in the same words\n", Counted(group.records.size() - 1, "more test"));
  }
  return list;
}

std::string TestList(const RunComparison& comparison, const ChangeInfo& info) {
  const std::vector<Alike> groups = Grouped(comparison, info);
  const size_t most = info.worse ? kWorseListed : kOthersListed;
  size_t left = comparison.Count(info.change);
  std::string list;
  for (size_t i = 0; i < groups.size() && i < most; ++i) {
    const auto& [first, count] = groups[i];
    list += "  " + CleanText(first->latest().id) + "\n" + Hanging("    ", What(*first));
    if (count > 1) list += fmt::format("    and {} alike\n", Counted(count - 1, "more test"));
    left -= count;
  }
  if (left > 0) list += fmt::format("  and {} more: --format json has all\n", left);
  return list;
}

std::string ReasonList(const RunComparison& comparison, const ChangeInfo& info) {
  std::string list;
  size_t listed = 0;
  for (const auto& [reason, count] : Reasons(comparison, info)) {
    if (++listed > kOthersListed) return list + "  and more: --format json has all\n";
    list += Hanging(fmt::format("  {}: ", Counted(count, "test")), reason);
  }
  return list;
}

std::string ClassText(const RunComparison& comparison, const ChangeInfo& info) {
  if (info.change == Change::kSame || comparison.Count(info.change) == 0) return "";
  const std::string list = info.change == Change::kNewFailure ? FailureText(comparison)
                           : IsUnchanged(info)                ? ReasonList(comparison, info)
                                                              : TestList(comparison, info);
  return "\n" + Heading(comparison, info) + "\n" + list;
}

std::string EnvironmentText(const RunComparison& comparison) {
  std::string list;
  for (const Difference& difference : comparison.environment) {
    list += Hanging("  ", fmt::format("{}: {} -> {}", difference.what, Said(difference.base), Said(difference.candidate)));
  }
  return "\nWhat changed around the tests\n" + (list.empty() ? "  nothing that the two runs say of themselves\n" : list);
}

std::string TimeText(const RunComparison& comparison) {
  if (comparison.times.tests == 0) return "";
  std::string list = "\nTime (recorded, not judged)\n" + Hanging("  ", TimeSentence(comparison));
  for (const ComparedTest& test : comparison.times.slowest) list += "  " + CleanText(test.candidate->id) + "\n    " + Took(test) + "\n";
  return list;
}

std::string NoteText(const RunComparison& comparison) {
  std::string list;
  for (const std::string& note : comparison.notes) list += Hanging("  - ", note);
  return list.empty() ? "" : "\nNote\n" + list;
}

// --- Markdown

std::string ClassRows(const RunComparison& comparison) {
  std::string table = "| class | tests | meaning |\n|---|---:|---|\n";
  for (const ChangeInfo& info : kChanges) {
    const size_t count = comparison.Count(info.change);
    if (count == 0) continue;
    const std::string_view bold = info.worse ? "**" : "";
    table += fmt::format("| {0}{1}{0} | {0}{2}{0} | {3} |\n", bold, info.title, count, DriftMeaning(comparison, info));
  }
  return table + fmt::format("| all | {} | |\n\n", comparison.tests.size());
}

std::string Notes(const RunComparison& comparison) {
  Section section("", kNoteBudget, kWhole);
  for (const std::string& note : comparison.notes) section.Item("- " + Escaped(note) + "\n");
  return section.Finish();
}

std::string FailureItem(const FailureGroup& failure) {
  const Record& record = *failure.first->candidate;
  std::string item = fmt::format("### {} {}\n\n**{}**: {}\n\n", Escaped(record.requirement), Escaped(record.sentence), Verdicts(*failure.first),
                                 Code(record.id, false));
  item += Fenced(failure.group.reason, "text", kMessageBytes);
  if (!record.repeat.empty()) item += "\nRepeat it with\n\n" + Fenced(record.repeat, "sh", kMessageBytes);
  const std::vector<const Record*>& records = failure.group.records;
  if (records.size() == 1) return item + "\n";
  item += fmt::format("\n{} in the same words:\n\n", Counted(records.size() - 1, "more test"));
  for (size_t i = 1; i < records.size() && i <= kIdsPerGroup; ++i) item += "- " + Code(records[i]->id, false) + "\n";
  if (records.size() > kIdsPerGroup + 1) item += fmt::format("- and {} more, all in {}\n", records.size() - kIdsPerGroup - 1, kWhole);
  return item + "\n";
}

std::string Failures(const RunComparison& comparison, const ChangeInfo& info) {
  Section section("## " + Heading(comparison, info) + "\n\n", kFailureBudget, kWhole);
  for (const FailureGroup& failure : NewFailures(comparison)) section.Item(FailureItem(failure));
  return section.Finish();
}

std::string Items(const RunComparison& comparison, const ChangeInfo& info, const std::string& head, size_t budget) {
  Section section(head, budget, kWhole);
  for (const auto& [first, count] : Grouped(comparison, info)) {
    const std::string more = count > 1 ? fmt::format(" and {} alike", Counted(count - 1, "more test")) : "";
    section.Item(fmt::format("- {}{}: {}\n", Code(first->latest().id, false), more, Escaped(What(*first))));
  }
  return section.Finish();
}

std::string ReasonItems(const RunComparison& comparison, const ChangeInfo& info) {
  Section section("", kFoldedBudget, kWhole);
  for (const auto& [reason, count] : Reasons(comparison, info)) section.Item(fmt::format("- {}: {}\n", Counted(count, "test"), Escaped(reason)));
  return section.Finish();
}

// A promise that is broken anew is to be seen, although an entry excuses it.
bool IsOpen(const ChangeInfo& info) { return info.worse || info.change == Change::kNowKnownIssue; }

std::string OpenClasses(const RunComparison& comparison) {
  std::string text;
  for (const ChangeInfo& info : kChanges) {
    if (!IsOpen(info)) continue;
    text += info.change == Change::kNewFailure ? Failures(comparison, info)
                                               : Items(comparison, info, "## " + Heading(comparison, info) + "\n\n", kWorseBudget);
  }
  return text;
}

std::string Environment(const RunComparison& comparison) {
  const std::string head = "## What changed around the tests\n\n";
  if (comparison.environment.empty()) return head + "Nothing that the two runs say of themselves.\n\n";
  Section section(head + "| what | BASE | CANDIDATE |\n|---|---|---|\n", kEnvironmentBudget, kWhole);
  for (const Difference& difference : comparison.environment) {
    section.Item(fmt::format("| {} | {} | {} |\n", Escaped(difference.what), Escaped(Said(difference.base)), Escaped(Said(difference.candidate))));
  }
  return section.Finish();
}

std::string Folded(const std::string& summary, const std::string& content) {
  return content.empty() ? "" : fmt::format("<details><summary>{}</summary>\n\n{}</details>\n\n", summary, content);
}

std::string FoldedClasses(const RunComparison& comparison) {
  std::string text;
  for (const ChangeInfo& info : kChanges) {
    if (IsOpen(info) || info.change == Change::kSame) continue;
    text += Folded(Heading(comparison, info), IsUnchanged(info) ? ReasonItems(comparison, info) : Items(comparison, info, "", kFoldedBudget));
  }
  return text;
}

std::string FoldedTimes(const RunComparison& comparison) {
  if (comparison.times.tests == 0) return "";
  Section section("", kFoldedBudget, kWhole);
  section.Item(TimeSentence(comparison) + "\n\n");
  for (const ComparedTest& test : comparison.times.slowest) section.Item(fmt::format("- {}: {}\n", Code(test.candidate->id, false), Took(test)));
  return Folded("Time (recorded, not judged)", section.Finish());
}

std::string FoldedRuns(const RunComparison& comparison) {
  Section section("", kFoldedBudget, kWhole);
  for (const auto& [name, file] : {std::pair{"BASE", comparison.base}, {"CANDIDATE", comparison.candidate}}) {
    section.Item(fmt::format("- {}: {}, {}, {}\n", name, Code(file->file, false), Code(FactOf(*file, "command"), false), Escaped(AboutRun(*file))));
  }
  return Folded("The two runs", section.Finish());
}

// --- JSON

ordered_json RunJson(const RunFile& file) {
  std::set<std::string> runners;
  size_t tried = 0;
  for (const Record& record : file.run.records) {
    runners.insert(record.runner);
    tried += InfoOf(record.verdict).tried ? 1 : 0;
  }
  return {{"file", file.file}, {"provenance", file.run.provenance},  {"runners", runners}, {"planned", file.run.records.size()},
          {"tried", tried},    {"interrupted", file.run.interrupted}};
}

ordered_json SideJson(const Record* record) {
  if (record == nullptr) return nullptr;
  ordered_json side{{"id", record->id}, {"verdict", InfoOf(record->verdict).name}, {"seconds", record->seconds}};
  for (const auto& [name, text] : {std::pair{"message", &record->message},
                                   {"observation", &record->observation},
                                   {"known_issue", &record->known_issue},
                                   {"repeat", &record->repeat}}) {
    if (!text->empty()) side[name] = *text;
  }
  return side;
}

ordered_json TestJson(const ComparedTest& test) {
  ordered_json value{{"class", InfoOf(test.change).name}, {"base", SideJson(test.base)}, {"candidate", SideJson(test.candidate)}};
  if (!test.drift) return value;
  // JSON has no infinity: it is written as a word.
  const auto number = [](double ratio) { return std::isfinite(ratio) ? ordered_json(ratio) : ordered_json("inf"); };
  value["drift"] = {{"output", test.drift->output}, {"base", number(test.drift->base)}, {"candidate", number(test.drift->candidate)}};
  return value;
}

ordered_json TimesJson(const RunComparison& comparison) {
  const Times& times = comparison.times;
  ordered_json slowest = ordered_json::array();
  for (const ComparedTest& test : times.slowest) {
    slowest.push_back({{"id", test.candidate->id}, {"base", test.base->seconds}, {"candidate", test.candidate->seconds}});
  }
  return {{"tests", times.tests},   {"base", times.base_seconds},      {"candidate", times.candidate_seconds},
          {"slower", times.slower}, {"floor_seconds", kSlowerSeconds}, {"floor_factor", kSlowerFactor},
          {"slowest", slowest}};
}

}  // namespace

std::string CompareText(const RunComparison& comparison) {
  std::string text = RunLines("BASE", *comparison.base) + RunLines("CANDIDATE", *comparison.candidate) + ClassTable(comparison);
  for (const ChangeInfo& info : kChanges) text += ClassText(comparison, info);
  return text + EnvironmentText(comparison) + TimeText(comparison) + NoteText(comparison) + "\n" + Hanging("", ComparisonSentence(comparison));
}

std::string CompareMarkdown(const RunComparison& comparison) {
  return "# AOTI-CTS: CANDIDATE against BASE\n\n**" + ComparisonSentence(comparison) + "**\n\n" + Notes(comparison) + ClassRows(comparison) +
         OpenClasses(comparison) + Environment(comparison) + FoldedClasses(comparison) + FoldedTimes(comparison) + FoldedRuns(comparison);
}

std::string CompareJson(const RunComparison& comparison) {
  ordered_json classes;
  for (const ChangeInfo& info : kChanges) classes[std::string(info.name)] = comparison.Count(info.change);
  ordered_json environment = ordered_json::array();
  for (const Difference& each : comparison.environment) {
    environment.push_back({{"what", each.what}, {"base", each.base}, {"candidate", each.candidate}});
  }
  ordered_json tests = ordered_json::array();
  for (const ComparedTest& test : comparison.tests) {
    if (test.change != Change::kSame) tests.push_back(TestJson(test));
  }
  ordered_json value;
  value["schema"] = kCompareSchema;
  value["worse"] = comparison.Worse();
  value["sentence"] = ComparisonSentence(comparison);
  value["base"] = RunJson(*comparison.base);
  value["candidate"] = RunJson(*comparison.candidate);
  value["matched_without_runner"] = comparison.without_runner;
  value["margin_factor"] = comparison.margin_factor;
  value["notes"] = comparison.notes;
  value["classes"] = std::move(classes);
  value["environment"] = std::move(environment);
  value["times"] = TimesJson(comparison);
  value["tests"] = std::move(tests);
  return value.dump(1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace aoti_cts
