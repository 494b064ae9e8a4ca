# shellcheck shell=bash
# What `scripts/demo` and `scripts/test` share: where the tools are, and the one debug build both run from. Sourced.

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
SWIFT=${SWIFT:-swift}
export SWIFT
# What is unpacked, not installed (nginx, ipvsadm, …), is there; /sbin is where `su` leaves it out and ip, nft and tcpdump live.
PATH=$PWD/.build/lab/bin:$PATH:/usr/sbin:/sbin
export PATH

# The same flags for both, so that whichever runs second builds nothing.
build_once() {
    "$SWIFT" build --build-tests
}

# Under sudo what we wrote belongs to root; hand it to who called, who could not so much as `make build` otherwise.
give_back() {
    if ((EUID == 0)) && [[ -n "${SUDO_UID:-}" && -d .build ]]; then
        find .build -uid 0 -exec chown -h "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" {} +
    fi
}
