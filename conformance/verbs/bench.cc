// SPDX-License-Identifier: Apache-2.0
// bench: what the suite itself costs on this machine. Figures are printed, never judged.
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "conformance/verbs/verbs.h"
#include "fixtures/packages.h"
#include "fixtures/sandbox.h"
#include "fixtures/trial.h"

namespace aoti_cts {
namespace {

using Clock = std::chrono::steady_clock;

double Milliseconds(const std::function<void()>& body) {
  const auto start = Clock::now();
  body();
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

void PrintRow(const std::string& what, std::vector<double> times) {
  std::sort(times.begin(), times.end());
  fmt::print("{:<46} median {:8.2f} ms  min {:8.2f}  max {:8.2f}  n {}\n", what, times[times.size() / 2], times.front(), times.back(), times.size());
}

std::vector<double> Repeat(int times, const std::function<void()>& body) {
  std::vector<double> result;
  for (int i = 0; i < times; ++i) result.push_back(Milliseconds(body));
  return result;
}

int Execute(const Paths& paths) {
  constexpr int kTimes = 100;
  auto cases = ReadCases(paths.plan);
  if (!cases) return Complain(cases.error());
  auto packages = ReadPackages(paths.packages);
  if (!packages) return Complain(packages.error());
  auto spec = ParseRunnerSpec("package", paths.runners);
  if (!spec) return Complain(spec.error());
  std::unique_ptr<Runner> runner;
  Error failure;
  PrintRow("open the runner (loads libtorch)", {Milliseconds([&] {
             auto opened = Runner::Open(*spec);
             if (opened) {
               runner = std::move(*opened);
             } else {
               failure = opened.error();
             }
           })});
  if (!runner) return Complain(failure);
  PrintRow("fork + reap", Repeat(kTimes, [] {
             const pid_t child = fork();
             if (child == 0) _exit(0);
             int status = 0;
             waitpid(child, &status, 0);
           }));
  SandboxOptions options;
  const auto temporary = TemporaryFolder();
  if (!temporary) return Complain(temporary.error());
  options.base = *temporary;
  PrintRow("sandbox around nothing", Repeat(kTimes, [&] { static_cast<void>(RunInSandbox(options, [] { return std::string(); })); }));
  bool measured = false;  // of the programs, those that were compiled
  for (const Case& c : *cases) {
    if (!c.is_program() || !c.representative || c.needs_cuda() || !packages->by_case.contains(c.name)) continue;
    measured = true;
    auto package = packages->Find(c.name);
    auto golden = ReadGolden(paths.golden, c.name);
    if (!package || !golden) return Complain(package ? golden.error() : package.error());
    const Subject subject{*package, &*golden, {}};
    size_t bad = 0;
    PrintRow("isolated test, load and first run: " + c.name, Repeat(kTimes, [&] {
               const SandboxResult result = RunInSandbox(options, [&] {
                 Trial trial(c, nullptr, subject, *runner);
                 Model model = trial.Load();
                 trial.JudgeCall(model, trial.ExampleCall());
                 return std::string(InfoOf(trial.Finish(true).verdict).name);
               });
               bad += result.answer == "pass" ? 0 : 1;
             }));
    if (bad > 0) return Complain({fmt::format("{} of {} runs of {} did not pass: the figures mean nothing", bad, kTimes, c.name)});
  }
  return measured ? kExitGood : Complain({"no representative program is compiled, so nothing can be measured: run ./aoti-cts build"});
}

}  // namespace

void AddBench(CLI::App& app, Action& chosen) {
  auto paths = std::make_shared<Paths>(DefaultPaths());
  CLI::App* verb = app.add_subcommand("bench", "measure what the suite itself costs here, in half a minute: fork, sandbox, isolated tests");
  AddPathOptions(*verb, *paths);
  verb->callback([paths, &chosen] { chosen = [paths] { return Execute(*paths); }; });
}

}  // namespace aoti_cts
