// SPDX-License-Identifier: Apache-2.0
// What the runners that link libtorch do on CUDA: the caller's stream as the current one, and a run captured into a graph. AOTI_TORCH_CUDA says
// whether the torch is one for CUDA and the toolkit's headers were there when the runner was compiled; without them all of it is unsupported.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "runners/answer.h"
#include "runners/aoti_runner.h"
#include "runners/libtorch.h"

#if AOTI_TORCH_CUDA
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

struct aoti_graph {
  at::cuda::CUDAGraph graph;
  std::vector<at::Tensor> inputs;
};
#endif

namespace aoti_runners {

inline constexpr const char* kCudaState = AOTI_TORCH_CUDA ? "supported" : "unsupported";

inline nlohmann::json TorchDevices() { return AOTI_TORCH_CUDA ? nlohmann::json{"cpu", "cuda"} : nlohmann::json{"cpu"}; }

#if AOTI_TORCH_CUDA

inline c10::cuda::CUDAStream StreamOf(void* stream) {
  return c10::cuda::getStreamFromExternal(static_cast<cudaStream_t>(stream), c10::cuda::current_device());
}

// Where the caller wants its stream to be the current one it is, as long as this lives, and the runtime is handed none.
class CallersStream {
 public:
  explicit CallersStream(const aoti_run_options& options) : handed_(options.stream_is_current != 0 ? nullptr : options.stream) {
    if (options.stream_is_current != 0) current_.emplace(StreamOf(options.stream));
  }
  void* handed() const { return handed_; }

 private:
  std::optional<c10::cuda::CUDAStreamGuard> current_;
  void* handed_;
};

// `run`: std::vector<at::Tensor>(const std::vector<at::Tensor>& inputs, void* stream). What it allocates lies in a pool of the graph's own, so the
// memory that a replay writes to is nobody else's.
template <typename Run>
aoti_status CaptureRunWith(const Run& run, const aoti_value* inputs, size_t count, const aoti_run_options* options, aoti_graph** graph,
                           aoti_outputs* outputs, aoti_error* error) {
  return Guarded(error, [&] {
    auto made = std::make_unique<aoti_graph>();
    made->inputs = BorrowInputs(inputs, count);
    const CallersModes modes(*options);
    const c10::cuda::CUDAStreamGuard current(StreamOf(options->stream));
    made->graph.capture_begin();
    std::vector<at::Tensor> answered;
    try {
      answered = run(made->inputs, options->stream);
    } catch (...) {
      try {
        made->graph.capture_end();  // so that the stream can be used again
      } catch (...) {               // the first exception says why
      }
      throw;
    }
    made->graph.capture_end();
    GiveOutputs(std::move(answered), outputs);
    *graph = made.release();
  });
}

inline aoti_status ReplayGraph(aoti_graph* graph, void* stream, aoti_error* error) {
  return Guarded(error, [&] {
    const c10::cuda::CUDAStreamGuard current(StreamOf(stream));
    graph->graph.replay();
  });
}

inline void ReleaseGraph(aoti_graph* graph) { delete graph; }

#else

class CallersStream {
 public:
  explicit CallersStream(const aoti_run_options& options) : handed_(options.stream) {}
  void* handed() const { return handed_; }

 private:
  void* handed_;
};

template <typename Run>
aoti_status CaptureRunWith(const Run& /*run*/, const aoti_value* inputs, size_t count, const aoti_run_options* options, aoti_graph** graph,
                           aoti_outputs* outputs, aoti_error* error) {
  return CaptureNoRun(nullptr, inputs, count, options, graph, outputs, error);
}

inline aoti_status ReplayGraph(aoti_graph* graph, void* stream, aoti_error* error) { return ReplayNoGraph(graph, stream, error); }
inline void ReleaseGraph(aoti_graph* /*graph*/) {}

#endif

}  // namespace aoti_runners
