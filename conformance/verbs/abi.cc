// SPDX-License-Identifier: Apache-2.0
// abi: the C functions between packages and PyTorch, as a list of one torch, and what differs between two. Lists lie in conformance/abi/.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>
#include <filesystem>
#include <memory>
#include <string>

#include "conformance/verbs/verbs.h"
#include "fixtures/c_interface.h"
#include "fixtures/json_file.h"
#include "reports/text.h"

namespace aoti_cts {
namespace {

std::string Today() { return fmt::format("{:%Y-%m-%d}", fmt::gmtime(std::time(nullptr))); }

// A list, or a torch folder to make one from.
Expected<CInterface> Read(const std::filesystem::path& named) {
  return std::filesystem::is_directory(named) ? ReadTorchFolder(named, Today()) : ReadCInterface(named);
}

int MakeList(const std::filesystem::path& torch, const std::filesystem::path& out) {
  auto interface = ReadTorchFolder(torch, Today());
  if (!interface) return Complain(interface.error());
  const std::string counted = fmt::format("torch {}: {} that packages may use, {} more on CUDA, {} that packages offer", interface->torch,
                                          Counted(interface->functions.size(), "C function"), interface->functions_of_cuda.size(),
                                          Counted(interface->entry_points.size(), "entry point"));
  if (out.empty()) {
    fmt::print("{}", ToText(*interface));
    fmt::print(stderr, "{}\n", counted);
    return kExitGood;
  }
  if (auto written = WriteFileAtomically(std::filesystem::absolute(out), ToText(*interface)); !written) return Complain(written.error());
  fmt::print("{}: {}\n", out.string(), counted);
  return kExitGood;
}

void PrintNames(const char* what, const std::vector<std::string>& names) {
  for (const std::string& name : names) fmt::print("  {} {}\n", what, name);
}

void PrintChange(const std::string& title, const CFunctionsChange& change, const CFunctions& base, const CFunctions& candidate) {
  fmt::print("{}: {} removed, {} declared otherwise, {} added\n", title, change.removed.size(), change.changed.size(), change.added.size());
  PrintNames("removed:", change.removed);
  for (const std::string& name : change.changed) {
    fmt::print("  declared otherwise: {}\n    was {}\n    is  {}\n", name, base.at(name), candidate.at(name));
  }
  PrintNames("added:", change.added);
}

bool Breaks(const CFunctionsChange& change) { return !change.removed.empty() || !change.changed.empty(); }

// What the difference means to somebody who has packages of one torch and the runtime of the other.
void PrintMeaning(const CInterface& base, const CInterface& candidate, const CFunctionsChange& functions, const char* of_cuda = "") {
  if (!Breaks(functions)) {
    fmt::print("A package of {} finds in {} every function{} it may use, declared as it was.\n", base.torch, candidate.torch, of_cuda);
  } else {
    fmt::print(
        "A package of {} that uses one of the functions{} removed does not load with {}, and one that uses a function{} declared otherwise\n"
        "calls it with the wrong arguments.\n",
        base.torch, of_cuda, candidate.torch, of_cuda);
  }
  if (!functions.added.empty())
    fmt::print("A package of {} that uses one of the functions{} added does not load with {}.\n", candidate.torch, of_cuda, base.torch);
}

void PrintMeaningForHosts(const CInterface& base, const CInterface& candidate, const CFunctionsChange& entry_points) {
  if (Breaks(entry_points)) {
    fmt::print("A host built with {} asks packages of {} for entry points that are gone or take other arguments.\n", base.torch, candidate.torch);
  } else if (!entry_points.added.empty()) {
    fmt::print("A host built with {} must do without the entry points added where it loads a package of {}.\n", candidate.torch, base.torch);
  }
}

int Diff(const std::filesystem::path& base_file, const std::filesystem::path& candidate_file) {
  auto base = Read(base_file);
  if (!base) return Complain(base.error());
  auto candidate = Read(candidate_file);
  if (!candidate) return Complain(candidate.error());
  const CFunctionsChange functions = Compare(base->functions, candidate->functions);
  const bool both_on_cuda = !base->functions_of_cuda.empty() && !candidate->functions_of_cuda.empty();
  const CFunctionsChange of_cuda = both_on_cuda ? Compare(base->functions_of_cuda, candidate->functions_of_cuda) : CFunctionsChange{};
  const CFunctionsChange entry_points = Compare(base->entry_points, candidate->entry_points);
  fmt::print("torch {} -> {}\n\n", base->torch, candidate->torch);
  PrintChange("C functions that packages may use", functions, base->functions, candidate->functions);
  if (both_on_cuda) {
    PrintChange("C functions of CUDA that packages may use", of_cuda, base->functions_of_cuda, candidate->functions_of_cuda);
  } else {
    fmt::print("C functions of CUDA are not compared: {} has none\n", (base->functions_of_cuda.empty() ? base : candidate)->torch);
  }
  PrintChange("entry points that packages offer", entry_points, base->entry_points, candidate->entry_points);
  fmt::print("\n");
  PrintMeaning(*base, *candidate, functions);
  if (both_on_cuda) PrintMeaning(*base, *candidate, of_cuda, " of CUDA");
  PrintMeaningForHosts(*base, *candidate, entry_points);
  return Breaks(functions) || Breaks(of_cuda) || Breaks(entry_points) ? kExitRed : kExitGood;
}

void AddListVerb(CLI::App& abi, Action& chosen) {
  struct Options {
    std::filesystem::path torch = AOTI_TORCH_ROOT;
    std::filesystem::path out;
  };
  auto options = std::make_shared<Options>();
  CLI::App* verb = abi.add_subcommand("list", "make the list of a torch; a pinned one is kept as conformance/abi/torch-<version>.json");
  verb->add_option("torch", options->torch, "torch folder, with lib/ and include/ (default: the one this suite was built for)");
  verb->add_option("-o,--out", options->out, "write it there");
  verb->callback([options, &chosen] { chosen = [options] { return MakeList(options->torch, options->out); }; });
}

void AddDiffVerb(CLI::App& abi, Action& chosen) {
  struct Options {
    std::filesystem::path base, candidate;
  };
  auto options = std::make_shared<Options>();
  CLI::App* verb = abi.add_subcommand("diff", "say what differs between two, and what that means for packages of the one with the other");
  verb->add_option("base", options->base, "list or torch folder to compare with")->required();
  verb->add_option("candidate", options->candidate, "list or torch folder to judge")->required();
  verb->footer("Exit codes: 0 nothing was removed or declared otherwise, 1 something was, 2 a file is not usable.");
  verb->callback([options, &chosen] { chosen = [options] { return Diff(options->base, options->candidate); }; });
}

}  // namespace

void AddAbi(CLI::App& app, Action& chosen) {
  CLI::App* verb = app.add_subcommand("abi", "the C functions between packages and PyTorch: list those of a torch, or what differs between two");
  verb->require_subcommand(1);
  AddListVerb(*verb, chosen);
  AddDiffVerb(*verb, chosen);
}

}  // namespace aoti_cts
