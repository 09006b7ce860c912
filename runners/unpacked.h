// SPDX-License-Identifier: Apache-2.0
// A model's files out of a .pt2 archive, for runners that begin with the library inside it. The archive is read by libtorch's own reader.
#pragma once

#include <filesystem>
#include <string>

namespace aoti_runners {

// Lies in a folder of its own below TMPDIR, and goes with it.
class Unpacked {
 public:
  // Throws where the archive cannot be read, or holds no model of that name with exactly one library.
  Unpacked(const std::string& package, const std::string& model_name);
  ~Unpacked();
  Unpacked(const Unpacked&) = delete;
  Unpacked& operator=(const Unpacked&) = delete;

  const std::filesystem::path& folder() const { return folder_; }
  const std::filesystem::path& library() const { return library_; }
  // The file that holds the weights where the library does not; empty where there is none.
  const std::filesystem::path& weights() const { return weights_; }
  // What the model was compiled for, as its metadata has it: "cpu" or "cuda".
  const std::string& device() const { return device_; }

 private:
  std::filesystem::path folder_;
  std::filesystem::path library_;
  std::filesystem::path weights_;
  std::string device_ = "cpu";
};

}  // namespace aoti_runners
