extension DirectorConfiguration {
    /// A commented `rsdirector.toml` that is valid as it stands: what `rsdirector config example` prints.
    public static let example = """
        # /etc/rsdirector/rsdirector.toml: the services this director spreads over real servers.
        # `rsdirector config check` checks this file.

        # Where packets come in and go out: one interface or a list.
        interface = ["eth0"]

        # What forwards packets: "packet", in user space.
        engine = "packet"

        # control.sock
        run_dir = "/run/rsdirector"

        # Where the status is served over HTTP. Left out: on control.sock only.
        status = "127.0.0.1:9390"

        # Whether this director answers ARP for the VIPs and announces them; false where keepalived or a router does.
        own_vip = true

        # One [[service]] for each VIP and port.
        [[service]]
        # The name the agents know the service by.
        name = "web"
        # What clients connect to: one address or a list.
        vip = ["192.0.2.10"]
        # 1 to 65535, or 0 for all.
        port = 80
        protocol = "tcp"
        # How packets reach the servers: "dr", direct routing.
        forward = "dr"
        # "rr", round robin, or "wrr", weighted round robin.
        scheduler = "wrr"

        # One [[service.server]] for each real server.
        [[service.server]]
        # The server's own address (RIP).
        address = "10.0.0.11"
        # Where its rsagent answers. Left out: http://ADDRESS:9380. false: no agent, `weight` alone rules.
        agent = "http://10.0.0.11:9380"
        # Multiplies what the agent reports: 0 to 65535.
        weight = 1
        # After so many polls without an answer the server is taken to be down.
        fall = 3

        [[service.server]]
        address = "10.0.0.12"

        """
}
