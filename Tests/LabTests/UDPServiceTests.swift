import Lab
import Testing

extension TheLab {
    @Suite("A service of UDP, beside one of TCP on the same VIP and port")
    struct UDPServiceTests {
        @Test("is set up, diagnosed, shown and drained; what is open to TCP neither holds that up nor is cut with it")
        func besideTCP() async throws {
            let lab = try await Lab()
            try await clearing(lab) {
                let fleet = Fleet(on: lab)
                let host = lab.backends[0]
                let before = try await host.text()
                try await fleet.startWebServer(on: host)
                let more = """
                    [[service]]
                    name = "datagrams"
                    vip = "\(Lab.vip)"
                    port = 80
                    protocol = "udp"
                    drain_settle = "1s"

                    """
                try await fleet.startAgent(on: host, fleet.agentConfiguration(for: host) + "\n" + more)
                try await Deadline.wait(until: "both services to be up") {
                    try await fleet.agent(host, "status").status == 0
                }
                let status = try await fleet.agent(host, "status").output
                let row = status.split(separator: "\n").first { $0.hasPrefix("datagrams") }
                #expect(row?.split(separator: " ").dropFirst(3).first == "-", "\(status)")
                let json = try await fleet.agent(host, "status", "--json").output
                #expect(json.contains(#""protocol":"udp""#) && json.contains(#""protocol":"tcp""#), "\(json)")

                let deaf = try await fleet.agent(host, "doctor").output
                #expect(deaf.contains("datagrams: nobody listens on udp \(Lab.vip):80"), "\(deaf)")
                let listener = try UDPListener(on: host, port: 80)
                let heard = try await fleet.agent(host, "doctor").output
                withExtendedLifetime(listener) {}
                #expect(heard.contains("datagrams: somebody listens on udp \(Lab.vip):80"), "\(heard)")

                try await lab.client.require("ip neigh replace \(Lab.vip) lladdr \(host.mac) dev eth0")
                let client = try await lab.client.start(
                    ["curl", "-s", "-o", "/dev/null", "http://\(Lab.vip)/slow"], log: "slow")
                try await Deadline.wait(until: "the connection") {
                    try await fleet.agent(host, "status", "--json").output.contains("\"connections\":1")
                }
                _ = try await fleet.agent(host, "drain", "datagrams")
                try await fleet.askUntilNoticed(host, service: "datagrams")
                let drain = try await fleet.agent(host, "drain", "datagrams", "--wait", "--force")
                #expect(drain.status == 0, "\(drain.text)")
                #expect(drain.output.contains("datagrams: UDP has no connections to count"), "\(drain.text)")
                #expect(!drain.output.contains("ended by force"))
                #expect(try await fleet.agent(host, "status", "--json").output.contains("\"connections\":1"))
                client.signal(15)
                _ = try await client.ended()

                try await fleet.stop()
                let difference = HostText.difference(before, try await host.text())
                #expect(difference.isEmpty, "\(difference)")
            }
        }
    }
}
