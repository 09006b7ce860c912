// SPDX-License-Identifier: Apache-2.0
// GPUs as ctest hands them out: the file that names them (`list --resources`, for `ctest --resource-spec-file`), and what an entry was given.
#pragma once

#include <string>

#include "fixtures/status.h"

namespace aoti_cts {

// What an entry that needs a GPU carries as its RESOURCE_GROUPS.
constexpr const char* kOneGpu = "gpus:1";

// The GPUs of this machine, or those that CUDA_VISIBLE_DEVICES leaves, one slot each: no two entries are on one at a time.
std::string ResourceSpec();

// The value of CUDA_VISIBLE_DEVICES that ctest's CTEST_RESOURCE_GROUP_* mean; empty where it has handed out none.
Expected<std::string> DevicesOfCtest();

}  // namespace aoti_cts
