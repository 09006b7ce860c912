// SPDX-License-Identifier: Apache-2.0
// explain: all that is known of one name, in words: a requirement, an area, a case, a test. Needs the plan only; packages and a run add to it.
// To explain another kind of name: a function that returns its text, and its line in Explain.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "conformance/verbs/verbs.h"
#include "fixtures/known_issues.h"
#include "fixtures/packages.h"
#include "reports/ledger.h"
#include "reports/text.h"

namespace aoti_cts {
namespace {

constexpr size_t kMostListed = 10;
constexpr size_t kMostIds = 50;

struct ExplainOptions {
  Paths paths = DefaultPaths();
  std::string name;
  std::string runner = "package";
  std::filesystem::path run = RunsFolder() / "latest";
};

std::string InWords(std::string sentence) {
  std::replace(sentence.begin(), sentence.end(), '_', ' ');
  return sentence;
}

std::string Row(const std::string& what, std::string_view value) { return value.empty() ? "" : Hanging(fmt::format("  {:<9} ", what), value); }

std::string Sizes(const InputSpec& input) {
  std::string sizes;
  for (const SizeSpec& size : input.shape) {
    sizes += sizes.empty() ? "" : ", ";
    if (size.dim.empty()) {
      sizes += std::to_string(size.plus);
      continue;
    }
    sizes += size.times == 1 ? size.dim : fmt::format("{} * {}", size.times, size.dim);
    if (size.plus != 0) sizes += fmt::format(" + {}", size.plus);
  }
  return "[" + sizes + "]";
}

std::string ShapesOf(const Case& c, const Call& call) {
  std::string shapes;
  for (size_t i = 0; i < c.inputs.size(); ++i) {
    shapes += fmt::format("{}{} {} {}", i == 0 ? "" : ", ", c.inputs[i].name, InfoOf(c.inputs[i].dtype).name, ToString(call.shapes[i]));
  }
  return shapes;
}

std::string Promised(const Case& c, const Call& call) {
  std::string text = call.expect == Expectation::kOk        ? "must be answered"
                     : call.expect == Expectation::kRefused ? "must be refused where input checks are on"
                                                            : "nothing is promised";
  if (call.violates) {
    text += fmt::format("; breaks dimension {} of {} with the size {}", call.violates->dim, c.inputs[call.violates->input].name, call.violates->size);
  }
  return text;
}

std::string Asked(const Property& property) {
  return fmt::format("{}, input checks {}", property.judged ? "judged" : "recorded, not judged", property.check_inputs ? "on" : "off");
}

// Changes of one letter, left out, put in or replaced, that turn one word into the other; case does not count.
size_t Distance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i + 1);
    for (size_t j = 0; j < b.size(); ++j) {
      const bool same = std::tolower(static_cast<unsigned char>(a[i])) == std::tolower(static_cast<unsigned char>(b[j]));
      diagonal = std::exchange(row[j + 1], std::min({row[j] + 1, row[j + 1] + 1, diagonal + (same ? 0 : 1)}));
    }
  }
  return row.back();
}

// The nearest few names, or those that hold the word.
std::vector<std::string> NearNames(const std::string& name, const std::set<std::string>& names) {
  constexpr size_t kMost = 3;
  std::vector<std::pair<size_t, std::string>> near;
  for (const std::string& other : names) {
    const size_t distance = Distance(name, other);
    const bool holds = name.size() >= 3 && other.find(name) != std::string::npos;
    if (holds || distance <= std::max<size_t>(1, name.size() / 3)) near.emplace_back(distance, other);
  }
  std::sort(near.begin(), near.end());
  near.resize(std::min(near.size(), kMost));
  std::vector<std::string> result;
  result.reserve(near.size());
  for (auto& [distance, other] : near) result.push_back(std::move(other));
  return result;
}

