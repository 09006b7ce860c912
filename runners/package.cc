// SPDX-License-Identifier: Apache-2.0
// Runner `package`: torch::inductor::AOTIModelPackageLoader, the way PyTorch documents for C++.
#include <ATen/DLConvertor.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/from_blob.h>
#include <ATen/record_function.h>
#include <c10/core/GradMode.h>
#include <c10/core/InferenceMode.h>
#include <dlfcn.h>
#include <torch/csrc/autograd/profiler_kineto.h>
#include <torch/csrc/inductor/aoti_package/model_package_loader.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <regex>
#include <set>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

#include "runners/answer.h"
#include "runners/aoti_runner.h"
#include "runners/guarded_allocator.h"

struct aoti_model {
  torch::inductor::AOTIModelPackageLoader loader;
};

namespace aoti_runners {
namespace {

using nlohmann::json;

// What AOTI_BUILT_TORCH and AOTI_BUILT_GIT say was there when this file was compiled, read again from the torch that was really loaded.
struct TorchIdentity {
  std::string version;
  std::string git;
  std::string library;
};

TorchIdentity LoadedTorch() {
  TorchIdentity identity;
  Dl_info info{};
  if (dladdr(reinterpret_cast<void*>(&torch::inductor::getAOTIModelRunnerRegistry), &info) == 0) return identity;
  std::error_code ignored;
  const auto library = std::filesystem::canonical(info.dli_fname, ignored);
  identity.library = library.string();
  std::ifstream stream(library.parent_path().parent_path() / "version.py");
  const std::regex assignment(R"(^(__version__|git_version) = '([^']*)')");
  std::smatch match;
  for (std::string line; std::getline(stream, line);) {
    if (std::regex_search(line, match, assignment)) (match[1] == "git_version" ? identity.git : identity.version) = match[2];
  }
  return identity;
}

at::Tensor Borrow(const aoti_value& value) {
  const DLTensor& t = value.tensor;
  const at::IntArrayRef sizes(t.shape, static_cast<size_t>(t.ndim));
  const at::IntArrayRef strides(t.strides, static_cast<size_t>(t.ndim));
  const auto options = at::TensorOptions().dtype(at::toScalarType(t.dtype)).device(at::kCPU);
  auto* data = static_cast<char*>(t.data) + t.byte_offset;
  // A view keeps its place in its storage, as a slice in PyTorch does; where the place is no whole number of elements it cannot.
  auto* storage = static_cast<char*>(value.storage_data);
  const int64_t bytes_before = storage != nullptr ? data - storage : 0;
  const auto size = static_cast<int64_t>(options.dtype().itemsize());
  const int64_t offset = bytes_before % size == 0 ? bytes_before / size : 0;
  at::Tensor tensor = at::for_blob(data - offset * size, sizes).strides(strides).storage_offset(offset).options(options).make_tensor();
  if ((value.flags & AOTI_FLAG_REQUIRES_GRAD) != 0) tensor.requires_grad_();
  return tensor;
}

struct OutputHolder {
  std::vector<at::Tensor> tensors;
  std::vector<aoti_value> values;
};

aoti_value ViewOf(const at::Tensor& tensor) {
  aoti_value value{};
  if (!tensor.defined()) {
    value.kind = AOTI_NONE;
    return value;
  }
  value.kind = AOTI_TENSOR;
  if (tensor.is_conj()) value.flags |= AOTI_FLAG_CONJ;
  if (tensor.is_neg()) value.flags |= AOTI_FLAG_NEG;
  if (tensor.requires_grad()) value.flags |= AOTI_FLAG_REQUIRES_GRAD;
  value.tensor.data = tensor.data_ptr();
  value.tensor.device = {tensor.is_cpu() ? kDLCPU : kDLCUDA, tensor.is_cpu() ? 0 : tensor.get_device()};
  value.tensor.ndim = static_cast<int32_t>(tensor.dim());
  value.tensor.dtype = at::getDLDataType(tensor);
  value.tensor.shape = const_cast<int64_t*>(tensor.sizes().data());      // DLPack has no const; nobody writes through it
  value.tensor.strides = const_cast<int64_t*>(tensor.strides().data());  // as above
  value.storage_data = const_cast<void*>(tensor.storage().data());       // as above
  value.storage_bytes = tensor.storage().nbytes();
  return value;
}

aoti_status Open(const char* /*config_json*/, aoti_error* error) {
  const TorchIdentity loaded = LoadedTorch();
  if (loaded.version == AOTI_BUILT_TORCH && loaded.git == AOTI_BUILT_GIT) return AOTI_OK;
  return Fail(error, AOTI_FAILED, "torch",
              "it was built for torch " AOTI_BUILT_TORCH " (" AOTI_BUILT_GIT ") and found " + loaded.version + " (" + loaded.git + ") at " +
                  loaded.library + "; run ./aoti-cts setup to build it again");
}

aoti_status Describe(aoti_text_sink sink, aoti_error* error) {
  return Guarded(error, [&] {
    const TorchIdentity loaded = LoadedTorch();
    const json description{{"name", "package"},
                           {"about", "torch::inductor::AOTIModelPackageLoader"},
                           {"torch", {{"version", loaded.version}, {"git", loaded.git}, {"library", loaded.library}}},
                           {"devices", {"cpu"}},
                           {"capabilities", {{"metadata", "supported"}, {"guarded_memory", "supported"}, {"num_runners", "supported"}}}};
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
    std::vector<at::Tensor> tensors;
    tensors.reserve(count);
    for (size_t i = 0; i < count; ++i) tensors.push_back(inputs[i].kind == AOTI_NONE ? at::Tensor() : Borrow(inputs[i]));
    std::optional<c10::InferenceMode> inference;
    if (options->inference_mode != 0) inference.emplace();
    const c10::AutoGradMode grad(options->grad_mode != 0);
    RECORD_USER_SCOPE("aoti_run");
    auto holder = std::make_unique<OutputHolder>();
    holder->tensors = model->loader.run(tensors, options->stream);
    for (const at::Tensor& tensor : holder->tensors) holder->values.push_back(ViewOf(tensor));
    *outputs = {holder->values.data(), holder->values.size(), holder.get()};
    holder.release();
  });
}

void ReleaseOutputs(aoti_outputs* outputs) {
  delete static_cast<OutputHolder*>(outputs->owner);
  *outputs = {};
}

aoti_status ModelMetadata(aoti_model* model, aoti_text_sink sink, aoti_error* error) {
  return Guarded(error, [&] { WriteTo(sink, json(model->loader.get_metadata()).dump()); });
}

aoti_status PackageMetadata(const char* package_path, const char* model_name, aoti_text_sink sink, aoti_error* error) {
  return Guarded(error,
                 [&] { WriteTo(sink, json(torch::inductor::AOTIModelPackageLoader::load_metadata_from_package(package_path, model_name)).dump()); });
}

aoti_status SetMemory(int32_t mode, uint8_t poison, aoti_error* error) {
  return Guarded(error, [&] { InstallAllocator(static_cast<aoti_memory_mode>(mode), poison); });
}

namespace profiler = torch::autograd::profiler;

aoti_status StartTrace(aoti_error* error) {
  return Guarded(error, [] {
    const std::set<profiler::ActivityType> activities{profiler::ActivityType::CPU};
    const profiler::ProfilerConfig config(profiler::ProfilerState::KINETO);
    profiler::prepareProfiler(config, activities);
    profiler::enableProfiler(config, activities);
  });
}

aoti_status StopTrace(const char* path, aoti_error* error) {
  return Guarded(error, [&] { profiler::disableProfiler()->save(path); });
}

constexpr aoti_runner_api kApi{sizeof(aoti_runner_api), AOTI_RUNNER_API_VERSION, Open,      Describe,   Load,     Unload, Run, ReleaseOutputs,
                               ModelMetadata,           PackageMetadata,         SetMemory, StartTrace, StopTrace};

}  // namespace
}  // namespace aoti_runners

const aoti_runner_api* aoti_get_runner_api(uint32_t api_version) { return api_version == AOTI_RUNNER_API_VERSION ? &aoti_runners::kApi : nullptr; }
