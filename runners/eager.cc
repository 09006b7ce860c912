// SPDX-License-Identifier: Apache-2.0
// Runner `eager`: the program that a package was compiled from, which the store keeps beside it, run by eager PyTorch in an embedded Python.
// A second implementation of the same contract, with another author: what both break alike is more likely a mistake of the suite.
#include <dlfcn.h>
#include <pthread.h>
#include <pybind11/embed.h>
#include <torch/csrc/autograd/python_variable.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iterator>
#include <memory>
#include <new>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "runners/answer.h"
#include "runners/aoti_runner.h"
#include "runners/guarded_allocator.h"
#include "runners/libtorch.h"

namespace py = pybind11;

struct __attribute__((visibility("hidden"))) aoti_model {
  py::object module;
  py::object spec;  // of its inputs: (args, kwargs)
  size_t leaves;
};

namespace aoti_runners {
namespace {

using nlohmann::json;

class WithGil {
 public:
  WithGil() : state_(PyGILState_Ensure()) {}
  ~WithGil() { PyGILState_Release(state_); }
  WithGil(const WithGil&) = delete;
  WithGil& operator=(const WithGil&) = delete;

 private:
  PyGILState_STATE state_;
};

std::string NameOf(const py::handle& type) {
  const auto module = py::str(type.attr("__module__")).cast<std::string>();
  return (module == "builtins" ? "" : module + ".") + py::str(type.attr("__qualname__")).cast<std::string>();
}

// Runs `body` in Python; what it raises is the program's refusal, in its own words.
template <typename Body>
aoti_status InPython(aoti_error* error, const Body& body) {
  const WithGil gil;
  try {
    body();
    return AOTI_OK;
  } catch (const py::error_already_set& e) {
    return Fail(error, AOTI_REFUSED, NameOf(e.type()), py::str(e.value()).cast<std::string>());
  } catch (const std::exception& e) {
    return Fail(error, AOTI_REFUSED, ClassName(e), e.what());
  }
}

// --- the interpreter ---------------------------------------------------------------------------------------------------

// The suite forks without Python's knowing: what os.fork() does round a fork is done here.
PyGILState_STATE before_fork;
void BeforeFork() {
  before_fork = PyGILState_Ensure();
  PyOS_BeforeFork();
}
void AfterForkInParent() {
  PyOS_AfterFork_Parent();
  PyGILState_Release(before_fork);
}
void AfterForkInChild() {
  PyOS_AfterFork_Child();
  PyGILState_Release(before_fork);
}

// An interpreter that believes it is the environment's python, so that it finds torch. Signals stay the suite's.
void StartInterpreter() {
  // Python's own extension modules take its symbols from the global scope, and a runner is loaded into one of its own.
  if (dlopen(AOTI_LIBPYTHON, RTLD_NOW | RTLD_GLOBAL) == nullptr) throw std::runtime_error(dlerror());
  PyConfig config;
  PyConfig_InitPythonConfig(&config);
  config.parse_argv = 0;
  config.install_signal_handlers = 0;
  if (PyStatus_Exception(PyConfig_SetBytesString(&config, &config.program_name, AOTI_PYTHON)) != 0) throw std::bad_alloc();
  py::initialize_interpreter(&config, 0, nullptr, /*add_program_dir_to_path=*/false);
}

// torch, and what loading a program would import later, once in each child. Where another release of torch has no such module, only the
// time is lost.
void ImportTorch() {
  py::module_::import("torch.export");
  for (const char* name : {"torch.export._trace", "torch.export.pt2_archive._package", "torch._inductor.sizevars", "torch.fx.experimental.validator",
                           "torch.utils.serialization", "sympy.combinatorics", "sympy.tensor.tensor"}) {
    try {
      py::module_::import(name);
    } catch (const py::error_already_set& e) {
      if (!e.matches(PyExc_ImportError)) throw;
    }
  }
  py::module_::import("gc").attr("freeze")();  // a collection in a child then leaves the parent's pages alone
}

auto CountThreads() { return std::distance(std::filesystem::directory_iterator("/proc/self/task"), {}); }

aoti_status Open(const char* /*config_json*/, aoti_error* error) {
  if (const aoti_status status = RequireBuiltTorch(error); status != AOTI_OK) return status;
  setenv("OPENBLAS_NUM_THREADS", "1", 1);  // NumPy's OpenBLAS starts its threads when it is loaded, and no fork takes them along
  try {
    const auto before = CountThreads();
    StartInterpreter();
    ImportTorch();
    if (const auto now = CountThreads(); now != before) {
      return Fail(error, AOTI_FAILED, "threads",
                  "importing torch has started " + std::to_string(now - before) + " threads: no child that is forked now could be relied on");
    }
  } catch (const std::exception& e) {
    return Fail(error, AOTI_FAILED, ClassName(e), e.what());
  }
  if (pthread_atfork(BeforeFork, AfterForkInParent, AfterForkInChild) != 0) return Fail(error, AOTI_FAILED, "memory", "pthread_atfork");
  PyEval_SaveThread();  // from here on whoever needs the lock takes it
  return AOTI_OK;
}

aoti_status Describe(aoti_text_sink sink, aoti_error* error) {
  return Guarded(error, [&] {
    const json description{{"name", "eager"},
                           {"about", "torch.export.load(...).module() in an embedded Python"},
                           {"torch", TorchDescription()},
                           {"devices", {"cpu"}},
                           {"capabilities",
                            {{"package", "unsupported"},
                             {"metadata", "unsupported"},
                             {"custom_operators", "supported"},
                             {"guarded_memory", "supported"},
                             {"input_checks", "unsupported"},
                             {"runs_at_once", "unsupported"},
                             {"current_stream", "unsupported"},
                             {"cuda_graphs", "unsupported"},
                             {"trace", "unsupported"},
                             {"constants", "supported"},
                             {"constant_names", "supported"},
                             {"constant_buffers", "unsupported"},
                             {"user_managed_constants", "unsupported"},
                             {"constants_from_file", "unsupported"}}}};
    WriteTo(sink, description.dump());
  });
}

// --- models ------------------------------------------------------------------------------------------------------------

// The store keeps <key>.program.pt2 beside <key>.pt2.
std::filesystem::path ProgramOf(const std::filesystem::path& package) {
  std::filesystem::path program = package;
  return program.replace_extension(".program.pt2");
}

aoti_status Load(const aoti_load_options* options, aoti_model** model, aoti_error* error) {
  if (std::string_view(options->model_name) != "model") return Unsupported(error, "an exported program is one model, called \"model\"");
  const std::filesystem::path program = ProgramOf(options->package_path);
  if (!std::filesystem::exists(program)) {
    return Fail(error, AOTI_FAILED, "program", "the package's exported program is not there: " + program.string() + "; run ./aoti-cts build");
  }
  return InPython(error, [&] {
    const py::object loaded = py::module_::import("torch.export").attr("load")(program.string());
    const py::object spec = loaded.attr("call_spec").attr("in_spec");
    *model = new aoti_model{loaded.attr("module")(), spec, spec.attr("num_leaves").cast<size_t>()};
  });
}

void Unload(aoti_model* model) {
  const WithGil gil;
  delete model;
}

py::object AsPython(const aoti_value& value) {
  const at::Tensor tensor = Borrow(value);
  return tensor.defined() ? py::reinterpret_steal<py::object>(THPVariable_Wrap(tensor)) : py::none();
}

// Another number of inputs than the program has goes to it as it is, so that the refusal is its own.
py::object Call(const aoti_model& model, const py::list& leaves) {
  if (leaves.size() != model.leaves) return model.module(*leaves);
  const py::tuple call = py::module_::import("torch.utils._pytree").attr("tree_unflatten")(leaves, model.spec);
  return model.module(*py::tuple(call[0]), **py::dict(call[1]));
}

std::vector<at::Tensor> LeavesOf(const py::object& result) {
  std::vector<at::Tensor> tensors;
  for (const py::handle leaf : py::module_::import("torch.utils._pytree").attr("tree_leaves")(result)) {
    if (!leaf.is_none() && !THPVariable_Check(leaf.ptr())) throw std::runtime_error("an output is neither a tensor nor None");
    tensors.push_back(leaf.is_none() ? at::Tensor() : THPVariable_Unpack(leaf.ptr()));
  }
  return tensors;
}

aoti_status Run(aoti_model* model, const aoti_value* inputs, size_t count, const aoti_run_options* options, aoti_outputs* outputs,
                aoti_error* error) {
  return InPython(error, [&] {
    py::list leaves;
    for (size_t i = 0; i < count; ++i) leaves.append(AsPython(inputs[i]));
    const CallersModes modes(*options);
    GiveOutputs(LeavesOf(Call(*model, leaves)), outputs);
  });
}

aoti_status ModelMetadata(aoti_model* /*model*/, aoti_text_sink /*sink*/, aoti_error* error) {
  return Unsupported(error, "an exported program has no metadata");
}

aoti_status PackageMetadata(const char* /*package_path*/, const char* /*model_name*/, aoti_text_sink /*sink*/, aoti_error* error) {
  return Unsupported(error, "no package is read");
}

// --- constants: what the module's state_dict() holds -----------------------------------------------------------------------

py::dict StateOf(const aoti_model& model) { return model.module.attr("state_dict")(); }

aoti_status ListConstants(aoti_model* model, aoti_text_sink sink, aoti_error* error) {
  return InPython(error, [&] {
    json listed = json::array();
    for (const auto& [name, value] : StateOf(*model)) {
      listed.push_back({{"name", name.cast<std::string>()}, {"dtype", PyTorchName(THPVariable_Unpack(value.ptr()).scalar_type())}});
    }
    WriteTo(sink, listed.dump());
  });
}

// A name that is not there, and with check_full a parameter that no name reaches, is refused before anything is written. Tensors that two names
// share are one.
void CheckNames(const aoti_model& model, const py::dict& state, const aoti_named_value* values, size_t count, bool check_full) {
  std::vector<const void*> reached;
  for (size_t i = 0; i < count; ++i) {
    if (!state.contains(values[i].name)) throw std::runtime_error(std::string("there is no ") + values[i].name + " in the program");
    reached.push_back(THPVariable_Unpack(py::object(state[values[i].name]).ptr()).data_ptr());
  }
  if (!check_full) return;
  for (const py::handle named : model.module.attr("named_parameters")()) {
    const auto pair = py::cast<py::tuple>(named);
    const void* parameter = THPVariable_Unpack(py::object(pair[1]).ptr()).data_ptr();
    if (std::find(reached.begin(), reached.end(), parameter) == reached.end())
      throw std::runtime_error(pair[0].cast<std::string>() + " is a parameter and is not given");
  }
}

aoti_status UpdateConstants(aoti_model* model, const aoti_named_value* values, size_t count, const aoti_update_options* options, aoti_error* error) {
  if (options->inactive != 0) return Unsupported(error, "a second buffer of constants");
  if (options->user_managed != 0) return Unsupported(error, "constants in the caller's memory");
  return InPython(error, [&] {
    const py::dict state = StateOf(*model);
    CheckNames(*model, state, values, count, options->check_full != 0);
    const c10::NoGradGuard no_grad;
    for (size_t i = 0; i < count; ++i) THPVariable_Unpack(py::object(state[values[i].name]).ptr()).copy_(Borrow(values[i].value));
  });
}

aoti_status ExtractConstants(aoti_model* model, int32_t inactive, aoti_constants* constants, aoti_error* error) {
  if (inactive != 0) return Unsupported(error, "a second buffer of constants");
  return InPython(error, [&] {
    auto holder = std::make_unique<ConstantsHolder>();
    for (const auto& [name, value] : StateOf(*model)) holder->Add(name.cast<std::string>(), THPVariable_Unpack(value.ptr()));
    holder.release()->Give(constants);  // the caller's until ReleaseConstants()
  });
}

aoti_status SwapConstants(aoti_model* /*model*/, aoti_error* error) { return Unsupported(error, "a second buffer of constants"); }
aoti_status FreeInactiveConstants(aoti_model* /*model*/, aoti_error* error) { return Unsupported(error, "a second buffer of constants"); }
aoti_status FoldConstants(aoti_model* /*model*/, int32_t /*inactive*/, aoti_error* error) { return Unsupported(error, "folding"); }
aoti_status LoadConstantsFromFile(aoti_model* /*model*/, const char* /*path*/, aoti_error* error) {
  return Unsupported(error, "a file of constants");
}

aoti_status StartTrace(aoti_error* error) { return Unsupported(error, "traces"); }
aoti_status StopTrace(const char* /*path*/, aoti_error* error) { return Unsupported(error, "traces"); }

constexpr aoti_runner_api kApi{.struct_size = sizeof(aoti_runner_api),
                               .api_version = AOTI_RUNNER_API_VERSION,
                               .open = Open,
                               .describe = Describe,
                               .load = Load,
                               .unload = Unload,
                               .run = Run,
                               .release_outputs = ReleaseOutputs,
                               .copy_values = CopyNoValues,
                               .capture_run = CaptureNoRun,
                               .replay_graph = ReplayNoGraph,
                               .release_graph = ReleaseNoGraph,
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
