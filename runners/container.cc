// SPDX-License-Identifier: Apache-2.0
// Runner `container`: torch::inductor::AOTIModelContainerRunnerCpu, or ...Cuda, on the library out of the package, as C++ programs use it that
// unpack their models themselves.
#include <ATen/record_function.h>
#include <torch/csrc/inductor/aoti_runner/model_container_runner_cpu.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <vector>

#include "runners/answer.h"
#include "runners/aoti_runner.h"
#include "runners/container_constants.h"
#include "runners/guarded_allocator.h"
#include "runners/kineto.h"
#include "runners/libtorch.h"
#include "runners/libtorch_cuda.h"
#include "runners/unpacked.h"

#if AOTI_TORCH_CUDA
#include <torch/csrc/inductor/aoti_runner/model_container_runner_cuda.h>
#endif

namespace aoti_runners {
namespace {

std::unique_ptr<Container> MakeContainer(const Unpacked& files, const aoti_load_options& options) {
  const std::string library = files.library().string();
  const auto runners = static_cast<size_t>(options.num_runners);
  const bool single_threaded = options.run_single_threaded != 0;
  if (files.device() == "cpu") return std::make_unique<torch::inductor::AOTIModelContainerRunnerCpu>(library, runners, single_threaded);
#if AOTI_TORCH_CUDA
  if (files.device() == "cuda") {
    const std::string device = options.device_index < 0 ? "cuda" : "cuda:" + std::to_string(options.device_index);
    return std::make_unique<torch::inductor::AOTIModelContainerRunnerCuda>(library, runners, device, files.folder().string(), single_threaded);
  }
#endif
  throw std::runtime_error("there is no container for the device \"" + files.device() + "\" that the metadata of the package names");
}

}  // namespace
}  // namespace aoti_runners

struct aoti_model {
  aoti_runners::Unpacked files;
  std::unique_ptr<aoti_runners::Container> container;
  explicit aoti_model(const aoti_load_options& options)
      : files(options.package_path, options.model_name), container(aoti_runners::MakeContainer(files, options)) {}
};

namespace aoti_runners {

Container& ContainerOf(aoti_model* model) { return *model->container; }

namespace {

using nlohmann::json;

aoti_status Open(const char* /*config_json*/, aoti_error* error) { return RequireBuiltTorch(error); }

aoti_status Describe(aoti_text_sink sink, aoti_error* error) {
  return Guarded(error, [&] {
    const json description{{"name", "container"},
                           {"base", "package"},  // the same library answers: what is known of it there holds here
                           {"about", "torch::inductor::AOTIModelContainerRunnerCpu and AOTIModelContainerRunnerCuda"},
                           {"torch", TorchDescription()},
                           {"devices", TorchDevices()},
                           {"capabilities",
                            {{"package", "unsupported"},
                             {"metadata", "unsupported"},
                             {"custom_operators", "supported"},
                             {"guarded_memory", "supported"},
                             {"input_checks", "supported"},
                             {"runs_at_once", "supported"},
                             {"current_stream", kCudaState},
                             {"cuda_graphs", kCudaState},
                             {"trace", "supported"},
                             {"constants", "supported"},
                             {"constant_names", "unsupported"},
                             {"constant_buffers", "supported"},
                             {"user_managed_constants", "supported"},
                             {"constants_from_file", ConstantsFromFileState()}}}};
    WriteTo(sink, description.dump());
  });
}

// What the package loader does by itself: a file with weights lies beside the library.
void LoadWeights(aoti_model& model) {
  const std::filesystem::path file = model.files.weights();
  const auto error = std::make_unique<aoti_error>();
  if (!file.empty() && LoadConstantsFromFileInto<Container>(*model.container, file.c_str(), error.get()) != AOTI_OK)
    throw std::runtime_error(error->text);
}

aoti_status Load(const aoti_load_options* options, aoti_model** model, aoti_error* error) {
  return Guarded(error, [&] {
    auto loaded = std::make_unique<aoti_model>(*options);
    LoadWeights(*loaded);
    *model = loaded.release();
  });
}

void Unload(aoti_model* model) { delete model; }

aoti_status Run(aoti_model* model, const aoti_value* inputs, size_t count, const aoti_run_options* options, aoti_outputs* outputs,
                aoti_error* error) {
  return Guarded(error, [&] {
    const std::vector<at::Tensor> tensors = BorrowInputs(inputs, count);
    const CallersModes modes(*options);
    const CallersStream stream(*options);
    RECORD_USER_SCOPE("aoti_run");
    GiveOutputs(model->container->run(tensors, stream.handed()), outputs);
  });
}

aoti_status CaptureRun(aoti_model* model, const aoti_value* inputs, size_t count, const aoti_run_options* options, aoti_graph** graph,
                       aoti_outputs* outputs, aoti_error* error) {
  const auto run = [&](const std::vector<at::Tensor>& tensors, void* stream) { return model->container->run(tensors, stream); };
  return CaptureRunWith(run, inputs, count, options, graph, outputs, error);
}

aoti_status ModelMetadata(aoti_model* /*model*/, aoti_text_sink /*sink*/, aoti_error* error) {
  return Unsupported(error, "a container has no metadata");
}

aoti_status PackageMetadata(const char* /*package_path*/, const char* /*model_name*/, aoti_text_sink /*sink*/, aoti_error* error) {
  return Unsupported(error, "no package is read");
}

aoti_status UpdateConstants(aoti_model* model, const aoti_named_value* values, size_t count, const aoti_update_options* options, aoti_error* error) {
  return Guarded(error, [&] {
    NamedTensors tensors = ByContainersNames(*model->container, BorrowAll(values, count));
    model->container->update_constant_buffer(tensors, options->inactive != 0, options->check_full != 0, options->user_managed != 0);
  });
}

constexpr aoti_runner_api kApi{.struct_size = sizeof(aoti_runner_api),
                               .api_version = AOTI_RUNNER_API_VERSION,
                               .open = Open,
                               .describe = Describe,
                               .load = Load,
                               .unload = Unload,
                               .run = Run,
                               .release_outputs = ReleaseOutputs,
                               .copy_values = CopyValues,
                               .capture_run = CaptureRun,
                               .replay_graph = ReplayGraph,
                               .release_graph = ReleaseGraph,
                               .model_metadata = ModelMetadata,
                               .package_metadata = PackageMetadata,
                               .set_memory = SetMemory,
                               .start_trace = StartTrace,
                               .stop_trace = StopTrace,
                               .list_constants = ListConstants,
                               .update_constants = UpdateConstants,
                               .extract_constants = ExtractConstants,
                               .release_constants = ReleaseConstants,
                               .swap_constants = SwapConstants,
                               .free_inactive_constants = FreeInactiveConstants,
                               .fold_constants = FoldConstants,
                               .load_constants_from_file = LoadConstantsFromFile};

}  // namespace
}  // namespace aoti_runners

const aoti_runner_api* aoti_get_runner_api(uint32_t api_version) { return api_version == AOTI_RUNNER_API_VERSION ? &aoti_runners::kApi : nullptr; }
