// SPDX-License-Identifier: Apache-2.0
// Every format against an approved text, over one fixed run that has every verdict and nasty characters, and over runs that are empty, green or
// huge. To add a format: a row of kFormats, then approve what it writes.
#include "reports/report.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "reports/approved_test.h"
#include "reports/fixed_runs.h"
#include "reports/text.h"

namespace aoti_cts {
namespace {

using nlohmann::json;

struct Format {
  std::string name;
  std::string extension;
  std::string (*write)(const Run&);
};

void PrintTo(const Format& format, std::ostream* stream) { *stream << format.name; }

std::string PlainMarkdown(const Run& run) { return Markdown(run, nullptr); }

const std::array kFormats{Format{"results", ".json", ResultsJson}, Format{"junit", ".xml", JUnitXml}, Format{"markdown", ".md", PlainMarkdown},
                          Format{"summary", ".txt", Summary}};

class EveryFormat : public testing::TestWithParam<Format> {};

TEST_P(EveryFormat, WritesWhatWasApprovedForEveryVerdict) {
  ExpectApproved("every_verdict." + GetParam().name + GetParam().extension, GetParam().write(EveryVerdict()));
}

TEST_P(EveryFormat, WritesWhatWasApprovedForAGreenRun) {
  ExpectApproved("all_good." + GetParam().name + GetParam().extension, GetParam().write(AllGood()));
}

TEST_P(EveryFormat, WritesWhatWasApprovedForAnEmptyRun) {
  ExpectApproved("empty." + GetParam().name + GetParam().extension, GetParam().write(EmptyRun()));
}

TEST_P(EveryFormat, WritesAThousandTestsWithinASecond) {
  const auto run = Huge(1000, 200);
  const std::clock_t start = std::clock();  // of this process: a busy machine does not count
  EXPECT_FALSE(GetParam().write(run).empty());
  EXPECT_LT(std::clock() - start, CLOCKS_PER_SEC);
}

TEST(FormatsForAPersonOrAnXmlReader, AreCleanTextWhateverARuntimeSaid) {
  for (const auto& write : {JUnitXml, PlainMarkdown, Summary}) {
    const std::string text = write(EveryVerdict());
    EXPECT_EQ(CleanText(text), text);
  }
}

INSTANTIATE_TEST_SUITE_P(Report, EveryFormat, testing::ValuesIn(kFormats), [](const auto& format) { return format.param.name; });

// The part of JSON Schema that results.schema.json uses; adds where and why `value` does not follow it.
class SchemaCheck {
 public:
  explicit SchemaCheck(const json& root) : root_(root) {}

  void Check(const json& schema, const json& value, const std::string& where) {
    for (const auto& [keyword, rule] : schema.items()) CheckKeyword(keyword, rule, schema, value, where);
  }
  const std::vector<std::string>& complaints() const { return complaints_; }

 private:
  static bool HasType(const json& types, const json& value) {
    for (const json& type : types.is_array() ? types : json::array({types})) {
      const std::string name = value.is_number_integer() && type == "integer" ? "integer" : value.type_name();
      if (name == type) return true;
    }
    return false;
  }

  bool Follows(const json& schema, const json& value) const {
    SchemaCheck check(root_);
    check.Check(schema, value, "");
    return check.complaints_.empty();
  }

  void Complain(const std::string& where, const std::string& what) { complaints_.push_back(where + ": " + what); }

  void CheckKeyword(const std::string& keyword, const json& rule, const json& schema, const json& value, const std::string& where) {
    if (keyword == "$ref") {
      Check(root_.at(json::json_pointer(rule.get<std::string>().substr(1))), value, where);
    } else if (keyword == "type") {
      if (!HasType(rule, value)) Complain(where, "is a " + std::string(value.type_name()));
    } else if (keyword == "const") {
      if (value != rule) Complain(where, "is " + value.dump());
    } else if (keyword == "enum") {
      if (std::find(rule.begin(), rule.end(), value) == rule.end()) Complain(where, "is " + value.dump());
    } else if (keyword == "minimum") {
      if (value.is_number() && value < rule) Complain(where, "is " + value.dump());
    } else if (keyword == "anyOf") {
      if (std::none_of(rule.begin(), rule.end(), [&](const json& each) { return Follows(each, value); })) Complain(where, "is " + value.dump());
    } else {
      CheckStructure(keyword, rule, schema, value, where);
    }
  }

