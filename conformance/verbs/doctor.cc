// SPDX-License-Identifier: Apache-2.0
// doctor: what is here, and what is missing for which verb.
#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include "conformance/verbs/verbs.h"
#include "fixtures/cuda_devices.h"
#include "fixtures/packages.h"
#include "fixtures/sandbox.h"

namespace aoti_cts {
namespace {

std::string FirstLineOf(const std::string& command) {
  FILE* pipe = popen((command + " 2>/dev/null").c_str(), "r");
  if (pipe == nullptr) return {};
  std::array<char, 512> line{};
  const bool any = fgets(line.data(), line.size(), pipe) != nullptr;
  const int status = pclose(pipe);
  std::string text = any && status == 0 ? line.data() : "";
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

std::string Processor() {
  std::ifstream cpuinfo("/proc/cpuinfo");
  for (std::string line; std::getline(cpuinfo, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

std::string VectorFeatures() {
  std::ifstream cpuinfo("/proc/cpuinfo");
  std::string found;
  for (std::string line; std::getline(cpuinfo, line);) {
    if (!line.starts_with("flags")) continue;
    for (const char* feature : {"avx2", "avx512f", "avx512_vnni", "amx_tile"}) {
      if ((line + " ").find(std::string(" ") + feature + " ") != std::string::npos) found += std::string(found.empty() ? "" : " ") + feature;
    }
    break;
  }
  return found.empty() ? "none known" : found;
}

class Report {
 public:
  void Row(const std::string& what, const std::string& value) { fmt::print("  {:<12} {}\n", what, value); }
  void Missing(const std::string& what, const std::string& fix) {
    fmt::print("  {:<12} MISSING: {}\n", what, fix);
    complete_ = false;
  }
  bool complete() const { return complete_; }

 private:
  bool complete_ = true;
};

// Opens the runner in a child, so that this process stays light.
void DescribeRunner(Report& report, const std::string& name, const Paths& paths) {
  auto spec = ParseRunnerSpec(name, paths.runners);
  if (!spec) return report.Missing("runner", spec.error().message);
  const auto temporary = TemporaryFolder();
  if (!temporary) return report.Missing("TMPDIR", temporary.error().message);
  SandboxOptions options;
  options.base = *temporary;
  options.deadline_seconds = 60;
  const SandboxResult result = RunInSandbox(options, [&] {
    auto runner = Runner::Open(*spec);
    return runner ? "+" + (*runner)->description().raw.dump() : "-" + runner.error().message;
  });
  if (result.end != SandboxResult::End::kReturned) return report.Missing("runner", name + ": " + result.EndInWords());
  if (result.answer[0] == '-') return report.Missing("runner", result.answer.substr(1));
  const auto description = nlohmann::json::parse(result.answer.substr(1));
  report.Row("runner", name + ": " + description.value("about", ""));
  if (!description.contains("torch")) return;
  const auto& torch = description.at("torch");
  report.Row("  torch", fmt::format("{} ({})", torch.value("version", "?"), torch.value("git", "?")));
  report.Row("  library", torch.value("library", "?"));
}

std::string CudaDevicesInWords() {
  const auto temporary = TemporaryFolder();
  if (!temporary) return temporary.error().message;
  const CudaDevices devices = FindCudaDevices(*temporary);
  return devices.words + (devices.count == 0 ? ": CUDA tests are unavailable on this machine" : "");
}

int Execute(const Paths& paths) {
  Report report;
  fmt::print("machine\n");
  report.Row("processor", fmt::format("{}, {} threads", Processor(), std::thread::hardware_concurrency()));
  report.Row("vectors", VectorFeatures());
  report.Row("CUDA device", CudaDevicesInWords());
  const std::string nvcc = FirstLineOf("nvcc --version | tail -n 2");
  report.Row("CUDA Toolkit", nvcc.empty() ? "none" : nvcc);
  fmt::print("generators (for build and bless)\n");
  const std::string compiler = FirstLineOf("${CXX:-g++} --version");
  if (compiler.empty()) {
    report.Missing("compiler", "install g++, or set CXX");
  } else {
    report.Row("compiler", compiler);
  }
  const std::string python = std::string(AOTI_PYTHON).empty() ? "" : FirstLineOf(std::string(AOTI_PYTHON) + " --version");
  if (python.empty()) {
    report.Missing("Python", "run ./aoti-cts setup, or name an environment with AOTI_CTS_TORCH");
  } else {
    report.Row("Python", python + ", " + AOTI_PYTHON);
  }
  report.Row("torch", AOTI_TORCH_VERSION " in " AOTI_TORCH_ROOT);
  fmt::print("runtime\n");
  DescribeRunner(report, "package", paths);
  fmt::print("suite\n");
  report.Row("version", AOTI_SUITE_VERSION);
  auto cases = ReadCases(paths.plan);
  if (cases) {
    const auto claims = std::count_if(cases->begin(), cases->end(), [](const Case& c) { return c.is_claim(); });
    const auto hostile = std::count_if(cases->begin(), cases->end(), [](const Case& c) { return c.is_hostile(); });
    report.Row("cases", fmt::format("{}, {} claims of documents and {} hostile packages", std::ssize(*cases) - claims - hostile, claims, hostile));
  } else {
    report.Missing("cases", cases.error().message);
  }
  auto packages = ReadPackages(paths.packages);
  if (packages) {
    size_t ready = 0;
    for (const auto& [name, entry] : packages->by_case) ready += packages->Find(name).ok() ? 1 : 0;
    report.Row("packages", fmt::format("{} of {} ready, compiled with torch {}", ready, packages->by_case.size(), packages->torch));
  } else {
    report.Row("packages", "none yet: ./aoti-cts build");
  }
  fmt::print("{}\n", report.complete() ? "all that build and run need is here" : "something is missing: see above");
  return report.complete() ? kExitGood : kExitUsage;
}

}  // namespace

void AddDoctor(CLI::App& app, Action& chosen) {
  auto paths = std::make_shared<Paths>(DefaultPaths());
  CLI::App* verb = app.add_subcommand("doctor", "say what is here and what is missing: torch, compiler, ISA, devices, packages");
  verb->callback([paths, &chosen] { chosen = [paths] { return Execute(*paths); }; });
}

}  // namespace aoti_cts
