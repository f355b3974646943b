#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# overlay.sh with the hypervisors' and the gateway's tunnels over IPv6.
underlay=ipv6 exec "$(dirname "$0")/overlay.sh"
