# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A bare Debian 12 in the folder $bare, for scripts that source this after common.sh and builds.sh: mirror and apt settings are
# this machine's; its mounts are undone on every exit. Needs root.

[ "$(id -u)" -eq 0 ] || { echo "$0: needs root for debootstrap and mounts" >&2; exit 1; }
ci/setup

bare=$(mktemp -d "${TMPDIR:-/var/tmp}/sluice-bare-XXXXXX")
mounted=()
# shellcheck disable=SC2317 # called by the trap
clean() {
    local status=$? index
    trap - EXIT
    for ((index = ${#mounted[@]} - 1; index >= 0; index--)); do umount -R "${mounted[index]}" || status=1; done
    # Never delete through a mount that is still there.
    if ! grep -qE " ${bare}[/ ]" /proc/mounts; then
        rm -rf --one-file-system "$bare"
    fi
    exit $status
}
trap clean EXIT
trap 'exit 1' INT TERM

mirror=$(apt-get indextargets 'Created-By: Packages' 'Codename: bookworm' --format '$(REPO_URI)' | head -n 1)
[ -n "$mirror" ] || { echo "$0: apt knows no bookworm mirror here" >&2; exit 1; }
heading "debootstrap"
quietly debootstrap --variant=minbase bookworm "$bare" "$mirror"
rm -f "$bare/etc/apt/sources.list"
cp -a /etc/apt/sources.list* /etc/apt/apt.conf.d "$bare/etc/apt/"
cp -L /etc/resolv.conf "$bare/etc/resolv.conf"
mount_in() { # mount_in TARGET OPTION...
    local target=$bare/$1
    shift
    mkdir -p "$target"
    mount "$@" "$target"
    mounted+=("$target")
}
# `ip netns exec` wants the root directory to be a mount of its own.
mount --bind "$bare" "$bare"
mounted+=("$bare")
mount_in proc -t proc proc
mount_in sys --rbind --make-rslave /sys
mount_in dev --rbind --make-rslave /dev
# ip netns keeps its names here; they must not show up on the host.
mount_in run -t tmpfs tmpfs
