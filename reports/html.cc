// SPDX-License-Identifier: Apache-2.0
// The report for a person, in a browser or printed: one page without scripts or other files. To add a section: a function here that returns it
// from a Section with a budget of its own, and its line in kSections.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "reports/field_bugs.h"
#include "reports/html_style.h"
#include "reports/lattice.h"
#include "reports/ledger.h"
#include "reports/report.h"
#include "reports/tally.h"
#include "reports/text.h"

namespace aoti_cts {
namespace {

// The page stays below 2 MB.
constexpr size_t kKiB = 1024;
constexpr size_t kBrokenBudget = 310 * kKiB;
constexpr size_t kLedgerBudget = 368 * kKiB;
constexpr size_t kFieldBugsBudget = 96 * kKiB;
constexpr size_t kRequirementsBudget = 220 * kKiB;
constexpr size_t kLatticeBudget = 420 * kKiB;
constexpr size_t kTimelinesBudget = 40 * kKiB;
constexpr size_t kMarginsBudget = 160 * kKiB;
constexpr size_t kUntriedBudget = 86 * kKiB;
constexpr size_t kProgramsBudget = 60 * kKiB;
constexpr size_t kSmallBudget = 32 * kKiB;  // verdicts, known issues, slowest, provenance, complaints
constexpr size_t kHeadroom = 32 * kKiB;     // style, sentence, headings, the sentences that tell of a cut
static_assert(kBrokenBudget + kLedgerBudget + kFieldBugsBudget + kRequirementsBudget + kLatticeBudget + kTimelinesBudget + kMarginsBudget +
                  kUntriedBudget + kProgramsBudget + 5 * kSmallBudget + kHeadroom <=
              2'000'000);

constexpr size_t kMessageBytes = 12 * kKiB;
constexpr size_t kOutputBytes = 4 * kKiB;
constexpr size_t kCellBytes = 1 * kKiB;
constexpr size_t kLineBytes = 240;
constexpr size_t kIdsPerEvidence = 8;
constexpr size_t kIdsPerGroup = 25;
constexpr size_t kTestsPerSentence = 60;  // more are counted by what became of them
constexpr size_t kSlowest = 10;

struct Page {
  const Run& run;
  const Ledger* ledger;
  const Ledger* field_bugs;
  const std::vector<Timeline>& timelines;
  std::map<std::string, const RequirementText*> texts;
  std::set<std::string> anchors;  // requirements that have a place on the page
  bool one_runner;
};

// Text for an element or a quoted attribute.
std::string Escaped(std::string_view raw, size_t bytes = kCellBytes) {
  std::string escaped;
  for (const char c : CleanText(Shorten(raw, bytes))) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string Line(const std::string& text) {
  const std::string line = FirstLine(text);
  return line.size() <= kLineBytes ? Escaped(line) : Escaped(Shorten(line, kLineBytes));
}

std::string Spaced(std::string text) {
  std::replace(text.begin(), text.end(), '_', ' ');
  return text;
}

std::string Code(std::string_view text) { return "<code>" + Escaped(text) + "</code>"; }

std::string Pre(std::string_view text, size_t bytes) { return "<pre>" + Escaped(text, bytes) + "</pre>\n"; }

std::string_view ClassOf(Tone tone) {
  constexpr std::array<std::string_view, 5> kNames{"good", "info", "warn", "bad", "mute"};
  return kNames[static_cast<size_t>(tone)];
}

std::string Chip(Tone tone, std::string_view text) { return fmt::format("<span class=\"c {}\">{}</span>", ClassOf(tone), Escaped(text)); }

Tone ToneOf(Verdict verdict) {
  const VerdictInfo& info = InfoOf(verdict);
  if (info.red) return Tone::kBad;
  if (verdict == Verdict::kPass) return Tone::kGood;
  if (verdict == Verdict::kKnownIssue) return Tone::kWarn;
  return info.tried ? Tone::kInfo : Tone::kMute;
}

// Of a test that only records, what it observed.
std::string VerdictChip(const Record& record) {
  const bool observed = record.verdict == Verdict::kRecorded && !record.observation.empty();
  return Chip(ToneOf(record.verdict), Spaced(observed ? record.observation : std::string(InfoOf(record.verdict).name)));
}

Tone ToneOf(ClaimTruth answer) {
  constexpr std::array<Tone, 4> kTones{Tone::kBad, Tone::kWarn, Tone::kGood, Tone::kMute};
  return kTones[static_cast<size_t>(answer)];
}

// Only what a browser would follow to a page is a link.
std::string Link(const std::string& url) {
  if (!url.starts_with("https://") && !url.starts_with("http://")) return Code(url);
  return fmt::format("<a href=\"{0}\">{0}</a>", Escaped(url));
}

std::string AnchorOf(const std::string& requirement) {
  std::string anchor = "r-";
  for (const char c : requirement) anchor += std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' ? c : '-';
  return anchor;
}

std::string RequirementLink(const Page& page, const std::string& requirement) {
  if (!page.anchors.contains(requirement)) return Escaped(requirement);
  return fmt::format("<a href=\"#{}\">{}</a>", AnchorOf(requirement), Escaped(requirement));
}

std::string Subject(const Page& page, const Record& record) {
  const std::string call = record.call.empty() ? "" : "." + record.call;
  return Code(record.case_name + call) + (page.one_runner ? "" : " <small>" + Escaped(record.runner) + "</small>");
}

std::string Details(const std::string& summary, const std::string& body) {
  return "<details><summary>" + summary + "</summary>\n" + body + "</details>\n";
}

// Items in a frame, within a budget of bytes; what does not fit is counted. A section without items is nothing at all.
class Section {
 public:
  Section(std::string head, std::string tail, size_t budget) : text_(std::move(head)), tail_(std::move(tail)), budget_(budget) {}

  // `instead` stands for an item that does not fit: what others refer to.
  void Item(const std::string& item, const std::string& instead = "") {
    ++items_;
    if (text_.size() + item.size() > budget_) {
      ++left_out_;
      text_ += instead;
    } else {
      text_ += item;
    }
  }

  std::string Finish() const {
    if (items_ == 0) return "";
    if (left_out_ == 0) return text_ + tail_;
    return text_ + tail_ +
           fmt::format("<p><strong>{} of {} are left out here for size; results.json beside this file has all.</strong></p>\n", left_out_, items_);
  }

 private:
  std::string text_;
  std::string tail_;
  size_t budget_;
  size_t items_ = 0;
  size_t left_out_ = 0;
};

// --- verdicts ----------------------------------------------------------------------------------------------------------------------------------

std::string BarSegment(Tone tone, size_t count, size_t total, std::string_view name) {
  if (count == 0) return "";
  const double percent = 100.0 * static_cast<double>(count) / static_cast<double>(total);
  std::string label;
  if (percent >= 12) {
    label = fmt::format("{} {}", count, name);
  } else if (percent >= 3) {
    label = static_cast<char>(std::toupper(static_cast<unsigned char>(name[0])));
  }
  return fmt::format(R"(<span class="{}" style="flex:{} 1 0" title="{} {}">{}</span>)", ClassOf(tone), count, count, name, label);
}

std::string Verdicts(const Page& page) {
  const auto counts = CountVerdicts(page.run);
  if (counts.empty()) return "";
  std::string bar = R"(<div class="bar" aria-hidden="true">)";
  std::string rows;
  for (const auto& [verdict, count] : counts) {
    const VerdictInfo& info = InfoOf(verdict);
    const std::string name = Spaced(std::string(info.name));
    bar += BarSegment(ToneOf(verdict), count, page.run.records.size(), name);
    rows += fmt::format("<tr><th scope=\"row\">{}</th><td class=\"n\">{}</td><td>{}</td></tr>\n", Chip(ToneOf(verdict), name), count,
                        Escaped(info.meaning));
  }
  return bar +
         "</div>\n<table class=\"fit\"><thead><tr><th scope=\"col\">verdict</th><th scope=\"col\" class=\"n\">tests</th><th "
         "scope=\"col\">meaning</th></tr></thead>\n<tbody>\n" +
         rows + fmt::format("<tr><th scope=\"row\">planned</th><td class=\"n\">{}</td><td></td></tr>\n</tbody></table>\n", page.run.records.size());
}

// --- what does not hold ----------------------------------------------------------------------------------------------------------------------

std::string Promise(const Page& page, const std::string& requirement) {
  const auto found = page.texts.find(requirement);
  if (found == page.texts.end()) return "";
  return fmt::format("<p class=\"promise\">{}<br><small>Promised by: {}</small></p>\n", Escaped(found->second->statement),
                     Escaped(found->second->source));
}

std::string IdList(const std::vector<const Record*>& records, size_t from) {
  std::string ids;
  for (size_t i = from; i < records.size() && i < from + kIdsPerGroup; ++i) ids += "<li>" + Code(records[i]->id) + "</li>\n";
  if (records.size() > from + kIdsPerGroup) {
    ids += fmt::format("<li>and {} more, all in results.json</li>\n", records.size() - from - kIdsPerGroup);
  }
  return ids;
}

std::string BrokenItem(const Page& page, const RecordGroup& group, bool open) {
  const Record& record = *group.records.front();
  std::string item = fmt::format("<details class=\"item\"{}><summary>{} {} {}</summary><div>\n", open ? " open" : "", VerdictChip(record),
                                 Escaped(Spaced(record.sentence)), Subject(page, record));
  item += Pre(group.reason, kMessageBytes);
  if (!record.known_issue.empty()) item += "<p>Known issue: " + Escaped(record.known_issue) + "</p>\n";
  for (const std::string& left : record.residue) item += "<p>Left behind: " + Code(left) + "</p>\n";
  if (!record.repeat.empty()) item += "<p>Repeat it with</p>\n" + Pre(record.repeat, kMessageBytes);
  if (!record.output.empty()) item += Details("The end of its output", Pre(record.output, kOutputBytes));
  if (group.records.size() > 1) {
    item += fmt::format("<p>{} in the same words:</p>\n<ul>\n{}</ul>\n", Counted(group.records.size() - 1, "more test"), IdList(group.records, 1));
  }
  return item + "</div></details>\n";
}

std::string Broken(const Page& page) {
  std::map<std::string, std::vector<RecordGroup>> by_requirement;
  std::vector<std::string> order;
  for (const Record* record : BrokenRecords(page.run)) {
    if (by_requirement.try_emplace(record->requirement).second) order.push_back(record->requirement);
  }
  for (const RecordGroup& group : GroupBroken(page.run)) {
    std::map<std::string, RecordGroup> parts;
    for (const Record* record : group.records) {
      parts.try_emplace(record->requirement, RecordGroup{group.verdict, group.reason, {}}).first->second.records.push_back(record);
    }
    for (auto& [requirement, part] : parts) by_requirement[requirement].push_back(std::move(part));
  }
  Section section("", "", kBrokenBudget);
  for (const std::string& requirement : order) {
    const auto& groups = by_requirement[requirement];
    const size_t tests =
        std::accumulate(groups.begin(), groups.end(), size_t{0}, [](size_t sum, const RecordGroup& group) { return sum + group.records.size(); });
    std::string head =
        fmt::format("<h3>{} <small>{}</small></h3>\n", RequirementLink(page, requirement), Counted(tests, "test")) + Promise(page, requirement);
    for (const RecordGroup& group : groups) {
      section.Item(head + BrokenItem(page, group, !head.empty()));
      head.clear();
    }
  }
  return section.Finish();
}

std::string KnownIssues(const Page& page) {
  Section section("<ul>\n", "</ul>\n", kSmallBudget);
  for (const KnownIssueTally& entry : TallyKnownIssues(page.run)) {
    const std::string not_seen = entry.not_seen == 0 ? "" : fmt::format(", not seen in {}", entry.not_seen);
    section.Item(
        fmt::format("<li>{} {} <small>seen in {}{}</small></li>\n", Link(entry.url), Escaped(entry.reason), Counted(entry.broken, "test"), not_seen));
  }
  return section.Finish();
}

// --- the ledger --------------------------------------------------------------------------------------------------------------------------------

std::string OutcomeCounts(const std::vector<const Record*>& records) {
  std::map<std::string, size_t> counts;
  for (const Record* record : records) ++counts[OutcomeOf(*record)];
  std::vector<std::string> parts;
  parts.reserve(counts.size());
  for (const auto& [outcome, count] : counts) parts.push_back(fmt::format("{} {}", count, Spaced(outcome)));
  return Escaped(fmt::format("{}", fmt::join(parts, ", ")));
}

std::string EvidenceTests(const std::vector<const Record*>& records) {
  std::string list = "<ul>";
  for (size_t i = 0; i < std::min(records.size(), kIdsPerEvidence); ++i) {
    const std::string line = i == 0 ? Line(records[i]->message) : "";
    list += "<li>" + Code(records[i]->id) + (line.empty() ? "" : "<br><small>" + line + "</small>") + "</li>\n";
  }
  if (records.size() > kIdsPerEvidence) list += fmt::format("<li>and {} more</li>\n", records.size() - kIdsPerEvidence);
  return list + "</ul>\n";
}

std::string EvidenceLine(Tone tone, std::string_view word, const LedgerEvidence& evidence, const std::vector<const Record*>& records) {
  if (records.empty()) return "";
  const bool one_sentence = std::all_of(records.begin(), records.end(), [&](const Record* r) { return r->sentence == records[0]->sentence; });
  const std::string sentence = one_sentence ? Spaced(records[0]->sentence) : "tests";
  const std::string setting = evidence.setting.empty() ? "" : ", " + evidence.setting;
  return Details(fmt::format("{} {} <small>{}{}</small>", Chip(tone, word), OutcomeCounts(records), Escaped(sentence), Escaped(setting)),
                 EvidenceTests(records));
}

std::string EvidenceOf(const Page& page, const ClaimAnswer& answer) {
  std::string text;
  for (const EvidenceAnswer& evidence : answer.evidence) {
    text += EvidenceLine(Tone::kGood, "for", *evidence.evidence, evidence.supporting);
    text += EvidenceLine(Tone::kBad, "against", *evidence.evidence, evidence.against);
  }
  if (answer.answer == ClaimTruth::kUntested) text += "<p>Not tried: " + Line(WhyUntested(answer)) + ".</p>\n";
  if (!answer.claim->note.empty()) text += "<p><small>Outside this suite: " + Escaped(answer.claim->note) + "</small></p>\n";
  for (const std::string& script : ReproducersOf(answer)) text += "<p><small>Without the suite: " + Code("python " + script) + "</small></p>\n";
  std::string links;
  for (const std::string& requirement : answer.claim->requirements) links += (links.empty() ? "" : ", ") + RequirementLink(page, requirement);
  return text + (links.empty() ? "" : "<p><small>" + links + "</small></p>\n");
}

std::string ClaimRow(const Page& page, const ClaimAnswer& answer) {
  const LedgerClaim& claim = *answer.claim;
  const std::string setting = claim.setting.empty() ? "" : "<p><small>Setting: " + Escaped(claim.setting) + "</small></p>";
  return fmt::format("<tr id=\"{0}\"><th scope=\"row\">{0} <small>{1}</small></th><td>{2}{3}</td><td>{4}</td><td>{5}</td></tr>\n", Escaped(claim.id),
                     Escaped(claim.where), Escaped(claim.claim), setting, Chip(ToneOf(answer.answer), NameOf(answer.answer)),
                     EvidenceOf(page, answer));
}

constexpr std::array<ClaimTruth, 4> kAnswers{ClaimTruth::kFalse, ClaimTruth::kDepends, ClaimTruth::kTrue, ClaimTruth::kUntested};

size_t CountAnswers(const std::vector<ClaimAnswer>& answers, ClaimTruth answer, const std::string& document) {
  return static_cast<size_t>(std::count_if(answers.begin(), answers.end(), [&](const ClaimAnswer& a) {
    return a.answer == answer && (document.empty() || a.claim->id.starts_with(document + "."));
  }));
}

std::string LedgerTiles(const std::vector<ClaimAnswer>& answers) {
  constexpr std::array<std::string_view, 4> kMeanings{"all evidence is against it", "on the setting or the case", "all evidence is for it",
                                                      "no evidence in this run"};
  std::string tiles = "<ul class=\"tiles\">\n";
  for (size_t i = 0; i < kAnswers.size(); ++i) {
    tiles += fmt::format("<li class=\"{}\"><b>{}</b>{}<br><small>{}</small></li>\n", ClassOf(ToneOf(kAnswers[i])),
                         CountAnswers(answers, kAnswers[i], ""), NameOf(kAnswers[i]), kMeanings[i]);
  }
  return tiles + "</ul>\n";
}

std::string LedgerDocuments(const Page& page, const std::vector<ClaimAnswer>& answers) {
  std::string table =
      "<div class=\"scroll\"><table class=\"fit\"><thead><tr><th scope=\"col\">document</th><th scope=\"col\" class=\"n\">false</th><th "
      "scope=\"col\" class=\"n\">depends</th>"
      "<th scope=\"col\" class=\"n\">true</th><th scope=\"col\" class=\"n\">untested</th></tr></thead>\n<tbody>\n";
  for (const LedgerDocument& document : page.ledger->documents) {
    table += fmt::format("<tr><th scope=\"row\">{} <small>{}</small></th>", Escaped(document.id), Escaped(document.title));
    for (const ClaimTruth answer : kAnswers) table += fmt::format("<td class=\"n\">{}</td>", CountAnswers(answers, answer, document.id));
    table += "</tr>\n";
  }
  return table + "</tbody></table></div>\n";
}

// False first, as it is what a reader of the documents must know; the long list of what is untested is folded.
std::string LedgerSection(const Page& page) {
  if (page.ledger == nullptr || page.ledger->claims.empty()) return "";
  const std::vector<ClaimAnswer> answers = AnswerClaims(*page.ledger, page.run);
  std::string text = "<p>What published documents claim of AOTInductor, in short, and what this run says to it.</p>\n" + LedgerTiles(answers) +
                     LedgerDocuments(page, answers);
  for (const ClaimTruth group : kAnswers) {
    const size_t count = CountAnswers(answers, group, "");
    Section section(
        "<table class=\"ledger stack\"><thead><tr><th scope=\"col\">claim</th><th scope=\"col\">says</th><th scope=\"col\">answer</th><th "
        "scope=\"col\">evidence</th></tr></thead>\n<tbody>\n",
        "</tbody></table>\n", kLedgerBudget / kAnswers.size());
    for (const ClaimAnswer& answer : answers) {
      if (answer.answer == group) section.Item(ClaimRow(page, answer));
    }
    if (count == 0) continue;
    const auto measured =
        std::count_if(answers.begin(), answers.end(), [&](const ClaimAnswer& a) { return a.answer == group && !a.claim->note.empty(); });
    const std::string outside =
        group == ClaimTruth::kUntested && measured > 0 ? fmt::format(", {} of them looked at outside this suite", measured) : "";
    const std::string title = fmt::format("{} {}{}", Chip(ToneOf(group), NameOf(group)), Counted(count, "claim"), outside);
    text += fmt::format("<details class=\"item\"{}><summary>{}</summary><div>\n{}</div></details>\n", group == ClaimTruth::kUntested ? "" : " open",
                        title, section.Finish());
  }
  return text;
}

// --- field bugs --------------------------------------------------------------------------------------------------------------------------------

std::string WhatShows(const LedgerClaim& bug) {
  std::string text;
  for (const LedgerEvidence& evidence : bug.evidence) text += "<p>" + Escaped(OutcomesThatShow(evidence)) + " of " + Code(evidence.tests) + "</p>";
  return text;
}

Tone ToneOfSighting(ClaimTruth answer) {
  if (answer == ClaimTruth::kUntested) return Tone::kMute;
  return answer == ClaimTruth::kFalse ? Tone::kGood : Tone::kBad;
}

std::string Sighting(const ClaimAnswer& answer) {
  std::string text = Chip(ToneOfSighting(answer.answer), SightingOf(answer.answer));
  for (const EvidenceAnswer& evidence : answer.evidence) {
    text += EvidenceLine(Tone::kBad, "seen", *evidence.evidence, evidence.supporting);
    text += EvidenceLine(Tone::kGood, "not seen", *evidence.evidence, evidence.against);
  }
  if (answer.answer == ClaimTruth::kUntested) text += "<p>" + Line(WhyUntested(answer)) + "</p>";
  for (const std::string& script : ReproducersOf(answer)) text += "<p><small>Without the suite: " + Code("python " + script) + "</small></p>";
  return text;
}

// In the order of the file: it groups what belongs together.
std::string FieldBugs(const Page& page) {
  if (page.field_bugs == nullptr) return "";
  Section section(
      fmt::format("<p>What users of AOTInductor have reported, and what this run saw of it on {}.</p>\n<table class=\"ledger stack\"><thead><tr><th "
                  "scope=\"col\">report</th><th scope=\"col\">what goes wrong</th><th scope=\"col\">what would show it</th><th "
                  "scope=\"col\">this run</th></tr></thead>\n<tbody>\n",
                  Escaped(TorchOf(page.run))),
      "</tbody></table>\n", kFieldBugsBudget);
  for (const ClaimAnswer& answer : AnswerClaims(*page.field_bugs, page.run)) {
    const LedgerClaim& bug = *answer.claim;
    const std::string versions = bug.note.empty() ? "" : "<p><small>Reported for " + Escaped(bug.note) + "</small></p>";
    section.Item(fmt::format("<tr id=\"{0}\"><th scope=\"row\">{0} <small>{1}</small></th><td>{2}{3}</td><td>{4}</td><td>{5}</td></tr>\n",
                             Escaped(bug.id), Link(bug.where), Escaped(bug.claim), versions, WhatShows(bug), Sighting(answer)));
  }
  return section.Finish();
}

// --- requirements ------------------------------------------------------------------------------------------------------------------------------

std::string CoverageBar(const RequirementTally& tally) {
  std::string bar;
  const auto part = [&](Tone tone, size_t count) {
    if (count > 0) bar += fmt::format(R"(<span class="{}" style="flex:{} 1 0"></span>)", ClassOf(tone), count);
  };
  part(Tone::kGood, tally.pass);
  part(Tone::kWarn, tally.known);
  part(Tone::kBad, tally.broken);
  part(Tone::kInfo, tally.recorded);
  part(Tone::kMute, tally.not_tried);
  return fmt::format(
      "<div class=\"cov\"><div class=\"bar thin\" aria-hidden=\"true\">{}</div><small>{} judged : {} recorded : {} unavailable</small></div>\n", bar,
      tally.judged, tally.recorded, tally.not_tried);
}

std::string TallyChips(const RequirementTally& tally) {
  std::string chips;
  const auto add = [&](Tone tone, size_t count, std::string_view name) {
    if (count > 0) chips += Chip(tone, fmt::format("{} {}", count, name)) + " ";
  };
  add(Tone::kGood, tally.pass, "pass");
  add(Tone::kBad, tally.broken, "broken");
  add(Tone::kWarn, tally.known, "known issue");
  add(Tone::kInfo, tally.recorded, "recorded");
  add(Tone::kMute, tally.not_tried, "not tried");
  return chips;
}

std::string TestList(const Page& page, const std::vector<const Record*>& records) {
  std::string list;
  for (const Record* record : records) list += "<li>" + VerdictChip(*record) + " " + Subject(page, *record) + "</li>\n";
  return list;
}

// Of what is asked of every program, nobody reads hundreds of passes: each outcome with its count, and the first of those that are no plain pass.
std::string OutcomeList(const Page& page, const std::vector<const Record*>& records) {
  std::map<std::string, std::vector<const Record*>> outcomes;
  for (const Record* record : records) outcomes[VerdictChip(*record)].push_back(record);
  std::string list;
  for (const auto& [chip, same] : outcomes) {
    list += fmt::format("<li>{} {}", chip, Counted(same.size(), "test"));
    if (same.front()->verdict != Verdict::kPass) {
      for (size_t i = 0; i < std::min(same.size(), kIdsPerEvidence); ++i) list += (i == 0 ? ": " : ", ") + Subject(page, *same[i]);
      if (same.size() > kIdsPerEvidence) list += fmt::format(" and {} more", same.size() - kIdsPerEvidence);
    }
    list += "</li>\n";
  }
  return list;
}

std::string TestsBySentence(const Page& page, const std::vector<const Record*>& records) {
  std::string list;
  for (auto first = records.begin(); first != records.end();) {
    const std::string& sentence = (*first)->sentence;
    const auto last = std::find_if(first, records.end(), [&](const Record* record) { return record->sentence != sentence; });
    const std::vector<const Record*> same(first, last);
    list += fmt::format("<h4>{}</h4><ul class=\"tests\">\n{}</ul>\n", Escaped(Spaced(sentence)),
                        same.size() > kTestsPerSentence ? OutcomeList(page, same) : TestList(page, same));
    first = last;
  }
  return list;
}

std::string RequirementHead(const RequirementTally& tally) {
  return fmt::format("<div class=\"req\" id=\"{}\"><h3>{} {}</h3>\n", AnchorOf(tally.requirement), Escaped(tally.requirement), TallyChips(tally));
}

std::string RequirementItem(const Page& page, const RequirementTally& tally, const std::vector<const Record*>& records) {
  std::string item = RequirementHead(tally);
  if (const auto found = page.texts.find(tally.requirement); found != page.texts.end()) {
    item += fmt::format("<p>{}<br><small>Promised by: {}</small></p>\n", Escaped(found->second->statement), Escaped(found->second->source));
  }
  return item + CoverageBar(tally) + Details(Counted(records.size(), "test"), TestsBySentence(page, records)) + "</div>\n";
}

std::string Requirements(const Page& page) {
  std::map<std::string, std::vector<const Record*>> records;
  for (const Record& record : page.run.records) records[record.requirement].push_back(&record);
  Section section(
      "<p>Each requirement with its tests: how many were judged, how many only recorded because nothing is promised, and how many could not be "
      "tried.</p>\n",
      "", kRequirementsBudget);
  for (const RequirementTally& tally : TallyRequirements(page.run)) {
    section.Item(RequirementItem(page, tally, records[tally.requirement]), RequirementHead(tally) + "</div>\n");
  }
  std::string others;
  for (const auto& [id, text] : page.texts) {
    if (!records.contains(id)) others += fmt::format("<li>{}: {}</li>\n", Escaped(id), Escaped(text->statement));
  }
  return section.Finish() + (others.empty() ? "" : Details("Requirements that no test of this run asks for", "<ul>\n" + others + "</ul>\n"));
}

// --- the bounds lattice ------------------------------------------------------------------------------------------------------------------------

std::string LatticeEntryText(const LatticeEntry& entry, std::string_view checks) {
  const LatticeWord& word = LatticeWordOf(*entry.record);
  const std::string label = entry.label.empty() ? "" : Escaped(entry.label) + ": ";
  const std::string line = Line(entry.record->message);
  return fmt::format("<div class=\"cell {}\"{}><i>{}</i><b>{}{}</b></div>", ClassOf(word.tone), line.empty() ? "" : " title=\"" + line + "\"", checks,
                     label, word.word);
}

// Of most sizes there is the same to say with and without checks.
bool Alike(const std::array<std::vector<LatticeEntry>, 2>& sides) {
  const auto& [off, on] = sides;
  return off.size() == 1 && on.size() == 1 && off[0].label == on[0].label && off[0].record->message == on[0].record->message &&
         &LatticeWordOf(*off[0].record) == &LatticeWordOf(*on[0].record);
}

std::string LatticeCellText(const std::array<std::vector<LatticeEntry>, 2>& sides, size_t span = 1) {
  std::string text;
  if (Alike(sides)) {
    text = LatticeEntryText(sides[0][0], "both");
  } else {
    for (const LatticeEntry& entry : sides[0]) text += LatticeEntryText(entry, "off");
    for (const LatticeEntry& entry : sides[1]) text += LatticeEntryText(entry, "on");
  }
  if (text.empty()) text = "<span class=\"v\">no test</span>";
  return span == 1 ? "<td>" + text + "</td>" : fmt::format(R"(<td class="span" colspan="{}">{}</td>)", span, text);
}

bool Empty(const std::array<std::vector<LatticeEntry>, 2>& sides) { return sides[0].empty() && sides[1].empty(); }

// A call that violates something else than a range: it has one cell, which may be as wide as the table.
bool OnNoRange(const LatticeRow& row) { return std::all_of(row.cells.begin(), row.cells.end() - 1, Empty); }

std::vector<size_t> UsedColumns(const LatticeTable& table) {
  std::vector<size_t> used;
  for (size_t column = 0; column < kLatticeColumns.size(); ++column) {
    if (std::any_of(table.rows.begin(), table.rows.end(), [&](const LatticeRow& row) { return !OnNoRange(row) && !Empty(row.cells[column]); }))
      used.push_back(column);
  }
  return used;
}

std::string LatticeTableText(const Page& page, const LatticeTable& table) {
  const std::vector<size_t> columns = UsedColumns(table);
  const std::string runner = page.one_runner ? "" : " <small>" + Escaped(table.runner) + "</small>";
  std::string text = fmt::format(
      "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{}\"><table class=\"grid\"{}><caption>{}{}</caption><thead><tr><th "
      "scope=\"col\">dimension</th>",
      Escaped(table.case_name), columns.empty() ? " style=\"min-width:0;width:auto\"" : "", Code(table.case_name), runner);
  for (const size_t column : columns) text += fmt::format("<th scope=\"col\">{}</th>", kLatticeColumns[column].title);
  if (columns.empty()) text += "<th scope=\"col\">other</th>";
  text += "</tr></thead>\n<tbody>\n";
  for (const LatticeRow& row : table.rows) {
    text += "<tr><th scope=\"row\">" + Escaped(row.name) + "</th>";
    if (OnNoRange(row)) {
      text += LatticeCellText(row.cells.back(), std::max<size_t>(columns.size(), 1));
    } else {
      for (const size_t column : columns) text += LatticeCellText(row.cells[column]);
    }
    text += "</tr>\n";
  }
  return text + "</tbody></table></div>\n";
}

// What becomes of calls outside the contract, in one line per setting.
std::string LatticeSummary(const std::vector<LatticeTable>& tables) {
  std::array<std::array<size_t, kLatticeWords.size()>, 2> counts{};
  for (const LatticeTable& table : tables) {
    for (const LatticeRow& row : table.rows) {
      for (const auto& cell : row.cells) {
        for (size_t checks = 0; checks < 2; ++checks) {
          for (const LatticeEntry& entry : cell[checks]) {
            const LatticeWord& word = LatticeWordOf(*entry.record);
            const bool inside = entry.record->expect == "ok" || word.word == "golden";
            if (!inside) ++counts[checks][static_cast<size_t>(&word - kLatticeWords.data())];
          }
        }
      }
    }
  }
  std::string text;
  for (size_t checks = 0; checks < 2; ++checks) {
    std::string chips;
    for (size_t i = 0; i < kLatticeWords.size(); ++i) {
      if (counts[checks][i] > 0) chips += " " + Chip(kLatticeWords[i].tone, fmt::format("{} {}", counts[checks][i], kLatticeWords[i].word));
    }
    if (!chips.empty()) text += fmt::format("<p>Calls outside the contract, checks {}:{}</p>\n", checks == 1 ? "on" : "off", chips);
  }
  return text;
}

std::string LatticeLegend() {
  std::string rows;
  for (const LatticeWord& word : kLatticeWords)
    rows += "<tr><th scope=\"row\">" + Chip(word.tone, word.word) + "</th><td>" + Escaped(word.meaning) + "</td></tr>\n";
  return Details("What the words mean", "<table class=\"fit\"><tbody>\n" + rows + "</tbody></table>\n");
}

std::string LatticeSection(const Page& page) {
  const std::vector<LatticeTable> tables = Lattice(page.run);
  Section section(
      "<p>What becomes of each size around the declared range: with input checks <b>off</b>, which is the default and promises nothing outside the "
      "range, and "
      "<b>on</b> (AOTI_RUNTIME_CHECK_INPUTS=1).</p>\n" +
          LatticeSummary(tables) + LatticeLegend(),
      "", kLatticeBudget);
  for (const LatticeTable& table : tables) section.Item(LatticeTableText(page, table));
  return section.Finish();
}

// --- numeric margins ---------------------------------------------------------------------------------------------------------------------------

constexpr int kLowestDecade = -4;
constexpr double kExactAt = 2;  // percent of the width
constexpr double kLowestAt = 9;
constexpr double kHighestAt = 91;
constexpr double kBeyondAt = 97;
constexpr int kStripHeight = 27;
constexpr size_t kMostStrips = 80;
constexpr size_t kWorst = 5;

struct Mark {
  const Record* record;
  const RecordMargin* margin;
  size_t count;  // of outputs with the same margin
  size_t rank;   // 1 for the worst of the worst case; 0 for one that is not named
};

struct Strip {
  std::string case_name;
  size_t outputs = 0;
  std::vector<Mark> marks;  // worst first
};

struct Scale {
  int highest_decade;
  double At(double ratio) const {
    if (ratio == 0) return kExactAt;
    if (!std::isfinite(ratio) || ratio > std::pow(10, highest_decade)) return kBeyondAt;
    const double part = (std::max(std::log10(ratio), static_cast<double>(kLowestDecade)) - kLowestDecade) / (highest_decade - kLowestDecade);
    return kLowestAt + part * (kHighestAt - kLowestAt);
  }
};

std::vector<Strip> StripsOf(const Run& run) {
  std::vector<Strip> strips;
  std::map<std::string, size_t> index;
  std::map<std::pair<std::string, double>, size_t> seen;
  for (const Record& record : run.records) {
    if (!record.judged || !InfoOf(record.verdict).tried) continue;
    for (const RecordMargin& margin : record.margins) {
      const auto [place, fresh] = index.try_emplace(record.case_name, strips.size());
      if (fresh) strips.push_back({record.case_name, 0, {}});
      Strip& strip = strips[place->second];
      ++strip.outputs;
      const auto [mark, new_ratio] = seen.try_emplace({record.case_name, margin.ratio}, strip.marks.size());
      if (new_ratio) {
        strip.marks.push_back({&record, &margin, 1, 0});
      } else {
        ++strip.marks[mark->second].count;
      }
    }
  }
  for (Strip& strip : strips) {
    std::stable_sort(strip.marks.begin(), strip.marks.end(), [](const Mark& a, const Mark& b) { return a.margin->ratio > b.margin->ratio; });
  }
  std::stable_sort(strips.begin(), strips.end(), [](const Strip& a, const Strip& b) { return a.marks[0].margin->ratio > b.marks[0].margin->ratio; });
  return strips;
}

// Ranks the worst mark of each of the worst cases, which come first, and gives them in order.
std::vector<const Mark*> RankWorst(std::vector<Strip>& strips) {
  std::vector<const Mark*> worst;
  for (size_t i = 0; i < std::min(strips.size(), kWorst) && strips[i].marks[0].margin->ratio > 0; ++i) {
    Mark& mark = strips[i].marks.front();
    mark.rank = i + 1;
    worst.push_back(&mark);
  }
  return worst;
}

Scale ScaleOf(const std::vector<Strip>& strips) {
  double highest = 1;
  for (const Strip& strip : strips) {
    for (const Mark& mark : strip.marks) {
      if (std::isfinite(mark.margin->ratio)) highest = std::max(highest, mark.margin->ratio);
    }
  }
  return {std::clamp(static_cast<int>(std::ceil(std::log10(highest) + 1e-9)), 1, 6)};
}

std::string GridLines(const Scale& scale, int height) {
  std::string lines;
  for (int decade = kLowestDecade; decade <= scale.highest_decade; ++decade) {
    const double x = scale.At(std::pow(10, decade));
    lines += fmt::format(R"(<line class="{}" x1="{:.1f}%" x2="{:.1f}%" y1="0" y2="{}"/>)", decade == 0 ? "l" : "g", x, x, height);
  }
  return lines;
}

std::string RatioText(double ratio) { return std::isfinite(ratio) ? fmt::format("{:.3g}", ratio) : "infinite"; }

std::string MarkText(const Mark& mark, const Scale& scale) {
  const double ratio = mark.margin->ratio;
  const double x = scale.At(ratio);
  const std::string title = fmt::format("<title>{}: error / limit {}</title>", Counted(mark.count, "output"), RatioText(ratio));
  std::string text = ratio <= 1 ? fmt::format(R"(<circle cx="{:.1f}%" cy="18" r="4">{}</circle>)", x, title)
                                : fmt::format("<text class=\"x\" x=\"{:.1f}%\" y=\"23\" text-anchor=\"middle\">\u00d7{}</text>", x, title);
  if (mark.rank > 0) text += fmt::format(R"(<text class="k" x="{:.1f}%" y="11" text-anchor="middle">{}</text>)", x, mark.rank);
  return text;
}

std::string StripText(const Strip& strip, const Scale& scale) {
  std::string text = fmt::format(
      "<div class=\"strip\"><div class=\"name\">{} <small>{}</small></div><svg height=\"{}\" role=\"img\" aria-label=\"{}: worst {} of the "
      "limit\">{}",
      Code(strip.case_name), Counted(strip.outputs, "output"), kStripHeight, Escaped(strip.case_name), RatioText(strip.marks[0].margin->ratio),
      GridLines(scale, kStripHeight));
  for (const Mark& mark : strip.marks) text += MarkText(mark, scale);
  return text + "</svg></div>\n";
}

std::string AxisText(const Scale& scale) {
  const auto tick = [](double x, std::string_view name, std::string_view more) {
    return fmt::format(R"(<text x="{:.1f}%" y="14" text-anchor="middle"{}>{}</text>)", x, more, name);
  };
  std::string text = R"(<div class="strip"><div class="name soft">error / limit</div><svg height="20" aria-hidden="true">)" + tick(kExactAt, "0", "");
  const int step = scale.highest_decade > 3 ? 2 : 1;
  for (int decade = kLowestDecade; decade <= scale.highest_decade; ++decade) {
    const double x = scale.At(std::pow(10, decade));
    if (decade == 0) text += tick(x, "limit", " class=\"lt\"");
    if (decade != 0 && decade % step == 0) text += tick(x, decade == 1 ? "10" : fmt::format("1e{}", decade), "");
  }
  return text + tick(kBeyondAt, "\u221e", "") + "</svg></div>\n";
}

std::string WorstTable(const std::vector<const Mark*>& worst) {
  std::string table =
      "<table class=\"stack\"><caption>The worst of each of the worst cases</caption><thead><tr><th scope=\"col\">mark</th><th "
      "scope=\"col\">test</th><th scope=\"col\" class=\"n\">output</th>"
      "<th scope=\"col\" class=\"n\">error</th><th scope=\"col\" class=\"n\">limit</th><th scope=\"col\" class=\"n\">error / "
      "limit</th></tr></thead>\n<tbody>\n";
  for (const Mark* mark : worst) {
    const RecordMargin& margin = *mark->margin;
    table += fmt::format(
        "<tr><th scope=\"row\">{}</th><td>{}</td><td class=\"n\" data-t=\"output\">{}</td><td class=\"n\" data-t=\"error\">{:.3g}</td><td "
        "class=\"n\" data-t=\"limit\">{:.3g}</td>"
        "<td class=\"n\" data-t=\"error / limit\">{:.3g}</td></tr>\n",
        mark->rank, Code(mark->record->id), margin.output, margin.error, margin.limit, margin.ratio);
  }
  return table + "</tbody></table>\n";
}

std::string Margins(const Page& page) {
  std::vector<Strip> strips = StripsOf(page.run);
  if (strips.empty()) return "";
  const std::vector<const Mark*> worst = RankWorst(strips);
  const Scale scale = ScaleOf(strips);
  Section section(
      "<p>The worst element of every judged output: its error against the float64 reference, over its limit. Left of the line holds, &times; does "
      "not; "
      "equal margins share a mark. Cases by their worst.</p>\n<figure style=\"margin:0\">\n" +
          AxisText(scale),
      "</figure>\n", kMarginsBudget);
  for (size_t i = 0; i < std::min(strips.size(), kMostStrips); ++i) section.Item(StripText(strips[i], scale));
  const std::string more =
      strips.size() > kMostStrips ? fmt::format("<p>{} further cases are better than these.</p>\n", strips.size() - kMostStrips) : "";
  return section.Finish() + more + (worst.empty() ? "" : WorstTable(worst));
}

// --- the rest ----------------------------------------------------------------------------------------------------------------------------------

std::string Timelines(const Page& page) {
  Section section(
      "<p>What a profiler has seen of calls of a package, after a few that warm up. Outlined: a call; grey: operators on the CPU; thin: "
      "launches; filled: kernels on a GPU; striped and taller: copies from and to it. A trace opens in the viewers of Chrome and Perfetto.</p>\n",
      "", kTimelinesBudget);
  for (const Timeline& timeline : page.timelines) section.Item(TimelineSvg(timeline));
  return page.timelines.empty() ? "" : section.Finish();
}

std::string Programs(const Page& page) {
  Section section(
      "<table class=\"stack\"><thead><tr><th scope=\"col\">program</th><th scope=\"col\">what it is for</th><th scope=\"col\">profile</th></tr>"
      "</thead>\n<tbody>\n",
      "</tbody></table>\n", kProgramsBudget);
  for (const Program& program : page.run.programs) {
    section.Item(fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td></tr>\n", Code(program.name), Escaped(program.about),
                             Escaped(program.profile)));
  }
  return section.Finish();
}

std::string Slowest(const Page& page) {
  std::vector<const Record*> records;
  double total = 0;
  for (const Record& record : page.run.records) {
    total += record.seconds;
    if (record.seconds > 0) records.push_back(&record);
  }
  std::stable_sort(records.begin(), records.end(), [](const Record* a, const Record* b) { return a->seconds > b->seconds; });
  records.resize(std::min(records.size(), kSlowest));
  Section section(
      fmt::format(
          "<p>All tests together: {:.1f} s.</p>\n<table class=\"stack\"><thead><tr><th scope=\"col\">test</th><th scope=\"col\">verdict</th><th "
          "scope=\"col\" class=\"n\">seconds</th></tr></thead>\n<tbody>\n",
          total),
      "</tbody></table>\n", kSmallBudget);
  for (const Record* record : records) {
    section.Item(fmt::format("<tr><td>{}</td><td>{}</td><td class=\"n\" data-t=\"seconds\">{:.3f}</td></tr>\n", Code(record->id),
                             VerdictChip(*record), record->seconds));
  }
  return section.Finish();
}

std::string UntriedItem(const RecordGroup& group) {
  std::string ids = "<ul>\n" + IdList(group.records, 0);
  const std::string& repeat = group.records.front()->repeat;
  if (group.verdict == Verdict::kError && !repeat.empty()) ids += "<li>repeat the first with " + Pre(repeat, kMessageBytes) + "</li>\n";
  return fmt::format("<h3>{} {}</h3>\n", Chip(ToneOf(group.verdict), Spaced(std::string(InfoOf(group.verdict).name))),
                     Counted(group.records.size(), "test")) +
         Pre(group.reason, kMessageBytes) + Details("Which", ids + "</ul>\n");
}

std::string Untried(const Page& page) {
  Section section("", "", kUntriedBudget);
  for (const RecordGroup& group : GroupUntried(page.run)) section.Item(UntriedItem(group));
  return section.Finish();
}

// "/torch/version" of a runner's description as "torch version".
std::string Flattened(std::string pointer) {
  std::replace(pointer.begin(), pointer.end(), '/', ' ');
  return pointer;
}

std::string Provenance(const Page& page) {
  const auto row = [](const std::string& name, const std::string& value) {
    return fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n", Escaped(name), Code(value));
  };
  Section section("<table class=\"stack\"><thead><tr><th scope=\"col\">what</th><th scope=\"col\">value</th></tr></thead>\n<tbody>\n",
                  "</tbody></table>\n", kSmallBudget);
  for (const auto& [name, value] : page.run.provenance.items()) section.Item(row(Spaced(name), ValueText(value)));
  for (const auto& [name, description] : page.run.runners) {
    const nlohmann::json flat = description.is_structured() ? description.flatten() : nlohmann::json{{"", description}};
    for (const auto& [pointer, value] : flat.items()) section.Item(row("runner " + name + Flattened(pointer), ValueText(value)));
  }
  return section.Finish();
}

std::string Complaints(const Page& page) {
  Section section("<ul>\n", "</ul>\n", kSmallBudget);
  for (const std::string& complaint : OtherComplaints(page.run)) section.Item("<li>" + Escaped(complaint) + "</li>\n");
  return section.Finish();
}

struct SectionOf {
  std::string_view anchor;
  std::string_view title;
  std::string (*write)(const Page&);
};

constexpr std::array kSections{SectionOf{"verdicts", "Verdicts", Verdicts},
                               SectionOf{"broken", "What does not hold", Broken},
                               SectionOf{"known", "Known issues", KnownIssues},
                               SectionOf{"field-bugs", "Field bugs", FieldBugs},
                               SectionOf{"ledger", "The ledger of claims", LedgerSection},
                               SectionOf{"requirements", "Requirements", Requirements},
                               SectionOf{"lattice", "The bounds lattice", LatticeSection},
                               SectionOf{"margins", "Numeric margins", Margins},
                               SectionOf{"timelines", "Timelines", Timelines},
                               SectionOf{"programs", "Programs", Programs},
                               SectionOf{"slowest", "The slowest tests", Slowest},
                               SectionOf{"untried", "Could not be tried", Untried},
                               SectionOf{"provenance", "Provenance", Provenance},
                               SectionOf{"complaints", "Also wrong", Complaints}};

// Where and when, in one line below the verdict.
std::string Circumstances(const Run& run) {
  std::vector<std::string> parts;
  const auto add = [&](const char* name, std::string_view before) {
    if (run.provenance.contains(name)) parts.push_back(std::string(before) + ValueText(run.provenance.at(name)));
  };
  add("torch", "torch ");
  for (const auto& [name, ignored] : run.runners) parts.push_back("runner " + name);
  add("started", "");
  add("suite_version", "suite ");
  return Escaped(fmt::format("{}", fmt::join(parts, " \u00b7 ")));
}

std::string_view SentenceClass(const std::string& sentence) {
  if (sentence.starts_with("Green")) return " good";
  return sentence.starts_with("Red") ? " bad" : "";
}

std::string Head(const Run& run) {
  const std::string sentence = VerdictSentence(run);
  return fmt::format(
             "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, "
             "initial-scale=1\">\n"
             "<meta name=\"color-scheme\" content=\"light dark\">\n<title>AOTI-CTS: {}</title>\n<style>",
             Escaped(sentence)) +
         std::string(kHtmlStyle) +
         fmt::format(
             "</style>\n</head>\n<body>\n<header>\n<h1>AOTInductor conformance</h1>\n<p class=\"lead{}\">{}</p>\n<p "
             "class=\"soft\">{}</p>\n</header>\n",
             SentenceClass(sentence), Escaped(sentence), Circumstances(run));
}

Page PageOf(const Run& run, const Ledger* ledger, const std::vector<RequirementText>& requirements, const Ledger* field_bugs,
            const std::vector<Timeline>& timelines) {
  Page page{run, ledger, field_bugs, timelines, {}, {}, true};
  for (const RequirementText& text : requirements) page.texts[text.id] = &text;
  for (const Record& record : run.records) {
    page.anchors.insert(record.requirement);
    page.one_runner = page.one_runner && record.runner == run.records.front().runner;
  }
  return page;
}

}  // namespace

std::string Html(const Run& run, const Ledger* ledger, const std::vector<RequirementText>& requirements, const Ledger* field_bugs,
                 const std::vector<Timeline>& timelines) {
  const Page page = PageOf(run, ledger, requirements, field_bugs, timelines);
  std::string links;
  std::string body;
  for (const SectionOf& section : kSections) {
    const std::string text = section.write(page);
    if (text.empty()) continue;
    links += fmt::format("<li><a href=\"#{}\">{}</a></li>\n", section.anchor, section.title);
    body += fmt::format("<section id=\"{0}\" aria-labelledby=\"h-{0}\">\n<h2 id=\"h-{0}\">{1}</h2>\n{2}</section>\n", section.anchor, section.title,
                        text);
  }
  return Head(run) + "<nav aria-label=\"Sections\"><ul>\n" + links + "</ul></nav>\n<main>\n" + body + "</main>\n</body>\n</html>\n";
}

}  // namespace aoti_cts
