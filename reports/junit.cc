// SPDX-License-Identifier: Apache-2.0
// JUnit XML: one testcase per test, one testsuite per area and runner. Which verdict becomes which element stands in verdict.h alone. To show
// more of a test: Testcase; keep to the elements that the common readers know, in the order they ask for.
#include <fmt/format.h>

#include <map>
#include <string>
#include <vector>

#include "reports/report.h"
#include "reports/tally.h"
#include "reports/text.h"

namespace aoti_cts {
namespace {

// Escaped for an attribute as well as for text. Inside an attribute a parser would turn a bare line end into a space.
std::string Xml(std::string_view text, bool attribute) {
  std::string xml;
  for (const char c : CleanText(text)) {
    switch (c) {
      case '&':
        xml += "&amp;";
        break;
      case '<':
        xml += "&lt;";
        break;
      case '>':
        xml += "&gt;";
        break;  // needed in text after ]]
      case '"':
        xml += "&quot;";
        break;
      case '\n':
        xml += attribute ? "&#10;" : "\n";
        break;
      case '\t':
        xml += attribute ? "&#9;" : "\t";
        break;
      default:
        xml += c;
    }
  }
  return xml;
}

std::string Attribute(std::string_view name, std::string_view value) { return fmt::format(" {}=\"{}\"", name, Xml(value, true)); }

struct Suite {
  std::string name;
  std::vector<const Record*> records;
};

// The area of DYN_1 is DYN.
std::string SuiteName(const Record& record) { return record.requirement.substr(0, record.requirement.find('_')) + "-" + record.runner; }

std::vector<Suite> SuitesOf(const Run& run) {
  std::vector<Suite> suites;
  std::map<std::string, size_t> index;
  for (const Record& record : run.records) {
    const auto [found, is_new] = index.try_emplace(SuiteName(record), suites.size());
    if (is_new) suites.push_back({found->first, {}});
    suites[found->second].records.push_back(&record);
  }
  return suites;
}

struct Counts {
  size_t tests = 0;
  size_t failures = 0;
  size_t errors = 0;
  size_t skipped = 0;
  double seconds = 0;

  void Add(const Record& record) {
    const JUnitElement element = InfoOf(record.verdict).junit;
    ++tests;
    failures += element == JUnitElement::kFailure ? 1 : 0;
    errors += element == JUnitElement::kError ? 1 : 0;
    skipped += element == JUnitElement::kSkipped ? 1 : 0;
    seconds += record.seconds;
  }

  std::string Attributes() const {
    return fmt::format(" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{:.3f}\"", tests, failures, errors, skipped, seconds);
  }
};

std::string Headline(const Record& record) {
  if (record.verdict != Verdict::kRecorded || record.observation.empty()) return FirstLine(Reason(record));
  return "recorded: " + record.observation;
}

std::string Body(const Record& record) {
  std::string body = Reason(record);
  if (!record.known_issue.empty()) body += "\n\nknown issue: " + record.known_issue;
  for (const std::string& left : record.residue) body += "\nleft behind: " + left;
  if (!record.repeat.empty()) body += "\n\nrepeat: " + record.repeat;
  return body;
}

// The element inside a testcase that says how it went; none for a pass.
std::string Outcome(const Record& record) {
  const VerdictInfo& info = InfoOf(record.verdict);
  std::string_view element;
  switch (info.junit) {
    case JUnitElement::kPassed:
      return "";
    case JUnitElement::kSkipped:
      element = "skipped";
      break;
    case JUnitElement::kFailure:
      element = "failure";
      break;
    case JUnitElement::kError:
      element = "error";
      break;
  }
  const std::string type = info.junit == JUnitElement::kSkipped ? "" : Attribute("type", info.name);
  return fmt::format("   <{0}{1}{2}>{3}</{0}>\n", element, Attribute("message", Headline(record)), type, Xml(Body(record), false));
}

std::string Testcase(const Record& record) {
  const std::string names = Attribute("classname", record.requirement + "." + record.runner) + Attribute("name", record.id);
  std::string inside = Outcome(record);
  if (!record.output.empty()) inside += fmt::format("   <system-out>{}</system-out>\n", Xml(record.output, false));
  const std::string head = fmt::format("  <testcase{} time=\"{:.3f}\"", names, record.seconds);
  return inside.empty() ? head + "/>\n" : head + ">\n" + inside + "  </testcase>\n";
}

std::string Properties(const Run& run) {
  if (run.provenance.empty()) return "";
  std::string xml = "  <properties>\n";
  for (const auto& [name, value] : run.provenance.items()) {
    xml += fmt::format("   <property{}{}/>\n", Attribute("name", name), Attribute("value", ValueText(value)));
  }
  return xml + "  </properties>\n";
}

}  // namespace

std::string JUnitXml(const Run& run) {
  Counts all;
  std::string suites;
  const std::string properties = Properties(run);
  for (const Suite& suite : SuitesOf(run)) {
    Counts counts;
    std::string cases;
    for (const Record* record : suite.records) {
      counts.Add(*record);
      all.Add(*record);
      cases += Testcase(*record);
    }
    suites += fmt::format(" <testsuite{}{}>\n{}{} </testsuite>\n", Attribute("name", suite.name), counts.Attributes(), properties, cases);
  }
  return fmt::format("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites{}{}>\n{}</testsuites>\n", Attribute("name", "aoti-cts"),
                     all.Attributes(), suites);
}

}  // namespace aoti_cts
