// SPDX-License-Identifier: Apache-2.0
// Reading results.json back: what ResultsJson wrote, on another day or another machine.
#pragma once

#include <filesystem>
#include <string>

#include "reports/record.h"

namespace aoti_cts {

// A run, and the file it was read from.
struct RunFile {
  std::string file;
  Run run;
};

// Reads a results.json, or the one in the folder of a run. Fields that nobody knows are passed over: a newer suite may have added them.
// Throws std::runtime_error naming the file, the field and the fix where it is not whole, not of this schema, or does not add up.
RunFile ReadResults(const std::filesystem::path& file_or_folder);

}  // namespace aoti_cts
