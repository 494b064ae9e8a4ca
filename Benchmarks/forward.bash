# shellcheck shell=bash
# How much rsdirector forwards, beside a bare forwarder in C that only swaps the MACs. Sourced by `run`, in the director's network
# namespace.
#
#   core 1                                     core 0
#   ┌ network namespace: director ─────┐       ┌ network namespace: segment ────────────────┐
#   │ rsdirector, or macswap           │ veth  │ flood: clients' packets, as fast as it can │
#   │ 10.0.0.1                   eth0 ═╪═══════╪═ eth0 10.0.0.11 to .14: the servers        │
#   └──────────────────────────────────┘       │ counts what comes back, and drops it       │
#                                              └────────────────────────────────────────────┘
#
# One forwarder at a time, on the same veth, in turn. One arm, as a director mostly has: what comes back by eth0 has been forwarded.

seconds=${SECONDS_FORWARD:-1} rounds=${ROUNDS:-9} flows=${FLOWS:-262144} sizes=${SIZES:-64 1514}

prepare() {
    ip link add eth0 type veth peer name eth0 netns "$other"
    ip addr add 10.0.0.1/24 dev eth0
    # Longer than any frame is, so that tunnels need not cut.
    ip link set eth0 mtu 2000 up
    local host
    for host in 11 12 13 14; do ask ip addr add "10.0.0.$host/24" dev eth0; done
    ask ip link set eth0 mtu 2000 up
    # Frames can be redirected into a veth whose other end has NAPI, which is what GRO turns on there.
    "$built/flood" gro eth0
    mac=$(ip -o link show eth0 | sed 's/.*link\/ether \([^ ]*\).*/\1/')
    # The hosts at both ends have nothing to do with the packets: rsdirector's own table does the same on its side.
    nft -f - <<NFT
table netdev director {
    chain ingress { type filter hook ingress device "eth0" priority 100; ip daddr { 192.0.2.0/24, 10.1.0.0/24 } drop; }
}
NFT
    ask nft -f - <<NFT
table netdev segment {
    chain ingress { type filter hook ingress device "eth0" priority 0; ether type != arp drop; }
}
NFT

    {
        printf 'interface = ["eth0"]\nrun_dir = "%s/director"\nown_vip = false\n' "$work"
        printf_service dr 10 'forward = "dr"'
        printf_service nat 20 'forward = "nat"' 8080
        printf_service tun 30 'forward = "tun"'
        printf_service return 40 'forward = "nat"' 8080
    } >"$work/rsdirector.toml"
    "$director" config check --config "$work/rsdirector.toml" >/dev/null
}
# A service with four servers, or with the one whose answers are known: printf_service NAME VIP SETTING [PORT]
printf_service() {
    local host hosts=(11 12 13 14)
    [[ "$1" != return ]] || hosts=(11)
    printf '[[service]]\nname = "%s"\nvip = ["192.0.2.%d"]\nport = 80\n%s\n' "$1" "$2" "$3"
    for host in "${hosts[@]}"; do
        printf '[[service.server]]\naddress = "10.0.0.%d"\nagent = false\n' "$host"
        [[ -z "${4:-}" ]] || printf 'port = %d\n' "$4"
    done
}

# Offers packets and notes what became of them: offer NAME SIZE in|back END 'what must come back'
offer() {
    local line
    line=$(ask "$built/flood" "$3" eth0 "$mac" 10.1.0.0 "$4" "$flows" "$2" "$seconds" "$forwarder")
    # shellcheck disable=SC2053 # a pattern
    [[ "${line#* * * * }" == $5 ]] || { echo "$1: not forwarded as it should be: $line" >&2; exit 1; }
    echo "$1 $line" >>"$work/forward.$2"
}
# Starts a forwarder on core 1.
start_forwarder() {
    taskset --cpu-list 1 "$@" 2>"$work/forwarder.log" &
    forwarder=$!
    started+=("$forwarder")
}

forward() {
    local round size
    for size in $sizes; do
        for ((round = 0; round < rounds; round++)); do
            start_forwarder "$built/macswap" eth0
            offer macswap "$size" in 192.0.2.10:80 'protocol 6 to 192.0.2.10, TTL 64, *'
            end_latest
            start_forwarder "$director" run --config "$work/rsdirector.toml"
            offer DR "$size" in 192.0.2.10:80 'protocol 6 to 192.0.2.10, TTL 63, *'
            offer NAT "$size" in 192.0.2.20:80 'protocol 6 to 10.0.0.1[1-4], TTL 63, *'
            offer TUN "$size" in 192.0.2.30:80 "protocol 4 to 10.0.0.1[1-4], TTL 63, $((size - 14 + 20)) bytes"
            open_for_answers "$size"
            offer 'NAT,back' "$size" back 10.0.0.11:8080 'protocol 6 to 10.1.0.*, TTL 63, *'
            end_latest
        done
        tell "$size" <"$work/forward.$size"
    done
}
# The flows that the answers belong to.
open_for_answers() {
    ask "$built/flood" in eth0 "$mac" 10.1.0.0 192.0.2.40:80 "$flows" "$1" 0 "$forwarder" >/dev/null
}

# Medians over the rounds; the ratios are those of each round to the bare forwarder's in it.
tell() {
    echo "frames of $1 bytes, $flows flows for each service, $rounds rounds of $seconds s:"
    awk '
        function median(list, count,    i, j, held) {
            for (i = 2; i <= count; i++)
                for (j = i; j > 1 && list[j - 1] > list[j]; j--) { held = list[j]; list[j] = list[j - 1]; list[j - 1] = held }
            return count % 2 ? list[(count + 1) / 2] : (list[count / 2] + list[count / 2 + 1]) / 2
        }
        function of(column, name,    i, list) {
            for (i = 1; i <= count[name]; i++) list[i] = value[name, i, column]
            return median(list, count[name])
        }
        function ratio(column, name,    i, list) {
            for (i = 1; i <= count[name]; i++) list[i] = value[name, i, column] / value["macswap", i, column]
            return median(list, count[name])
        }
        !($1 in count) { names[++kinds] = $1 }
        { count[$1]++; for (column = 2; column <= 5; column++) value[$1, count[$1], column] = $column }
        END {
            for (kind = 1; kind <= kinds; kind++) {
                name = names[kind]
                printf "  %-9s %7.0f/s, %.2f of macswap; %5.0f ns of CPU time each, %.2f of macswap'"'"'s; %3.0f %% of its core; offered %7.0f/s\n",
                    name, of(2, name), ratio(2, name), of(3, name), 1 / ratio(3, name), of(4, name), of(5, name)
            }
        }'
}
