extension DirectorConfiguration {
    /// A commented `rsdirector.toml` that is valid as it stands: what `rsdirector config example` prints.
    public static let example = """
        # /etc/rsdirector/rsdirector.toml: the services this director spreads over real servers.
        # `rsdirector config check` checks this file.

        # Where packets come in and go out: one interface or a list.
        interface = ["eth0"]

        # What forwards packets: "packet", in user space.
        engine = "packet"

        # control.sock, and from a stop to the next start the connections.
        run_dir = "/run/rsdirector"

        # Where the status is served over HTTP. Left out: on control.sock only.
        status = "127.0.0.1:9390"

        # Whether this director answers ARP and Neighbor Discovery for the VIPs and announces them; false where keepalived or a
        # router does.
        own_vip = true

        # How many flows there is room for in all, in memory that is taken at the start: 1024 to 67108864. Each worker has an
        # equal part of it, for its own clients.
        flows = 1048576

        # How many threads forward packets, each for clients of its own: 1 to 64. Left out: one for each core that the director
        # may run on.
        # workers = 4

        # true: a TCP packet of no flow that is known is scheduled as a new connection's, in the services that do not say.
        # For directors that share a VIP or take one over, and for one that was killed, with a scheduler that hashes.
        sloppy = false

        # When a flow is forgotten that no packet comes for: 1s to 31d.
        [timeouts]
        tcp = "15m"
        # Once one end has closed the connection.
        tcp_fin = "2m"
        udp = "5m"

        # How agents are asked, where a server does not say otherwise.
        [agent]
        # true: over TLS, https://ADDRESS:9380.
        tls = false
        # What they are shown, as `Authorization: Bearer TOKEN`: here, or in the first line of a file.
        # token = "0123456789abcdef"
        # token_file = "/etc/rsdirector/token"
        # With TLS: who vouches for the agents instead of the authorities the system trusts, and the director's own
        # certificate. Files in PEM, read again when they change.
        # ca = "/etc/rsdirector/agents.pem"
        # certificate = "/etc/rsdirector/client.pem"
        # key = "/etc/rsdirector/client.key"

        # Where agents join by themselves: adding a server is installing rsagent with a [[join]]. Left out: they do not.
        # [join]
        # HTTP on an address of this host's own. Nothing else is there, and nobody without the token changes anything.
        # listen = "10.0.0.1:9391"
        # What they must show, as `Authorization: Bearer TOKEN`: here, or in the first line of a file.
        # token = "0123456789abcdef"
        # token_file = "/etc/rsdirector/join-token"
        # Which services they may join, which then need no [[service.server]]. Left out: all.
        # services = ["web"]
        # Addresses that a server may join with besides the one it connects from.
        # networks = ["10.0.0.0/24"]
        # How long a server stays whose agent is not heard of any more: 5s to 1h. It says three times in that time that it is
        # there.
        # lease = "30s"
        # How many may join: 1 to 100000.
        # limit = 1000
        # Serves it over TLS. Files in PEM, read again when they change.
        # [join.tls]
        # certificate = "/etc/rsdirector/server.pem"
        # key = "/etc/rsdirector/server.key"

        # One [[service]] for each port.
        [[service]]
        # The name the agents know the service by.
        name = "web"
        # What clients connect to: one address or a list, IPv4 or IPv6 or both.
        vip = ["192.0.2.10"]
        # 1 to 65535, or 0 for all.
        port = 80
        # "tcp" or "udp".
        protocol = "tcp"
        # How packets reach the servers: "dr", direct routing; "tun", inside packets of the director's own; "nat", readdressed.
        forward = "dr"
        # Which way answers go: "direct", to the client; "director", back through here. nat: always back.
        reply = "direct"
        # With "tun": "ipip" (of IPv4 and IPv6, whichever in whichever), "gre" or "gue"; and the UDP port of "gue".
        # tunnel = "ipip"
        # tunnel_port = 6080
        # Who gets a new connection. "rr", "wrr": one after the other, the latter by weight; "lc", "wlc", "sed", "nq": who has
        # the fewest; "twos": the better of two drawn; "sh", "mh": by the client's address; "dh", "lblc", "lblcr": by the
        # VIP; "fo", "ovf": the heaviest first.
        scheduler = "wrr"
        # With "sh" and "mh": hash the client's port too ("port"); give a client another server where its own takes nothing
        # new ("fallback").
        # scheduler_flags = ["port", "fallback"]
        # A client that came stays with its server for so long: 1s to 31d. Left out: each connection is scheduled by itself.
        # persistence = "5m"
        # How many bits of an address make a client.
        # persistence_netmask = 32
        # persistence_netmask6 = 128
        # What its new connections get while that server is drained: "stay" with it, or "move" to another.
        # drained_clients = "stay"
        # Connections whose server was removed: "hold", drop their packets in case it comes back; "forget", take the next packet
        # for a new one's. UDP of a server that is down: "hold", until its timeout; "forget", until the next packet.
        removed_connections = "hold"
        # As at the top, for this service alone.
        # sloppy = true
        # Who answers while fewer than `quorum` servers are up; `forward` and `port` (nat) like a server's. A list: one for
        # each family.
        # sorry_server = { address = "10.0.0.99", forward = "dr" }
        # quorum = 1
        # The servers get the connections back with `quorum` + `hysteresis` that are up, and lose them below `quorum` less that.
        # hysteresis = 0
        # How long a server's weight takes to grow to what it should be after it came up: 0s (at once) to 1h.
        slow_start = "0s"
        # For how long the last word of an agent that fell silent holds: 0s (its server is down) to 1d.
        last_word = "0s"
        # Of polls in a row, for the servers that do not say: with an answer and the server is up again, without and it is down.
        rise = 1
        fall = 3

        # One [[service.server]] for each real server.
        [[service.server]]
        # The server's own address (RIP): of the VIP's family, with "tun" of either.
        address = "10.0.0.11"
        # With "nat": the port the service listens on, where it is not the VIP's.
        # port = 8080
        # Where its rsagent answers, over http or https. Left out: port 9380 of ADDRESS. false: no agent, `weight` and `check`
        # rule. What it is shown, `token` to `key`, is as in [agent] unless it is written here.
        agent = "http://10.0.0.11:9380"
        # Multiplies what the agent reports: 0 to 65535.
        weight = 1
        # As in [[service]], for this server alone.
        rise = 1
        fall = 3
        # With so many connections it takes no more; with fewer than `lower` (left out: three quarters) it does again.
        # upper = 1000
        # lower = 800

        [[service.server]]
        address = "10.0.0.12"

        # A server without an agent is asked by the director itself, on its own address (RIP), and all must be answered.
        # [[service.server]]
        # address = "10.0.0.13"
        # agent = false
        # [[service.server.check]]
        # A path.
        # http = "/healthz"
        # Upper-case letters.
        # method = "GET"
        # The Host header; left out: the address that is asked.
        # host = "www.example.com"
        # More headers.
        # headers = { X-Checked-By = "rsdirector" }
        # The answers that are good, 100 to 599: numbers, or ranges such as "200-299".
        # status = [200]
        # What must be in the first 64 KiB of the answer: 1 to 1024 bytes.
        # body = "ok"
        # Where it is asked instead of on the server's address and port.
        # address = "10.0.1.13"
        # port = 8080
        # From the start of one check to the start of the next: 100ms to 1h, and while answers change.
        # interval = "1s"
        # fast_interval = "250ms"
        # Not longer than the interval.
        # timeout = "500ms"
        # So many successes in a row: up. So many failures in a row: down.
        # rise = 2
        # fall = 3

        # A [[service.check]] is asked of each server that has no agent and no check of its own.
        # A connection that need only be accepted.
        # [[service.check]]
        # tcp = true

        # Over TLS: beside http or grpc; alone, the handshake is the question. The name to ask for, whether the certificate must
        # be valid, and for that name, whom to trust, and when its end is a warning: 0s (never) to 365d.
        # [[service.check]]
        # tls = true
        # server_name = "www.example.com"
        # verify = true
        # ca = "/etc/ssl/certs/our-ca.pem"
        # expiry_warning = "14d"

        # A datagram that must be answered; what to send (left out: nothing), and what must be in the answer.
        # [[service.check]]
        # udp = true
        # send = "ping"
        # expect = "pong"

        # The gRPC health protocol, asked of a service; "" is the server as a whole.
        # [[service.check]]
        # grpc = "package.Service"

        # Source NAT: servers behind the director, which is their router, reach the world as one address that it answers for.
        # [[outbound]]
        # The servers' networks, of one family: one or a list. What stays within them is left alone.
        # source = ["10.0.0.0/24"]
        # No host's address, not the director's own either; a VIP only with ports that no service has.
        # address = "203.0.113.5"
        # The ports that are given out, where a server's own is taken or not among them.
        # ports = "1024-65535"

        """
}
