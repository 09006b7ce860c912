// SPDX-License-Identifier: Apache-2.0
// Runner `container`: torch::inductor::AOTIModelContainerRunnerCpu on the library out of the package, as C++ programs use it that unpack their
// models themselves.
#include <ATen/record_function.h>
#include <torch/csrc/inductor/aoti_runner/model_container_runner_cpu.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "runners/answer.h"
#include "runners/aoti_runner.h"
#include "runners/guarded_allocator.h"
#include "runners/kineto.h"
#include "runners/libtorch.h"
#include "runners/unpacked.h"

struct aoti_model {
  aoti_runners::Unpacked files;
  torch::inductor::AOTIModelContainerRunnerCpu container;
  explicit aoti_model(const aoti_load_options& options)
      : files(options.package_path, options.model_name),
        container(files.library().string(), static_cast<size_t>(options.num_runners), options.run_single_threaded != 0) {}
};

namespace aoti_runners {
namespace {

using nlohmann::json;

aoti_status Open(const char* /*config_json*/, aoti_error* error) { return RequireBuiltTorch(error); }

aoti_status Describe(aoti_text_sink sink, aoti_error* error) {
  return Guarded(error, [&] {
    const json description{{"name", "container"},
                           {"base", "package"},  // the same library answers: what is known of it there holds here
                           {"about", "torch::inductor::AOTIModelContainerRunnerCpu"},
                           {"torch", TorchDescription()},
                           {"devices", {"cpu"}},
                           {"capabilities",
                            {{"package", "unsupported"},
                             {"metadata", "unsupported"},
                             {"custom_operators", "supported"},
                             {"guarded_memory", "supported"},
                             {"input_checks", "supported"},
                             {"runs_at_once", "supported"},
                             {"trace", "supported"}}}};
    WriteTo(sink, description.dump());
  });
}

aoti_status Load(const aoti_load_options* options, aoti_model** model, aoti_error* error) {
  return Guarded(error, [&] { *model = new aoti_model(*options); });
}

void Unload(aoti_model* model) { delete model; }

aoti_status Run(aoti_model* model, const aoti_value* inputs, size_t count, const aoti_run_options* options, aoti_outputs* outputs,
                aoti_error* error) {
  return Guarded(error, [&] {
    std::vector<at::Tensor> tensors;
    tensors.reserve(count);
    for (size_t i = 0; i < count; ++i) tensors.push_back(Borrow(inputs[i]));
    const CallersModes modes(*options);
    RECORD_USER_SCOPE("aoti_run");
    GiveOutputs(model->container.run(tensors, options->stream), outputs);
  });
}

aoti_status ModelMetadata(aoti_model* /*model*/, aoti_text_sink /*sink*/, aoti_error* error) {
  return Unsupported(error, "a container has no metadata");
}

aoti_status PackageMetadata(const char* /*package_path*/, const char* /*model_name*/, aoti_text_sink /*sink*/, aoti_error* error) {
  return Unsupported(error, "no package is read");
}

constexpr aoti_runner_api kApi{sizeof(aoti_runner_api), AOTI_RUNNER_API_VERSION, Open,      Describe,   Load,     Unload, Run, ReleaseOutputs,
                               ModelMetadata,           PackageMetadata,         SetMemory, StartTrace, StopTrace};

}  // namespace
}  // namespace aoti_runners

const aoti_runner_api* aoti_get_runner_api(uint32_t api_version) { return api_version == AOTI_RUNNER_API_VERSION ? &aoti_runners::kApi : nullptr; }
