// SPDX-License-Identifier: Apache-2.0
//
// Where policy texts come from: the disk, or memory for tests and fuzzers.
#pragma once

#include <map>
#include <string>

namespace sluice::front {

class Files {
  public:
    struct Text {
        std::string text;
        std::string error;  // empty: read; else why not, in words
    };
    virtual ~Files() = default;
    virtual Text read(const std::string& path) const = 0;
    virtual bool is_directory(const std::string& path) const = 0;
};

/// Regular files only, at most `longest_policy_bytes` each.
class DiskFiles final : public Files {
  public:
    Text read(const std::string& path) const override;
    bool is_directory(const std::string& path) const override;
};

class MemoryFiles final : public Files {
  public:
    explicit MemoryFiles(std::map<std::string, std::string> texts);
    Text read(const std::string& path) const override;
    bool is_directory(const std::string& path) const override;

  private:
    std::map<std::string, std::string> texts_;
};

constexpr std::size_t longest_policy_bytes = 256U << 20;

}  // namespace sluice::front
