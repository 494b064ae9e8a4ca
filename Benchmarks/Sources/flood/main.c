// Offers a forwarder at the other end of a veth more TCP than it can forward, and counts what comes back by the same veth.
//
//   flood gro INTERFACE                                turns GRO on there: frames can then be redirected to its peer (veth's NAPI)
//   flood in|back INTERFACE MAC CLIENTS END FLOWS BYTES SECONDS PID
//                                                      in: from clients to END, after a SYN of each flow; back: from END to the clients
//
// MAC is the forwarder's, CLIENTS the first of 16 addresses (A.B.C.0), END an address and a port, PID the forwarder's process.
// It waits until a frame comes back, for ten seconds at most, and says in one line:
//
//   forwarded/s  ns of CPU time of the forwarder for each  % of a core that it had  offered/s  what came back first
#include "traffic.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { syn = 0x02, psh_ack = 0x18 };
enum { chunk = 65536, opening_chunk = 4096 };

static const char *interface;
static int process;

static void fail(const char *what) {
    fprintf(stderr, "flood: %s\n", what);
    exit(1);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec * 1e-9;
}

/// What arrived at our end, and what left it, so far (proc(5), /proc/net/dev).
static void read_counters(unsigned long long *received, unsigned long long *sent) {
    FILE *file = fopen("/proc/net/dev", "r");
    char line[512], name[64];
    while (file && fgets(line, sizeof line, file)) {
        if (sscanf(line, " %63[^:]: %*u %llu %*u %*u %*u %*u %*u %*u %*u %llu", name, received, sent) == 3 &&
            strcmp(name, interface) == 0) {
            fclose(file);
            return;
        }
    }
    fail("/proc/net/dev does not have the interface");
}

static unsigned long long received(void) {
    unsigned long long received, sent;
    read_counters(&received, &sent);
    return received;
}

/// CPU time of all threads of the forwarder's, in nanoseconds; what the kernel does for them in soft interrupts included.
static unsigned long long cpu_time(void) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", process);
    DIR *tasks = opendir(path);
    if (!tasks) die(path);
    unsigned long long total = 0;
    for (struct dirent *task; (task = readdir(tasks));) {
        char name[384];
        unsigned long long time;
        snprintf(name, sizeof name, "%s/%s/schedstat", path, task->d_name);
        FILE *file = task->d_name[0] == '.' ? NULL : fopen(name, "r");
        if (!file) continue;
        if (fscanf(file, "%llu", &time) == 1) total += time;
        fclose(file);
    }
    closedir(tasks);
    return total;
}

/// Sends one packet after the other until an IPv4 packet comes back, and says which: protocol, destination, TTL and length. What is still
/// on its way from before is let pass.
static void await_first(const struct generator *generator, char *text, size_t length) {
    int descriptor = socket(AF_PACKET, SOCK_RAW, 0);
    // Every protocol: only such taps come before the packet filter, which drops it all.
    struct sockaddr_ll link = {
        .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)if_nametoindex(interface)};
    if (descriptor < 0 || bind(descriptor, (struct sockaddr *)&link, sizeof link) != 0) die("socket AF_PACKET");
    double end = now() + 10;
    struct pollfd entry = {.fd = descriptor, .events = POLLIN};
    unsigned char frame[2048];
    while (poll(&entry, 1, 100) > 0 && now() < end) recv(descriptor, frame, sizeof frame, 0);
    while (now() < end) {
        generator_send(generator, 1);
        while (poll(&entry, 1, 50) > 0) {
            ssize_t count = recv(descriptor, frame, sizeof frame, 0);
            struct in_addr destination;
            if (count < 34 || frame[12] != 8 || frame[13] != 0) continue;
            memcpy(&destination, frame + 30, 4);
            snprintf(
                text, length, "protocol %d to %s, TTL %d, %d bytes", frame[23], inet_ntoa(destination), frame[22],
                frame[16] << 8 | frame[17]);
            close(descriptor);
            return;
        }
    }
    fail("nothing came back for ten seconds");
}

