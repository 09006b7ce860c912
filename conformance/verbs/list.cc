// SPDX-License-Identifier: Apache-2.0
// list: what there is. Needs the plan only, and for duplicates the manifest of the packages; no torch.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>

#include "conformance/programs.h"
#include "conformance/resources.h"
#include "conformance/verbs/verbs.h"
#include "reports/text.h"

namespace aoti_cts {
namespace {

struct ListOptions {
  Paths paths = DefaultPaths();
  Selection selection;
  std::string runner = "package";
  bool cases = false, claims = false, hostile = false, tests = false, requirements = false, runners = false, areas = false, ctest = false,
       resources = false, one_entry = false, duplicates = false;
};

std::vector<std::string> InTreeRunners(const std::filesystem::path& folder) {
  constexpr std::string_view kPrefix = "aoti_runner_";
  std::set<std::string> names;
  std::error_code missing;
  for (const auto& entry : std::filesystem::directory_iterator(folder, missing)) {
    const std::string stem = entry.path().stem().string();
    if (entry.path().extension() == ".so" && stem.starts_with(kPrefix)) names.insert(stem.substr(kPrefix.size()));
  }
  return {names.begin(), names.end()};
}

std::vector<std::string> Areas(bool canaries) {
  std::vector<std::string> areas;
  for (const Property& property : Properties()) {
    const std::string area = AreaOf(property.requirement);
    if (property.canary == canaries && std::find(areas.begin(), areas.end(), area) == areas.end()) areas.push_back(area);
  }
  return areas;
}

std::string_view InWords(Expectation expect) {
  return expect == Expectation::kOk ? "loads" : expect == Expectation::kRefused ? "refused" : "recorded";
}

// A selection as `run` takes it.
std::string ArgumentsOf(const Selection& selection) {
  std::string arguments;
  for (const auto& [option, values] : {std::pair{"--area", &selection.areas},
                                       {"--requirement", &selection.requirements},
                                       {"--case", &selection.cases},
                                       {"--test", &selection.tests}}) {
    for (const std::string& value : *values) arguments += fmt::format(" {} \"{}\"", option, value);
  }
  return arguments;
}

struct CtestEntry {
  std::string name;  // without "conformance.", and of its folder
  std::string labels;
  Selection selection;
};

// One entry per area; one for the whole selection for a runner that takes seconds to start.
std::vector<CtestEntry> CtestEntries(const ListOptions& options) {
  if (options.one_entry) return {{options.runner, options.runner, options.selection}};
  std::vector<CtestEntry> entries;
  for (const std::string& area : Areas(false)) entries.push_back({area + "." + options.runner, area + ";" + options.runner, {.areas = {area}}});
  return entries;
}

// May a test of the entry be about a program on CUDA? Then ctest gives it a device of its own, where it is told of devices.
bool NeedsDevice(const Selection& selection) {
  return std::any_of(Properties().begin(), Properties().end(), [&](const Property& property) {
    const auto& areas = selection.areas;
    return property.on_cuda && (areas.empty() || std::find(areas.begin(), areas.end(), AreaOf(property.requirement)) != areas.end());
  });
}

// Lines for ctest: the entries, and one that checks the conservation of all their tests. Written before any package exists.
void PrintCtestEntries(const std::vector<CtestEntry>& entries, const std::string& runner) {
  std::string names;
  std::string folders;
  for (const CtestEntry& entry : entries) {
    const std::string name = "conformance." + entry.name;
    const std::string folder = fmt::format("{}/runs/ctest/{}", AOTI_BUILD_DIR, entry.name);
    fmt::print("add_test({} \"{}/aoti-cts\" run --ctest --no-build --quiet{} --runner {} --out \"{}\")\n", name, AOTI_BUILD_DIR,
               ArgumentsOf(entry.selection), runner, folder);
    fmt::print("set_tests_properties({} PROPERTIES LABELS \"conformance;{}\" SKIP_RETURN_CODE 77 FIXTURES_REQUIRED packages TIMEOUT 600{})\n", name,
               entry.labels, NeedsDevice(entry.selection) ? fmt::format(" RESOURCE_GROUPS \"{}\"", kOneGpu) : "");
    names += (names.empty() ? "" : ";") + name;
    folders += fmt::format(" \"{}\"", folder);
  }
  fmt::print("add_test(conservation.{} \"{}/aoti-cts-conservation\"{})\n", runner, AOTI_BUILD_DIR, folders);
  fmt::print("set_tests_properties(conservation.{} PROPERTIES LABELS \"conformance;{}\" DEPENDS \"{}\" FIXTURES_REQUIRED packages TIMEOUT 60)\n",
             runner, runner, names);
}

void PrintCases(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    if (c.is_claim()) continue;
    const std::string about = c.profile == CaseProfile::kDefault ? ""
                              : c.profile == CaseProfile::kFull  ? ", profile full"
                                                                 : ", only where it is named";
    fmt::print("{}", Hanging(fmt::format("{:<33}  ", c.name), fmt::format("{} [{}]{}", c.doc, c.source, about)));
  }
}

// No two programs are the same, but where one says so: else the number of cases says nothing.
int PrintDuplicates(const std::vector<Case>& cases, const std::filesystem::path& manifest) {
  auto packages = ReadPackages(manifest);
  if (!packages) return Complain(packages.error());
  const Duplicates found = FindDuplicates(cases, *packages);
  if (!found.unknown.empty()) {
    return Complain({fmt::format("{} no package, so that nothing is known of its operators, for example {}: run ./aoti-cts build --profile full",
                                 found.unknown.size() == 1 ? "1 case has" : fmt::format("{} cases have", found.unknown.size()), found.unknown[0])});
  }
  for (const auto& [first, second] : found.pairs) {
    const Case& c = *std::find_if(cases.begin(), cases.end(), [&](const Case& other) { return other.name == second; });
    fmt::print("{} and {} are the same program\n{}", first, second, Hanging("    ", ProgramFacts(c, *packages->by_case.at(second).package)));
  }
  for (const std::string& name : found.repeats) fmt::print("{} is the program of another case again, as it says: not counted\n", name);
  for (const std::string& name : found.elsewhere) fmt::print("{} {}: not looked at\n", name, packages->Unavailable(name));
  fmt::print("{} programs that differ in operators, dtypes, layouts, dims or options\n", found.distinct);
  return found.pairs.empty() ? kExitGood : kExitRed;
}

// One requirement with the sentences that try it.
void PrintRequirement(const Requirement& requirement, const std::vector<PlannedTest>& tests) {
  fmt::print("{}", Hanging(fmt::format("{:<8} ", requirement.id), fmt::format("{} [{}]", requirement.statement, requirement.source)));
  fmt::print("{}{}", Hanging("    positive: ", requirement.positive), Hanging("    negative: ", requirement.negative));
  std::vector<const Property*> properties;
  for (const PlannedTest& test : tests) {
    const bool known = std::find(properties.begin(), properties.end(), test.property) != properties.end();
    if (test.property->requirement == requirement.id && !known) properties.push_back(test.property);
  }
  for (const Property* property : properties) {
    const auto count = std::count_if(tests.begin(), tests.end(), [&](const PlannedTest& test) { return test.property == property; });
    fmt::print("    {:>4} {:<8} {}\n", count, property->judged ? "judged" : "recorded", property->sentence);
  }
}

int Execute(const ListOptions& options) {
  if (options.ctest) {
    PrintCtestEntries(CtestEntries(options), options.runner);
    return kExitGood;
  }
  if (options.resources) {
    fmt::print("{}\n", ResourceSpec());
    return kExitGood;
  }
  if (options.areas) {
    for (const std::string& area : Areas(false)) fmt::print("{}\n", area);
    return kExitGood;
  }
  if (options.runners) {
    for (const std::string& name : InTreeRunners(options.paths.runners)) fmt::print("{}\n", name);
    return kExitGood;
  }
  auto cases = ReadCases(options.paths.plan);
  if (!cases) return Complain(cases.error());
  auto catalogue = ReadCatalogue(options.paths.requirements);
  if (!catalogue) return Complain(catalogue.error());
  if (options.cases) {
    PrintCases(*cases);
    return kExitGood;
  }
  if (options.duplicates) return PrintDuplicates(*cases, options.paths.packages);
  if (options.claims) {
    for (const Case& c : *cases) {
      if (c.is_claim()) fmt::print("{}\n{}", c.name, Hanging(fmt::format("    {:<8}", c.requirement), fmt::format("{} [{}]", c.doc, c.source)));
    }
    return kExitGood;
  }
  if (options.hostile) {
    for (const Case& c : *cases) {
      if (c.is_hostile()) fmt::print("{}\n{}", c.name, Hanging(fmt::format("    {:<9}", InWords(c.expect)), fmt::format("{} [{}]", c.doc, c.source)));
    }
    return kExitGood;
  }
  const std::vector<RunnerSpec> runners{{options.runner, {}}};
  const std::vector<PlannedTest> tests = PlanTests(*cases, runners, options.selection);
  if (options.tests) {
    for (const PlannedTest& test : tests) fmt::print("{}\n", test.id);
    return tests.empty() ? kExitNothingRan : kExitGood;
  }
  if (!options.selection.requirements.empty()) {
    for (const std::string& id : options.selection.requirements) {
      const Requirement* requirement = catalogue->Find(id);
      if (requirement == nullptr) return Complain({fmt::format("no requirement is called {}: ./aoti-cts list --requirements names them all", id)});
      PrintRequirement(*requirement, tests);
    }
    return kExitGood;
  }
  const auto claims = std::count_if(cases->begin(), cases->end(), [](const Case& c) { return c.is_claim(); });
  const auto hostile = std::count_if(cases->begin(), cases->end(), [](const Case& c) { return c.is_hostile(); });
  fmt::print("{} cases, {} claims, {} hostile packages, {} requirements,\n{} tests with runner {}\n\n", std::ssize(*cases) - claims - hostile, claims,
             hostile, catalogue->requirements.size(), tests.size(), options.runner);
  for (const Requirement& requirement : catalogue->requirements) {
    const auto judged = std::count_if(tests.begin(), tests.end(),
                                      [&](const PlannedTest& t) { return t.property->requirement == requirement.id && t.property->judged; });
    const auto recorded = std::count_if(tests.begin(), tests.end(),
                                        [&](const PlannedTest& t) { return t.property->requirement == requirement.id && !t.property->judged; });
    if (judged + recorded == 0) continue;
    fmt::print("{}", Hanging(fmt::format("{:<8} {:>3} judged {:>3} recorded  ", requirement.id, judged, recorded),
                             fmt::format("{} [{}]", requirement.statement, requirement.source)));
  }
  return kExitGood;
}

}  // namespace

