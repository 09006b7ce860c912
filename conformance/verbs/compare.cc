// SPDX-License-Identifier: Apache-2.0
// compare: what became of every test between two runs. Needs their results.json and nothing else: no plan, no packages, no runner.
#include "reports/compare.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <string>

#include "conformance/verbs/verbs.h"
#include "fixtures/json_file.h"
#include "fixtures/known_issues.h"

namespace aoti_cts {
namespace {

struct Options {
  std::filesystem::path base;
  std::filesystem::path candidate;
  CompareRunsOptions compare;
  std::string (*format)(const RunComparison&) = CompareText;
  std::filesystem::path out;
};

int Execute(const Options& options) {
  const RunFile base = ReadResults(options.base);
  const RunFile candidate = ReadResults(options.candidate);
  const RunComparison comparison = CompareRuns(base, candidate, options.compare);
  if (const std::string lost = NotConserved(comparison); !lost.empty()) {
    return Complain({fmt::format("the comparison does not add up, so it says nothing: {}; please report this with both files", lost)});
  }
  const std::string text = options.format(comparison);
  if (options.out.empty()) {
    fmt::print("{}", text);
  } else {
    if (auto written = WriteFileAtomically(std::filesystem::absolute(options.out), text); !written) return Complain(written.error());
    fmt::print("{}\ncomparison: {}\n", ComparisonSentence(comparison), options.out.string());
  }
  return comparison.Worse() ? kExitRed : kExitGood;
}

}  // namespace

void AddCompare(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<Options>();
  options->compare.matches = MatchesGlob;
  CLI::App* verb = app.add_subcommand("compare", "say what became of every test between two runs, and whether anything got worse");
  verb->add_option("base", options->base, "results.json, or the folder of the run, to compare with")->required();
  verb->add_option("candidate", options->candidate, "results.json, or the folder of the run, to judge")->required();
  verb->add_option("--allow-missing", options->compare.allow_missing,
                   "tests whose id in BASE matches this glob may be missing or no longer tried (repeatable); * also matches /");
  verb->add_option("--margin-factor", options->compare.margin_factor, "a margin that grows by more than this is told of")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  static const std::map<std::string, std::string (*)(const RunComparison&)> kFormats{
      {"text", CompareText}, {"markdown", CompareMarkdown}, {"json", CompareJson}};
  verb->add_option_function<std::string>(
          "-f,--format", [options](const std::string& name) { options->format = kFormats.at(name); }, "text (the default), markdown or json")
      ->check(CLI::IsMember(kFormats))
      ->option_text("text|markdown|json");
  verb->add_option("-o,--out", options->out, "write it there and print one sentence");
  verb->footer(
      "Exit codes: 0 nothing got worse, 1 something did or was not tried (new failures, tests that are missing, not run or no longer tried, nothing "
      "tried in both), 2 a file is not usable.");
  verb->callback([options, &chosen] { chosen = [options] { return Execute(*options); }; });
}

}  // namespace aoti_cts
