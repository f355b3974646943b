// SPDX-License-Identifier: Apache-2.0
//
// What an image alone says about packets: each is the first of its flow, and of neighbours those are known that
// the policy gives. One thread.
#pragma once

#include <memory>

#include "runtime/image/image.h"
#include "runtime/shard/dry_run.h"

namespace sluice {

class Explainer {
  public:
    /// The image must outlive it.
    explicit Explainer(const Image& image);
    ~Explainer();

    DryRun run(const PacketView& packet, InterfaceRef on) const;

  private:
    struct Tables;
    const Image& image_;
    std::unique_ptr<const Tables> tables_;
};

}  // namespace sluice
