import Glibc
import Lab
import NetworkAddress
import Testing

extension TheLab {
    /// The doctor on ARP, as an operator runs it: each wrong row of the table of who answers for a VIP is made on a host that
    /// `apply` had made fit, is seen on the wire, is named with its cause, and is mended by `apply`.
    ///
    ///     peer0 ═══ eth0 (10.0.0.11/24, fd00::11/64, the default route)   lo (the VIPs)
    ///     peer1 ═══ eth1 (10.0.1.11/24)
    ///     peer2 ═══ eth2, or a port of br0 (10.0.2.11/24), in the rows where it appears
    ///
    /// A VIP on dummy0 or tunl0 is in KernelLab, for many kernels lack those devices: a veth without ARP stands in for them. A
    /// VLAN's device takes its settings from conf.default and not from its parent, as a bridge does over its port.
    @Suite("The doctor, on ARP")
    struct DoctorARPTests {
        /// Of scope global, and of scope host. The third service's VIP is translated: it is never on this host.
        private static let vips = [IPv4Address(192, 0, 2, 10), IPv4Address(192, 0, 2, 20)]

        struct Row: Sendable, CustomStringConvertible {
            /// In every message too: what goes wrong on a namespace's thread is not told with the row.
            var description: String
            /// What somebody else does and `teardown` leaves as it is, and what undoes it.
            var foreign: [String] = []
            var undo: [String] = []
            /// What becomes of the agent's own settings.
            var drift: [String] = []
            /// The number of the wire that it leaks on, and the interface whose setting lets it.
            var wire = 0
            var interface = "eth0"
            /// The VIPs that leak.
            var leaks: Set<IPv4Address> = Set(vips)
            /// The network that the host asks who-has in; nil: the host is asked.
            var asked: IPv4Address?
            /// The words of each problem that the doctor names; it must name no other.
            var problems: [[String]]
            /// What the doctor tells an operator to do, as `apply` refuses to.
            var byHand: String?
        }

        /// What the doctor must say of an interface that answers.
        private static func answers(_ name: String, _ own: Int, all: Int = 0, _ causes: String...) -> [String] {
            [
                "\(name) would answer who-has for the VIP",
                "effective arp_ignore is \(max(own, all)) (\(name) \(own), all \(all))",
                "sysctl -w net.ipv4.conf.\(name).arp_ignore=1",
            ] + causes
        }

        /// What the doctor must say of an interface that announces.
        private static func announces(
            _ name: String, _ own: Int, _ cause: String = "0 takes the packet's own source"
        ) -> [String] {
            [
                "\(name) may announce the VIP in its own who-has",
                "effective arp_announce is \(own) (\(name) \(own), all 0)",
                "sysctl -w net.ipv4.conf.\(name).arp_announce=2", cause,
            ]
        }

        /// What the doctor must say of a value of conf.all that no interface's own can make good.
        private static func inTheWay(_ name: String, _ value: Int, lowered: Int, _ cause: String) -> [String] {
            [
                "net.ipv4.conf.all.\(name) is \(value)", "so no interface can hide the VIP", cause,
                "sysctl -w net.ipv4.conf.all.\(name)=\(lowered)",
            ]
        }

        private static func sysctl(_ name: String, _ value: Int) -> String { "sysctl net.ipv4.conf.\(name)=\(value)" }

        /// An interface that appears later, up and with no address.
        private static let second = [
            "ip link add eth2 index 22 address 02:00:00:00:00:22 type veth "
                + "peer name peer2 index 32 address 02:00:00:00:00:32",
            "ip link set peer2 arp off up", "ip link set eth2 up",
            // Without an address it is reached by conf.default too, but only the first time that is written.
            sysctl("peer2.arp_ignore", 0),
        ]

        /// One row of each value that acts as another.
        private static let unknown = (4...7).flatMap { value in
            [
                Row(
                    description: "eth0=\(value)", drift: [sysctl("eth0.arp_ignore", value)],
                    problems: [answers("eth0", value, "the kernel knows no \(value) here: it answers as with 0")]),
                Row(
                    description: "all=\(value)", foreign: [sysctl("all.arp_ignore", value)],
                    undo: [sysctl("all.arp_ignore", 0)],
                    problems: [
                        inTheWay(
                            "arp_ignore", value, lowered: 0, "the kernel knows no \(value) here: it answers as with 0")
                    ]),
            ]
        }

