import Lab
import NetworkAddress
import Testing

extension TheLab {
    /// Servers reach the world through the director, as 203.0.113.5. The world is what is the client elsewhere:
    ///
    ///     rs1 10.0.0.11 ┐           director                       203.0.113.1, 203.0.113.77
    ///                   ├─ br0 ─ eth0 10.0.0.1   203.0.113.2 eth1 ── eth0 world, lo 198.51.100.7: nginx
    ///     rs2 10.0.0.12 ┘
    ///
    /// With IPv6 as 2001:db8:b::5, from fd00::/64 to 2001:db8:c::7; routers are known by their link-local addresses there.
    /// The director's own stack would forward as well.
    @Suite("Source NAT")
    struct OutboundTests {
        /// Who has which address in a family.
        struct World: Sendable, CustomTestStringConvertible {
            static let v4 = World(
                isIPv6: false, servers: "10.0.0.0/24", all: "10.0.0.0/8", seen: "203.0.113.5", remote: "198.51.100.7",
                neighbor: "203.0.113.77")
            static let v6 = World(
                isIPv6: true, servers: "fd00::/64", all: "fd00::/16", seen: "2001:db8:b::5", remote: "2001:db8:c::7",
                neighbor: "2001:db8:b::77")

            let isIPv6: Bool
            /// The network of the servers, and one around it.
            let servers, all: String
            /// What the world sees; an end in the world, and one on its link to the director.
            let seen, remote, neighbor: String

            var testDescription: String { isIPv6 ? "IPv6" : "IPv4" }
            var url: String { "http://\(isIPv6 ? "[\(remote)]" : remote)/" }
            func end(_ address: String, _ port: String) -> String {
                isIPv6 ? "[\(address)]:\(port)" : "\(address):\(port)"
            }
            func server(_ host: LabHost) -> IPAddress { ForwardingFleet.address(of: host, isIPv6: isIPv6) }

            /// The first segments of connections, as a filter of tcpdump's, which knows no TCP of IPv6.
            var syns: String { isIPv6 ? "ip6 proto 6 and ip6[53] == 2" : "tcp[tcpflags] == tcp-syn" }
            /// What hosts say to find each other.
            var resolution: String { isIPv6 ? "(icmp6 and ip6[40] >= 133)" : "arp" }
            /// The packets of the family, but for those and for whom hosts listen to.
            var packets: String { isIPv6 ? "ip6 and not \(resolution) and not ip6 proto 0" : "ip" }
        }

        private func makeWorld(_ its: World, of lab: Lab) async throws {
            let (world, director) = (lab.client, lab.director)
            try await world.require("ip link del eth0")
            let made = try await Command.run(
                ["ip", "-n", director.namespace, "link", "add", "eth1", "type", "veth", "peer", "name", "eth0"]
                    + ["address", "\(world.mac)", "netns", world.namespace])
            guard made.status == 0 else { throw LabError(made.text) }
            // The own address that every host of a lab is looked for at.
            try await world.script("ip link set eth0 up; ip addr add \(world.address)/32 dev lo")
            for host in lab.backends { try await host.script("mkdir -p \(host.directory)") }
            guard its.isIPv6 else {
                try await world.script(
                    """
                    ip addr add 203.0.113.1/24 dev eth0; ip addr add \(its.neighbor)/24 dev eth0
                    ip addr add \(its.remote)/32 dev lo
                    """)
                try await director.script(
                    """
                    ip addr add 203.0.113.2/24 dev eth1; ip link set eth1 up; ip route add default via 203.0.113.1
                    for conf in /proc/sys/net/ipv4/conf/{all,default,eth0,eth1}; do echo 0 >$conf/rp_filter; done
                    echo 1 >/proc/sys/net/ipv4/ip_forward
                    """)
                for host in lab.backends { try await host.require("ip route add default via \(director.address)") }
                return
            }
            for host in [director] + lab.backends { try await ForwardingFleet.addIPv6(to: host) }
            try await world.script(
                """
                for conf in /proc/sys/net/ipv6/conf/{all,default,eth0}; do
                    echo 0 >$conf/accept_dad; echo 0 >$conf/disable_ipv6
                done
                ip addr add fe80::1/64 dev eth0 nodad; ip addr add \(its.neighbor)/64 dev eth0 nodad
                ip addr add \(its.remote)/128 dev lo
                """)
            try await director.script(
                """
                # None of its addresses is tried out first: what comes for one meanwhile would be the world's, to the stack.
                echo 0 >/proc/sys/net/ipv6/conf/eth1/accept_dad; ip link set eth1 up
                ip addr add fe80::d/64 dev eth0 nodad; ip addr add 2001:db8:b::2/64 dev eth1 nodad
                ip -6 route add default via fe80::1 dev eth1
                echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
                """)
            for host in lab.backends { try await host.require("ip -6 route add default via fe80::d dev eth0") }
        }

