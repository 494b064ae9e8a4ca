import Lab
import NetworkAddress
import Testing

extension TheKernelLab {
    /// A director whose service is on a VLAN, and which takes packets from the VLAN's parent as well.
    @Suite("rsdirector on a VLAN")
    struct VLANTests {
        private func address(_ host: LabHost) -> String { "10.5.0.\(host.address.rawValue & 0xFF)" }

        @Test("each connection is forwarded once, with the VLAN's tag, by the VLAN's interface and not by its parent")
        func story() async throws {
            let lab = try await Lab()
            try await clearing(lab) { try await judge(lab) }
        }

        private func judge(_ lab: Lab) async throws {
            let fleet = Fleet(on: lab)
            let servers = lab.backends.prefix(2)
            for host in [lab.client, lab.director] + servers {
                try await host.script(
                    """
                    ip link add link eth0 name eth0.5 type vlan id 5
                    ip addr add \(address(host))/24 dev eth0.5
                    ip link set eth0.5 up
                    """)
            }
            try await lab.client.require("ip route replace 192.0.2.0/24 dev eth0.5")
            for host in servers {
                try await fleet.startWebServer(on: host)
                try await host.hold([Lab.vip])
                try await host.set("net/ipv4/conf/eth0.5/arp_announce=2")
            }
            try await fleet.startDirector(
                """
                interface = ["eth0", "eth0.5"]
                run_dir   = "\(lab.director.directory)/var/run"
                [[service]]
                name = "web"
                vip  = "\(Lab.vip)"
                port = 80

                """ + servers.map { "[[service.server]]\naddress = \"\(address($0))\"\nagent = false\n" }.joined())
            try await fleet.ready(servers: 2)

            let question = "tcp[13] & 0x12 = 2 and dst host \(Lab.vip)"
            var captures: [Capture] = []
            for host in servers { captures.append(try await Capture(on: host, name: "wire", filter: "")) }
            let atClient = try await Capture(on: lab.client, name: "wire", filter: "")
            for _ in 0..<20 { #expect(try await fleet.request().server != nil) }
            for capture in captures + [atClient] { try await capture.stop() }

            for capture in captures {
                let tagged = try await capture.sources("vlan 5 and \(question)")
                #expect(tagged == ["\(lab.director.mac)": 10], "in turn, each once")
                #expect(try await capture.frames("not vlan and \(question)").isEmpty, "without its tag")
            }
            let answers = try await atClient.sources("vlan 5 and tcp[13] & 0x12 = 0x12 and src host \(Lab.vip)")
            #expect(answers == Dictionary(uniqueKeysWithValues: servers.map { ("\($0.mac)", 10) }))
            try await fleet.stop()
        }
    }
}
