// SPDX-License-Identifier: Apache-2.0
// ABI: what the library inside a package asks of the process it is loaded into, and what it offers. To add a property: one more Registered
// below.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fixtures/c_interface.h"
#include "fixtures/extraction.h"
#include "fixtures/property.h"

namespace aoti_cts {
namespace {

void LookAtNeeded(Trial& t) {
  const SharedLibrary library = ExtractedLibrary(t);
  t.Check(!library.needed.empty(), "the library needs no other: it cannot have been read");
  for (const std::string& needed : library.needed) t.Check(needed.find("python") == std::string::npos, "the library needs " + needed);
}

const Registered kNeeded{{.requirement = "ABI_1",
                          .sentence = "library_needs_no_python",
                          .sampled = true,
                          .on_cuda = true,
                          .capability = "package",
                          .targets = OncePerCase,
                          .body = LookAtNeeded}};

void LookForEntryPoints(Trial& t) {
  const SharedLibrary library = ExtractedLibrary(t);
  const auto exports = [&](std::string_view name) {
    return std::find(library.defined.begin(), library.defined.end(), name) != library.defined.end();
  };
  t.Check(exports("AOTInductorModelContainerCreate") || exports("AOTInductorModelContainerCreateWithDevice"),
          "the library does not export AOTInductorModelContainerCreate, with or without a device");
  for (const char* name : {"AOTInductorModelContainerRun", "AOTInductorModelContainerDelete"}) {
    t.Check(exports(name), fmt::format("the library does not export {}", name));
  }
}

const Registered kEntryPoints{{.requirement = "ABI_1",
                               .sentence = "library_exports_the_entry_points",
                               .sampled = true,
                               .on_cuda = true,
                               .capability = "package",
                               .targets = OncePerCase,
                               .body = LookForEntryPoints}};

// Does this mangled name belong to a namespace of PyTorch's C++?
bool IsTorchCpp(std::string_view symbol) {
  for (const char* space : {"2at", "3c10", "5torch", "6caffe2"}) {
    const size_t at = symbol.find(space);
    // _ZN2at..., _ZNK3c10..., _ZTIN5torch...: the first name after the letters of the encoding
    if (symbol.starts_with("_Z") && at != std::string_view::npos && symbol.substr(2, at - 2).find_first_of("0123456789") == std::string_view::npos)
      return true;
  }
  return false;
}

void LookAtImports(Trial& t) {
  const SharedLibrary library = ExtractedLibrary(t);
  std::vector<std::string> of_cpp;
  size_t of_c = 0;
  for (const std::string& symbol : library.wanted) {
    if (IsTorchCpp(symbol)) of_cpp.push_back(symbol);
    if (symbol.starts_with("aoti_torch_")) ++of_c;
  }
  t.Check(of_c > 0, "the library takes no function aoti_torch_*: it cannot have been read");
  t.Check(of_cpp.empty(), fmt::format("the library takes functions of PyTorch's C++: {}", fmt::join(of_cpp, ", ")));
}

const Registered kImports{{.requirement = "ABI_1",
                           .sentence = "library_takes_only_c_functions_of_torch",
                           .sampled = true,
                           .on_cuda = true,
                           .capability = "package",
                           .targets = OncePerCase,
                           .body = LookAtImports}};

// What the torch of the package has, by the list that was made of it; ends the body where there is none.
CInterface InterfaceOfTorch(Trial& t) {
  const std::string& torch = t.package().torch;
  const std::string version = torch.substr(0, torch.find('+'));
  const std::filesystem::path list = std::filesystem::path(AOTI_SOURCE_DIR) / "conformance" / "abi" / ("torch-" + version + ".json");
  if (!std::filesystem::exists(list))
    t.EndUnavailable(fmt::format(
        "there is no list of the C functions of torch {}: make it with ./aoti-cts abi list --out conformance/abi/torch-{}.json", torch, version));
  auto interface = ReadCInterface(list);
  if (!interface) throw std::runtime_error(interface.error().message);
  return std::move(*interface);
}

void CompareWithList(Trial& t) {
  CInterface torch = InterfaceOfTorch(t);
  const bool on_cuda = t.program().needs_cuda();
  if (on_cuda && torch.functions_of_cuda.empty()) t.EndUnavailable(fmt::format("the list of torch {} names no function of CUDA", torch.torch));
  if (on_cuda) torch.functions.merge(torch.functions_of_cuda);
  const SharedLibrary library = ExtractedLibrary(t);
  std::vector<std::string> unlisted;
  size_t listed = 0;
  for (const std::string& symbol : library.wanted) {
    const bool of_torch = symbol.starts_with("aoti_") || symbol.starts_with("torch_");
    if (of_torch && !torch.functions.contains(symbol)) unlisted.push_back(symbol);
    if (torch.functions.contains(symbol)) ++listed;
  }
  t.Check(listed > 0, "the library takes no function of the list: it cannot have been read");
  t.Check(unlisted.empty(), fmt::format("the library takes functions that torch {} does not give to packages for {}: {}", torch.torch,
                                        on_cuda ? "CUDA" : "the CPU", fmt::join(unlisted, ", ")));
}

const Registered kListed{{.requirement = "ABI_1",
                          .sentence = "library_takes_only_functions_that_its_torch_has",
                          .sampled = true,
                          .on_cuda = true,
                          .capability = "package",
                          .targets = OncePerCase,
                          .body = CompareWithList}};

void LookForAllEntryPoints(Trial& t) {
  const CInterface torch = InterfaceOfTorch(t);
  const SharedLibrary library = ExtractedLibrary(t);
  std::vector<std::string> missing;
  for (const auto& [name, declaration] : torch.entry_points) {
    if (!name.starts_with("AOTInductorModelContainer")) continue;  // the others are there for packages compiled with options of their own
    if (std::find(library.defined.begin(), library.defined.end(), name) == library.defined.end()) missing.push_back(name);
  }
  t.Check(missing.empty(),
          fmt::format("interface.h of torch {} declares what the library does not export: {}", torch.torch, fmt::join(missing, ", ")));
}

const Registered kAllEntryPoints{{.requirement = "ABI_1",
                                  .sentence = "library_exports_all_functions_of_its_container",
                                  .sampled = true,
                                  .on_cuda = true,
                                  .capability = "package",
                                  .targets = OncePerCase,
                                  .body = LookForAllEntryPoints}};

}  // namespace
}  // namespace aoti_cts