        private func configuration(_ its: World, _ lab: Lab, ports: String = "1024-65535") -> String {
            """
            interface = ["eth0", "eth1"]
            run_dir   = "\(lab.director.directory)/var/run"

            [[service]]
            name = "web"
            vip  = "\(ForwardingFleet.vip(isIPv6: its.isIPv6))"
            port = 80
            [[service.server]]
            address = "\(its.server(lab.backends[0]))"
            agent   = false

            [[outbound]]
            source  = "\(its.servers)"
            address = "\(its.seen)"
            ports   = "\(ports)"

            """
        }

        /// What so many requests of a host's got, from ports that others use too.
        private func fetch(_ its: World, _ count: Int, on host: LabHost, ports: String = "42000-42200") async throws
            -> [Substring]
        {
            let run = try await host.run([
                "curl", "-sS", "--max-time", "30", "-H", "Connection: close", "--local-port", ports,
                "\(its.url)?[1-\(count)]",
            ])
            return run.text.split(separator: "\n")
        }

        /// The whole download and the whole upload of a host, both from this port.
        private func exchange(
            _ its: World, _ host: LabHost, _ documents: String, port: Int, more: [String] = []
        ) async throws {
            let file = "\(host.directory)/got"
            let got = try await host.run(
                ["curl", "-sS", "-o", file, "--max-time", "100", "--local-port", "\(port)"] + more + ["\(its.url)big"])
            #expect(got.status == 0, "\(host.name): \(got.text)")
            #expect(try await Command.run(["cmp", file, "\(documents)/big"]).status == 0)
            let put = try await host.run([
                "curl", "-sS", "-T", file, "--max-time", "100", "--local-port", "\(port + 1)",
                "\(its.url)upload/\(host.name)",
            ])
            #expect(put.status == 0, "\(host.name): \(put.text)")
            #expect(try await Command.run(["cmp", file, "\(documents)/upload/\(host.name)"]).status == 0)
        }

        /// Asks until an answer comes: the first question to a neighbour is lost.
        private func ask(
            _ its: World, _ sockets: [LabSocket], _ name: String, port: UInt16, in world: LabHost
        ) async throws {
            let address = try #require(IPAddress(name))
            let responder = try LabSocket(on: world, udp: port, at: address)
            for (index, socket) in sockets.enumerated() {
                let question = Array("question \(index)".utf8)
                try await Deadline.wait(until: "an answer to \(index) from \(address)", every: .milliseconds(200)) {
                    socket.send(question, to: address, port: port)
                    for message in responder.receive() {
                        #expect("\(message.source)" == its.seen)
                        responder.send(message.bytes + [33], to: message.source, port: message.port)
                    }
                    return socket.receive().contains { $0.source == address && $0.bytes == question + [33] }
                }
            }
        }

        private func isReply(_ its: World, _ message: LabSocket.Message, sequence: UInt8) -> Bool {
            guard "\(message.source)" == its.remote, message.bytes.count >= 8 else { return false }
            return message.bytes[0] == (its.isIPv6 ? 129 : 0) && Array(message.bytes[4..<8]) == [0, 7, 0, sequence]
        }

        /// Whether it says port unreachable about a datagram of this host's, from this port.
        private func isUnreachable(
            _ its: World, _ message: LabSocket.Message, about host: LabHost, _ port: UInt16
        ) -> Bool {
            // The source's last octet and the port behind the quoted header, which is behind 8 bytes of ICMP.
            let (source, ports) = its.isIPv6 ? (31, 48) : (23, 28)
            guard "\(message.source)" == its.remote, message.bytes.count >= ports + 2 else { return false }
            let kind: [UInt8] = its.isIPv6 ? [1, 4] : [3, 3]
            let last = String(message.bytes[source], radix: its.isIPv6 ? 16 : 10)
            let quotedPort = UInt16(message.bytes[ports]) << 8 | UInt16(message.bytes[ports + 1])
            return message.bytes.starts(with: kind) && "\(its.server(host))".hasSuffix(last) && quotedPort == port
        }