void AddList(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<ListOptions>();
  CLI::App* verb = app.add_subcommand("list", "name what there is: requirements (default), cases, claims, hostile packages, tests, areas, runners");
  verb->add_flag("--requirements", options->requirements, "requirements with their number of tests, statement and source (the default)");
  verb->add_flag("--cases", options->cases, "cases with what they are for");
  verb->add_flag("--claims", options->claims, "claims of documents that a script tries, with their requirement");
  verb->add_flag("--hostile", options->hostile, "hostile packages with what must become of them, and what was done to each");
  verb->add_flag("--tests", options->tests, "ids of all tests that the selection leaves");
  verb->add_flag("--duplicates", options->duplicates, "cases whose programs are the same; exit 1 where there are any. Needs the packages of all");
  verb->add_flag("--areas", options->areas, "areas of the contract");
  verb->add_flag("--runners", options->runners, "runners of this build");
  verb->add_flag("--ctest", options->ctest, "the entries for ctest, as CMake text");
  verb->add_flag("--resources", options->resources, "the GPUs of this machine, as `ctest --resource-spec-file` wants them");
  verb->add_flag("--one-entry", options->one_entry, "with --ctest: one entry for the whole selection, instead of one per area");
  verb->add_option("--runner", options->runner, "name of the runner in test ids")->capture_default_str();
  AddSelectionOptions(*verb, options->selection);
  verb->add_option("--plan", options->paths.plan, "the cases (cases.json)")->group("Paths");
  verb->add_option("--packages", options->paths.packages, "the manifest of the packages (packages.json)")->group("Paths");
  verb->callback([options, &chosen] { chosen = [options] { return Execute(*options); }; });
}

}  // namespace aoti_cts
