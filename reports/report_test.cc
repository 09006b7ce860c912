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
#include <limits>
#include <regex>
#include <set>
#include <sstream>

#include "reports/text.h"

namespace aoti_cts {
namespace {

using nlohmann::json;

constexpr const char* kNasty = "a|b `c` ```d``` <e> & \"f\" ]]> *g* _h_ \\ \x01\x1B[31m \xFF\xC3 \xEF\xBF\xBE \xE2\x82\xAC";

Record OneTest(const std::string& requirement, const std::string& sentence, const std::string& call, Verdict verdict) {
  Record record;
  record.requirement = requirement;
  record.sentence = sentence;
  record.case_name = "mlp_dynamic";
  record.call = call;
  record.runner = "package";
  record.id = requirement + "/" + sentence + "/" + record.case_name + (call.empty() ? "" : "." + call) + "/package";
  record.verdict = verdict;
  record.seconds = 0.025;
  record.comparisons = InfoOf(verdict).tried ? 1 : 0;
  record.repeat = "./aoti-cts run --test '" + record.id + "'";
  return record;
}

void AddGood(Run& run) {
  run.records.push_back(OneTest("NUM_1", "all_outputs_agree", "batch_1", Verdict::kPass));
  run.records.push_back(OneTest("NUM_1", "all_outputs_agree", "batch_64", Verdict::kPass));
  run.records.back().margins = {{0, 0.3125, 1.25e-7, 4e-7}, {1, 0, 0, 1e-6}};
}

void AddBroken(Run& run) {
  Record fail = OneTest("NUM_1", "all_outputs_agree", "batch_32", Verdict::kFail);
  fail.message = "output 0: error 3.5 of limit 0.5 at [3,7]\n  got      2\n  expected 5.5";
  fail.margins = {{0, 7, 3.5, 0.5}, {1, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity(), 0.5}};
  fail.residue = {"model.so", "a|b"};
  run.records.push_back(fail);
  Record unexpected = OneTest("DYN_1", "batch_above_max_is_refused", "batch_65", Verdict::kUnexpectedPass);
  unexpected.known_issue = "https://example.org/issues/7 above max was accepted up to 2.14";
  run.records.push_back(unexpected);
  Record crash = OneTest("DYN_1", "batch_below_min_is_refused", "batch_0", Verdict::kCrash);
  crash.message = "killed by signal 11 (Segmentation fault)";
  crash.output = std::string("last words ``` ") + kNasty + "\r\nend";
  run.records.push_back(crash);
  Record timeout = OneTest("THR_1", "every_task_gets_its_own_answer", "", Verdict::kTimeout);
  timeout.message = std::string("no answer within 10 s; ") + kNasty + "\nsecond line, which is long: " + std::string(200, 'x');
  run.records.push_back(timeout);
}

void AddKnownAndRecorded(Run& run) {
  for (const char* call : {"flip_1", "flip_2"}) {
    Record known = OneTest("PKG_3", "a_flipped_byte_is_refused", call, Verdict::kKnownIssue);
    known.message = "accepted";
    known.known_issue = "https://example.org/issues/9: flips are not checked | at all";
    run.records.push_back(known);
  }
  run.records.push_back(OneTest("PKG_3", "a_flipped_byte_is_refused", "flip_3", Verdict::kPass));
  run.records.back().known_issue = "https://example.org/issues/9: flips are not checked | at all";
  for (const char* observation : {"silently_wrong", kNasty}) {
    Record recorded = OneTest("DYN_2", "above_max_unchecked_is_classified", observation == kNasty ? "b|65" : "batch_65", Verdict::kRecorded);
    recorded.judged = false;
    recorded.observation = observation;
    run.records.push_back(recorded);
  }
}

void AddUntried(Run& run) {
  Record unsupported = OneTest("CONST_1", "weights_are_swapped_whole", "", Verdict::kUnsupported);
  unsupported.message = "package: no constants interface";
  run.records.push_back(unsupported);
  for (const char* sentence : {"host_capture_replays", "recapture_on_a_new_shape"}) {
    Record unavailable = OneTest("GRAPH_1", sentence, "", Verdict::kUnavailable);
    unavailable.message = "no CUDA device";
    run.records.push_back(unavailable);
  }
  for (int i = 0; i < 12; ++i) {
    Record error = OneTest("EXP_3", "both_branches_run", "call_" + std::to_string(i), Verdict::kError);
    error.message = "the package does not compile:\nmodel.cpp:3: error: expected ';'";
    run.records.push_back(error);
  }
  run.records.push_back(OneTest("LIFE_1", "nothing_is_left_after_a_hundred_loads", "", Verdict::kNotRun));
}

Run EveryVerdict() {
  Run run;
  run.provenance = {{"suite_version", "0.1.0"}, {"commit", "0123abc"}, {"command", "./aoti-cts run"}, {"started", "2025-01-02T03:04:05Z"},
                    {"torch", "2.15.0+cpu"},    {"isa", "avx2"},       {"compiler", "g++ 12.2"},      {"host", kNasty}};
  run.runners = {{"package", {{"torch", "2.15.0"}, {"capabilities", {"run", "metadata"}}}}};
  AddGood(run);
  AddBroken(run);
  AddKnownAndRecorded(run);
  AddUntried(run);
  run.complaints = {"known issue https://example.org/issues/1 matches no test", std::string("c_abi: cannot be opened: ") + kNasty};
  run.interrupted = true;
  return run;
}

Run AllGood() {
  Run run;
  run.provenance = {{"suite_version", "0.1.0"}, {"commit", "0123abc"}, {"command", "./aoti-cts run"}, {"started", "2025-01-02T03:04:05Z"}};
  AddGood(run);
  return run;
}

Run EmptyRun() { return {}; }

// As large as a message can make it: every test fails with a long text.
Run Huge(size_t tests, size_t message_bytes) {
  Run run = AllGood();
  for (size_t i = 0; i < tests; ++i) {
    const Verdict verdict = kVerdicts[i % kVerdicts.size()].verdict;
    Record record = OneTest("R_" + std::to_string(i % 97), "a_promise", std::to_string(i), verdict);
    record.message = std::to_string(i) + ": " + std::string(message_bytes, '|') + " end";
    record.observation = std::string(message_bytes, '<');
    record.output = record.message;
    record.known_issue = verdict == Verdict::kKnownIssue ? "https://example.org/" + std::to_string(i) + " " + record.observation : "";
    run.records.push_back(record);
    if (i % 10 == 0) run.complaints.push_back(record.message);
  }
  return run;
}

struct Format {
  std::string name;
  std::string extension;
  std::string (*write)(const Run&);
};

void PrintTo(const Format& format, std::ostream* stream) { *stream << format.name; }

const std::array kFormats{Format{"results", ".json", ResultsJson}, Format{"junit", ".xml", JUnitXml}, Format{"markdown", ".md", Markdown},
                          Format{"summary", ".txt", Summary}};

std::string ReadFile(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

void ExpectApproved(const std::string& file_name, const std::string& text) {
  const std::filesystem::path approved = std::filesystem::path(REPORTS_DIR) / "approved" / file_name;
  const std::filesystem::path unapproved = approved.string() + ".unapproved";
  if (ReadFile(approved) == text) {
    std::filesystem::remove(unapproved);
    return;
  }
  std::ofstream(unapproved, std::ios::binary) << text;
  ADD_FAILURE() << approved.string() << " is not what was written now. Look at the difference:\n  diff " << approved.string() << " "
                << unapproved.string() << "\nand if it is what you meant, approve it:\n  mv " << unapproved.string() << " " << approved.string();
}

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
  for (const auto& write : {JUnitXml, Markdown, Summary}) {
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
    const std::string markdown = Markdown(Huge(tests, bytes));
    EXPECT_LE(markdown.size(), size_t{1} << 20);
    EXPECT_NE(markdown.find("are left out here for size; `results.json` beside this file has all"), std::string::npos);
  }
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

TEST(SummaryTest, ALongListIsCutAndSaysSo) {
  auto run = AllGood();
  for (int i = 0; i < 60; ++i) run.records.push_back(OneTest("NUM_1", "all_outputs_agree", std::to_string(i), Verdict::kFail));
  EXPECT_NE(Summary(run).find("  and 10 more, all in the reports\n"), std::string::npos);
}

}  // namespace
}  // namespace aoti_cts
