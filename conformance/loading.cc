// SPDX-License-Identifier: Apache-2.0
// LOAD, LIFE: what loading, running and unloading a package may bring into the process and leave behind.
// To add a property: one more Registered below.
#include <fmt/format.h>

#include <fstream>
#include <string>

#include "fixtures/property.h"

namespace aoti_cts {
namespace {

void LookForPython(Trial& t) {
  Model model = t.Load();
  t.JudgeCall(model, t.ExampleCall());
  std::ifstream maps("/proc/self/maps");
  size_t lines = 0;
  std::string found;
  for (std::string line; std::getline(maps, line); ++lines) {
    if (found.empty() && line.find("libpython") != std::string::npos) found = line;
  }
  t.Check(lines > 0, "/proc/self/maps cannot be read");
  t.Check(found.empty(), "a Python library is mapped: " + found);
}

const Registered kNoPython{{.requirement = "LOAD_2", .sentence = "no_python_is_mapped", .targets = OncePerCase, .body = LookForPython}};

void CallWithWrongCounts(Trial& t) {
  Model model = t.Load();
  const CallInputs inputs = t.Inputs(t.ExampleCall());
  std::vector<aoti_value> values = inputs.values();
  const size_t right = values.size();
  values.push_back(values.back());
  t.RequireRefusal(model.Run(values), fmt::format("a call with {} inputs instead of {}", right + 1, right));
  values.resize(right - 1);
  t.RequireRefusal(model.Run(values), fmt::format("a call with {} inputs instead of {}", right - 1, right));
  t.RequireRefusal(model.Run({}), fmt::format("a call with no inputs instead of {}", right));
  t.JudgeCall(model, t.ExampleCall(), "the next good call");
}

const Registered kWrongCount{
    {.requirement = "LOAD_5", .sentence = "wrong_input_count_is_refused", .targets = OncePerCase, .body = CallWithWrongCounts}};

void UnloadAndLook(Trial& t) {
  {
    Model model = t.Load();
    t.JudgeCall(model, t.ExampleCall());
  }
  t.RequireEmptyTemporary("loading, running and unloading");
}

const Registered kUnloadClean{{.requirement = "LIFE_1", .sentence = "unloading_leaves_no_file", .targets = OncePerCase, .body = UnloadAndLook}};

void FailToLoadAndLook(Trial& t) {
  t.RequireRefusal(t.runner().Load(t.package().path, {.model_name = "no_such_model"}), "loading a model that is not in the package");
  t.RequireEmptyTemporary("a failed load");
}

const Registered kFailedLoadClean{
    {.requirement = "LIFE_1", .sentence = "failed_load_leaves_no_file", .targets = OncePerCase, .body = FailToLoadAndLook}};

}  // namespace
}  // namespace aoti_cts