        static let answering =
            [
                Row(
                    description: "lo.arp_ignore=1 only", foreign: [sysctl("lo.arp_ignore", 1)],
                    undo: [sysctl("lo.arp_ignore", 0)],
                    drift: [sysctl("eth0.arp_ignore", 0), sysctl("eth1.arp_ignore", 0)],
                    problems: ["eth0", "eth1"].map {
                        answers(
                            $0, 0, "0 answers for every address of this host",
                            "lo.arp_ignore=1 has no say: who-has comes in by \($0)")
                    }),
                Row(
                    description: "eth0=0 alone", drift: [sysctl("eth0.arp_ignore", 0)],
                    problems: [
                        answers("eth0", 0, "0 answers for every address of this host", "came later, or was forgotten")
                    ]),
                Row(
                    description: "eth0=3", drift: [sysctl("eth0.arp_ignore", 3)], leaks: [vips[0]],
                    problems: [answers("eth0", 3, "3 hides only addresses of scope host")]),
                Row(
                    description: "all=1 with eth0=3", foreign: [sysctl("all.arp_ignore", 1)],
                    undo: [sysctl("all.arp_ignore", 0)], drift: [sysctl("eth0.arp_ignore", 3)], leaks: [vips[0]],
                    problems: [
                        answers(
                            "eth0", 3, all: 1, "3 hides only addresses of scope host",
                            "the larger of all (1) and eth0 (3) takes effect, though the larger is the weaker rule")
                    ]),
                Row(
                    description: "all=3", foreign: [sysctl("all.arp_ignore", 3)],
                    undo: [sysctl("all.arp_ignore", 0)], leaks: [vips[0]],
                    problems: [inTheWay("arp_ignore", 3, lowered: 1, "3 hides only addresses of scope host")]),
                Row(
                    description: "the VIP on a device without ARP, that device's arp_ignore=1",
                    foreign: [
                        "ip link add quiet0 index 24 address 02:00:00:00:00:24 type veth "
                            + "peer name quiet1 index 34 address 02:00:00:00:00:34",
                        "ip link set quiet0 arp off up", "ip link set quiet1 arp off up",
                        "ip addr add 192.0.2.10/32 dev quiet0", sysctl("quiet0.arp_ignore", 1),
                    ], undo: ["ip link del quiet0"],
                    drift: ["ip addr del 192.0.2.10/32 dev lo", sysctl("eth0.arp_ignore", 0)],
                    problems: [
                        answers("eth0", 0, "quiet0.arp_ignore=1 has no say: who-has comes in by eth0")
                    ]),
                Row(
                    description: "another NIC appears, then conf.default is written",
                    foreign: second + ["ip addr add 10.0.2.11/24 dev eth2", sysctl("default.arp_ignore", 1)],
                    undo: ["ip link del eth2", sysctl("default.arp_ignore", 0)], wire: 2, interface: "eth2",
                    problems: [
                        answers(
                            "eth2", 0, "eth2 came later, or was forgotten",
                            "conf.default is 1, which reaches only interfaces that appear after it was set"),
                        announces("eth2", 0),
                    ]),
                Row(
                    description: "a bridge over another NIC, which is hidden itself",
                    foreign: second + [
                        sysctl("eth2.arp_ignore", 1), sysctl("eth2.arp_announce", 2),
                        "ip link add br0 index 25 address 02:00:00:00:00:25 type bridge", "ip link set eth2 master br0",
                        "ip link set br0 up", "ip addr add 10.0.2.11/24 dev br0",
                    ], undo: ["ip link del br0", "ip link del eth2"], wire: 2, interface: "br0",
                    problems: [answers("br0", 0, "br0 came later, or was forgotten"), announces("br0", 0)]),
                Row(
                    description: "the VIP on a device with ARP too",
                    drift: ["ip addr add 192.0.2.10/32 dev eth1"], wire: 1, interface: "eth1", leaks: [vips[0]],
                    problems: [["192.0.2.10/32 is on eth1", "it answers ARP for it whatever arp_ignore says"]],
                    byHand: "ip addr del 192.0.2.10/32 dev eth1"),
            ] + unknown