// Everything that a name is looked up in.
class Explainer {
 public:
  Explainer(const ExplainOptions& options, std::vector<Case> cases, Catalogue catalogue, Ledger ledger)
      : options_(options), cases_(std::move(cases)), catalogue_(std::move(catalogue)), ledger_(std::move(ledger)) {
    std::error_code missing;
    if (!std::filesystem::exists(options.run / "plan.json", missing)) return;
    run_ = ReadRun(options.run);
    run_name_ = std::filesystem::canonical(options.run).filename().string();
  }

  // The text, or why there is none.
  Expected<std::string> Explain(const std::string& name) {
    if (const Requirement* requirement = catalogue_.Find(name)) return RequirementText(*requirement);
    for (const Case& c : cases_) {
      if (c.name == name) return CaseText(c);
    }
    const std::set<std::string> areas = Areas();
    if (areas.contains(name)) return AreaText(name);
    PlanFor(name);
    std::vector<const PlannedTest*> found = Matching(name);
    if (found.empty()) found = Matching("*/" + name + "/*");  // a sentence alone
    if (found.size() == 1) return TestText(*found.front());
    if (!found.empty()) return TestsText(name, found);
    return Unknown(name, areas);
  }

 private:
  // --- looking up
  static std::set<std::string> Areas() {
    std::set<std::string> areas;
    for (const Property& property : Properties()) areas.insert(AreaOf(property.requirement));
    return areas;
  }

  // An id names its runner itself; canaries are planned only where their area is named.
  void PlanFor(const std::string& name) {
    const size_t last = name.rfind('/');
    const bool whole = std::count(name.begin(), name.end(), '/') == 3 && name.find_first_of("*?[") == std::string::npos;
    runners_ = {{whole ? name.substr(last + 1) : options_.runner, {}}};
    Selection selection{.profile = Profile::kFull};
    const std::string area = AreaOf(name);
    if (Areas().contains(area)) selection.areas = {area};
    tests_ = PlanTests(cases_, runners_, selection);
  }

  std::vector<const PlannedTest*> Matching(const std::string& glob) const {
    std::vector<const PlannedTest*> found;
    for (const PlannedTest& test : tests_) {
      if (test.id == glob || MatchesGlob(glob, test.id)) found.push_back(&test);
    }
    return found;
  }

  Error Unknown(const std::string& name, const std::set<std::string>& areas) const {
    std::set<std::string> names = areas;
    for (const Requirement& requirement : catalogue_.requirements) names.insert(requirement.id);
    for (const Case& c : cases_) names.insert(c.name);
    for (const PlannedTest& test : tests_) {
      names.insert(test.property->sentence);
      if (name.find('/') != std::string::npos) names.insert(test.id);
    }
    std::string near;
    for (const std::string& other : NearNames(name, names)) near += (near.empty() ? "; did you mean " : ", ") + other;
    return {
        fmt::format("{} is no requirement, area, case, sentence or test{}; ./aoti-cts list names the requirements, list --areas, --cases, "
                    "--hostile and --tests the rest",
                    name, near)};
  }

  // --- what the run says
  template <typename Predicate>
  std::vector<const Record*> Records(const Predicate& about) const {
    std::vector<const Record*> records;
    if (!run_) return records;
    for (const Record& record : run_->records) {
      if (about(record)) records.push_back(&record);
    }
    return records;
  }

  std::string RunHead() const {
    if (!run_) return "\nNo run yet: ./aoti-cts run makes one\n";
    const std::string torch = run_->provenance.value("torch", "");
    return fmt::format("\nIn the run {}{}\n", run_name_, torch.empty() ? "" : ", torch " + torch);
  }

  static std::string CountText(const std::vector<const Record*>& records) {
    std::map<Verdict, size_t> verdicts;
    std::map<std::string, size_t> observations;
    for (const Record* record : records) {
      ++verdicts[record->verdict];
      if (record->verdict == Verdict::kRecorded) ++observations[record->observation];
    }
    std::string text;
    for (const bool red : {true, false}) {
      for (const auto& [verdict, count] : verdicts) {
        if (InfoOf(verdict).red == red) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", InfoOf(verdict).name, count);
      }
    }
    std::string seen;
    for (const auto& [observation, count] : observations) seen += fmt::format("{}{} {}", seen.empty() ? "" : ", ", observation, count);
    return Hanging("  ", text) + (seen.empty() ? "" : Hanging("  recorded: ", seen));
  }