  void CheckStructure(const std::string& keyword, const json& rule, const json& schema, const json& value, const std::string& where) {
    if (keyword == "required") {
      for (const json& name : rule) {
        if (!value.contains(name.get<std::string>())) Complain(where, "has no " + name.dump());
      }
    } else if (keyword == "properties") {
      for (const auto& [name, each] : rule.items()) {
        if (value.contains(name)) Check(each, value.at(name), where + "." + name);
      }
    } else if (keyword == "additionalProperties") {
      for (const auto& [name, ignored] : value.items()) {
        if (!schema.at("properties").contains(name)) Complain(where, "has the unknown field " + name);
      }
    } else if (keyword == "items") {
      for (size_t i = 0; i < value.size(); ++i) Check(rule, value.at(i), where + "[" + std::to_string(i) + "]");
    }
  }

  const json& root_;
  std::vector<std::string> complaints_;
};

std::vector<std::string> AgainstSchema(const json& results) {
  const json schema = json::parse(ReadFile(std::filesystem::path(REPORTS_DIR) / "results.schema.json"));
  SchemaCheck check(schema);
  check.Check(schema, results, "results");
  return check.complaints();
}

TEST(ResultsJsonTest, FollowsItsSchema) {
  EXPECT_EQ(AgainstSchema(json::parse(ResultsJson(EveryVerdict()))), std::vector<std::string>{});
  EXPECT_EQ(AgainstSchema(json::parse(ResultsJson(AllGood()))), std::vector<std::string>{});
}

TEST(ResultsJsonTest, TheSchemaRefusesWhatIsUnknownOrMissing) {
  json results = json::parse(ResultsJson(AllGood()));
  results["tests"][0]["mood"] = "good";
  results["tests"][1].erase("verdict");
  results["provenance"].erase("commit");
  results["summary"]["pass"] = -1;
  const std::vector<std::string> expected{"results.provenance: has no \"commit\"", "results.summary.pass: is -1",
                                          "results.tests[0]: has the unknown field mood", "results.tests[1]: has no \"verdict\""};
  EXPECT_EQ(AgainstSchema(results), expected);
}

TEST(ResultsJsonTest, TheSchemaKnowsEveryVerdict) {
  const json schema = json::parse(ReadFile(std::filesystem::path(REPORTS_DIR) / "results.schema.json"));
  std::set<std::string> verdicts;
  for (const VerdictInfo& info : kVerdicts) verdicts.emplace(info.name);
  EXPECT_EQ(schema.at("$defs").at("verdict").at("enum").get<std::set<std::string>>(), verdicts);
}

// Enough of XML to see that what JUnitXml writes is well-formed: one root, nested elements, quoted attributes named once, known entities.
class XmlCheck {
 public:
  explicit XmlCheck(std::string_view xml) : rest_(xml) {}

