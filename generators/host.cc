// SPDX-License-Identifier: Apache-2.0
// The generator host: the Python of the generators embedded in C++. Knows no case and no model; `python -m aoti_generate` does the same.
#include <pybind11/embed.h>
#include <pybind11/stl.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <vector>

namespace py = pybind11;

namespace {

// An interpreter that believes it is the environment's python, so that it finds torch and starts workers with the right executable.
PyConfig EnvironmentConfig() {
  PyConfig config;
  PyConfig_InitPythonConfig(&config);
  config.parse_argv = 0;
  config.install_signal_handlers = 1;  // Ctrl-C becomes KeyboardInterrupt
  if (PyStatus_Exception(PyConfig_SetBytesString(&config, &config.program_name, AOTI_PYTHON)) != 0) std::abort();
  return config;
}

}  // namespace

int main(int count, char** arguments) {
  try {
    PyConfig config = EnvironmentConfig();
    // Outlives what is thrown below: an exception of Python's says nothing any more once the interpreter is gone.
    const py::scoped_interpreter interpreter(&config, count, arguments, /*add_program_dir_to_path=*/false);
    try {
      py::module_::import("sys").attr("path").attr("insert")(0, AOTI_GENERATORS);
      const py::object main = py::module_::import("aoti_generate.__main__").attr("main");
      return main(std::vector<std::string>(arguments + 1, arguments + count)).cast<int>();
    } catch (py::error_already_set& e) {
      if (e.matches(PyExc_SystemExit)) {
        const py::object code = e.value().attr("code");  // argparse has said what is wrong with the arguments
        return code.is_none() ? 0 : code.cast<int>();
      }
      std::fprintf(stderr, "aoti-cts-generate: %s\n", e.what());
      return 2;
    }
  } catch (const std::exception& e) {
    std::fprintf(stderr, "aoti-cts-generate: %s\n", e.what());
    return 2;
  }
}
