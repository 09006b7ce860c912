// SPDX-License-Identifier: Apache-2.0
// What several verbs share: paths, selection, the generators, the reports of a run.
#include "conformance/verbs/verbs.h"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <stdexcept>

#include "conformance/catalogue.h"
#include "conformance/timelines.h"
#include "fixtures/json_file.h"
#include "reports/ledger.h"
#include "reports/report.h"

namespace aoti_cts {
namespace {

const std::filesystem::path kSource = AOTI_SOURCE_DIR;
const std::filesystem::path kBuild = AOTI_BUILD_DIR;

// Compiled packages are kept apart by torch version below one folder, which outlives clones and build trees.
std::filesystem::path StoreFolder() {
  std::filesystem::path home;
  if (const char* named = std::getenv("AOTI_CTS_HOME")) {
    home = named;
  } else if (const char* cache = std::getenv("XDG_CACHE_HOME")) {
    home = std::filesystem::path(cache) / "aoti-cts";
  } else {
    const char* user = std::getenv("HOME");
    home = std::filesystem::path(user != nullptr ? user : "/tmp") / ".cache" / "aoti-cts";
  }
  return home / "packages" / ("torch-" AOTI_TORCH_VERSION);
}

// What every verb of the generators is told: where the store, the goldens and torch are.
std::vector<std::string> GeneratorArguments(const std::string& verb, const Paths& paths) {
  return {verb, "--store", StoreFolder().string(), "--golden", paths.golden.string(), "--torch", AOTI_TORCH_ROOT};
}

const std::map<std::string, Profile> kProfiles{{"default", Profile::kDefault}, {"full", Profile::kFull}};

std::vector<std::string> BuildArguments(const Paths& paths, bool keep_going, Profile profile) {
  std::vector<std::string> arguments = GeneratorArguments("build", paths);
  arguments.insert(arguments.end(), {"--manifest", paths.packages.string(), "--profile", profile == Profile::kFull ? "full" : "default"});
  if (keep_going) arguments.emplace_back("--keep-going");
  return arguments;
}

}  // namespace

Paths DefaultPaths() {
  return {kBuild / "cases.json", kBuild / "packages.json", kSource / "golden", kSource / "conformance" / "requirements.json",
          kBuild / "runners",    kSource / "runners"};
}

void AddPathOptions(CLI::App& verb, Paths& paths) {
  verb.add_option("--plan", paths.plan, "the cases (cases.json)")->group("Paths");
  verb.add_option("--packages", paths.packages, "the manifest of the packages (packages.json)")->group("Paths");
  verb.add_option("--golden", paths.golden, "folder of the goldens")->group("Paths");
  verb.add_option("--requirements", paths.requirements, "the catalogue of requirements")->group("Paths");
  verb.add_option("--known-issues", paths.known_issues, "folder of <runner>.known_issues.json")->group("Paths");
}

void AddSelectionOptions(CLI::App& verb, Selection& selection) {
  verb.add_option("--profile", selection.profile,
                  "default, or full: all cases, and what is about the loader for every case, not for representative ones only")
      ->transform(CLI::CheckedTransformer(kProfiles))
      ->option_text("default|full")
      ->group("Selection");
  verb.add_option("--area", selection.areas, "only these areas, for example DYN (repeatable)")->group("Selection");
  verb.add_option("--requirement", selection.requirements, "only these requirements, for example DYN_1")->group("Selection");
  verb.add_option("--case", selection.cases, "only these cases, claims or hostile packages")->group("Selection");
  verb.add_option("--test", selection.tests, "only tests whose id matches this glob; * also matches /")->group("Selection");
}

std::filesystem::path RunsFolder() { return kBuild / "runs"; }

std::filesystem::path LedgerFile() { return kSource / "conformance" / "ledger.json"; }
std::filesystem::path FieldBugsFile() { return kSource / "conformance" / "field_bugs.json"; }

int Complain(const Error& error) {
  fmt::print(stderr, "aoti-cts: {}\n", error.message);
  return kExitUsage;
}

int RunGenerators(const std::vector<std::string>& arguments) {
  std::vector<std::string> command;
  const std::filesystem::path host = kBuild / "aoti-cts-generate";
  if (std::filesystem::exists(host)) {
    command = {host.string()};
  } else if (std::string(AOTI_PYTHON).empty()) {
    return Complain(
        {"there is no Python here, so packages cannot be built: name a Python environment with AOTI_CTS_TORCH, or ready packages with --packages"});
  } else {
    command = {AOTI_PYTHON, "-m", "aoti_generate"};
  }
  command.insert(command.end(), arguments.begin(), arguments.end());
  std::vector<char*> raw;
  raw.reserve(command.size() + 1);
  for (std::string& word : command) raw.push_back(word.data());
  raw.push_back(nullptr);
  fflush(nullptr);
  // Ctrl-C reaches the generators too, and it is they who tidy up: wait for them.
  const auto before = std::signal(SIGINT, SIG_IGN);
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGINT, SIG_DFL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);  // they do not outlive this process
    setenv("PYTHONPATH", (kSource / "generators").c_str(), 1);
    setenv("AOTI_CTS_OPERATORS", (kBuild / "runners" / "aoti_cts_operators.so").c_str(), 1);
    setenv("AOTI_CTS_PRETEND", (kBuild / "pretended_cuda" / "pretend").c_str(), 1);
    setenv("PYTHONDONTWRITEBYTECODE", "1", 0);
    execvp(raw[0], raw.data());
    fmt::print(stderr, "aoti-cts: {} cannot be started ({}): run ./aoti-cts setup\n", command[0], std::strerror(errno));
    _exit(kExitUsage);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  std::signal(SIGINT, before);
  return WIFEXITED(status) ? WEXITSTATUS(status) : kExitInterrupted;
}

