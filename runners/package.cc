// SPDX-License-Identifier: Apache-2.0
// Runner `package`: torch::inductor::AOTIModelPackageLoader, the way PyTorch documents for C++.
#include <ATen/record_function.h>
#include <torch/csrc/inductor/aoti_package/model_package_loader.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "runners/answer.h"
#include "runners/aoti_runner.h"
#include "runners/container_constants.h"
#include "runners/guarded_allocator.h"
#include "runners/kineto.h"
#include "runners/libtorch.h"
#include "runners/libtorch_cuda.h"

struct aoti_model {
  torch::inductor::AOTIModelPackageLoader loader;
};

namespace aoti_runners {

Container& ContainerOf(aoti_model* model) { return *model->loader.get_runner(); }

namespace {

using nlohmann::json;

aoti_status Open(const char* /*config_json*/, aoti_error* error) { return RequireBuiltTorch(error); }

aoti_status Describe(aoti_text_sink sink, aoti_error* error) {
  return Guarded(error, [&] {
    const json description{{"name", "package"},
                           {"about", "torch::inductor::AOTIModelPackageLoader"},
                           {"torch", TorchDescription()},
                           {"devices", TorchDevices()},
                           {"capabilities",
                            {{"package", "supported"},
                             {"metadata", "supported"},
                             {"custom_operators", "supported"},
                             {"guarded_memory", "supported"},
                             {"input_checks", "supported"},
                             {"runs_at_once", "supported"},
                             {"current_stream", kCudaState},
                             {"cuda_graphs", kCudaState},
                             {"trace", "supported"},
                             {"constants", "supported"},
                             {"constant_names", "supported"},
                             {"constant_buffers", "supported"},
                             {"user_managed_constants", "supported"},
                             {"constants_from_file", ConstantsFromFileState()}}}};
    WriteTo(sink, description.dump());
  });
}

aoti_status Load(const aoti_load_options* options, aoti_model** model, aoti_error* error) {
  return Guarded(error, [&] {
    *model = new aoti_model{torch::inductor::AOTIModelPackageLoader(options->package_path, options->model_name, options->run_single_threaded != 0,
                                                                    static_cast<size_t>(options->num_runners),
                                                                    static_cast<c10::DeviceIndex>(options->device_index))};
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
    GiveOutputs(model->loader.run(tensors, stream.handed()), outputs);
  });
}

aoti_status CaptureRun(aoti_model* model, const aoti_value* inputs, size_t count, const aoti_run_options* options, aoti_graph** graph,
                       aoti_outputs* outputs, aoti_error* error) {
  const auto run = [&](const std::vector<at::Tensor>& tensors, void* stream) { return model->loader.run(tensors, stream); };
  return CaptureRunWith(run, inputs, count, options, graph, outputs, error);
}

aoti_status ModelMetadata(aoti_model* model, aoti_text_sink sink, aoti_error* error) {
  return Guarded(error, [&] { WriteTo(sink, json(model->loader.get_metadata()).dump()); });
}

aoti_status PackageMetadata(const char* package_path, const char* model_name, aoti_text_sink sink, aoti_error* error) {
  return Guarded(error,
                 [&] { WriteTo(sink, json(torch::inductor::AOTIModelPackageLoader::load_metadata_from_package(package_path, model_name)).dump()); });
}

// By fully qualified names, as its users do.
aoti_status UpdateConstants(aoti_model* model, const aoti_named_value* values, size_t count, const aoti_update_options* options, aoti_error* error) {
  return Guarded(error, [&] {
    NamedTensors tensors = BorrowAll(values, count);
    model->loader.load_constants(tensors, options->inactive != 0, options->check_full != 0, options->user_managed != 0);
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
