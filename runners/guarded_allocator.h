// SPDX-License-Identifier: Apache-2.0
// A c10 allocator that puts every CPU allocation of libtorch beside an unreadable page and fills it with a poison byte, so that outputs and
// intermediates are watched like the caller's inputs.
#pragma once

#include <cstdint>

#include "runners/answer.h"
#include "runners/aoti_runner.h"

namespace aoti_runners {

// Replaces libtorch's CPU allocator in this process, or gives the original back for AOTI_MEMORY_PLAIN. Memory taken before stays valid.
void InstallAllocator(aoti_memory_mode mode, uint8_t poison);

// set_memory() of every runner that links libtorch.
inline aoti_status SetMemory(int32_t mode, uint8_t poison, aoti_error* error) {
  return Guarded(error, [&] { InstallAllocator(static_cast<aoti_memory_mode>(mode), poison); });
}

}  // namespace aoti_runners