        static let announcing = [
            Row(
                description: "eth0.arp_announce=0", drift: [sysctl("eth0.arp_announce", 0)],
                asked: IPv4Address(10, 0, 0, 70), problems: [announces("eth0", 0)]),
            Row(
                description: "eth0.arp_announce=1, and eth0 has an address of the VIPs' network",
                foreign: ["ip addr add 192.0.2.1/24 dev eth0"], undo: ["ip addr del 192.0.2.1/24 dev eth0"],
                drift: [sysctl("eth0.arp_announce", 1)], asked: IPv4Address(192, 0, 2, 70),
                problems: [announces("eth0", 1, "1 avoids addresses of other networks only as far as it can")]),
            Row(
                description: "all.arp_announce=3", foreign: [sysctl("all.arp_announce", 3)],
                undo: [sysctl("all.arp_announce", 0)], asked: IPv4Address(10, 0, 0, 70),
                problems: [
                    inTheWay("arp_announce", 3, lowered: 0, "the kernel knows no 3 here: it acts as with 0")
                ]),
        ]

        @Test(
            "each row that leaks: seen on the wire, named by the doctor with its cause, mended by apply, and given back",
            arguments: answering + announcing)
        func leak(row: Row) throws {
            let scratch = try ScratchDirectory()
            try FreshNamespace.run {
                let host = try Self.host(scratch)
                // What somebody else does must be there after teardown, and was not there when apply came.
                try SetupHost.perform(row.foreign)
                let before = try Self.text(host)
                try SetupHost.perform(row.undo)
                let first = try host.agent("apply")
                #expect(first.status == 0, "\(row): \(first.text)")
                let servers = [try Server(80), try Server(8080)]
                defer { servers.forEach { $0.end() } }
                let fit = try Self.doctor(host)
                #expect(fit.status == 0 && Self.problems(fit).isEmpty, "\(row): \(fit.text)")

                try SetupHost.perform(row.foreign + row.drift)
                try SetupHost.settle()
                #expect(try Self.leaking(row, 0) == row.leaks, "\(row): the wire before")
                let doctor = try Self.doctor(host)
                let problems = Self.problems(doctor)
                #expect(doctor.status == 1 && problems.count == row.problems.count, "\(row): \(doctor.text)")
                for words in row.problems {
                    #expect(problems.contains { words.allSatisfy($0.contains) }, "\(row): \(words) in \(problems)")
                }
                let praise = "\(row.interface) keeps the VIPs out of ARP"
                #expect(!doctor.output.contains(praise), "\(row): \(doctor.text)")
                for vip in row.leaks where row.byHand == nil {
                    #expect(
                        problems.contains { $0.contains("VIP: ") && $0.contains("\(vip) (") }, "\(row): \(doctor.text)")
                }

                if let cure = row.byHand {
                    #expect(doctor.output.contains("cure   remove it there: \(cure)"), "\(row): \(doctor.text)")
                    let refusal = try host.agent("apply")
                    #expect(refusal.status == 1 && refusal.errors.contains(cure), "\(row): \(refusal.text)")
                    try SetupHost.perform([cure])
                }
                let apply = try host.agent("apply")
                #expect(apply.status == 0, "\(row): \(apply.text)")
                #expect(try Self.leaking(row, 10).isEmpty, "\(row): the wire after apply")
                let after = try Self.doctor(host)
                #expect(after.status == 0 && Self.problems(after).isEmpty, "\(row): \(after.text)")
                #expect(after.output.contains(praise), "\(row): \(after.text)")

                let teardown = try host.agent("teardown")
                #expect(teardown.status == 0, "\(row): \(teardown.text)")
                let difference = HostText.difference(before, try Self.text(host))
                #expect(difference.isEmpty, "\(row): \(difference)")
            }
        }

        @Test(
            "an interface without an address announces a VIP whatever arp_announce is: a warning, and arp_block mends it"
        )
        func unnumbered() throws {
            let scratch = try ScratchDirectory()
            try FreshNamespace.run {
                let host = try Self.host(scratch)
                try SetupHost.perform(Self.second + ["ip route add 10.0.2.0/24 dev eth2"])
                #expect(try host.agent("apply").status == 0)
                let servers = [try Server(80), try Server(8080)]
                defer { servers.forEach { $0.end() } }
                try SetupHost.settle()
                let row = Row(
                    description: "eth2 without an address", wire: 2, asked: IPv4Address(10, 0, 2, 70), problems: [])
                #expect(try Self.leaking(row, 0) == [Self.vips[0]])
                let exposed = try Self.doctor(host)
                let warning = "warning    eth2 has no IPv4 address, and may announce the VIP in its own who-has"
                #expect(exposed.output.contains(warning), "\(exposed.text)")
                #expect(exposed.output.contains("VIP: 192.0.2.10 (") && !exposed.output.contains("192.0.2.20 ("))
                #expect(!exposed.output.contains("eth2 keeps the VIPs out of ARP"), "\(exposed.text)")

                try host.write("arp_block = true\n" + host.configuration(without: "arp_block"))
                let apply = try host.agent("apply")
                #expect(apply.status == 0, "\(apply.text)")
                // The second question is in the host's own name: once it is here, the first never will be.
                let wire = try ARPWire(interface: "peer2")
                try Datagram.send(from: Self.vips[0], to: IPv4Address(10, 0, 2, 80))
                try SetupHost.perform(["ip addr add 10.0.2.11/24 dev eth2"])
                try Datagram.send(from: IPv4Address(10, 0, 2, 11), to: IPv4Address(10, 0, 2, 81))
                let questions = try wire.questions(until: IPv4Address(10, 0, 2, 81))
                #expect(!questions.contains { Self.vips.contains($0.sender) }, "\(questions)")
                try SetupHost.perform(["ip addr del 10.0.2.11/24 dev eth2"])
                let walled = try Self.doctor(host)
                #expect(!walled.output.contains("warning    eth2 has no IPv4 address"), "\(walled.text)")
                #expect(try host.agent("teardown").status == 0)
            }
        }

