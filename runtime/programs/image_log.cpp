// SPDX-License-Identifier: Apache-2.0
#include "runtime/programs/image_log.h"

#include <vector>

#include "runtime/programs/log.h"

namespace sluice {
namespace {

using Kind = StoreEvent::Kind;

std::string name_of(Kind kind) {
    switch (kind) {
        case Kind::activated:
            return "IMAGE_ACTIVATED";
        case Kind::confirmed:
            return "IMAGE_CONFIRMED";
        case Kind::returned:
            return "IMAGE_RETURNED";
        case Kind::failed:
            return "IMAGE_FAILED";
    }
    return "?";
}

}  // namespace

void log_image_event(const StoreEvent& event) {
    std::vector<LogField> fields{{"SLUICE_EVENT", name_of(event.kind)}};
    if (!event.image.empty()) fields.push_back({"SLUICE_IMAGE", event.image});
    if (event.reason) fields.push_back({"SLUICE_REASON", std::string(name_of(*event.reason))});
    const bool by_itself = event.kind == Kind::returned && event.reason != ReturnReason::by_hand;
    log_event(by_itself || event.kind == Kind::failed ? LogLevel::warning : LogLevel::info, event.text, fields);
}

}  // namespace sluice
