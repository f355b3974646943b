// SPDX-License-Identifier: Apache-2.0
//
// Where the gateway's images come from: the store of the host file, a file that was named, or both. Made at
// start-up by the main thread, used by the control thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "runtime/control/host_file.h"
#include "runtime/store/lifecycle.h"

namespace sluice {

/// With what exit code, and why.
struct StartRefused {
    int exit_code;
    std::string text;
};

struct ImageSource {
    std::unique_ptr<StoreFolder> folder;  // these two only where the host file names a store
    std::unique_ptr<ImageStore> store;
    RunningImage first;
    std::string file;  // that `first` came from
};

/// `image_file` wins over the store; empty: the store's last confirmed image.
std::variant<ImageSource, StartRefused> open_image_source(const HostFile& host, const std::string& image_file);

/// Seconds since 1970.
std::int64_t wall_seconds();

}  // namespace sluice
