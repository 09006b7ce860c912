// SPDX-License-Identifier: Apache-2.0
// The verbs of the command line, one file each. To add a verb: its function here, its file, its line in conformance/main.cc.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "conformance/campaign.h"

namespace aoti_cts {

// Defaults of this build; `--plan` and its like replace single ones.
Paths DefaultPaths();
void AddPathOptions(CLI::App& verb, Paths& paths);
void AddSelectionOptions(CLI::App& verb, Selection& selection);

// Folder of this build's runs; a new one is named by the time.
std::filesystem::path RunsFolder();

// Each adds its verb; `chosen` is set to what must be done when the verb was given. It returns the exit code.
using Action = std::function<int()>;
void AddDoctor(CLI::App& app, Action& chosen);
void AddBuild(CLI::App& app, Action& chosen);
void AddBless(CLI::App& app, Action& chosen);
void AddList(CLI::App& app, Action& chosen);
void AddRun(CLI::App& app, Action& chosen, const std::string& command);
void AddReport(CLI::App& app, Action& chosen);
void AddCompare(CLI::App& app, Action& chosen);
void AddMutate(CLI::App& app, Action& chosen);
void AddExplain(CLI::App& app, Action& chosen);
void AddBench(CLI::App& app, Action& chosen);
void AddAbi(CLI::App& app, Action& chosen);

// Runs the generators (the host with Python in it, or a plain `python -m`) and returns their exit code.
int RunGenerators(const std::vector<std::string>& arguments);
// In words what is wrong with the ledger and the field bugs that the reports are made with: better known before the tests than after them.
std::optional<Error> LedgerComplaint();
// `build` with the default store and manifest; of the selected cases only, where there are any, else of the profile.
int BuildPackages(const Paths& paths, bool keep_going, const Selection& selection);

// What the runner `faulty` can break, and the property that must notice it; the control has none.
struct Fault {
  std::string name;
  std::string what;
  std::string killed_by;  // requirement/sentence, and case.call where no other does it
  bool on_cuda = false;   // it breaks what is about a device
};
// Asks the runner in a child.
Expected<std::vector<Fault>> KnownFaults(const Paths& paths);

// conformance/ledger.json and conformance/field_bugs.json of this source tree.
std::filesystem::path LedgerFile();
std::filesystem::path FieldBugsFile();

// Prints "aoti-cts: <error>" and returns kExitUsage.
int Complain(const Error& error);

// Adds the path and hash of the libtorch that the runners loaded to the provenance, and its version where another torch compiled the packages.
void AddLibraries(Run& run);

// Writes results.json, junit.xml, report.md and report.html into the folder and prints the verdict table and their paths.
Status WriteReports(const Run& run, const std::filesystem::path& folder);

}  // namespace aoti_cts
