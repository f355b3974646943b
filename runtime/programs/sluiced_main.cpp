// SPDX-License-Identifier: Apache-2.0
//
// sluiced: the gateway.
#include <CLI/CLI.hpp>

#include "runtime/control/exit_codes.h"
#include "runtime/programs/sluiced.h"

int main(int argument_count, char** arguments) {
    sluice::DaemonOptions options;
    bool no_cache = false, cold = false;
    CLI::App app("The gateway: runs an image on the devices of a host file until SIGTERM.", "sluiced");
    app.footer(
        "Exit: 0 ended by SIGTERM or SIGINT; 1 could not start; 2 usage; 4 the image is damaged; 5 it is of "
        "another version or for another CPU.");
    app.set_version_flag("--version", SLUICE_VERSION);
    app.add_option("--host", options.host_file, "what differs from machine to machine: cores, devices, sockets")
        ->type_name("FILE")
        ->required();
    app.add_option("IMAGE", options.image_file,
                   "what sluicec build wrote; without it the image confirmed last starts");
    app.add_flag("--no-cache", no_cache, "every packet runs the whole pipeline");
    app.add_flag("--cold", cold, "forgets the sessions that the gateway before left");
    try {
        app.parse(argument_count, arguments);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? sluice::exit_done : sluice::exit_usage;
    }
    options.cache = !no_cache;
    options.warm = !cold;
    return sluice::run_daemon(options);
}