/// A SYN of each flow, as slowly as it takes for none to be lost.
static void open_flows(const struct traffic *traffic, const struct generator *generator) {
    for (int pass = 0; pass < 5; pass++) {
        unsigned long long start = received();
        for (unsigned int sent = 0; sent < traffic->flows; sent += opening_chunk) {
            generator_send(generator, opening_chunk);
            double end = now() + 0.1;
            while (received() - start < sent + opening_chunk && now() < end) usleep(200);
        }
        if (received() - start >= traffic->flows) return;
    }
    fail("five times over, not every flow's SYN came back");
}

static void measure(const struct generator *generator, double seconds, const char *first) {
    for (double end = now() + 0.3; now() < end;) generator_send(generator, chunk);
    unsigned long long received[2], sent[2], time[2];
    double clock[2];
    clock[0] = now(), time[0] = cpu_time(), read_counters(&received[0], &sent[0]);
    while (now() < clock[0] + seconds) generator_send(generator, chunk);
    clock[1] = now(), time[1] = cpu_time(), read_counters(&received[1], &sent[1]);
    double elapsed = clock[1] - clock[0], forwarded = received[1] - received[0], busy = time[1] - time[0];
    printf(
        "%.0f %.1f %.0f %.0f %s\n", forwarded / elapsed, busy / forwarded, busy / elapsed / 1e7,
        (sent[1] - sent[0]) / elapsed, first);
}

static int turn_on_gro(const char *name) {
    struct ethtool_value value = {.cmd = ETHTOOL_SGRO, .data = 1};
    struct ifreq request = {.ifr_data = (void *)&value};
    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    int descriptor = socket(AF_INET, SOCK_DGRAM, 0);
    if (descriptor < 0 || ioctl(descriptor, SIOCETHTOOL, &request) != 0) die("ETHTOOL_SGRO");
    return 0;
}

static uint32_t address(const char *text) {
    struct in_addr address;
    if (inet_pton(AF_INET, text, &address) != 1) fail("not an IPv4 address");
    return ntohl(address.s_addr);
}

static void read_mac(const char *text, unsigned char *mac) {
    if (sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", mac, mac + 1, mac + 2, mac + 3, mac + 4, mac + 5) != 6)
        fail("not a MAC address");
}

static void read_own_mac(unsigned char *mac) {
    struct ifreq request = {0};
    strncpy(request.ifr_name, interface, IFNAMSIZ - 1);
    int descriptor = socket(AF_INET, SOCK_DGRAM, 0);
    if (descriptor < 0 || ioctl(descriptor, SIOCGIFHWADDR, &request) != 0) die("SIOCGIFHWADDR");
    memcpy(mac, request.ifr_hwaddr.sa_data, 6);
}

int main(int count, char **arguments) {
    if (count == 3 && strcmp(arguments[1], "gro") == 0) return turn_on_gro(arguments[2]);
    int is_answer = count > 1 && strcmp(arguments[1], "back") == 0;
    if (count != 10 || (!is_answer && strcmp(arguments[1], "in") != 0)) fail("see the head of its source for how it is called");
    interface = arguments[2];
    char end[32] = {0}, first[128];
    strncpy(end, arguments[5], sizeof end - 1);
    char *port = strchr(end, ':');
    if (!port) fail("not ADDRESS:PORT");
    *port++ = 0;
    struct traffic traffic = {
        .interface = if_nametoindex(interface), .clients = address(arguments[4]), .end = address(end),
        .port = (uint16_t)atoi(port), .is_answer = is_answer, .flows = (unsigned int)atoi(arguments[6]),
        .length = (unsigned int)atoi(arguments[7]), .flags = psh_ack, .is_scattered = 1,
    };
    read_mac(arguments[3], traffic.destination_mac);
    read_own_mac(traffic.source_mac);
    process = atoi(arguments[9]);
    struct generator data = generator_make(&traffic);

    if (!is_answer) {
        traffic.flags = syn;
        traffic.is_scattered = 0;
        struct generator opening = generator_make(&traffic);
        await_first(&opening, first, sizeof first);
        open_flows(&traffic, &opening);
    } else {
        await_first(&data, first, sizeof first);
    }
    measure(&data, atof(arguments[8]), first);
    return 0;
}
