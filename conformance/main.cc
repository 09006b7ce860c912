// SPDX-License-Identifier: Apache-2.0
// The command line of the suite.
#include <fmt/format.h>

#include <exception>

#include "conformance/verbs/verbs.h"

namespace aoti_cts {
namespace {

// As a shell must be given it.
std::string Quoted(const std::string& word) {
  constexpr const char* kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string CommandOf(int count, char** arguments) {
  std::string command = "./aoti-cts";
  for (int i = 1; i < count; ++i) {
    command += " " + Quoted(arguments[i]);
  }
  return command;
}

int Main(int count, char** arguments) {
  CLI::App app{"Conformance suite for AOTInductor: does a runtime that loads .pt2 packages keep its promises?", "aoti-cts"};
  app.set_version_flag("--version", AOTI_SUITE_VERSION);
  app.require_subcommand(0, 1);  // none at all is told below: an unknown one must be named
  app.footer(
      "Exit codes: 0 all promises tried hold, 1 at least one does not, 2 the command, a file or a runner is not usable, 4 nothing ran, 77 skipped "
      "(ctest), 130 interrupted.");
  Action chosen;
  AddDoctor(app, chosen);
  AddBuild(app, chosen);
  AddList(app, chosen);
  AddExplain(app, chosen);
  AddRun(app, chosen, CommandOf(count, arguments));
  AddReport(app, chosen);
  AddCompare(app, chosen);
  AddBless(app, chosen);
  AddMutate(app, chosen);
  AddBench(app, chosen);
  AddAbi(app, chosen);
  try {
    app.parse(count, arguments);
  } catch (const CLI::ParseError& e) {
    const int code = app.exit(e);
    return code == 0 ? kExitGood : kExitUsage;
  }
  if (!chosen) {
    fmt::print(stderr, "aoti-cts: a verb is missing, for example run\n\n{}", app.help());
    return kExitUsage;
  }
  return chosen();
}

}  // namespace
}  // namespace aoti_cts

int main(int count, char** arguments) {
  try {
    return aoti_cts::Main(count, arguments);
  } catch (const std::exception& e) {
    fmt::print(stderr, "aoti-cts: {}\n", e.what());
    return aoti_cts::kExitUsage;
  }
}