int BuildPackages(const Paths& paths, bool keep_going, const Selection& selection) {
  std::vector<std::string> arguments = BuildArguments(paths, keep_going, selection.profile);
  arguments.insert(arguments.end(), selection.cases.begin(), selection.cases.end());
  return RunGenerators(arguments);
}

void AddBuild(CLI::App& app, Action& chosen) {
  struct Options {
    Paths paths = DefaultPaths();
    std::vector<std::string> cases;
    int jobs = 0;
    bool keep_going = false;
    Profile profile = Profile::kDefault;
  };
  auto options = std::make_shared<Options>();
  CLI::App* verb =
      app.add_subcommand("build",
                         "compile the packages, try the claims and make the hostile packages that are missing (needs Python with torch, and a "
                         "C++ compiler)");
  verb->add_option("cases", options->cases, "only these cases, claims or hostile packages");
  verb->add_option("--profile", options->profile, "default, or full: what is compiled where no case is named")
      ->transform(CLI::CheckedTransformer(kProfiles))
      ->option_text("default|full");
  verb->add_option("-j,--jobs", options->jobs, "packages at a time (default: one per core)");
  verb->add_flag("--keep-going", options->keep_going, "exit 0 although a case does not compile or a claim cannot be tried: its tests will say so");
  AddPathOptions(*verb, options->paths);
  verb->callback([options, &chosen] {
    chosen = [options] {
      std::vector<std::string> arguments = BuildArguments(options->paths, options->keep_going, options->profile);
      if (options->jobs > 0) arguments.insert(arguments.end(), {"--jobs", std::to_string(options->jobs)});
      arguments.insert(arguments.end(), options->cases.begin(), options->cases.end());
      return RunGenerators(arguments);
    };
  });
}

void AddBless(CLI::App& app, Action& chosen) {
  struct Options {
    Paths paths = DefaultPaths();
    std::vector<std::string> cases;
    bool approve = false;
  };
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("bless", "compute the float64 references anew and show what differs; with --approve make them the goldens");
  verb->add_option("cases", options->cases, "only these cases");
  verb->add_flag("--approve", options->approve, "take over what an earlier bless has written and a person has read");
  AddPathOptions(*verb, options->paths);
  verb->callback([options, &chosen] {
    chosen = [options] {
      std::vector<std::string> arguments = GeneratorArguments("bless", options->paths);
      if (options->approve) arguments.emplace_back("--approve");
      arguments.insert(arguments.end(), options->cases.begin(), options->cases.end());
      return RunGenerators(arguments);
    };
  });
}

std::optional<Error> LedgerComplaint() {
  try {
    static_cast<void>(ReadLedger(LedgerFile()));
    static_cast<void>(ReadLedger(FieldBugsFile()));
    return std::nullopt;
  } catch (const std::runtime_error& e) {
    return Error{e.what()};
  }
}

Status WriteReports(const Run& run, const std::filesystem::path& folder) {
  auto catalogue = ReadCatalogue(DefaultPaths().requirements);
  if (!catalogue) return catalogue.error();
  std::vector<RequirementText> texts;
  for (const Requirement& r : catalogue->requirements) texts.push_back({r.id, r.statement, r.source});
  Ledger ledger, field_bugs;
  try {
    ledger = ReadLedger(LedgerFile());
    field_bugs = ReadLedger(FieldBugsFile());
  } catch (const std::runtime_error& e) {
    return Error{e.what()};
  }
  for (const auto& [name, content] : {std::pair{"results.json", ResultsJson(run)},
                                      {"junit.xml", JUnitXml(run)},
                                      {"report.md", Markdown(run, &field_bugs)},
                                      {"report.html", Html(run, &ledger, texts, &field_bugs, TimelinesOf(run, folder))}}) {
    if (auto written = WriteFileAtomically(folder / name, content); !written) return written.error();
  }
  return Done{};
}

void AddReport(CLI::App& app, Action& chosen) {
  auto folder = std::make_shared<std::filesystem::path>(RunsFolder() / "latest");
  CLI::App* verb = app.add_subcommand("report", "write the reports of a run again from its records");
  verb->add_option("run", *folder, "folder of the run (default: the latest)");
  verb->callback([folder, &chosen] {
    chosen = [folder] {
      Run run = ReadRun(*folder);
      AddLibraries(run);
      if (auto written = WriteReports(run, *folder); !written) return Complain(written.error());
      fmt::print("{}\nreports: {}\n", Summary(run), folder->string());
      return ExitCodeOf(run);
    };
  });
}

}  // namespace aoti_cts