  std::string RunText(const std::vector<const Record*>& records) const {
    std::string text = RunHead();
    if (!run_) return text;
    if (records.empty()) return text + "  not tried in it\n";
    text += CountText(records);
    size_t listed = 0;
    for (const Record* record : records) {
      if (!InfoOf(record->verdict).red) continue;
      if (++listed > kMostListed) return text + "  and more red ones: see its report.md\n";
      text += fmt::format("  {}: {}\n", InfoOf(record->verdict).name, CleanText(record->id)) + Hanging("    ", FirstLine(record->message));
    }
    std::map<std::string, size_t> known;
    for (const Record* record : records) known[record->known_issue] += record->verdict == Verdict::kKnownIssue ? 1 : 0;
    for (const auto& [issue, count] : known) {
      if (count > 0) text += Hanging(fmt::format("  known issue of {}: ", Counted(count, "test")), issue);
    }
    return text;
  }

  // --- a requirement
  std::string PropertyText(const Property& property) const {
    size_t tests = 0;
    for (const Case& c : cases_) tests += property.targets(c).size();
    return Hanging("  - ", fmt::format("{} ({}; {})", InWords(property.sentence), Asked(property), Counted(tests, "test")));
  }

  std::string FaultsText(const std::string& requirement) const {
    const auto faults = KnownFaults(options_.paths);
    if (!faults) return Hanging("  ", "not known here: " + faults.error().message);
    std::string text;
    for (const Fault& fault : *faults) {
      if (fault.killed_by.starts_with(requirement + "/")) text += Hanging(fmt::format("  - {}: ", fault.name), fault.what);
    }
    return text.empty() ? "  none of its own\n" : text;
  }

  std::string RequirementText(const Requirement& requirement) const {
    std::string text = Hanging(requirement.id + "  ", requirement.statement);
    text += Row("source", requirement.source) + Row("since", requirement.since.empty() ? "all torch versions" : "torch " + requirement.since);
    text += Row("positive", InWords(requirement.positive)) + Row("negative", InWords(requirement.negative)) + "\nTried by\n";
    for (const Property& property : Properties()) {
      if (property.requirement == requirement.id) text += PropertyText(property);
    }
    text += "\nFaults that it must notice (./aoti-cts mutate)\n" + FaultsText(requirement.id);
    std::string claims;
    for (const LedgerClaim& claim : ledger_.claims) {
      const auto& named = claim.requirements;
      if (std::find(named.begin(), named.end(), requirement.id) != named.end()) claims += Hanging(fmt::format("  - {}: ", claim.id), claim.claim);
    }
    text += "\nClaims of documents that it speaks for or against\n" + (claims.empty() ? "  none\n" : claims);
    return text + RunText(Records([&](const Record& record) { return record.requirement == requirement.id; }));
  }

  // --- an area
  std::string AreaText(const std::string& area) const {
    std::string text = area + ", an area of the contract\n";
    for (const Requirement& requirement : catalogue_.requirements) {
      if (AreaOf(requirement.id) != area) continue;
      const auto records = Records([&](const Record& record) { return record.requirement == requirement.id; });
      text += "\n" + Hanging(fmt::format("  {:<8} ", requirement.id), requirement.statement);
      if (!records.empty()) text += Hanging("           ", "in the run: " + FirstLine(CountText(records)));
    }
    return text + RunText(Records([&](const Record& record) { return AreaOf(record.requirement) == area; }));
  }

