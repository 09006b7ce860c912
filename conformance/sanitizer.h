// SPDX-License-Identifier: Apache-2.0
// NVIDIA's compute-sanitizer beside the tests of CUDA programs: where it is, how a test is started under it, and what its logs say.
//
// A test's process is forked from one that has loaded the runner, and nothing documents that the tool sees a process that was forked and not
// executed. So the sandboxed child executes the tool, and that this binary anew for the one test: `run --one-test ID --answer FILE`.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "fixtures/status.h"

namespace aoti_cts {

// Its tools, as `--tool` names them.
const std::vector<std::string>& SanitizerTools();

// On PATH, in CUDA_HOME, CUDA_PATH or /usr/local/cuda; else in words what to install.
Expected<std::filesystem::path> FindComputeSanitizer();

// The command that runs `target` under a tool, with one log per process in `logs`.
std::vector<std::string> SanitizerCommand(const std::filesystem::path& compute_sanitizer, const std::string& tool, const std::filesystem::path& logs,
                                          const std::vector<std::string>& target);

// What the logs of one test say.
struct SanitizerFindings {
  size_t count = 0;
  std::string first;      // its lines, without the tool's marks
  bool complete = false;  // a summary was written, or the tool says that no call of CUDA was made
};
SanitizerFindings ReadSanitizerLogs(const std::filesystem::path& logs);

}  // namespace aoti_cts
