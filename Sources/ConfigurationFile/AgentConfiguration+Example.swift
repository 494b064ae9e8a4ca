extension AgentConfiguration {
    /// A commented `rsagent.toml` that is valid as it stands: what `rsagent config example` prints.
    public static let example = """
        # /etc/rsagent/rsagent.toml: what this real server answers for, and how its health is judged.
        # `rsagent config check` checks this file, `rsagent plan` shows what it would change on this host.

        # The interface that faces the director. Left out: the one with the default route.
        interface = "eth0"

        # Who may poll and send tunnel packets, and the next hop of answers that go back: in order of preference.
        directors = ["10.0.0.1", "10.0.0.2"]

        # Where else tunnel packets may come from: networks or addresses, such as Katran's "172.16.0.0/16".
        tunnel_sources = []
        # Only those may send tunnel packets. false: anyone, who can then reach this host past its packet filter.
        lockdown = true

        # true: a packet filter of this agent's own keeps ARP off the VIPs too, besides arp_ignore and arp_announce.
        arp_block = false
        # true: all that this host sends goes by way of the director, not only the answers of services. Needs a service
        # with reply = "director" or forward = "nat".
        default_route = false
        # Watch the network for whoever answers for a VIP, this host included. Needs CAP_NET_RAW.
        sentinel = true

        # control.sock and the journal: gone after a reboot, like the changes they record.
        run_dir = "/run/rsagent"

        # What survives a reboot: drain, maint, weight by hand.
        state_dir = "/var/lib/rsagent"

        # How long an agent that stops waits for open connections, once the directors know: 0s to 1h.
        stop_timeout = "30s"

        [report]
        # Where directors fetch the report over HTTP. Left out: the interface's own address, port 9380.
        listen = ["10.0.0.11:9380"]
        # Who may ask besides the directors and this host: networks or addresses; or allow = "any". Without directors: anyone.
        allow = []
        # What whoever asks must show, as `Authorization: Bearer TOKEN`: here, or in the first line of a file.
        # token = "0123456789abcdef"
        # token_file = "/etc/rsagent/token"

        # Serves it over TLS. Files in PEM, read again when they change.
        # [report.tls]
        # certificate = "/etc/rsagent/server.pem"
        # key = "/etc/rsagent/server.key"
        # Whoever asks must show a certificate that one of these authorities vouches for.
        # client_ca = "/etc/rsagent/directors.pem"

        # Directors that this server joins by itself: nobody need write it into their file. One [[join]], or one for each.
        # [[join]]
        # Where the director listens for it, by [join] in its file: http or https, one or a list. Each is in `directors`.
        # director = "https://10.0.0.1:9391"
        # What it asks for, as `Authorization: Bearer TOKEN`: here, or in the first line of a file.
        # token = "0123456789abcdef"
        # token_file = "/etc/rsagent/join-token"
        # Who vouches for it instead of the authorities the system trusts: a file in PEM.
        # ca = "/etc/rsagent/director-ca.pem"
        # Which services are joined. Left out: all.
        # services = ["web"]
        # Multiplies what this agent reports: 0 to 65535.
        # weight = 1
        # This server's own address (RIP), where it is not the one the director sees it come from.
        # address = "10.0.0.11"

        # One [[service]] for each service this server answers for.
        [[service]]
        # Letters, digits, '-', '_' and '.'. The director knows the service by the same name.
        name = "web"
        # What clients connect to: one address or a list, IPv4 or IPv6. Not an address of this server or of a director.
        vip = "192.0.2.10"
        # A number, a list such as [80, 443], or 0 for all.
        port = 80
        # "tcp" or "udp". The same port of both is two services.
        protocol = "tcp"
        # How the director sends packets here: "dr", direct routing; "tun", inside packets of its own; "nat", readdressed.
        forward = "dr"
        # Which way answers go: "direct", to the client; "director", back by way of the first that lives. nat: always back.
        reply = "direct"
        # With "tun": "ipip" (of IPv4 and IPv6, whichever in whichever), "gre" or "gue"; and the UDP port of "gue".
        # tunnel = "ipip"
        # tunnel_port = 6080
        # With "nat": the port the service listens on, where it is not `port`.
        # real_port = 8080
        # "host": connections that this host opens to others never get the VIP as their source.
        scope = "global"
        # What is reported while all checks pass and nothing is loaded: 0 to 65535.
        weight = 100
        # How long the weight takes to grow to that after the service came up, or was undrained: 0s (at once) to 1h.
        slow_start = "0s"
        # With "udp", which has no connections to wait for: what a drain leaves what is under way, 0s to 1h.
        # drain_settle = "5s"
        # With "tcp": what a connection from a director's own address is, "clients" (a proxy's) or "checks" (IPVS with
        # "nat"). Left out, a drain waits for it, and it raises no alarm.
        # director_connections = "checks"
        # Where HAProxy's agent-check for this service is answered: an address and a port for nothing else.
        # agent_check = "10.0.0.11:9381"

        # The weight follows load: it is whole up to the figure of each rule, and falls from there to `min`, which is reached
        # at 1.0 (cpu, cpu_pressure, memory) or at twice the figure. The rule that asks for the least decides.
        # [service.load]
        # The share of CPU time that is used, and of the time in which a task waits for a CPU: above 0, below 1.
        # cpu = 0.8
        # cpu_pressure = 0.2
        # The share of memory that is not available.
        # memory = 0.9
        # Over one minute, for each CPU.
        # load_average = 1.5
        # How many connections clients hold open.
        # connections = 2000
        # A program that prints a number, and the figure it may print. No shell; looked for each time.
        # command = ["/usr/local/lib/rsagent/load", "--now"]
        # command_full = 100
        # The smallest weight while the service is up, 1 if left out, and the largest, `weight` if left out.
        # min = 10
        # max = 100
        # The time constant of the average over the measures: 0s (none) to 10m.
        # smoothing = "10s"
        # The smallest change that is reported, in hundredths of `weight`: 1 to 50.
        # step = 5

        # One [[service.check]] for each question. All must be answered. Asked of the VIP, as clients do,
        # unless `address` and `port` say otherwise.
        [[service.check]]
        # A path.
        http = "/healthz"
        # Upper-case letters.
        method = "GET"
        # The Host header; left out: the address that is asked.
        host = "www.example.com"
        # More headers.
        # headers = { X-Checked-By = "rsagent" }
        # The answers that are good, 100 to 599: numbers, or ranges such as "200-299".
        status = [200]
        # What must be in the first 64 KiB of the answer: 1 to 1024 bytes.
        # body = "ok"
        # Where it is asked instead of on the VIPs and the service's first port.
        # address = "127.0.0.1"
        # port = 8080
        # From the start of one check to the start of the next: 100ms to 1h. Units: ms, s, m, h, d.
        interval = "1s"
        # The same while answers change, or there is no verdict yet. Left out: a quarter of the interval, but 100ms or more.
        fast_interval = "250ms"
        # Not longer than the interval.
        timeout = "500ms"
        # So many successes in a row: up. So many failures in a row: down.
        rise = 2
        fall = 3

        # Over TLS: beside http or grpc; alone, the handshake is the question.
        # [[service.check]]
        # tls = true
        # The name to ask for.
        # server_name = "www.example.com"
        # Whether the certificate must be valid, and for that name; left out: false.
        # verify = true
        # Whom to trust instead of the authorities the system trusts.
        # ca = "/etc/ssl/certs/our-ca.pem"
        # A certificate that ends sooner is a warning, of which nothing goes down: 0s (never) to 365d.
        # expiry_warning = "14d"

        # A connection that need only be accepted.
        # [[service.check]]
        # tcp = true

        # A datagram that must be answered; what to send (left out: nothing), and what must be in the answer.
        # [[service.check]]
        # udp = true
        # port = 8125
        # send = "ping"
        # expect = "pong"

        # The gRPC health protocol, asked of a service; "" is the server as a whole.
        # [[service.check]]
        # grpc = "package.Service"

        # A program that must end with exit status 0. No shell; looked for each time.
        # [[service.check]]
        # exec = ["/usr/local/lib/rsagent/check", "--fast"]

        # A unit of systemd that must be active.
        # [[service.check]]
        # systemd = "nginx.service"

        # A file that must be there, or must not.
        # [[service.check]]
        # file = "/run/maint"
        # exists = false

        """
}