  // --- a case
  std::string PackageText(const Case& c) const {
    const auto packages = ReadPackages(options_.paths.packages);
    if (!packages) return "  none yet: ./aoti-cts build\n";
    const auto package = packages->Find(c.name);
    if (!package) return Hanging("  ", package.error().message);
    std::string text = Row("file", "") + "  " + package->path.string() + "\n";
    text += Row("sha256", package->sha256) + Row("bytes", std::to_string(package->bytes)) + Row("torch", package->torch);
    for (size_t i = 0; i < package->exported_inputs.size(); ++i) {
      std::string sizes;
      for (const auto& dim : package->exported_inputs[i]) {
        const auto* size = std::get_if<int64_t>(&dim);
        const DimRange range = size != nullptr ? DimRange{*size, *size} : std::get<DimRange>(dim);
        sizes += (sizes.empty() ? "" : ", ") + (size != nullptr ? std::to_string(*size) : fmt::format("{} to {}", range.min, range.max));
      }
      text += Row(i == 0 ? "exported" : "", fmt::format("{} [{}]", i < c.inputs.size() ? c.inputs[i].name : std::to_string(i), sizes));
    }
    return text;
  }

  // --- a hostile package
  std::string HostileText(const Case& c) const {
    std::string text = Hanging(c.name + "  ", c.doc);
    text +=
        Row("source", c.source) + Row("written", fmt::format("generators/{}:{}", c.file, c.line)) + Row("made from", "the package of " + c.made_from);
    text += Row("promised", c.expect == Expectation::kOk        ? "it loads and answers right"
                            : c.expect == Expectation::kRefused ? "it is refused"
                                                                : "nothing: what becomes of it is recorded");
    if (c.escapes) text += Row("", "nothing is written outside the loader's folder");
    text += "\nFile\n";
    const auto packages = ReadPackages(options_.paths.packages);
    const auto file = packages ? packages->FindHostile(c.name) : Expected<HostileFile>(packages.error());
    text +=
        file ? Row("file", "") + "  " + file->path.string() + "\n" + Row("bytes", std::to_string(file->bytes)) : Hanging("  ", file.error().message);
    return text + RunText(Records([&](const Record& record) { return record.case_name == c.name; }));
  }

  // --- a claim of a document
  std::string ClaimText(const Case& c) const {
    std::string text = Hanging(c.name + "  ", c.doc);
    text += Row("source", c.source) + Row("promise", c.requirement) + Row("tried by", fmt::format("generators/{}", c.file));
    const auto packages = ReadPackages(options_.paths.packages);
    const auto finding = packages ? packages->FindClaim(c.name) : Expected<Finding>(packages.error());
    text += finding ? Row(finding->holds ? "true" : "false", finding->words) : Hanging("  ", finding.error().message);
    return text + RunText(Records([&](const Record& record) { return record.case_name == c.name; }));
  }

  std::string CaseText(const Case& c) const {
    if (c.is_hostile()) return HostileText(c);
    if (c.is_claim()) return ClaimText(c);
    std::string text = Hanging(c.name + "  ", c.doc);
    text += Row("source", c.source) + Row("written", fmt::format("generators/{}:{}", c.file, c.line)) + Row("device", c.device);
    for (const DimSpec& dim : c.dims) text += Row("dim", fmt::format("{}: {} to {}", dim.name, dim.min, dim.max));
    for (const InputSpec& input : c.inputs)
      text += Row("input", fmt::format("{}: {} {}{}", input.name, InfoOf(input.dtype).name, Sizes(input),
                                       input.layout == Layout::kRowMajor ? "" : fmt::format(" {}", NameOf(input.layout))));
    text += "\nCalls\n";
    for (const Call& call : c.calls) {
      text += Hanging(fmt::format("  {:<20} ", call.name), fmt::format("{}, {} ({})", ShapesOf(c, call), Promised(c, call), call.cell));
    }
    return text + "\nPackage\n" + PackageText(c) + RunText(Records([&](const Record& record) { return record.case_name == c.name; }));
  }

