// SPDX-License-Identifier: Apache-2.0
// The HTML report: against an approved text (without its style), as well-formed as a browser wants it, whatever a runtime said, and small and
// quick where a run is large.
#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <set>
#include <string_view>

#include "reports/approved_test.h"
#include "reports/fixed_runs.h"
#include "reports/report.h"
#include "reports/text.h"

namespace aoti_cts {
namespace {

constexpr size_t kMostBytes = 2'000'000;

Ledger FixedLedger() {
  const std::vector<std::string> pass{"pass"};
  return {{{"S1", "slides"}, {"S2", "notes <2>"}},
          {{"S1.1", "objective", "outputs agree", {"NUM_1"}, {{"NUM_1/all_outputs_agree/*batch_1/*", pass, ""}}, "", "", ""},
           {"S2.1",
            "6.3",
            "a size above the maximum is refused",
            {"DYN_1", "DYN_2"},
            {{"DYN_2/*", {"refused"}, "checks off"}, {"DYN_1/batch_above*", pass, "checks on"}},
            "",
            "",
            ""},
           {"S2.2", "1.2", kNasty, {"DYN_2"}, {{"DYN_2/*", {"refused"}, ""}}, "", kNasty, "checks off"},
           {"S2.3", "8", "graphs are captured", {"GRAPH_1"}, {{"GRAPH_1/*", pass, ""}}, "needs a GPU", "", ""},
           {"S2.4", "9", "mobile is supported", {"PORT_9"}, {}, "not here", "seen by hand", ""}}};
}

std::vector<RequirementText> FixedRequirements() {
  return {{"NUM_1", "Every output is the reference.", "its documentation"},
          {"DYN_1", "What lies outside the range is refused & said.", "S2 <6.3>"},
          {"ABI_1", "Symbols stay.", "nobody yet"}};
}

Record OneCell(const std::string& requirement, const std::string& call, const std::string& cell, bool check_inputs, Verdict verdict,
               const std::string& observation = "") {
  Record record = OneTest(requirement, check_inputs ? "with_checks" : "without_checks", call, verdict);
  record.case_name = "lattice";
  record.id = requirement + "/" + record.sentence + "/lattice." + call + "/package";
  record.cell = cell;
  record.expect = cell == "min" || cell == "max" ? "ok" : "refused";
  record.check_inputs = check_inputs;
  record.observation = observation;
  record.judged = verdict != Verdict::kRecorded;
  return record;
}

// The run of all formats, and what only this one shows.
Run EveryVerdictAndCell() {
  Run run = EveryVerdict();
  run.records.push_back(OneCell("DYN_1", "rows_above_max", "above_max", true, Verdict::kPass));
  run.records.push_back(OneCell("DYN_2", "rows_above_max", "above_max", false, Verdict::kRecorded, "correct"));
  run.records.push_back(OneCell("DYN_2", "rows_below_min", "below_min", false, Verdict::kRecorded, kNasty));
  run.records.push_back(OneCell("DYN_2", "rows_huge", "huge", false, Verdict::kRecorded, "out_of_bounds"));
  run.records.push_back(OneCell("DYN_8", "rows_min", "min", true, Verdict::kKnownIssue));
  run.records.push_back(OneCell("DYN_8", "rows_min", "min", false, Verdict::kPass));
  run.records.push_back(OneCell("DYN_8", "rows_max", "max", true, Verdict::kUnavailable));
  run.records.push_back(OneCell("DYN_3", "width_7", "static", false, Verdict::kRecorded, "silently_wrong"));
  return run;
}

std::string Written(const Run& run) {
  const Ledger ledger = FixedLedger();
  return Html(run, &ledger, FixedRequirements());
}

// What a page says does not change with how it looks.
std::string WithoutStyle(std::string html) {
  const size_t begin = html.find("<style>");
  return html.replace(begin, html.find("</style>") - begin, "<style>");
}

TEST(HtmlTest, WritesWhatWasApproved) {
  ExpectApproved("every_verdict.html", WithoutStyle(Written(EveryVerdictAndCell())));
  ExpectApproved("all_good.html", WithoutStyle(Html(AllGood(), nullptr, {})));
  ExpectApproved("empty.html", WithoutStyle(Html(EmptyRun(), nullptr, {})));
}

// Enough of HTML to see that every element is closed where it may be, every attribute quoted, every id used once and every link on the page
// goes somewhere; elements that end a paragraph must not stand in one.
class HtmlCheck {
 public:
  explicit HtmlCheck(std::string_view html) : rest_(html) {}

  std::string Complaint() {
    if (!Skip("<!DOCTYPE html>\n")) return "no doctype";
    while (!rest_.empty()) {
      if (const std::string complaint = Next(); !complaint.empty()) return complaint + " before: " + std::string(rest_.substr(0, 80));
    }
    if (!open_.empty()) return "<" + std::string(open_.back()) + "> is not closed";
    for (const std::string_view target : targets_) {
      if (!ids_.contains(target)) return "a link to #" + std::string(target) + ", which is not there";
    }
    return "";
  }

