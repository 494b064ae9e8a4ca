internal import CLinux
internal import Glibc
internal import Lab
internal import NetworkAddress
internal import Testing

@testable internal import PacketFilter

@Suite(
    "the guard table on the wire",
    .enabled(if: FreshNamespace.isAvailable, "needs CAP_SYS_ADMIN: run as root"))
struct GuardTableWireTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let entrance: GuardTable.Entrance
        let number: UInt8
        let director: IPAddress
        let stranger: IPAddress

        init(_ entrance: GuardTable.Entrance, _ number: UInt8) {
            testDescription = "\(entrance)"
            self.entrance = entrance
            self.number = number
            let isVersion4 = entrance.local.v4 != nil
            director =
                isVersion4
                ? .v4(IPv4Address(10, 0, 0, 1)) : .v6(IPv6Address(high: 0x2001_0db8_0000_0000, low: 1))
            stranger =
                isVersion4
                ? .v4(IPv4Address(10, 0, 0, 66)) : .v6(IPv6Address(high: 0x2001_0db8_0000_0000, low: 0x66))
        }

        /// What lies inside does not matter to the table, but a UDP entrance has its port.
        func payload(from source: IPAddress) -> [UInt8] {
            switch entrance {
            case .ip: [UInt8](repeating: 0, count: 40)
            case .udp(let port, let local): Frame.udp(from: source, to: local, port: port)
            }
        }

        func packet(from source: IPAddress) -> [UInt8] {
            Frame.packet(from: source, to: entrance.local, protocol: number, payload: payload(from: source))
        }

        var table: GuardTable { GuardTable(entrances: [entrance], sources: [Prefix(host: director)]) }

        static let all: [Case] =
            [4, 41, 47].flatMap { number in
                [FarEnd.local4, FarEnd.local6].map { Case(.ip(protocol: number, local: $0), number) }
            } + [FarEnd.local4, FarEnd.local6].map { Case(.udp(port: 6080, local: $0), 17) }
    }

    @Test(
        "a tunnel packet from a stranger is dropped and counted, one from a director comes through", arguments: Case.all
    )
    func outerSource(_ test: Case) throws {
        try FarEnd.run { wire in
            let nftables = try Nftables()
            let delivered = try Delivered(protocol: test.number, version4: test.director.v4 != nil)
            // Without the table the stranger gets in: the test can tell.
            try wire.send(test.packet(from: test.stranger))
            try wire.send(test.packet(from: test.director))
            #expect(try delivered.sources(until: test.director) == [test.stranger, test.director])

            try test.table.install(nftables)
            for _ in 0..<3 { try wire.send(test.packet(from: test.stranger)) }
            try wire.send(test.packet(from: test.director))
            #expect(try delivered.sources(until: test.director) == [test.director])
            #expect(try GuardTable.counters(nftables) == .init(outerSource: 3, innerDestination: 0))
        }
    }

    @Test("the counters go on where they were when the table is replaced")
    func kept() throws {
        try FarEnd.run { wire in
            let test = Case(.ip(protocol: 4, local: FarEnd.local4), 4)
            let nftables = try Nftables()
            let delivered = try Delivered(protocol: 4, version4: true)
            try test.table.install(nftables)
            for count in 1...3 as ClosedRange<UInt64> {
                try wire.send(test.packet(from: test.stranger))
                try wire.send(test.packet(from: test.director))
                _ = try delivered.sources(until: test.director)
                try test.table.install(nftables)
                #expect(try GuardTable.counters(nftables)?.outerSource == count)
                #expect(try GuardTable.read(nftables) == .present(test.table))
            }
        }
    }

    @Test("what is no tunnel packet passes, whoever sends it", arguments: [FarEnd.local4, FarEnd.local6])
    func otherProtocols(local: IPAddress) throws {
        try FarEnd.run { wire in
            let nftables = try Nftables()
            let test = Case(.udp(port: 6080, local: local), 17)
            try test.table.install(nftables)
            let delivered = try Delivered(protocol: 17, version4: local.v4 != nil)
            let other = Frame.udp(from: test.stranger, to: local, port: 53)
            try wire.send(Frame.packet(from: test.stranger, to: local, protocol: 17, payload: other))
            #expect(try delivered.sources(until: test.stranger) == [test.stranger])
            #expect(try GuardTable.counters(nftables)?.outerSource == 0)
        }
    }

    @Test("destination options in front, as RFC 2473 puts them, do not hide a tunnel packet")
    func destinationOptions() throws {
        try FarEnd.run { wire in
            let nftables = try Nftables()
            let test = Case(.ip(protocol: 41, local: FarEnd.local6), 41)
            let delivered = try Delivered(protocol: 41, version4: false)
            // Tunnel encapsulation limit 4, and padding.
            let payload: [UInt8] = [41, 0, 4, 1, 4, 1, 1, 0] + test.payload(from: test.stranger)
            let packet = Frame.packet(from: test.stranger, to: FarEnd.local6, protocol: 60, payload: payload)
            try wire.send(packet)
            #expect(try delivered.sources(until: test.stranger) == [test.stranger])
            try test.table.install(nftables)
            try wire.send(packet)
            try wire.send(test.packet(from: test.director))
            #expect(try delivered.sources(until: test.director) == [test.director])
            #expect(try GuardTable.counters(nftables)?.outerSource == 1)
        }
    }

    /// A packet in two fragments, of which the first ends between two extension headers.
    static func brokenChain(_ test: Case, from source: IPAddress) -> [[UInt8]] {
        let options: [UInt8] = [1, 4, 0, 0, 0, 0]
        let first: [UInt8] = [60, 0, 0, 1, 0, 0, 0, 7, 60, 0] + options
        let second: [UInt8] = [60, 0, 0, 8, 0, 0, 0, 7, test.number, 0] + options + test.payload(from: source)
        return [first, second].map {
            Frame.packet(from: source, to: test.entrance.local, protocol: 44, payload: $0)
        }
    }

    @Test("a first fragment without the whole chain of headers does not get a stranger in")
    func fragments() throws {
        try FarEnd.run { wire in
            let nftables = try Nftables()
            let test = Case(.ip(protocol: 41, local: FarEnd.local6), 41)
            let delivered = try Delivered(protocol: 41, version4: false)
            for fragment in Self.brokenChain(test, from: test.stranger) { try wire.send(fragment) }
            #expect(try delivered.sources(until: test.stranger) == [test.stranger], "the kernel puts it together")
            try test.table.install(nftables)
            for fragment in Self.brokenChain(test, from: test.stranger) { try wire.send(fragment) }
            for fragment in Self.brokenChain(test, from: test.director) { try wire.send(fragment) }
            #expect(try delivered.sources(until: test.director) == [test.director])
            #expect(try GuardTable.counters(nftables)?.outerSource == 2)
        }
    }

    @Test("what comes in by a tunnel's device passes only where it goes to a VIP", arguments: [4, 6])
    func innerDestination(version: Int) throws {
        try FarEnd.run { wire in
            try FarEnd.add("192.0.2.10/32", to: "lo")
            try FarEnd.add("2001:db8:1::10/128", to: "lo")
            let nftables = try Nftables()
            let isVersion4 = version == 4
            let local = isVersion4 ? FarEnd.local4 : FarEnd.local6
            let vip = try address(isVersion4 ? "192.0.2.10" : "2001:db8:1::10")
            let stranger = try address(isVersion4 ? "10.0.0.66" : "2001:db8::66")
            let client = try address(isVersion4 ? "10.0.0.67" : "2001:db8::67")
            let delivered = try Delivered(protocol: 17, version4: isVersion4)
            let send = { (source: IPAddress, destination: IPAddress) in
                let datagram = Frame.udp(from: source, to: destination, port: 80)
                try wire.send(Frame.packet(from: source, to: destination, protocol: 17, payload: datagram))
            }
            try send(stranger, local)
            try send(client, vip)
            #expect(try delivered.sources(until: client) == [stranger, client])

            let both = [try address("192.0.2.10"), try address("2001:db8:1::10")]
            try GuardTable(devices: ["tunl0", "va"], vips: both).install(nftables)
            try send(stranger, local)
            try send(stranger, try address(isVersion4 ? "224.0.0.1" : "ff02::1"))
            try send(client, vip)
            #expect(try delivered.sources(until: client) == [client])
            #expect(try GuardTable.counters(nftables) == .init(outerSource: 0, innerDestination: 2))

            // Another device's packets are not looked at.
            try GuardTable(devices: ["tunl0"], vips: both).install(nftables)
            try send(stranger, local)
            #expect(try delivered.sources(until: stranger) == [stranger])
        }
    }

    @Test("the SYN-ACK's segment size is lowered to the bound, and never raised")
    func segmentSizes() throws {
        try FarEnd.run { wire in
            let vips = [
                (try address("192.0.2.10"), try address("10.0.0.67")),
                (try address("2001:db8:1::10"), try address("2001:db8::67")),
            ]
            try FarEnd.add("192.0.2.10/32", to: "lo")
            try FarEnd.add("2001:db8:1::10/128", to: "lo")
            let listener = try Self.listener()
            defer { close(listener) }
            let nftables = try Nftables()
            for (vip, client) in vips {
                let natural = vip.v4 != nil ? 1460 : 1440
                #expect(try wire.segmentSize(client: client, vip: vip) == natural)
                for (maximum, expected) in [
                    (1300, 1300), (natural - 1, natural - 1), (natural, natural), (9000, natural),
                ] {
                    try GuardTable(segmentSizes: [.init(vip: vip, maximum: UInt16(maximum))]).install(nftables)
                    #expect(try wire.segmentSize(client: client, vip: vip) == expected)
                }
                // A bound for somebody else is none for this one.
                let other = try address(vip.v4 != nil ? "192.0.2.11" : "2001:db8:1::11")
                try GuardTable(segmentSizes: [.init(vip: other, maximum: 1300)]).install(nftables)
                #expect(try wire.segmentSize(client: client, vip: vip) == natural)
            }
        }
    }

    /// A socket that listens on port 80 of every address, both families.
    static func listener() throws -> Int32 {
        let descriptor = socket(AF_INET6, Int32(SOCK_STREAM.rawValue), 0)
        var name = sockaddr_in6()
        name.sin6_family = sa_family_t(AF_INET6)
        name.sin6_port = UInt16(80).bigEndian
        let code = withUnsafePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
            }
        }
        guard code == 0, listen(descriptor, 100) == 0 else {
            throw LabError("listen: \(String(cString: strerror(errno)))")
        }
        return descriptor
    }
}
