// SPDX-License-Identifier: Apache-2.0
//
// sluicectl's commands about images: what they send, and their answers for people. Any thread; push blocks.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace CLI {
class App;
}

namespace sluice {

struct ImageOptions {
    std::string file;   // to push
    std::string image;  // to activate: the beginning of its digest
    unsigned confirm_within_seconds = 0;
    bool gate = false;
    unsigned gate_seconds = 5;
    std::map<std::string, double> gate_limits;  // those that were named
    std::string shadow_action;
    unsigned shadow_one_in = 1;
    unsigned steps = 1;
    unsigned keep = 5;
};

void add_image_commands(CLI::App& app, ImageOptions& options);
/// The request of a command that has one; push has many.
nlohmann::ordered_json image_request(const std::string& command, const ImageOptions& options);
/// The gateway's last answer. Throws std::runtime_error where the file is no image, ConnectionLost where nobody
/// answers.
nlohmann::ordered_json push_file(const std::string& socket, unsigned timeout_seconds, const std::string& file);

bool is_image_command(const std::string& command);
/// Empty where the gateway never went back by itself.
std::string text_of_last_return(const nlohmann::ordered_json& last);
std::string text_of_image_answer(const std::string& command, const nlohmann::ordered_json& result);

}  // namespace sluice
