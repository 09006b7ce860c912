// SPDX-License-Identifier: Apache-2.0
// A campaign: which tests there are (properties x cases x calls x runners), and running them in worker processes, one runner per process.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "conformance/catalogue.h"
#include "fixtures/case.h"
#include "fixtures/property.h"
#include "fixtures/runner.h"
#include "fixtures/status.h"
#include "reports/record.h"

namespace aoti_cts {

// Where everything is. Defaults are those of this build; each can be named on the command line.
struct Paths {
  std::filesystem::path plan;          // cases.json
  std::filesystem::path packages;      // packages.json
  std::filesystem::path golden;        // folder
  std::filesystem::path requirements;  // requirements.json
  std::filesystem::path runners;       // folder of the in-tree plug-ins
  std::filesystem::path known_issues;  // folder of <runner>.known_issues.json
  // A package that was made elsewhere, and what is said of it (fixtures/spec.h): then it is judged instead of all the others.
  std::filesystem::path package = {};
  std::filesystem::path spec = {};
};

// default: the cases of that profile, and sampled properties for representative ones. full: those of the full profile too, and sampled properties
// for every case; so it is for cases and tests that are named.
enum class Profile { kDefault, kFull };

// Empty lists select all of the profile but the canaries.
struct Selection {
  Profile profile = Profile::kDefault;
  bool claims = true;  // those of documents too
  std::vector<std::string> areas;
  std::vector<std::string> requirements;
  std::vector<std::string> cases;
  std::vector<std::string> tests;  // globs over ids
};

struct PlannedTest {
  std::string id;
  const Property* property;
  const Case* program;
  const Call* call;  // null: about the package as a whole
  const RunnerSpec* runner;
  const Case* feeder = nullptr;     // the program whose package feeds the call, if one does
  const Case* made_from = nullptr;  // the program whose package a hostile one was made from

  // The program that is called: `program` itself but for hostile packages.
  const Case& called() const { return made_from != nullptr ? *made_from : *program; }
};

// In the order of runners, then properties, then cases.
std::vector<PlannedTest> PlanTests(const std::vector<Case>& cases, const std::vector<RunnerSpec>& runners, const Selection& selection);

struct CampaignOptions {
  Paths paths;
  Selection selection;
  std::vector<RunnerSpec> runners;
  int jobs = 1;
  double deadline_seconds = 10;  // of one test; raised to 50 times what loading and running a first package takes here
  std::filesystem::path folder;  // of the run
  bool resume = false;           // go on with the plan and the records that lie in `folder`
  bool quiet = false;
  bool keep = false;                        // leave what tests were given and returned in kept/: see `run --help` for which
  bool stop_at_first_red = false;           // the tests not begun by then stay not_run
  std::string sanitizer;                    // tool of compute-sanitizer under which each test of a CUDA program runs; empty: none
  std::filesystem::path compute_sanitizer;  // where that is
  std::filesystem::path answer;             // judge the one selected test in this process, and write what it says there: for those it starts
  std::function<void()> planned;            // called once the folder holds a plan, before any test runs; may be empty
  std::string command;                      // for the provenance
};

struct CampaignResult {
  Run run;
  int exit_code = 0;
};

// Does all that the selection names exist? To be asked before packages are built for it.
Status CheckSelection(const CampaignOptions& options);

// Runs what is selected and leaves plan.json and records.jsonl in the folder. Fails in words where it cannot begin.
Expected<CampaignResult> RunCampaign(const CampaignOptions& options);

// Where TMPDIR points; in words where that is no folder.
Expected<std::filesystem::path> TemporaryFolder();

// What the process must exit with for these verdicts. Where nothing at all could be asked because a runner or a file is of no use, that says
// nothing of any promise, and is kExitUsage.
int ExitCodeOf(const Run& run);

}  // namespace aoti_cts
