// SPDX-License-Identifier: Apache-2.0
//
// The folder that images are kept in, one call a system call, so that a test can end the world between any two
// of them. Names are plain file names. One thread, which may wait for a disk; never a packet thread.
//
// What survives a loss of power is what was synced: bytes by sync(), names (created, renamed, removed) by
// sync_folder() (POSIX fsync; "All File Systems Are Not Created Equal", OSDI 2014, for what else may happen).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "runtime/image/image.h"
#include "runtime/image/sealed_memory.h"

namespace sluice {

/// The folder does not do what it was asked: no space, no permission, a broken disk. A sentence.
struct StoreFailure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

class StoreFolder {
  public:
    virtual ~StoreFolder() = default;

    virtual std::vector<std::string> names() = 0;
    virtual std::optional<std::uint64_t> size(const std::string& name) = 0;
    /// Nothing where there is no such file, or one longer than 16 MiB.
    virtual std::optional<std::string> read_text(const std::string& name) = 0;
    virtual std::variant<SealedMemory, ImageError> read_image(const std::string& name) = 0;

    /// Empty, whatever was there before.
    virtual void create(const std::string& name) = 0;
    virtual void write(const std::string& name, std::uint64_t offset, std::span<const std::uint8_t> bytes) = 0;
    virtual void sync(const std::string& name) = 0;
    virtual void rename(const std::string& from, const std::string& to) = 0;
    virtual void remove(const std::string& name) = 0;
    virtual void sync_folder() = 0;
};

/// The folder of that path, made where there is none, held by one process at a time. Throws StoreFailure, also
/// where another one has it.
std::unique_ptr<StoreFolder> open_store_folder(const std::string& path);

}  // namespace sluice
