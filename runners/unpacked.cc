// SPDX-License-Identifier: Apache-2.0
#include "runners/unpacked.h"

#include <caffe2/serialize/inline_container.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace aoti_runners {
namespace {

// Removes the folder again where filling it fails.
class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "unpacked-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error(pattern + " cannot be made");
    path_ = pattern;
  }
  ~Folder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path Keep() { return std::exchange(path_, {}); }

 private:
  std::filesystem::path path_;
};

// A file that is none of the compiler's says nothing.
std::string DeviceIn(std::string_view metadata) {
  const auto read = nlohmann::json::parse(metadata, nullptr, /*allow_exceptions=*/false);
  return read.is_object() ? read.value("AOTI_DEVICE_KEY", std::string("cpu")) : "cpu";
}

}  // namespace

Unpacked::Unpacked(const std::string& package, const std::string& model_name) {
  caffe2::serialize::PyTorchStreamReader reader(package);
  const std::string prefix = "data/aotinductor/" + model_name + "/";
  Folder folder;
  std::string library, weights;
  for (const std::string& record : reader.getAllRecords()) {
    const std::string name = record.starts_with(prefix) ? record.substr(prefix.size()) : "";
    if (name.empty() || name.find('/') != std::string::npos || name.ends_with(".cpp")) continue;
    if (name.ends_with(".so") && !library.empty()) throw std::runtime_error(package + " holds two libraries of model " + model_name);
    if (name.ends_with(".so")) library = name;
    if (name.ends_with(".blob")) weights = name;
    const auto [data, size] = reader.getRecord(record);
    if (name.ends_with("_metadata.json")) device_ = DeviceIn(std::string_view(static_cast<const char*>(data.get()), size));
    std::ofstream stream(folder.path() / name, std::ios::binary);
    stream.write(static_cast<const char*>(data.get()), static_cast<std::streamsize>(size));
    stream.close();
    if (!stream) throw std::runtime_error((folder.path() / name).string() + " cannot be written");
  }
  if (library.empty()) throw std::runtime_error(package + " holds no library of a model " + model_name);
  folder_ = folder.Keep();
  library_ = folder_ / library;
  if (!weights.empty()) weights_ = folder_ / weights;
}

Unpacked::~Unpacked() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

}  // namespace aoti_runners