        /// A host on which nothing but ARP can be wrong: clients can be answered, and no wall hides what the settings let through.
        private static func host(_ scratch: ScratchDirectory) throws -> SetupHost {
            let host = try SetupHost(scratch, .direct)
            for key in ["arp_block", "reply"] { try host.write(host.configuration(without: key)) }
            try SetupHost.perform([
                // The far ends are in the same namespace: they must stay silent themselves.
                "ip link set peer0 arp off", "ip link set peer1 arp off",
                "ip addr add 10.0.1.11/24 dev eth1",
                "ip route add default via 10.0.0.1", "ip route add default via fd00::1",
            ])
            return host
        }

        private static func doctor(_ host: SetupHost) throws -> Command {
            try Command.run([Product.agent, "doctor", "--no-probe", "--config", host.file])
        }

        /// Each problem that the doctor names, with its evidence, its cause and its cure, which are indented.
        private static func problems(_ doctor: Command) -> [String] {
            var findings: [String] = []
            for line in doctor.output.split(separator: "\n") {
                if line.hasPrefix(" "), let last = findings.popLast() {
                    findings.append("\(last)\n\(line)")
                } else {
                    findings.append(String(line))
                }
            }
            return findings.filter { $0.contains(" PROBLEM ") }
        }

        /// The VIPs that are seen on the row's wire. A neighbour that was asked for once is not asked for again at once, so each
        /// look has its own `number`.
        private static func leaking(_ row: Row, _ number: UInt32) throws -> Set<IPv4Address> {
            let wire = try ARPWire(interface: "peer\(row.wire)")
            guard let asked = row.asked else {
                let place = UInt8(row.wire)
                let answers = try wire.answers(
                    for: vips + [IPv4Address(192, 0, 2, 30)], then: IPv4Address(10, 0, place, 11),
                    sender: IPv4Address(10, 0, place, 99))
                return Set(answers.keys)
            }
            let senders = try vips.enumerated().map { position, vip in
                let target = IPv4Address(rawValue: asked.rawValue + number + UInt32(position))
                try Datagram.send(from: vip, to: target)
                return try wire.nextQuestion(for: target).sender
            }
            return Set(senders).intersection(vips)
        }

        /// The host as text, without what a bridge's timers count.
        private static func text(_ host: SetupHost) throws -> String {
            try SetupHost.settle()
            try HostText.settleIPv6()
            let lines = try host.text().split(separator: "\n", omittingEmptySubsequences: false).map { line in
                let words = line.split(separator: " ")
                return words.indices.filter { $0 == 0 || !words[$0 - 1].hasSuffix("_timer") }.map { words[$0] }
                    .joined(separator: " ")
            }
            return lines.joined(separator: "\n")
        }

        /// Listens on a port of every address, both families, in the calling thread's namespace: services that nobody listens for
        /// would be problems of their own.
        private struct Server {
            private let descriptor: Int32

            init(_ port: UInt16) throws {
                descriptor = socket(AF_INET6, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
                var name = sockaddr_in6()
                name.sin6_family = sa_family_t(AF_INET6)
                name.sin6_port = port.bigEndian
                let bound = withUnsafePointer(to: &name) {
                    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
                    }
                }
                guard bound == 0, listen(descriptor, 16) == 0 else {
                    throw LabError("listen on port \(port): \(String(cString: strerror(errno)))")
                }
            }

            func end() { close(descriptor) }
        }
    }
}
