// SPDX-License-Identifier: Apache-2.0
// Runner `c_abi`: the library out of the package, by dlopen and the C functions that torch/csrc/inductor/aoti_runtime/interface.h and
// aoti_torch/c/shim.h declare, and nothing else: no C++ class of PyTorch stands between the caller and the model.
#include <dlfcn.h>
#include <torch/csrc/inductor/aoti_runtime/interface.h>
#include <torch/csrc/inductor/aoti_torch/c/shim.h>

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "runners/answer.h"
#include "runners/aoti_runner.h"
#include "runners/guarded_allocator.h"
#include "runners/libtorch.h"
#include "runners/unpacked.h"

namespace aoti_runners {
namespace {

using nlohmann::json;

// The functions of one model's library. Those that not every release of torch has may be null.
class Library {
 public:
  explicit Library(const std::string& path) : handle_(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (handle_ == nullptr) throw std::runtime_error(dlerror());
    Find(create_with_device, "AOTInductorModelContainerCreateWithDevice", false);
    Find(create, "AOTInductorModelContainerCreate", create_with_device == nullptr);
    Find(destroy, "AOTInductorModelContainerDelete", true);
    Find(run, "AOTInductorModelContainerRun", true);
    Find(run_single_threaded, "AOTInductorModelContainerRunSingleThreaded", false);
    Find(num_outputs, "AOTInductorModelContainerGetNumOutputs", true);
    Find(last_error, "AOTInductorGetLastError", false);
  }
  ~Library() { dlclose(handle_); }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  decltype(&AOTInductorModelContainerCreate) create;
  decltype(&AOTInductorModelContainerCreateWithDevice) create_with_device;
  decltype(&AOTInductorModelContainerDelete) destroy;
  decltype(&AOTInductorModelContainerRun) run;
  decltype(&AOTInductorModelContainerRunSingleThreaded) run_single_threaded;
  decltype(&AOTInductorModelContainerGetNumOutputs) num_outputs;
  AOTIRuntimeError (*last_error)(const char**);

  // Throws in the library's words where `code` is no success.
  void Require(AOTIRuntimeError code, const char* function) const {
    if (code == AOTI_RUNTIME_SUCCESS) return;
    const char* words = nullptr;
    if (last_error != nullptr && last_error(&words) == AOTI_RUNTIME_SUCCESS && words != nullptr && *words != '\0') throw std::runtime_error(words);
    throw std::runtime_error(std::string(function) + " returned " + std::to_string(code));  // its words are on standard error
  }

 private:
  template <typename Function>
  void Find(Function& function, const char* name, bool required) {
    function = reinterpret_cast<Function>(dlsym(handle_, name));
    if (function == nullptr && required) throw std::runtime_error(std::string("the library does not export ") + name);
  }

  void* handle_;
};

void RequireShim(AOTITorchError code, const char* function) {
  if (code != AOTI_TORCH_SUCCESS) throw std::runtime_error(std::string(function) + " returned " + std::to_string(code));
}

}  // namespace
}  // namespace aoti_runners

struct aoti_model {
  aoti_runners::Unpacked files;
  aoti_runners::Library library;
  AOTInductorModelContainerHandle container = nullptr;
  bool single_threaded;
  size_t outputs = 0;

  explicit aoti_model(const aoti_load_options& options)
      : files(options.package_path, options.model_name), library(files.library().string()), single_threaded(options.run_single_threaded != 0) {
    const auto runners = static_cast<size_t>(options.num_runners);
    const AOTIRuntimeError code = library.create_with_device != nullptr ? library.create_with_device(&container, runners, "cpu", nullptr)
                                                                        : library.create(&container, runners, /*is_cpu=*/true, nullptr);
    library.Require(code, "AOTInductorModelContainerCreate");
    library.Require(library.num_outputs(container, &outputs), "AOTInductorModelContainerGetNumOutputs");
  }
  ~aoti_model() {
    if (container != nullptr) library.destroy(container);
  }
  aoti_model(const aoti_model&) = delete;
  aoti_model& operator=(const aoti_model&) = delete;
};

