// Entering a network namespace (setns(2)), which Glibc's module hides.
#pragma once
#include <sched.h>

/// setns(2) with CLONE_NEWNET: moves the calling thread, and only it, to the network namespace that `descriptor` refers to.
/// Needs CAP_SYS_ADMIN. Returns 0, or -1 with errno set.
static inline int clinux_enter_network(int descriptor) {
    extern int setns(int, int);
    return setns(descriptor, 0x40000000 /* CLONE_NEWNET */);
}