 private:
  bool Skip(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }

  std::string_view Until(std::string_view ends) {
    const std::string_view text = rest_.substr(0, std::min(rest_.find_first_of(ends), rest_.size()));
    rest_.remove_prefix(text.size());
    return text;
  }

  static bool GoodText(std::string_view text) {
    for (size_t at = text.find('&'); at != std::string_view::npos; at = text.find('&', at + 1)) {
      const std::set<std::string_view> known{"&amp;", "&lt;", "&gt;", "&quot;", "&#39;", "&times;"};
      if (!known.contains(text.substr(at, text.find(';', at) - at + 1))) return false;
    }
    return text.find('<') == std::string_view::npos;
  }

  std::string Next() {
    if (Skip("</")) return Close(Until(">"));
    if (Skip("<")) return Element(Until(" >/"));
    const std::string_view text = Until("<");
    if (!open_.empty() && open_.back() == "style") return "";
    return GoodText(text) && text.find('>') == std::string_view::npos ? "" : "a bare character in the text";
  }

  std::string Close(std::string_view name) {
    if (open_.empty() || open_.back() != name || !Skip(">")) return "</" + std::string(name) + "> closes what is not open";
    open_.pop_back();
    return "";
  }

  std::string Attribute(std::string_view element, std::string_view name) {
    if (!Skip("=\"")) return name == "open" ? "" : "an attribute without a value";
    const std::string_view value = Until("\"");
    if (!GoodText(value) || !Skip("\"")) return "a bad attribute";
    if (name == "id" && !ids_.insert(value).second) return "the id " + std::string(value) + " twice";
    if (name.starts_with("on") || name == "src") return "an attribute that runs or fetches something";
    if (name != "href") return "";
    if (value.starts_with("#")) targets_.insert(value.substr(1));
    const bool good = value.starts_with("#") || value.starts_with("https://") || value.starts_with("http://");
    return element == "a" && good ? "" : "a link that is none";
  }

  std::string Element(std::string_view name) {
    static const std::set<std::string_view> kVoid{"meta", "br", "line"};
    static const std::set<std::string_view> kBlocks{"p", "pre", "ul", "div", "details", "table", "h2", "h3", "h4", "section", "figure"};
    static const std::set<std::string_view> kNever{"script", "iframe", "link", "object", "img", "form"};
    if (kNever.contains(name)) return "<" + std::string(name) + "> is there";
    if (kBlocks.contains(name) && std::find(open_.begin(), open_.end(), "p") != open_.end()) return "<" + std::string(name) + "> in a paragraph";
    while (Skip(" ")) {
      if (const std::string complaint = Attribute(name, Until("=\"> ")); !complaint.empty()) return complaint + " in <" + std::string(name);
    }
    const bool closed = Skip("/");
    if (!Skip(">")) return "no end of <" + std::string(name);
    if (!closed && !kVoid.contains(name)) open_.push_back(name);
    return "";
  }

