// SPDX-License-Identifier: Apache-2.0
//
// What the traces of an ingress can read, as one digest: the gateway's own settings (ports with their MTU), the
// tenant's section, and the sections of all tenants that peer links lead to, whatever the number of links. All
// ingresses of a tenant read the same, so the image has one closure a tenant. Where it is the same in two
// images, what was cached from this ingress holds in both (architecture 5).
//
// Any thread. Linear in tenants and interfaces; the sections' bytes enter through their digests.
#pragma once

#include <vector>

#include "schemas/image_generated.h"
#include "schemas/layout/image_seal.h"

namespace sluice {

/// Of what is outside all tenants and packets depend on.
Digest gateway_digest(const image::Image& root);

/// Of each tenant, in the image's order. Each section is a well-formed FlatBuffer; what its rows say may be
/// wrong (links that lead nowhere are passed over).
std::vector<Digest> closure_digests(const image::Image& root);

/// Writes them into the root, which has room for them already. `payload` holds the FlatBuffer of an image.
void seal_closures(std::span<std::uint8_t> payload);

}  // namespace sluice
