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
    /// The director's own stack would forward as well: `ip_forward` is on.
    @Suite("Source NAT")
    struct OutboundTests {
        static let address = IPv4Address(203, 0, 113, 5)
        static let remote = IPv4Address(198, 51, 100, 7)
        static let neighbor = IPv4Address(203, 0, 113, 77)
        static let url = "http://\(remote)/"

        private func makeWorld(of lab: Lab) async throws {
            let (world, director) = (lab.client, lab.director)
            try await world.require("ip link del eth0")
            let made = try await Command.run(
                ["ip", "-n", director.namespace, "link", "add", "eth1", "type", "veth", "peer", "name", "eth0"]
                    + ["address", "\(world.mac)", "netns", world.namespace])
            guard made.status == 0 else { throw LabError(made.text) }
            try await world.script(
                """
                ip addr add 203.0.113.1/24 dev eth0; ip addr add \(Self.neighbor)/24 dev eth0; ip link set eth0 up
                # The own address that every host of a lab is looked for at.
                ip addr add \(Self.remote)/32 dev lo; ip addr add \(world.address)/32 dev lo
                """)
            try await director.script(
                """
                ip addr add 203.0.113.2/24 dev eth1; ip link set eth1 up; ip route add default via 203.0.113.1
                for conf in /proc/sys/net/ipv4/conf/{all,default,eth0,eth1}; do echo 0 >$conf/rp_filter; done
                echo 1 >/proc/sys/net/ipv4/ip_forward
                """)
            for host in lab.backends {
                try await host.script("ip route add default via \(director.address); mkdir -p \(host.directory)")
            }
        }

        private func configuration(_ lab: Lab, ports: String = "1024-65535") -> String {
            """
            interface = ["eth0", "eth1"]
            run_dir   = "\(lab.director.directory)/var/run"

            [[service]]
            name = "web"
            vip  = "\(Lab.vip)"
            port = 80
            [[service.server]]
            address = "\(lab.backends[0].address)"
            agent   = false

            [[outbound]]
            source  = "10.0.0.0/24"
            address = "\(Self.address)"
            ports   = "\(ports)"

            """
        }

        /// What so many requests of a host's got, from ports that others use too.
        private func fetch(_ count: Int, on host: LabHost, ports: String = "42000-42200") async throws -> [Substring] {
            let run = try await host.run([
                "curl", "-sS", "--max-time", "30", "-H", "Connection: close", "--local-port", ports,
                "\(Self.url)?[1-\(count)]",
            ])
            return run.text.split(separator: "\n")
        }

        /// The whole download and the whole upload of a host, both from this port.
        private func exchange(_ host: LabHost, _ documents: String, port: Int, more: [String] = []) async throws {
            let file = "\(host.directory)/got"
            let got = try await host.run(
                ["curl", "-sS", "-o", file, "--max-time", "100", "--local-port", "\(port)"] + more + ["\(Self.url)big"])
            #expect(got.status == 0, "\(host.name): \(got.text)")
            #expect(try await Command.run(["cmp", file, "\(documents)/big"]).status == 0)
            let put = try await host.run([
                "curl", "-sS", "-T", file, "--max-time", "100", "--local-port", "\(port + 1)",
                "\(Self.url)upload/\(host.name)",
            ])
            #expect(put.status == 0, "\(host.name): \(put.text)")
            #expect(try await Command.run(["cmp", file, "\(documents)/upload/\(host.name)"]).status == 0)
        }

        /// Asks until an answer comes: the first question to a neighbour is lost.
        private func ask(_ sockets: [LabSocket], _ address: IPv4Address, port: UInt16, in world: LabHost) async throws {
            let responder = try LabSocket(on: world, udp: port, at: address)
            for (index, socket) in sockets.enumerated() {
                let question = Array("question \(index)".utf8)
                try await Deadline.wait(until: "an answer to \(index) from \(address)", every: .milliseconds(200)) {
                    socket.send(question, to: address, port: port)
                    for message in responder.receive() {
                        #expect(message.source == Self.address)
                        responder.send(message.bytes + [33], to: message.source, port: message.port)
                    }
                    return socket.receive().contains { $0.source == address && $0.bytes == question + [33] }
                }
            }
        }

        private func isReply(_ message: LabSocket.Message, sequence: UInt8) -> Bool {
            guard message.source == Self.remote, message.bytes.count >= 8 else { return false }
            return message.bytes[0] == 0 && Array(message.bytes[4..<8]) == [0, 7, 0, sequence]
        }

        /// Whether it says port unreachable about a datagram of this host's, from this port.
        private func isUnreachable(_ message: LabSocket.Message, about host: [UInt8], _ port: UInt16) -> Bool {
            guard message.source == Self.remote, message.bytes.count >= 30 else { return false }
            return Array(message.bytes[0..<2]) == [3, 3] && Array(message.bytes[20..<24]) == host
                && Array(message.bytes[28..<30]) == [UInt8(port >> 8), UInt8(port & 0xFF)]
        }

        @Test(
            "two servers fetch, send, ping and ask at once as one address, by the same ports; nothing leaves as itself")
        func story() async throws {
            let lab = try await Lab()
            try await clearing(lab) {
                try await makeWorld(of: lab)
                let (world, servers) = (lab.client, Array(lab.backends.prefix(2)))
                let web = try await WebServer(on: world)
                let fleet = Fleet(on: lab)
                try await fleet.startDirector(configuration(lab))
                try await Deadline.wait(until: "the director to be up") {
                    if let director = fleet.director, director.exitStatus != nil { throw LabError(try director.output) }
                    return try await fleet.director("status").status == 0
                }
                // From here on nothing may leave as itself, not even before the address is claimed.
                let atWorld = try await Capture(on: world, name: "world")
                try await Deadline.wait(until: "the world to answer", limit: .seconds(40)) {
                    try await fetch(1, on: servers[0]) == ["client"]
                }

                // 1. Small ones at once, from the same ports; large ones, which overlap, from one and the same.
                async let first = fetch(100, on: servers[0])
                async let second = fetch(100, on: servers[1])
                for answers in try await [first, second] { #expect(answers == Array(repeating: "client", count: 100)) }
                async let slow: Void = exchange(servers[0], web.documents, port: 41000, more: ["--limit-rate", "2M"])
                async let other: Void = exchange(servers[1], web.documents, port: 41000, more: ["--limit-rate", "2M"])
                _ = try await (slow, other)
                let ports = Set(
                    try await atWorld.frames("src host \(Self.address) and dst port 80 and tcp[tcpflags] == tcp-syn")
                        .compactMap { $0.split(separator: " ").first { $0.hasPrefix("\(Self.address).") } })
                #expect(ports.contains("\(Self.address).41000") && ports.count > 2, "\(ports)")

                // 2. Datagrams and echoes, from one port and by one identifier; with whole checksums, for tcpdump to judge.
                for host in servers + [world] { try host.completeChecksums() }
                let checked = try await Capture(on: world, name: "checked")
                for host in servers { #expect(try await fetch(5, on: host) == Array(repeating: "client", count: 5)) }
                let sockets = try servers.map { try LabSocket(on: $0, udp: 5353) }
                try await ask(sockets, Self.remote, port: 53, in: world)
                try await ask(sockets, Self.neighbor, port: 53, in: world)
                let pings = try servers.map { try LabSocket(on: $0, udp: nil) }
                for (index, ping) in pings.enumerated() {
                    try await Deadline.wait(until: "the echo of \(servers[index].name)", every: .milliseconds(100)) {
                        ping.send(LabSocket.echo(identifier: 7, sequence: UInt16(index)), to: Self.remote)
                        return ping.receive().contains { self.isReply($0, sequence: UInt8(index)) }
                    }
                }

                // 3. Errors come home: from the remote end, and from the director as a router.
                try await Deadline.wait(until: "port unreachable", every: .milliseconds(100)) {
                    sockets[0].send([1], to: Self.remote, port: 9)
                    return pings[0].receive().contains { self.isUnreachable($0, about: [10, 0, 0, 11], 5353) }
                }
                try await Deadline.wait(until: "time exceeded", every: .milliseconds(100)) {
                    sockets[1].send([1], to: Self.remote, port: 9, timeToLive: 1)
                    return pings[1].receive().contains { $0.source == Self.address && $0.bytes[0] == 11 }
                }

                // 4. What an operator sees.
                let status = try await fleet.director("status").output
                #expect(status.contains("203.0.113.5:1024-65535") && status.contains("10.0.0.0/24"), "\(status)")
                #expect(try await fleet.director("status --stats").output.contains("SNAT 203.0.113.5:1024-65535"))
                let connections = try await fleet.director("status --connections").output
                #expect(connections.contains("10.0.0.11:41000") && connections.contains("203.0.113.5:41000"))
                #expect(connections.contains("ICMP") && connections.contains("\(Self.remote):80"), "\(connections)")

                // 5. Other ports by a reload: what is open goes on by its own, what is new gets one of them.
                let file = "\(servers[0].directory)/kept"
                let kept = try await servers[0].start(
                    ["curl", "-sS", "-o", file, "--limit-rate", "1M", "--local-port", "43000", "\(Self.url)big"],
                    log: "kept")
                try await Deadline.wait(until: "the download to begin") {
                    try await servers[0].run(["test", "-s", file]).status == 0
                }
                try await lab.director.write(configuration(lab, ports: "60000-60999"), to: "rsdirector.toml")
                let reloaded = try await fleet.director("reload")
                #expect(reloaded.status == 0 && reloaded.output.contains("60000-60999"), "\(reloaded.text)")
                let later = try await Capture(on: world, name: "later", filter: "tcp[tcpflags] == tcp-syn")
                let fetched = try await fetch(5, on: servers[1], ports: "44000-44100")
                #expect(fetched == Array(repeating: "client", count: 5))
                #expect(try await kept.ended(limit: .seconds(60)) == 0)
                #expect(try await Command.run(["cmp", file, "\(web.documents)/big"]).status == 0)
                try await later.stop()
                let opened = try await later.frames("src host \(Self.address)")
                #expect(!opened.isEmpty && opened.allSatisfy { $0.contains("\(Self.address).60") }, "\(opened)")

                // 6. A narrower link: servers are told, and what they send comes through.
                //    The world, whose own link is as it was, still asks for segments of 1,460 bytes.
                try await lab.director.require("ip link set eth1 mtu 1300")
                try await Deadline.wait(until: "a packet too big", limit: .seconds(40)) {
                    let put = try await servers[0].run([
                        "curl", "-sS", "-T", file, "--max-time", "20", "\(Self.url)upload/narrow",
                    ])
                    let whole = try await Command.run(["cmp", file, "\(web.documents)/upload/narrow"]).status == 0
                    let tells = try await fleet.director("status --json").output.contains("\"tooBig\"")
                    return put.status == 0 && whole && tells
                }

                // 7. The wire: the director's host has nothing to say but in its own name and the outbound address's.
                try await atWorld.stop()
                try await checked.stop()
                for capture in [atWorld, checked] {
                    #expect(try await capture.frames("src net 10.0.0.0/8 or dst net 10.0.0.0/8").isEmpty)
                    #expect(try await capture.frames("arp or src host \(Self.address)").count > 20)
                    let others = "ip and not ether src \(world.mac) and not src host \(Self.address)"
                    #expect(try await capture.frames(others).isEmpty)
                }
                let verdicts = try await checked.details("src host \(Self.address)")
                for wrong in ["incorrect", "bad cksum", "bad udp cksum", "wrong icmp cksum"] {
                    #expect(!verdicts.contains(wrong), "\(verdicts)")
                }
                #expect(verdicts.ranges(of: "(correct)").count > 20 && verdicts.contains("udp sum ok"), "\(verdicts)")
                let dropped = try await lab.director.require("nft list table netdev rsdirector").output
                let rule = dropped.split(separator: "\n").first { $0.contains("10.0.0.0/24") }
                #expect(rule?.contains("packets 0 ") == false, "\(dropped)")

                // 8. Without the director the host's stack would have let it out as it is: this proof can fail.
                try await fleet.stop()
                let after = try await Capture(on: world, name: "after", filter: "icmp")
                try await Deadline.wait(until: "a packet of rs1's own in the world", every: .milliseconds(100)) {
                    pings[0].send(LabSocket.echo(identifier: 7, sequence: 9), to: Self.remote)
                    return try await after.frames("src host 10.0.0.11").isEmpty == false
                }
                try await after.stop()
                try await web.process.stop(3)
            }
        }
    }
}
