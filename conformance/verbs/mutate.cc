// SPDX-License-Identifier: Apache-2.0
// mutate: proves that the suite can fail. Each fault of the runner `faulty` must turn the requirement it breaks red, and the control must not.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "conformance/verbs/verbs.h"
#include "fixtures/sandbox.h"
#include "reports/text.h"

namespace aoti_cts {
namespace {

struct MutateOptions {
  Paths paths = DefaultPaths();
  std::vector<std::string> faults;
  std::vector<std::string> cases;  // none: all
  bool on_cuda = false;
  std::filesystem::path out = RunsFolder() / "mutate";
  bool list = false;
};

Expected<CampaignResult> RunWith(const MutateOptions& options, const Fault& fault) {
  auto spec = ParseRunnerSpec("faulty:" + fault.name, options.paths.runners);
  if (!spec) return spec.error();
  CampaignOptions campaign;
  campaign.paths = options.paths;
  campaign.runners = {*spec};
  campaign.folder = options.out / fault.name;
  campaign.command = "./aoti-cts mutate " + fault.name;
  campaign.quiet = true;
  campaign.deadline_seconds = 3;
  campaign.jobs = fault.killed_by.empty() ? 2 : 1;
  campaign.stop_at_first_red = !fault.killed_by.empty();
  if (fault.killed_by.empty()) {
    campaign.selection.claims = false;  // no runner has a part in them
  } else {
    campaign.selection.tests = {fault.killed_by + "/*"};
  }
  campaign.selection.cases = options.cases;
  return RunCampaign(campaign);
}

// The record that names the fault: a red one of the requirement it breaks.
const Record* KillerOf(const Run& run) {
  for (const Record& record : run.records) {
    const bool judged = record.verdict == Verdict::kFail || record.verdict == Verdict::kCrash || record.verdict == Verdict::kTimeout;
    if (judged) return &record;
  }
  return nullptr;
}

// Why a fault was not tried, where that is so: it breaks what is about a device, or what no named program is asked.
std::string NotTried(const Run& run, const Fault& fault) {
  if (run.records.empty()) return "none of these programs is asked " + fault.killed_by;
  const auto unavailable = [](const Record& record) { return record.verdict == Verdict::kUnavailable; };
  const bool none_tried = std::all_of(run.records.begin(), run.records.end(), unavailable);
  return fault.on_cuda && none_tried ? run.records.front().message : "";
}

int Execute(const MutateOptions& options) {
  setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);  // a line per fault as it is tried, in a log too
  auto faults = KnownFaults(options.paths);
  if (!faults) return Complain(faults.error());
  for (const std::string& name : options.faults) {
    if (std::none_of(faults->begin(), faults->end(), [&](const Fault& f) { return f.name == name; })) {
      return Complain({fmt::format("no fault is called {}: ./aoti-cts mutate --list names them", name)});
    }
  }
  int survived = 0, false_alarms = 0, tried = 0, not_tried = 0;
  for (const Fault& fault : *faults) {
    if (options.list) {
      fmt::print("{}{:<22} killed by {}\n", Hanging(fmt::format("{:<22} ", fault.name), fault.what), "",
                 fault.killed_by.empty() ? "nothing: it must stay green" : fault.killed_by);
      continue;
    }
    if (options.on_cuda && !fault.on_cuda && !fault.killed_by.empty()) continue;
    if (!options.faults.empty() && std::find(options.faults.begin(), options.faults.end(), fault.name) == options.faults.end()) continue;
    auto result = RunWith(options, fault);
    if (!result) return Complain(result.error());
    if (result->run.interrupted) {
      fmt::print(stderr, "interrupted at the fault {}: what stands above holds, the rest was not tried\n", fault.name);
      return kExitInterrupted;
    }
    if (const std::string why = NotTried(result->run, fault); !why.empty()) {
      ++not_tried;
      fmt::print("{:<22} not tried: {}\n", fault.name, why);
      continue;
    }
    ++tried;
    const Record* killer = KillerOf(result->run);
    if (fault.killed_by.empty()) {
      if (result->exit_code != kExitGood) ++false_alarms;
      fmt::print("{:<22} {}\n", fault.name,
                 result->exit_code == kExitGood ? fmt::format("control: {} tests, no false alarm", result->run.records.size())
                                                : "FALSE ALARM: " + (killer != nullptr ? killer->id : std::string("see the run")));
    } else if (killer == nullptr) {
      ++survived;
      fmt::print("{:<22} SURVIVED {} tests of {}\n", fault.name, result->run.records.size(), fault.killed_by);
    } else {
      fmt::print("{:<22} {} {}\n{:<22} {}\n", fault.name, InfoOf(killer->verdict).name, killer->id, "",
                 killer->message.substr(0, std::min<size_t>(killer->message.find('\n'), 160)));
    }
  }
  if (options.list) return kExitGood;
  const std::string rest = not_tried > 0 ? fmt::format(", {} not tried", not_tried) : "";
  fmt::print("{} faults tried, {} survived, {} false alarms{}\n", tried, survived, false_alarms, rest);
  return survived + false_alarms == 0 ? kExitGood : kExitRed;
}

}  // namespace

Expected<std::vector<Fault>> KnownFaults(const Paths& paths) {
  auto spec = ParseRunnerSpec("faulty:none", paths.runners);
  if (!spec) return spec.error();
  const auto temporary = TemporaryFolder();
  if (!temporary) return temporary.error();
  SandboxOptions options;
  options.base = *temporary;
  options.deadline_seconds = 60;
  const SandboxResult result = RunInSandbox(options, [&] {
    auto runner = Runner::Open(*spec);
    return runner ? "+" + (*runner)->description().raw.at("faults").dump() : "-" + runner.error().message;
  });
  if (result.end != SandboxResult::End::kReturned) return Error{"runner faulty: " + result.EndInWords()};
  if (result.answer[0] == '-') return Error{result.answer.substr(1)};
  std::vector<Fault> faults;
  for (const auto& row : nlohmann::json::parse(result.answer.substr(1))) {
    faults.push_back({row.at("name").get<std::string>(), row.at("what").get<std::string>(), row.at("killed_by").get<std::string>(),
                      row.at("on_cuda").get<bool>()});
  }
  return faults;
}

void AddMutate(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<MutateOptions>();
  CLI::App* verb = app.add_subcommand("mutate", "break one promise at a time on purpose and see that the suite names it");
  verb->add_option("faults", options->faults, "only these faults");
  verb->add_option("--case", options->cases, "only with this program (repeatable)");
  verb->add_flag("--on-cuda", options->on_cuda, "only faults that are about a device, and the control");
  verb->add_flag("--list", options->list, "name the faults and what must notice them");
  verb->add_option("-o,--out", options->out, "folder of the runs");
  AddPathOptions(*verb, options->paths);
  verb->callback([options, &chosen] { chosen = [options] { return Execute(*options); }; });
}

}  // namespace aoti_cts
