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
        # true: all that this host sends goes by way of the director, not only the answers of services. Needs one with
        # reply = "director" or forward = "nat".
        default_route = false
        # Watch the network for whoever answers for a VIP, this host included. Needs CAP_NET_RAW.
        sentinel = true

        # control.sock and the journal: gone after a reboot, like the changes they record.
        run_dir = "/run/rsagent"

        # What survives a reboot: drain, maint.
        state_dir = "/var/lib/rsagent"

        [report]
        # Where directors fetch the report over HTTP. Left out: the interface's own address, port 9380.
        listen = ["10.0.0.11:9380"]

        # One [[service]] for each service this server answers for.
        [[service]]
        # Letters, digits, '-', '_' and '.'. The director knows the service by the same name.
        name = "web"
        # What clients connect to: one address or a list, IPv4 or IPv6. Not an address of this server or of a director.
        vip = "192.0.2.10"
        # A number, a list such as [80, 443], or 0 for all.
        port = 80
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
        # What is reported while all checks pass: 0 to 65535.
        weight = 100

        # One [[service.check]] for each question. All must be answered. Asked of the VIP, as clients do,
        # unless `address` and `port` say otherwise.
        [[service.check]]
        # The path to GET; or tcp = true, for a connection that need only be accepted.
        http = "/healthz"
        # The Host header; left out: the address that is asked.
        host = "www.example.com"
        # The answers that are good: 100 to 599.
        status = [200]
        # From the start of one check to the start of the next: 100ms to 1h. Units: ms, s, m, h.
        interval = "1s"
        # Not longer than the interval.
        timeout = "500ms"
        # So many successes in a row: up. So many failures in a row: down.
        rise = 2
        fall = 3

        """
}