  std::string_view rest_;
  std::vector<std::string_view> open_;
  std::set<std::string_view> ids_;
  std::set<std::string_view> targets_;
};

TEST(HtmlTest, IsWellFormedAndFetchesNothing) {
  for (const std::string& html :
       {Written(EveryVerdictAndCell()), Written(AllGood()), Written(EmptyRun()), Html(EveryVerdict(), nullptr, {}), Written(Huge(100, 20000))}) {
    EXPECT_EQ(HtmlCheck(html).Complaint(), "");
    for (const char* outside : {"url(", "@import", "<script", "src="}) EXPECT_EQ(html.find(outside), std::string::npos) << outside;
  }
}

TEST(HtmlTest, TheCheckOfWellFormednessFindsWhatIsNot) {
  for (const char* bad :
       {"<p>", "<p></b></p>", "<p><ul></ul></p>", "<a href=\"javascript:x\">x</a>", R"(<p id="a"></p><p id="a"></p>)", "<a href=\"#b\">b</a>",
        "<p>&nbsp;</p>", "<p>a > b</p>", "<p onclick=\"x\"></p>", "<p class=x></p>", "<script></script>", "<p title=\"a<b\"></p>"}) {
    const std::string html = std::string("<!DOCTYPE html>\n") + bad;
    EXPECT_NE(HtmlCheck(html).Complaint(), "") << bad;
  }
  EXPECT_NE(HtmlCheck("<p></p>").Complaint(), "");
}

// Every text that is not the report's own is set to `hostile`.
Run HostileRun(const std::string& hostile) {
  Run run = EveryVerdictAndCell();
  for (Record& record : run.records) {
    for (std::string* text : {&record.id, &record.requirement, &record.sentence, &record.case_name, &record.call, &record.runner, &record.message,
                              &record.observation, &record.known_issue, &record.repeat, &record.output, &record.cell, &record.expect}) {
      *text += hostile;
    }
    record.requirement = "DYN_" + hostile;
    record.residue = {hostile};
  }
  run.records[0].known_issue = "javascript:alert(1) " + hostile;
  run.records[1].known_issue = "https://example.org/" + hostile;
  run.provenance = {{hostile, hostile}, {"torch", {{hostile, hostile}}}};
  run.runners = {{hostile, {{hostile, hostile}}}, {hostile, hostile}};
  run.complaints = {hostile};
  return run;
}

TEST(HtmlTest, HostileTextStaysText) {
  for (const std::string hostile : {"</script><script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "'\" onmouseover='x",
                                    "</pre></details></style><b>", "-->&lt;&#60;", kNasty}) {
    const std::string html = Html(HostileRun(hostile), nullptr, {{"DYN_" + hostile, hostile, hostile}, {hostile, hostile, hostile}});
    EXPECT_EQ(HtmlCheck(html).Complaint(), "") << hostile;
    EXPECT_EQ(CleanText(html), html);
    EXPECT_EQ(html.find("<img"), std::string::npos);
  }
}

TEST(HtmlTest, ALedgerMayBeHostileToo) {
  const std::string hostile = "\"><script>";
  const Ledger ledger{{{"S1", hostile}},
                      {{"S1.1", hostile, hostile, {hostile}, {{"*", {"pass"}, hostile}}, "", hostile, hostile, hostile},
                       {"S1.2", hostile, hostile, {}, {}, hostile, "", "", ""}}};
  EXPECT_EQ(HtmlCheck(Html(EveryVerdict(), &ledger, {})).Complaint(), "");
}

TEST(HtmlTest, AClaimSaysHowToSeeItsAnswerWithoutTheSuite) {
  const Ledger ledger{{{"S1", "notes"}}, {{"S1.1", "1", "it is so", {}, {}, "untried", "", "", "shows.py"}}};
  EXPECT_NE(Html(EveryVerdict(), &ledger, {}).find("Without the suite: <code>python shows.py</code>"), std::string::npos);
}

TEST(HtmlTest, SaysWhatTheOthersSayAndItsCountsAddUp) {
  const std::string html = Written(EveryVerdictAndCell());
  for (const char* said :
       {"Promised by: its documentation", "[3,7]", "./aoti-cts run --test &#39;NUM_1/all_outputs_agree/mlp_dynamic.batch_32/package&#39;",
        "href=\"https://example.org/issues/9\"", "<b>1</b>true", "<b>1</b>false", "<b>1</b>depends", "<b>2</b>untested", "Not tried: no CUDA device.",
        "Outside this suite: seen by hand", "no CUDA device", "Also wrong", "<b>huge: out of bounds</b>", "ABI_1: Symbols stay."}) {
    EXPECT_NE(html.find(said), std::string::npos) << said;
  }
}

TEST(HtmlTest, StaysBelowTwoMegabytesAndSaysWhatIsLeftOut) {
  for (const auto& [tests, bytes] : {std::pair<size_t, size_t>{2000, 1000}, {100, 100000}, {8000, 10}}) {
    const std::string html = Written(Huge(tests, bytes));
    EXPECT_LE(html.size(), kMostBytes);
    EXPECT_EQ(HtmlCheck(html).Complaint(), "");
    EXPECT_NE(html.find("are left out here for size; results.json beside this file has all"), std::string::npos);
  }
}

// Every test in a cell of its own, with a margin of its own.
Run ManyCells(size_t tests) {
  Run run;
  for (size_t i = 0; i < tests; ++i) {
    Record record = OneCell("DYN_8", "rows_min", "min", i % 2 == 1, i % 7 == 0 ? Verdict::kFail : Verdict::kPass);
    record.case_name = "case_" + std::to_string(i / 8);
    record.call = "rows" + std::to_string(i % 8 / 2) + "_min";
    record.id = "DYN_8/size_inside_the_range_is_golden/" + record.case_name + "." + record.call + "/package";
    record.margins = {{0, static_cast<double>(i) / 900, 1e-6, 1e-5}, {1, static_cast<double>(i) / 90000, 1e-6, 1e-5}};
    if (record.verdict == Verdict::kFail) record.message = std::string(300, 'm');
    run.records.push_back(record);
  }
  return run;
}

TEST(HtmlTest, WritesAThousandTestsWithinASecondAndTwoMegabytes) {
  for (const auto& run : {Huge(1000, 200), ManyCells(1000)}) {
    const std::clock_t start = std::clock();  // of this process: a busy machine does not count
    const std::string html = Written(run);
    EXPECT_LT(std::clock() - start, CLOCKS_PER_SEC);
    EXPECT_LE(html.size(), kMostBytes);
    EXPECT_EQ(HtmlCheck(html).Complaint(), "");
  }
}

TEST(HtmlTest, AnOrdinaryThousandIsShownWhole) { EXPECT_EQ(Written(ManyCells(1000)).find("are left out here for size"), std::string::npos); }

}  // namespace
}  // namespace aoti_cts