namespace aoti_runners {
namespace {

aoti_status Open(const char* /*config_json*/, aoti_error* error) { return RequireBuiltTorch(error); }

aoti_status Describe(aoti_text_sink sink, aoti_error* error) {
  return Guarded(error, [&] {
    const json description{{"name", "c_abi"},
                           {"base", "package"},  // the same library answers: what is known of it there holds here
                           {"about", "the package's library through the C functions of aoti_runtime/interface.h"},
                           {"torch", TorchDescription()},
                           {"devices", {"cpu"}},
                           {"capabilities",
                            {{"package", "unsupported"},
                             {"metadata", "unsupported"},
                             {"custom_operators", "unsupported"},
                             {"guarded_memory", "supported"},
                             {"input_checks", "supported"},
                             {"runs_at_once", "supported"},
                             {"trace", "unsupported"}}}};
    WriteTo(sink, description.dump());
  });
}

aoti_status Load(const aoti_load_options* options, aoti_model** model, aoti_error* error) {
  return Guarded(error, [&] { *model = new aoti_model(*options); });
}

void Unload(aoti_model* model) { delete model; }

struct Handle {
  AtenTensorHandle raw = nullptr;
  Handle() = default;
  explicit Handle(AtenTensorHandle handle) : raw(handle) {}
  ~Handle() {
    if (raw != nullptr) aoti_torch_delete_tensor_object(raw);
  }
  Handle(Handle&& other) noexcept : raw(std::exchange(other.raw, nullptr)) {}
  Handle& operator=(Handle&&) = delete;
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  AtenTensorHandle release() { return std::exchange(raw, nullptr); }
};

Handle HandleOf(const aoti_value& value) {
  if (value.kind == AOTI_NONE) return {};
  const DLTensor& t = value.tensor;
  const auto dtype = static_cast<int32_t>(at::toScalarType(t.dtype));  // shim.h: the numbers are ScalarType's
  const auto [storage, offset] = PlaceOf(value, static_cast<int64_t>(aoti_torch_dtype_element_size(dtype)));
  AtenTensorHandle made = nullptr;
  RequireShim(aoti_torch_create_tensor_from_blob(storage, t.ndim, t.shape, t.strides, offset, dtype, aoti_torch_device_type_cpu(), 0, &made),
              "aoti_torch_create_tensor_from_blob");
  return Handle(made);
}

// Owns the handles that the views look at.
struct Answered {
  std::vector<Handle> handles;
  std::vector<aoti_value> values;
};

aoti_value ViewOf(AtenTensorHandle handle) {
  aoti_value value{};
  value.kind = handle != nullptr ? AOTI_TENSOR : AOTI_NONE;
  if (handle == nullptr) return value;
  void* data = nullptr;
  int64_t* sizes = nullptr;
  int64_t* strides = nullptr;
  int64_t dim = 0, offset = 0, bytes = 0;
  int32_t dtype = 0, device = 0;
  RequireShim(aoti_torch_get_data_ptr(handle, &data), "aoti_torch_get_data_ptr");
  RequireShim(aoti_torch_get_sizes(handle, &sizes), "aoti_torch_get_sizes");
  RequireShim(aoti_torch_get_strides(handle, &strides), "aoti_torch_get_strides");
  RequireShim(aoti_torch_get_dim(handle, &dim), "aoti_torch_get_dim");
  RequireShim(aoti_torch_get_storage_offset(handle, &offset), "aoti_torch_get_storage_offset");
  RequireShim(aoti_torch_get_storage_size(handle, &bytes), "aoti_torch_get_storage_size");
  RequireShim(aoti_torch_get_dtype(handle, &dtype), "aoti_torch_get_dtype");
  RequireShim(aoti_torch_get_device_type(handle, &device), "aoti_torch_get_device_type");
  value.tensor.data = data;
  value.tensor.device = {device == aoti_torch_device_type_cpu() ? kDLCPU : kDLCUDA, 0};
  value.tensor.ndim = static_cast<int32_t>(dim);
  value.tensor.dtype = at::getDLDataType(at::empty({0}, static_cast<at::ScalarType>(dtype)));
  value.tensor.shape = sizes;
  value.tensor.strides = strides;
  value.storage_data = static_cast<char*>(data) - offset * static_cast<int64_t>(aoti_torch_dtype_element_size(dtype));
  value.storage_bytes = static_cast<uint64_t>(bytes);
  return value;
}

aoti_status Run(aoti_model* model, const aoti_value* inputs, size_t count, const aoti_run_options* options, aoti_outputs* outputs,
                aoti_error* error) {
  return Guarded(error, [&] {
    // The C function takes as many handles as it is told and steals them; the count is looked at by the model itself.
    std::vector<Handle> made;
    for (size_t i = 0; i < count; ++i) made.push_back(HandleOf(inputs[i]));
    std::vector<AtenTensorHandle> given;
    for (Handle& handle : made) given.push_back(handle.release());
    std::vector<AtenTensorHandle> returned(model->outputs);
    const CallersModes modes(*options);
    const auto run =
        model->single_threaded && model->library.run_single_threaded != nullptr ? model->library.run_single_threaded : model->library.run;
    model->library.Require(
        run(model->container, given.data(), count, returned.data(), returned.size(), static_cast<AOTInductorStreamHandle>(options->stream), nullptr),
        "AOTInductorModelContainerRun");
    auto answered = std::make_unique<Answered>();
    for (const AtenTensorHandle handle : returned) answered->handles.emplace_back(handle);
    for (const Handle& handle : answered->handles) answered->values.push_back(ViewOf(handle.raw));
    *outputs = {answered->values.data(), answered->values.size(), answered.get()};
    static_cast<void>(answered.release());  // the caller's until ReleaseHandles()
  });
}

void ReleaseHandles(aoti_outputs* outputs) {
  delete static_cast<Answered*>(outputs->owner);
  *outputs = {};
}

aoti_status ModelMetadata(aoti_model* /*model*/, aoti_text_sink /*sink*/, aoti_error* error) {
  return Unsupported(error, "the C interface has no metadata");
}

aoti_status PackageMetadata(const char* /*package_path*/, const char* /*model_name*/, aoti_text_sink /*sink*/, aoti_error* error) {
  return Unsupported(error, "no package is read");
}

aoti_status StartTrace(aoti_error* error) { return Unsupported(error, "traces"); }
aoti_status StopTrace(const char* /*path*/, aoti_error* error) { return Unsupported(error, "traces"); }

constexpr aoti_runner_api kApi{sizeof(aoti_runner_api), AOTI_RUNNER_API_VERSION, Open,      Describe,   Load,     Unload, Run, ReleaseHandles,
                               ModelMetadata,           PackageMetadata,         SetMemory, StartTrace, StopTrace};

}  // namespace
}  // namespace aoti_runners

const aoti_runner_api* aoti_get_runner_api(uint32_t api_version) { return api_version == AOTI_RUNNER_API_VERSION ? &aoti_runners::kApi : nullptr; }
