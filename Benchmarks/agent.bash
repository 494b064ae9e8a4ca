# shellcheck shell=bash
# The agent's four parts: load, siege, idle, drain. Sourced by `run`, in the real server's network namespace.
#
#   core 0                                     core 1
#   ┌ network namespace: director ─────┐       ┌ network namespace: real server ───────────────────┐
#   │ rsbench load, siege; rsdirector  │ veth  │ rsagent, ten services with VIPs of their own on lo │
#   │ 10.0.0.1 and 10.0.0.2          ══╪═══════╪═ eth0 10.0.0.11      rsbench serve (on core 0)     │
#   └──────────────────────────────────┘       └────────────────────────────────────────────────────┘

idle_seconds=${SECONDS_IDLE:-60} load_seconds=${SECONDS_LOAD:-15}
idle_connections=${IDLE_CONNECTIONS:-10000} slow_connections=${SLOW_CONNECTIONS:-500} rude_connections=${RUDE_CONNECTIONS:-200} drains=${DRAINS:-100}
check=${CHECK:-'http = "/healthz"'} interval=${INTERVAL:-1s}
report=10.0.0.11:9380

# The two ends of the wire, and an agent that is up.
prepare() {
    ip link add eth0 type veth peer name eth0 netns "$other"
    ip addr add 10.0.0.11/24 dev eth0
    ip link set eth0 up
    nsenter --net="/proc/$other/ns/net" sh -c \
        'ip addr add 10.0.0.1/24 dev eth0; ip addr add 10.0.0.2/24 dev eth0; ip link set eth0 up'

    {
        echo "directors = [\"10.0.0.1\"]"
        echo "run_dir = \"$work/run\""
        echo "state_dir = \"$work/state\""
        echo 'interface = "eth0"'
        for number in {0..9}; do
            printf '[[service]]\nname = "web%d"\nvip = "192.0.2.%d"\nport = 80\n' "$number" $((10 + number))
            printf '[[service.check]]\n%s\ninterval = "%s"\ntimeout = "500ms"\nrise = 1\n' "$check" "$interval"
        done
    } >"$work/rsagent.toml"
    cat >"$work/rsdirector.toml" <<EOF
interface = ["eth0"]
run_dir = "$work/director"
status = "127.0.0.1:9390"
[[service]]
name = "web0"
vip = ["192.0.2.10"]
port = 80
protocol = "tcp"
forward = "dr"
scheduler = "wrr"
[[service.server]]
address = "10.0.0.11"
EOF

    # A wildcard, so that it listens before the VIPs are there.
    here "$bench" serve 0.0.0.0:80
    taskset --cpu-list 1 "$agent" run --config "$work/rsagent.toml" 2>"$work/rsagent.log" &
    pid=$!
    started+=("$pid")
    until_true 'all ten services are up' "$agent" status --config "$work/rsagent.toml"
    sleep 3
}
# Who asks comes first on its core: what is to be measured is how long the agent takes, not the checked server or the besiegers.
first=(chrt --fifo 1)
"${first[@]}" true 2>/dev/null || first=(nice -n -10)

memory() { awk '/^RssAnon/ {printf "%.1f MB anonymous memory\n", $2 / 1024}' "/proc/$pid/status"; }
# CPU time of the agent so far, in hundredths of a second (proc(5): utime and stime, as the kernel accounts for them).
ticks() { sed 's/.*) //' "/proc/$pid/stat" | awk '{print $12 + $13}'; }

# Has rsdirector ask the agent, from now on.
direct() {
    [[ -z "${is_directed:-}" ]] || return 0
    is_directed=1
    there "$director" run --config "$work/rsdirector.toml" 2>"$work/rsdirector.log"
    until_true 'the director is up' ask "$director" status --config "$work/rsdirector.toml"
}
spent() {
    local before after
    before=$(ticks)
    sleep "$idle_seconds"
    after=$(ticks)
    echo "$1, $idle_seconds s: $(awk "BEGIN {printf \"%.2f\", ($after - $before) / $idle_seconds}") % of a core, $(memory)"
}
idle() {
    spent 'idle'
    direct
    spent 'idle, with a director asking'
}
load() {
    local before after
    for rate in '' 10000; do
        before=$(ticks)
        # shellcheck disable=SC2086 # nothing, where there is no rate
        echo "load: $(ask "${first[@]}" "$bench" load "$report" /v1/report 32 "$load_seconds" $rate)"
        after=$(ticks)
        echo "      $(awk "BEGIN {printf \"%.0f\", $after - $before}")0 ms of CPU time, $(memory)"
    done
}
siege() {
    # From a director's address, which is let in.
    there "$bench" siege "$report" "$idle_connections" "$slow_connections" "$rude_connections" \
        >"$work/siege.log" 2>&1
    until_true 'the siege has begun' grep -q made "$work/siege.log"
    echo "besieged by $idle_connections idle, $slow_connections slow and $rude_connections rude connections: $(memory)"
    load
    end_latest
}
drain() {
    direct
    # Commands talk to the agent over a Unix socket: in whichever namespace.
    ask "$bench" drain 127.0.0.1:9390 "$drains" "$agent" "$work/rsagent.toml" web0
}