        @Test(
            "two servers fetch, send, ping and ask at once as one address, by the same ports; nothing leaves as itself",
            arguments: [World.v4, World.v6])
        func story(_ its: World) async throws {
            let lab = try await Lab()
            try await clearing(lab) {
                try await makeWorld(its, of: lab)
                let (world, servers) = (lab.client, Array(lab.backends.prefix(2)))
                let web = try await WebServer(on: world)
                let fleet = Fleet(on: lab)
                try await fleet.startDirector(configuration(its, lab))
                try await Deadline.wait(until: "the director to be up") {
                    if let director = fleet.director, director.exitStatus != nil { throw LabError(try director.output) }
                    return try await fleet.director("status").status == 0
                }
                // From here on nothing may leave as itself, not even before the address is claimed.
                let atWorld = try await Capture(on: world, name: "world")
                try await Deadline.wait(until: "the world to answer", limit: .seconds(40)) {
                    try await fetch(its, 1, on: servers[0]) == ["client"]
                }

                // 1. Small ones at once, from the same ports; large ones, which overlap, from one and the same.
                async let first = fetch(its, 100, on: servers[0])
                async let second = fetch(its, 100, on: servers[1])
                for answers in try await [first, second] { #expect(answers == Array(repeating: "client", count: 100)) }
                async let slow: Void = exchange(
                    its, servers[0], web.documents, port: 41000, more: ["--limit-rate", "2M"])
                async let other: Void = exchange(
                    its, servers[1], web.documents, port: 41000, more: ["--limit-rate", "2M"])
                _ = try await (slow, other)
                let ports = Set(
                    try await atWorld.frames("src host \(its.seen) and dst port 80 and \(its.syns)")
                        .compactMap { $0.split(separator: " ").first { $0.hasPrefix("\(its.seen).") } })
                #expect(ports.contains("\(its.seen).41000") && ports.count > 2, "\(ports)")

                // 2. Datagrams and echoes, from one port and by one identifier; with whole checksums, for tcpdump to judge.
                for host in servers + [world] { try host.completeChecksums() }
                let checked = try await Capture(on: world, name: "checked")
                for host in servers {
                    #expect(try await fetch(its, 5, on: host) == Array(repeating: "client", count: 5))
                }
                let any: IPAddress = its.isIPv6 ? .v6(.any) : .v4(.any)
                let remote = try #require(IPAddress(its.remote))
                let sockets = try servers.map { try LabSocket(on: $0, udp: 5353, at: any) }
                try await ask(its, sockets, its.remote, port: 53, in: world)
                try await ask(its, sockets, its.neighbor, port: 53, in: world)
                let pings = try servers.map { try LabSocket(on: $0, udp: nil, at: any) }
                for (index, ping) in pings.enumerated() {
                    try await Deadline.wait(until: "the echo of \(servers[index].name)", every: .milliseconds(100)) {
                        ping.send(
                            LabSocket.echo(identifier: 7, sequence: UInt16(index), isIPv6: its.isIPv6), to: remote)
                        return ping.receive().contains { self.isReply(its, $0, sequence: UInt8(index)) }
                    }
                }

                // 3. Errors come home: from the remote end, and from the director as a router.
                try await Deadline.wait(until: "port unreachable", every: .milliseconds(100)) {
                    sockets[0].send([1], to: remote, port: 9)
                    return pings[0].receive().contains { self.isUnreachable(its, $0, about: servers[0], 5353) }
                }
                try await Deadline.wait(until: "time exceeded", every: .milliseconds(100)) {
                    sockets[1].send([1], to: remote, port: 9, timeToLive: 1)
                    return pings[1].receive().contains {
                        "\($0.source)" == its.seen && $0.bytes[0] == (its.isIPv6 ? 3 : 11)
                    }
                }

                // 4. What an operator sees.
                let status = try await fleet.director("status").output
                #expect(status.contains(its.end(its.seen, "1024-65535")) && status.contains(its.servers), "\(status)")
                #expect(
                    try await fleet.director("status --stats").output.contains(
                        "SNAT " + its.end(its.seen, "1024-65535")))
                let connections = try await fleet.director("status --connections").output
                #expect(connections.contains(its.end("\(its.server(servers[0]))", "41000")))
                #expect(connections.contains(its.end(its.seen, "41000")))
                #expect(
                    connections.contains("ICMP") && connections.contains(its.end(its.remote, "80")), "\(connections)")

                // 5. Other ports by a reload: what is open goes on by its own, what is new gets one of them.
                let file = "\(servers[0].directory)/kept"
                let kept = try await servers[0].start(
                    ["curl", "-sS", "-o", file, "--limit-rate", "1M", "--local-port", "43000", "\(its.url)big"],
                    log: "kept")
                try await Deadline.wait(until: "the download to begin") {
                    try await servers[0].run(["test", "-s", file]).status == 0
                }
                try await lab.director.write(configuration(its, lab, ports: "60000-60999"), to: "rsdirector.toml")
                let reloaded = try await fleet.director("reload")
                #expect(reloaded.status == 0 && reloaded.output.contains("60000-60999"), "\(reloaded.text)")
                let later = try await Capture(on: world, name: "later", filter: its.syns)
                let fetched = try await fetch(its, 5, on: servers[1], ports: "44000-44100")
                #expect(fetched == Array(repeating: "client", count: 5))
                #expect(try await kept.ended(limit: .seconds(60)) == 0)
                #expect(try await Command.run(["cmp", file, "\(web.documents)/big"]).status == 0)
                try await later.stop()
                let opened = try await later.frames("src host \(its.seen)")
                #expect(!opened.isEmpty && opened.allSatisfy { $0.contains("\(its.seen).60") }, "\(opened)")

                // 6. A narrower link: servers are told, and what they send comes through.
                //    The world, whose own link is as it was, still asks for segments of 1,460 bytes.
                try await lab.director.require("ip link set eth1 mtu 1300")
                try await Deadline.wait(until: "a packet too big", limit: .seconds(40)) {
                    let put = try await servers[0].run([
                        "curl", "-sS", "-T", file, "--max-time", "20", "\(its.url)upload/narrow",
                    ])
                    let whole = try await Command.run(["cmp", file, "\(web.documents)/upload/narrow"]).status == 0
                    let tells = try await fleet.director("status --json").output.contains("\"tooBig\"")
                    return put.status == 0 && whole && tells
                }

                // 7. The wire: the director's host has nothing to say but in its own name and the outbound address's.
                try await atWorld.stop()
                try await checked.stop()
                for capture in [atWorld, checked] {
                    #expect(try await capture.frames("net \(its.all)").isEmpty)
                    #expect(try await capture.frames("\(its.resolution) or src host \(its.seen)").count > 20)
                    let others = "\(its.packets) and not ether src \(world.mac) and not src host \(its.seen)"
                    let strangers = try await capture.frames(others)
                    #expect(strangers.isEmpty, "\(strangers)")
                }
                let verdicts = try await checked.details("src host \(its.seen)")
                for wrong in ["incorrect", "bad cksum", "bad udp cksum", "wrong icmp cksum", "bad icmp6 cksum"] {
                    #expect(!verdicts.contains(wrong), "\(verdicts)")
                }
                #expect(verdicts.ranges(of: "(correct)").count > 20 && verdicts.contains("udp sum ok"), "\(verdicts)")
                let dropped = try await lab.director.require("nft list table netdev rsdirector").output
                let rule = dropped.split(separator: "\n").first { $0.contains("saddr \(its.servers)") }
                #expect(rule?.contains("packets 0 ") == false, "\(dropped)")

                // 8. Without the director the host's stack would have let it out as it is: this proof can fail.
                try await fleet.stop()
                let after = try await Capture(on: world, name: "after", filter: its.isIPv6 ? "icmp6" : "icmp")
                try await Deadline.wait(until: "a packet of rs1's own in the world", every: .milliseconds(100)) {
                    pings[0].send(LabSocket.echo(identifier: 7, sequence: 9, isIPv6: its.isIPv6), to: remote)
                    return try await after.frames("src host \(its.server(servers[0]))").isEmpty == false
                }
                try await after.stop()
                try await web.process.stop(3)
            }
        }
    }
}
