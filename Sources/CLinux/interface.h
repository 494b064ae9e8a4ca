// Questions about one interface that have a number for an answer (netdevice(7), include/uapi/linux/ethtool.h).
#pragma once
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/// The kernel's `struct ifreq`: Glibc and the kernel's own headers each have one, and a module can see only one of them.
struct clinux_interface_request {
    char name[16];
    union {
        void *data;
        short flags;
        char room[24];
    } value;
};

/// Asks `request` about the interface called `name`, in the calling thread's network namespace. Returns 0, or -1 with errno
/// set.
static inline int clinux_ask_interface(const char *name, unsigned long request, struct clinux_interface_request *question) {
    strncpy(question->name, name, sizeof question->name - 1);
    question->name[sizeof question->name - 1] = 0;
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return -1;
    int outcome = ioctl(descriptor, request, question);
    close(descriptor);
    return outcome;
}

/// Reads a setting of the card (SIOCETHTOOL: ETHTOOL_GFLAGS, ETHTOOL_GGRO, …). Returns it, or -1 with errno set.
/// Needs no capability.
static inline long long clinux_ethtool_value(const char *name, unsigned int command) {
    struct ethtool_value value = {command, 0};
    struct clinux_interface_request question;
    memset(&question, 0, sizeof question);
    question.value.data = &value;
    return clinux_ask_interface(name, SIOCETHTOOL, &question) == 0 ? (long long)value.data : -1;
}

/// Whether frames pass (SIOCGIFFLAGS, IFF_RUNNING: up at both ends of the wire). Needs no capability.
static inline int clinux_interface_is_running(const char *name) {
    struct clinux_interface_request question;
    memset(&question, 0, sizeof question);
    return clinux_ask_interface(name, SIOCGIFFLAGS, &question) == 0 && (question.value.flags & 0x40) != 0;
}
