// What rsdirector is measured against: a bare forwarder that only swaps the MACs, by the way PacketIO takes: TPACKET_V3 with
// PACKET_VNET_HDR in, sendmmsg past the queueing discipline out, batch by batch. It judges nothing, remembers nothing and forwards
// everything, IP or not.
//
//   macswap INTERFACE           until SIGTERM or SIGINT; then says what it received, what the ring had no room for, and what it sent
#define _GNU_SOURCE
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>

// As PacketIO's: RingGeometry.standard, ReceivedFrame.headroom, TransmitQueue.capacity.
enum { block_size = 256 << 10, block_count = 128, retire_milliseconds = 1, headroom = 64, queue_capacity = 64 };
enum { header_length = sizeof(struct virtio_net_hdr) };

static volatile sig_atomic_t is_stopping;
static void stop(int signal) { (void)signal, is_stopping = 1; }

static void die(const char *operation) {
    fprintf(stderr, "macswap: %s: %s\n", operation, strerror(errno));
    exit(1);
}

static void set(int socket, int option, const void *value, socklen_t length, const char *name) {
    if (setsockopt(socket, SOL_PACKET, option, value, length) != 0) die(name);
}

static struct mmsghdr messages[queue_capacity];
static struct iovec vectors[queue_capacity][2];
static struct virtio_net_hdr headers[queue_capacity];
static unsigned int queued;
static unsigned long long sent;

static void flush(int socket) {
    unsigned int done = 0;
    while (done < queued) {
        int taken = sendmmsg(socket, messages + done, queued - done, MSG_DONTWAIT);
        if (taken > 0) {
            sent += (unsigned int)taken;
            done += (unsigned int)taken;
        } else if (errno != EINTR) {
            done++;
        }
    }
    queued = 0;
}

static void forward(int socket, struct tpacket3_hdr *packet) {
    unsigned char *frame = (unsigned char *)packet + packet->tp_mac, mac[ETH_ALEN];
    memcpy(mac, frame, ETH_ALEN);
    memcpy(frame, frame + ETH_ALEN, ETH_ALEN);
    memcpy(frame + ETH_ALEN, mac, ETH_ALEN);
    memcpy(&headers[queued], frame - header_length, header_length);
    // Only VIRTIO_NET_HDR_F_NEEDS_CSUM means anything on the way out.
    headers[queued].flags &= VIRTIO_NET_HDR_F_NEEDS_CSUM;
    vectors[queued][1] = (struct iovec){frame, packet->tp_snaplen};
    if (++queued == queue_capacity) flush(socket);
}

int main(int count, char **arguments) {
    unsigned int index = count == 2 ? if_nametoindex(arguments[1]) : 0;
    if (index == 0) return fprintf(stderr, "usage: macswap INTERFACE\n"), 64;
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);

    int descriptor = socket(AF_PACKET, SOCK_RAW, 0), yes = 1, version = TPACKET_V3, reserve = headroom, buffer = 8 << 20;
    if (descriptor < 0) die("socket");
    set(descriptor, PACKET_VERSION, &version, sizeof version, "PACKET_VERSION");
    set(descriptor, PACKET_VNET_HDR, &yes, sizeof yes, "PACKET_VNET_HDR");
    set(descriptor, PACKET_RESERVE, &reserve, sizeof reserve, "PACKET_RESERVE");
    set(descriptor, PACKET_IGNORE_OUTGOING, &yes, sizeof yes, "PACKET_IGNORE_OUTGOING");
    set(descriptor, PACKET_QDISC_BYPASS, &yes, sizeof yes, "PACKET_QDISC_BYPASS");
    if (setsockopt(descriptor, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof buffer) != 0) die("SO_SNDBUFFORCE");
    struct tpacket_req3 ring = {
        .tp_block_size = block_size, .tp_block_nr = block_count, .tp_frame_size = block_size,
        .tp_frame_nr = block_count, .tp_retire_blk_tov = retire_milliseconds,
    };
    set(descriptor, PACKET_RX_RING, &ring, sizeof ring, "PACKET_RX_RING");
    size_t length = (size_t)block_size * block_count;
    char *blocks = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (blocks == MAP_FAILED) die("mmap");
    struct sockaddr_ll link = {
        .sll_family = AF_PACKET, .sll_protocol = __builtin_bswap16(ETH_P_ALL), .sll_ifindex = (int)index};
    if (bind(descriptor, (struct sockaddr *)&link, sizeof link) != 0) die("bind");
    for (int slot = 0; slot < queue_capacity; slot++) {
        vectors[slot][0] = (struct iovec){&headers[slot], header_length};
        messages[slot].msg_hdr = (struct msghdr){.msg_iov = vectors[slot], .msg_iovlen = 2};
    }

    struct pollfd entry = {.fd = descriptor, .events = POLLIN};
    for (unsigned int turn = 0; !is_stopping; turn = (turn + 1) % block_count) {
        struct tpacket_block_desc *block = (void *)(blocks + (size_t)turn * block_size);
        uint32_t *status = &block->hdr.bh1.block_status;
        while (!(__atomic_load_n(status, __ATOMIC_ACQUIRE) & TP_STATUS_USER)) {
            if (is_stopping) break;
            poll(&entry, 1, 100);
        }
        if (is_stopping) break;
        char *place = (char *)block + block->hdr.bh1.offset_to_first_pkt;
        for (uint32_t left = block->hdr.bh1.num_pkts; left > 0; left--) {
            struct tpacket3_hdr *packet = (void *)place;
            place += packet->tp_next_offset;
            if (packet->tp_snaplen >= ETH_HLEN && packet->tp_snaplen == packet->tp_len) forward(descriptor, packet);
        }
        flush(descriptor);
        __atomic_store_n(status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
    }
    struct tpacket_stats_v3 statistics;
    socklen_t size = sizeof statistics;
    if (getsockopt(descriptor, SOL_PACKET, PACKET_STATISTICS, &statistics, &size) != 0) die("PACKET_STATISTICS");
    fprintf(stderr, "received %u, no room in the ring for %u, sent %llu\n", statistics.tp_packets, statistics.tp_drops, sent);
    return 0;
}
