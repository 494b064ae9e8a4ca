// Namespaces, capabilities and peer credentials: what Glibc's module hides (unshare(2), capabilities(7), unix(7)).
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <linux/capability.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

/// unshare(2) with CLONE_NEWNET: moves the calling thread, and only it, to a network namespace of its own.
/// Needs CAP_SYS_ADMIN. Returns 0, or -1 with errno set.
static inline int clinux_unshare_network(void) {
    extern int unshare(int);
    return unshare(0x40000000 /* CLONE_NEWNET */);
}

/// The effective capabilities of the calling thread as a bit set (capget(2), version 3); 0 where they cannot be read.
static inline unsigned long long clinux_effective_capabilities(void) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {{0, 0, 0}, {0, 0, 0}};
    if (syscall(SYS_capget, &header, data) != 0) return 0;
    return (unsigned long long)data[1].effective << 32 | data[0].effective;
}

/// How many processors the calling thread may run on (sched_getaffinity(2)); 1 where that cannot be read.
static inline int clinux_allowed_processors(void) {
    // The kernel wants room for as many as it was built for: 8,192 at most.
    unsigned long mask[1024 / sizeof(unsigned long)];
    long length = syscall(SYS_sched_getaffinity, 0, sizeof mask, mask);
    int count = 0;
    for (long index = 0; index < length / (long)sizeof *mask; index++) count += __builtin_popcountl(mask[index]);
    return count > 0 ? count : 1;
}

/// Who sits at the other end of a connected Unix socket (SO_PEERCRED). Returns 0, or -1 with errno set.
static inline int clinux_peer_credentials(int descriptor, int *pid, unsigned int *uid, unsigned int *gid) {
    struct { int pid; unsigned int uid; unsigned int gid; } credentials = {0, 0, 0};
    socklen_t length = sizeof credentials;
    if (getsockopt(descriptor, SOL_SOCKET, 17 /* SO_PEERCRED */, &credentials, &length) != 0) return -1;
    *pid = credentials.pid;
    *uid = credentials.uid;
    *gid = credentials.gid;
    return 0;
}

/// setfsuid(2): the user whose permissions decide on files, for the calling thread alone. Returns the one before.
static inline unsigned int clinux_set_filesystem_user(unsigned int uid) {
    return (unsigned int)syscall(SYS_setfsuid, uid);
}