  // --- tests
  static std::string VerdictText(const Record& record) {
    std::string text = Row("verdict", fmt::format("{}: {}", InfoOf(record.verdict).name, InfoOf(record.verdict).meaning));
    text += Row("observed", record.observation) + Row("known", record.known_issue);
    if (record.seconds > 0) text += Row("took", fmt::format("{:.3f} s, {}", record.seconds, Counted(record.comparisons, "comparison")));
    const std::string message = CleanText(record.message);
    for (size_t at = 0; at < message.size();) {
      const size_t end = std::min(message.find('\n', at), message.size());
      const size_t indent = std::min(message.find_first_not_of(' ', at), end) - at;
      text += Hanging(std::string(std::min<size_t>(4 + indent, 20), ' '), message.substr(at, end - at));
      at = end + 1;
    }
    return text;
  }

  std::string TestText(const PlannedTest& test) const {
    const Property& property = *test.property;
    const Case& c = *test.program;
    std::string text = test.id + "\n";
    if (const Requirement* requirement = catalogue_.Find(property.requirement)) {
      text += Row("promise", requirement->statement) + Row("source", requirement->source);
    }
    text += Row("sentence", InWords(property.sentence)) + Row("asked", Asked(property));
    text += Row("case", fmt::format("{}: {}", c.name, c.doc));
    text += test.call == nullptr
                ? Row("call", "none of its own: it is about the package as a whole")
                : Row("call", fmt::format("{}: {}, {} ({})", test.call->name, ShapesOf(c, *test.call), Promised(c, *test.call), test.call->cell));
    const auto records = Records([&](const Record& record) { return record.id == test.id; });
    text += RunHead();
    if (run_) text += records.empty() ? "  not tried in it\n" : VerdictText(*records.front());
    const bool known = !records.empty() && !records.front()->repeat.empty();
    return text + "\nRepeat it with\n  " +
           (known ? CleanText(records.front()->repeat) : fmt::format("./aoti-cts run --runner {} --test '{}'", test.runner->name, test.id)) + "\n";
  }

  std::string TestsText(const std::string& glob, const std::vector<const PlannedTest*>& tests) const {
    std::string text = fmt::format("{}: {}\n", glob, Counted(tests.size(), "test"));
    std::set<std::string> ids;
    for (const PlannedTest* test : tests) {
      if (ids.size() < kMostIds) text += "  " + test->id + "\n";
      ids.insert(test->id);
    }
    if (tests.size() > kMostIds) text += fmt::format("  and {} more:\n    ./aoti-cts list --tests --test '{}'\n", tests.size() - kMostIds, glob);
    return text + RunText(Records([&](const Record& record) { return ids.contains(record.id); }));
  }

  const ExplainOptions& options_;
  std::vector<Case> cases_;
  Catalogue catalogue_;
  Ledger ledger_;
  std::optional<Run> run_;
  std::string run_name_;
  std::vector<RunnerSpec> runners_;
  std::vector<PlannedTest> tests_;
};

int Execute(const ExplainOptions& options) {
  auto cases = ReadCases(options.paths.plan);
  if (!cases) return Complain(cases.error());
  auto catalogue = ReadCatalogue(options.paths.requirements);
  if (!catalogue) return Complain(catalogue.error());
  Explainer explainer(options, std::move(*cases), std::move(*catalogue), ReadLedger(LedgerFile()));
  const auto text = explainer.Explain(options.name);
  if (!text) return Complain(text.error());
  fmt::print("{}", *text);
  return kExitGood;
}

}  // namespace

void AddExplain(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<ExplainOptions>();
  CLI::App* verb = app.add_subcommand("explain", "say all that is known of a requirement, an area, a case or a test");
  verb->add_option("name", options->name, "DYN_1, DYN, mlp_dynamic, the id of a test or a glob over ids")->required();
  verb->add_option("--run", options->run, "the run to say the verdicts of")->capture_default_str();
  verb->add_option("--runner", options->runner, "name of the runner in test ids, where the name given has none")->capture_default_str();
  AddPathOptions(*verb, options->paths);
  verb->callback([options, &chosen] { chosen = [options] { return Execute(*options); }; });
}

}  // namespace aoti_cts
