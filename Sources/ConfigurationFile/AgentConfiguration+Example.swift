extension AgentConfiguration {
    /// A commented `rsagent.toml` that is valid as it stands: what `rsagent config example` prints.
    public static let example = """
        # /etc/rsagent/rsagent.toml: what this real server answers for, and how its health is judged.
        # `rsagent config check` checks this file, `rsagent plan` shows what it would change on this host.

        # The interface that faces the director. Left out: the one with the default route.
        interface = "eth0"

        # Who may poll, in order of preference.
        directors = ["10.0.0.1", "10.0.0.2"]

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
        # What clients connect to: one address or a list. Not an address of this server or of a director.
        vip = "192.0.2.10"
        # A number, a list such as [80, 443], or 0 for all.
        port = 80
        protocol = "tcp"
        # How the director sends packets here: "dr", direct routing.
        forward = "dr"
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
