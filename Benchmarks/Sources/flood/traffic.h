// The packets of many TCP flows, made by the kernel as fast as it can: an XDP program that is run without a device
// (BPF_PROG_TEST_RUN with BPF_F_TEST_XDP_LIVE_FRAMES, Documentation/bpf/bpf_prog_run.rst) writes the next flow into each frame
// and sends it out by one interface.
#pragma once
#include <stdint.h>

/// What all packets have in common.
struct traffic {
    /// The interface they leave by.
    unsigned int interface;
    unsigned char source_mac[6], destination_mac[6];
    /// Of the first client, in host order, the last octet 0; the others follow.
    uint32_t clients;
    /// The other end: the VIP, or the server where `is_answer`.
    uint32_t end;
    uint16_t port;
    /// Whether packets go from that end to the clients.
    int is_answer;
    /// How many flows there are: a power of two, 2^16 to 2^20: each client has 2^16 ports.
    unsigned int flows;
    /// Bytes of a frame, 60 to 1,514.
    unsigned int length;
    /// TCP's flags.
    unsigned char flags;
    /// Whether flows come in an order without order instead of one after the other.
    int is_scattered;
};

/// A program that sends such packets, or exits.
struct generator {
    unsigned char frame[1514];
    unsigned int length;
    int program;
};

/// Gets one ready. All of one process go on from one another's last flow.
struct generator generator_make(const struct traffic *traffic);

/// Sends so many packets.
void generator_send(const struct generator *generator, unsigned int count);

void die(const char *operation);
