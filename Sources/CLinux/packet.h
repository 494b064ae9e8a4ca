// AF_PACKET: what Glibc's module hides (packet(7), Documentation/networking/packet_mmap.rst).
#pragma once
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/// Reads a word the kernel writes, so that nothing read after it can have been read before it (acquire).
static inline unsigned int clinux_load_acquire(const void *word) {
    return __atomic_load_n((const unsigned int *)word, __ATOMIC_ACQUIRE);
}

/// Writes a word the kernel reads, so that nothing read or written before it can be delayed past it (release).
static inline void clinux_store_release(void *word, unsigned int value) {
    __atomic_store_n((unsigned int *)word, value, __ATOMIC_RELEASE);
}

/// One message of clinux_send_messages or clinux_receive_messages: the kernel's `struct mmsghdr`, which needs _GNU_SOURCE to be visible.
struct clinux_message {
    struct msghdr header;
    unsigned int length;
};

/// sendmmsg(2): returns how many messages were taken, or -1 with errno set where the first one was refused.
static inline int clinux_send_messages(int descriptor, struct clinux_message *messages, unsigned int count, int flags) {
    return (int)syscall(SYS_sendmmsg, descriptor, messages, count, flags);
}

/// recvmmsg(2) without a timeout: returns how many messages were there, or -1 with errno set.
static inline int clinux_receive_messages(int descriptor, struct clinux_message *messages, unsigned int count, int flags) {
    return (int)syscall(SYS_recvmmsg, descriptor, messages, count, flags, (void *)0);
}

/// eventfd(2), not blocking and closed on exec: returns a descriptor, or -1 with errno set.
static inline int clinux_event_open(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

/// Makes an eventfd readable. It fails only where it is readable already.
static inline void clinux_event_signal(int descriptor) { (void)eventfd_write(descriptor, 1); }

/// Makes an eventfd unreadable.
static inline void clinux_event_clear(int descriptor) {
    eventfd_t count;
    (void)eventfd_read(descriptor, &count);
}
