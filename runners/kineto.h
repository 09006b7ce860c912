// SPDX-License-Identifier: Apache-2.0
// Traces of what runs in this process, by libtorch's own profiler.
#pragma once

#include <ATen/Context.h>
#include <torch/csrc/autograd/profiler_kineto.h>

#include <set>

#include "runners/answer.h"
#include "runners/aoti_runner.h"

namespace aoti_runners {

inline aoti_status StartTrace(aoti_error* error) {
  return Guarded(error, [] {
    namespace profiler = torch::autograd::profiler;
    std::set<profiler::ActivityType> activities{profiler::ActivityType::CPU};
    if (at::globalContext().hasCUDA()) activities.insert(profiler::ActivityType::CUDA);
    const profiler::ProfilerConfig config(profiler::ProfilerState::KINETO);
    profiler::prepareProfiler(config, activities);
    profiler::enableProfiler(config, activities);
  });
}

inline aoti_status StopTrace(const char* path, aoti_error* error) {
  return Guarded(error, [&] { torch::autograd::profiler::disableProfiler()->save(path); });
}

}  // namespace aoti_runners
