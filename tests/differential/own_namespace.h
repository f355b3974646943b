// SPDX-License-Identifier: Apache-2.0
//
// Network namespaces without a name, for what shall not be able to stay behind: they live as long as a process,
// a device or a file descriptor in them does. And what is run and set in one.
#pragma once

#include <string>

namespace sluice::test {

constexpr int patience_milliseconds = 10'000;  // the machine stalls at times

/// While it lives, this thread is in a new namespace.
class OwnNamespace {
  public:
    OwnNamespace();  // throws std::runtime_error
    ~OwnNamespace();
    OwnNamespace(const OwnNamespace&) = delete;
    OwnNamespace& operator=(const OwnNamespace&) = delete;

    /// A file descriptor that keeps the namespace.
    int keep() const;

  private:
    int home_;
};

/// A shell command with this input; throws std::runtime_error where it fails.
void run_with(const std::string& command, const std::string& input);
/// A file below /proc/sys/net; throws std::runtime_error.
void set_kernel(const std::string& name, const std::string& value);

}  // namespace sluice::test
