#include "traffic.h"
#include <errno.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ip = 14, tcp = ip + 20, payload = tcp + 20 };
/// Of 2^20 flows, with 2^16 ports each.
enum { highest_client = 15 };

void die(const char *operation) {
    fprintf(stderr, "flood: %s: %s\n", operation, strerror(errno));
    exit(1);
}

static long bpf(int command, union bpf_attr *attributes) {
    return syscall(SYS_bpf, command, attributes, sizeof *attributes);
}

static void put16(unsigned char *place, unsigned int value) { place[0] = value >> 8, place[1] = value; }
static void put32(unsigned char *place, uint32_t value) { put16(place, value >> 16), put16(place + 2, value & 0xFFFF); }

/// RFC 1071.
static uint32_t sum(const unsigned char *bytes, unsigned int length) {
    uint32_t total = 0;
    for (unsigned int place = 0; place < length; place++) total += place % 2 ? bytes[place] : bytes[place] << 8;
    return total;
}
static unsigned int checksum(uint32_t total) {
    while (total > 0xFFFF) total = (total & 0xFFFF) + (total >> 16);
    return ~total & 0xFFFF;
}

/// The packet of the first flow. So that all checksums are right for every flow without being computed again, what changes is
/// made up for where nobody looks: the client's number in the IP header's identification and in the payload, its port in
/// the payload.
static void write_frame(const struct traffic *traffic, unsigned char *frame) {
    memcpy(frame, traffic->destination_mac, 6);
    memcpy(frame + 6, traffic->source_mac, 6);
    put16(frame + 12, 0x0800);
    put16(frame + ip, 0x4500);
    put16(frame + ip + 2, traffic->length - ip);
    put16(frame + ip + 4, highest_client);
    put16(frame + ip + 6, 0x4000);
    put16(frame + ip + 8, 64 << 8 | 6);
    put32(frame + ip + 12, traffic->is_answer ? traffic->end : traffic->clients);
    put32(frame + ip + 16, traffic->is_answer ? traffic->clients : traffic->end);
    put16(frame + ip + 10, checksum(sum(frame + ip, 20)));
    put16(frame + tcp + (traffic->is_answer ? 0 : 2), traffic->port);
    put32(frame + tcp + 4, 1);
    put32(frame + tcp + 8, 1);
    put16(frame + tcp + 12, 5 << 12 | traffic->flags);
    put16(frame + tcp + 14, 0xFFFF);
    put16(frame + payload, 0xFFFF);
    put16(frame + payload + 2, highest_client);
    unsigned int length = traffic->length - tcp;
    put16(frame + tcp + 16, checksum(sum(frame + ip + 12, 8) + 6 + length + sum(frame + tcp, length)));
}

/// One number that all programs count on: the latest flow.
static int flow_map(void) {
    static int map = -1;
    if (map >= 0) return map;
    union bpf_attr attributes = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 1};
    map = (int)bpf(BPF_MAP_CREATE, &attributes);
    if (map < 0) die("BPF_MAP_CREATE");
    return map;
}

#define INSTRUCTION(operation, target, from, offset, number) \
    (struct bpf_insn) { .code = (operation), .dst_reg = (target), .src_reg = (from), .off = (offset), .imm = (number) }
#define SET(target, number) INSTRUCTION(BPF_ALU64 | BPF_MOV | BPF_K, target, 0, 0, number)
#define COPY(target, from) INSTRUCTION(BPF_ALU64 | BPF_MOV | BPF_X, target, from, 0, 0)
#define WITH(operation, target, number) INSTRUCTION(BPF_ALU64 | (operation) | BPF_K, target, 0, 0, number)
#define LOAD(size, target, from, offset) INSTRUCTION(BPF_LDX | BPF_MEM | (size), target, from, offset, 0)
#define STORE(size, target, offset, from) INSTRUCTION(BPF_STX | BPF_MEM | (size), target, from, offset, 0)

static int load_program(const struct traffic *traffic) {
    int port = tcp + (traffic->is_answer ? 2 : 0), client = ip + (traffic->is_answer ? 19 : 15);
    // Every flow once, then again: a congruential generator of full period, by Hull and Dobell's theorem.
    int factor = traffic->is_scattered ? 1664525 : 1, step = traffic->is_scattered ? 1013904223 : 1;
    struct bpf_insn program[] = {
        // 6: the frame, which is long enough.
        LOAD(BPF_W, 6, 1, offsetof(struct xdp_md, data)),
        LOAD(BPF_W, 7, 1, offsetof(struct xdp_md, data_end)),
        COPY(2, 6),
        WITH(BPF_ADD, 2, payload + 4),
        INSTRUCTION(BPF_JMP | BPF_JGT | BPF_X, 2, 7, 21, 0),
        // 3: the next flow.
        INSTRUCTION(BPF_LD | BPF_IMM | BPF_DW, 8, BPF_PSEUDO_MAP_VALUE, 0, flow_map()),
        INSTRUCTION(0, 0, 0, 0, 0),
        LOAD(BPF_DW, 3, 8, 0),
        WITH(BPF_MUL, 3, factor),
        WITH(BPF_ADD, 3, step),
        STORE(BPF_DW, 8, 0, 3),
        WITH(BPF_AND, 3, (int)traffic->flows - 1),
        // Its port, and what makes up for it.
        STORE(BPF_H, 6, port, 3),
        COPY(4, 3),
        WITH(BPF_XOR, 4, 0xFFFF),
        STORE(BPF_H, 6, payload, 4),
        // Its client, likewise.
        WITH(BPF_RSH, 3, 16),
        STORE(BPF_B, 6, client, 3),
        SET(4, highest_client),
        INSTRUCTION(BPF_ALU64 | BPF_SUB | BPF_X, 4, 3, 0, 0),
        STORE(BPF_B, 6, ip + 5, 4),
        STORE(BPF_B, 6, payload + 3, 4),
        // Out.
        SET(1, (int)traffic->interface),
        SET(2, 0),
        INSTRUCTION(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_redirect),
        INSTRUCTION(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
        // Or not.
        SET(0, XDP_DROP),
        INSTRUCTION(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
    };
    static char log[65536];
    union bpf_attr attributes = {
        .prog_type = BPF_PROG_TYPE_XDP, .insns = (uintptr_t)program, .insn_cnt = sizeof program / sizeof *program,
        .license = (uintptr_t) "GPL", .log_buf = (uintptr_t)log, .log_size = sizeof log, .log_level = 1,
    };
    int loaded = (int)bpf(BPF_PROG_LOAD, &attributes);
    if (loaded < 0) {
        fputs(log, stderr);
        die("BPF_PROG_LOAD");
    }
    return loaded;
}

struct generator generator_make(const struct traffic *traffic) {
    struct generator generator = {.length = traffic->length, .program = load_program(traffic)};
    write_frame(traffic, generator.frame);
    return generator;
}

void generator_send(const struct generator *generator, unsigned int count) {
    union bpf_attr attributes = {.test = {
        .prog_fd = (uint32_t)generator->program, .data_in = (uintptr_t)generator->frame, .data_size_in = generator->length,
        .repeat = count, .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = 64,
    }};
    if (bpf(BPF_PROG_TEST_RUN, &attributes) != 0) die("BPF_PROG_TEST_RUN");
}