  std::string Complaint() {
    if (!Skip("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")) return "no declaration";
    while (!rest_.empty()) {
      if (const std::string complaint = Next(); !complaint.empty()) return complaint + " at: " + std::string(rest_.substr(0, 60));
    }
    return open_.empty() && roots_ == 1 ? "" : "not exactly one closed root";
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

  std::string_view Name() { return Until(" \n/>=<\"&"); }

  static bool GoodText(std::string_view text) {
    for (size_t at = text.find('&'); at != std::string_view::npos; at = text.find('&', at + 1)) {
      const std::string_view entity = text.substr(at, text.find(';', at) - at + 1);
      const std::set<std::string_view> known{"&amp;", "&lt;", "&gt;", "&quot;", "&#9;", "&#10;"};
      if (!known.contains(entity)) return false;
    }
    return text.find_first_of("<>") == std::string_view::npos;
  }

  std::string Next() {
    if (Skip("</")) return Close(Name());
    if (Skip("<")) return Element(Name());
    const std::string_view text = Until("<");
    if (open_.empty() && text.find_first_not_of(" \n") != std::string_view::npos) return "text outside the root";
    return GoodText(text) ? "" : "a bare character in the text";
  }

  std::string Close(std::string_view name) {
    if (open_.empty() || open_.back() != name || !Skip(">")) return "</" + std::string(name) + "> closes what is not open";
    open_.pop_back();
    return "";
  }

  std::string Element(std::string_view name) {
    roots_ += open_.empty() ? 1 : 0;
    std::set<std::string_view> attributes;
    while (Skip(" ")) {
      if (!attributes.insert(Name()).second) return "an attribute twice in <" + std::string(name);
      if (!Skip("=\"") || !GoodText(Until("\"\n\t")) || !Skip("\"")) return "a bad attribute in <" + std::string(name);
    }
    if (Skip("/>")) return "";
    open_.push_back(name);
    return Skip(">") ? "" : "no end of <" + std::string(name);
  }

  std::string_view rest_;
  std::vector<std::string_view> open_;
  int roots_ = 0;
};

TEST(JUnitXmlTest, IsWellFormed) {
  for (const auto& run : {EveryVerdict(), AllGood(), EmptyRun()}) {
    const std::string xml = JUnitXml(run);
    EXPECT_EQ(XmlCheck(xml).Complaint(), "");
  }
}

TEST(JUnitXmlTest, TheCheckOfWellFormednessFindsWhatIsNot) {
  const std::string declaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  for (const char* bad : {"", "<a>", "<a></b>", "<a/><b/>", "<a b=\"<\"/>", "<a b=\"1\" b=\"2\"/>", "<a>&nbsp;</a>", "<a>]]></a>", "text"}) {
    const std::string xml = declaration + bad;
    EXPECT_NE(XmlCheck(xml).Complaint(), "") << bad;
  }
}

TEST(JUnitXmlTest, EveryTestIsOneTestcaseAndTheCountsAddUp) {
  const auto run = EveryVerdict();
  const std::string xml = JUnitXml(run);
  const std::regex testcase("<testcase ");
  EXPECT_EQ(std::distance(std::sregex_iterator(xml.begin(), xml.end(), testcase), {}), static_cast<long>(run.records.size()));
  EXPECT_NE(xml.find("<testsuites name=\"aoti-cts\" tests=\"27\" failures=\"2\" errors=\"15\" skipped=\"7\""), std::string::npos)
      << xml.substr(0, 200);
}

TEST(MarkdownTest, StaysBelowOneMebibyteAndSaysWhatIsLeftOut) {
  for (const auto& [tests, bytes] : {std::pair<size_t, size_t>{2000, 1000}, {100, 100000}, {8000, 10}}) {
    const std::string markdown = PlainMarkdown(Huge(tests, bytes));
    EXPECT_LE(markdown.size(), size_t{1} << 20);
    EXPECT_NE(markdown.find("are left out here for size; `results.json` beside this file has all"), std::string::npos);
  }
}

// As a run of all programs has them: what is asked of each, with two outcomes.
Run OfManyPrograms(size_t programs) {
  Run run;
  for (size_t i = 0; i < programs; ++i) {
    Record judged = OneTest("NUM_1", "asked_of_every_program", "", i == 7 ? Verdict::kKnownIssue : Verdict::kPass);
    Record observed = OneTest("LOAD_8", "seen_of_every_program", "", Verdict::kRecorded);
    observed.observation = i == 3 ? "refused" : "correct";
    for (Record* record : {&judged, &observed}) {
      record->case_name = "program_" + std::to_string(i);
      record->id = record->requirement + "/" + record->sentence + "/" + record->case_name + "/package";
    }
    run.records.push_back(judged);
    run.records.push_back(observed);
  }
  return run;
}

TEST(FormatsForAPerson, CountWhatManyProgramsHaveInCommon) {
  const std::string markdown = PlainMarkdown(OfManyPrograms(300));
  EXPECT_NE(markdown.find("| LOAD_8 / seen_of_every_program | `program_0` and 298 more | `package` | correct |"), std::string::npos);
  EXPECT_NE(markdown.find("| LOAD_8 / seen_of_every_program | `program_3` | `package` | refused |"), std::string::npos);
  EXPECT_EQ(markdown.find("program_5"), std::string::npos);
  const std::string html = Html(OfManyPrograms(300), nullptr, {});
  EXPECT_NE(html.find(">pass</span> 299 tests</li>"), std::string::npos);
  EXPECT_NE(html.find(">known issue</span> 1 test: <code>program_7</code></li>"), std::string::npos);
  EXPECT_NE(html.find("<code>program_8</code> and 291 more</li>"), std::string::npos);
}

TEST(SummaryTest, NoLineIsWiderThanEightyColumnsButIdsAndCommands) {
  for (const auto& run : {EveryVerdict(), AllGood(), EmptyRun(), Huge(300, 500)}) {
    std::istringstream lines(Summary(run));
    for (std::string line; std::getline(lines, line);) {
      const bool may_overflow = line.find("/package") != std::string::npos;
      EXPECT_TRUE(may_overflow || Columns(line) <= 80) << line;
    }
  }
}

TEST(FormatsForAPerson, TellACauseThatManyTestsShareOnce) {
  auto run = AllGood();
  const std::string cause = "refused because it refuses everything";
  for (const char* requirement : {"NUM_1", "DYN_1"}) {
    for (int i = 0; i < 30; ++i) {
      run.records.push_back(OneTest(requirement, "a_promise", std::to_string(i), Verdict::kFail));
      run.records.back().message = cause;
    }
  }
  const auto times = [&](const std::string& text) {
    size_t count = 0;
    for (size_t at = text.find(cause); at != std::string::npos; at = text.find(cause, at + 1)) ++count;
    return count;
  };
  EXPECT_EQ(times(Summary(run)), 1u);
  EXPECT_NE(Summary(run).find("and 59 more tests in the same words"), std::string::npos);
  EXPECT_EQ(times(PlainMarkdown(run)), 1u);
  EXPECT_NE(PlainMarkdown(run).find("- and 49 more, all in `results.json`"), std::string::npos);
  const std::string html = Html(run, nullptr, {});
  EXPECT_EQ(times(html), 2u) << "once per requirement";
  EXPECT_NE(html.find("29 more tests in the same words"), std::string::npos);
}

TEST(FormatsForAPerson, TellWhatStoppedARunnerOnceAndOtherComplaintsToo) {
  auto run = AllGood();
  const std::string cause = "the runner cannot be opened";
  run.records.push_back(OneTest("NUM_1", "a_promise", "", Verdict::kNotRun));
  run.records.back().message = cause;
  run.complaints = {cause, "a dead entry"};
  for (const auto& text : {Summary(run), PlainMarkdown(run), Html(run, nullptr, {})}) {
    EXPECT_EQ(text.find(cause), text.rfind(cause)) << text;
    EXPECT_NE(text.find(cause), std::string::npos) << text;
    EXPECT_NE(text.find("a dead entry"), std::string::npos) << text;
  }
}

TEST(SummaryTest, ALongListIsCutAndSaysSo) {
  auto run = AllGood();
  for (int i = 0; i < 60; ++i) {
    run.records.push_back(OneTest("NUM_1", "all_outputs_agree", std::to_string(i), Verdict::kFail));
    run.records.back().message = "wrong in its own way: " + std::to_string(i);
  }
  EXPECT_NE(Summary(run).find("  and 10 more, all in the reports\n"), std::string::npos);
}

}  // namespace
}  // namespace aoti_cts
