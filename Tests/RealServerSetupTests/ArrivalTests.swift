import CLinux
import Glibc
import Lab
import NetworkAddress
import Testing

@testable import RealServerSetup

/// Frames as directors send them.
private enum Wire {
    static let own = MACAddress(rawValue: 0x0200_0000_0011)
    static let director = MACAddress(rawValue: 0x0200_0000_0001)
    static let vip = IPAddress("192.0.2.10")
    static let vip6 = IPAddress("2001:db8::10")
    static let client = IPAddress("198.51.100.7")
    static let client6 = IPAddress("2001:db8:1::7")
    static let dip = IPAddress("10.0.0.1")
    static let dip6 = IPAddress("fd00::1")
    static let rip = IPAddress("10.0.0.11")
    static let rip6 = IPAddress("fd00::11")

    static func tcp(flags: UInt8 = 0x02) -> [UInt8] {
        [0x12, 0x34, 0, 80] + [UInt8](repeating: 0, count: 8) + [0x50, flags, 0xFF, 0xFF, 0, 0, 0, 0]
    }

    static func octets(_ address: IPAddress) -> [UInt8] {
        switch address {
        case .v4(let address): octets(UInt64(address.rawValue), 4)
        case .v6(let address): octets(address.high, 8) + octets(address.low, 8)
        }
    }

    static func octets(_ number: UInt64, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: number >> UInt64(8 * (count - 1 - $0))) }
    }

    static func ip(
        _ next: UInt8, _ source: IPAddress, _ destination: IPAddress, _ payload: [UInt8], options: Int = 0,
        fragment: UInt16 = 0
    ) -> [UInt8] {
        guard source.v4 != nil else {
            return [0x60, 0, 0, 0] + octets(UInt64(payload.count), 2) + [next, 64] + octets(source)
                + octets(destination) + payload
        }
        return [0x45 + UInt8(options), 0] + octets(UInt64(20 + 4 * options + payload.count), 2) + [0, 0]
            + octets(UInt64(fragment), 2) + [64, next, 0, 0] + octets(source) + octets(destination)
            + [UInt8](repeating: 1, count: 4 * options) + payload
    }

    static func frame(_ packet: [UInt8], to mac: MACAddress = own) -> [UInt8] {
        octets(mac.rawValue, 6) + octets(director.rawValue, 6)
            + (packet[0] >> 4 == 4 ? [0x08, 0x00] : [0x86, 0xDD]) + packet
    }

    static let syn = ip(6, client, vip, tcp())
    static let syn6 = ip(6, client6, vip6, tcp())

    static func udp(_ port: UInt16, _ payload: [UInt8]) -> [UInt8] {
        [0x80, 0] + octets(UInt64(port), 2) + octets(UInt64(8 + payload.count), 2) + [0, 0] + payload
    }

    /// What is a new connection to a VIP, and by whom it came.
    static let arrivals: [(name: String, packet: [UInt8], outer: IPAddress?)] = [
        ("IPv4", syn, nil),
        ("IPv4 with options", ip(6, client, vip, tcp(), options: 2), nil),
        ("with ECN", ip(6, client, vip, tcp(flags: 0xC2)), nil),
        ("IPv6", syn6, nil),
        ("IPv4 in IPv4", ip(4, dip, rip, syn), dip),
        (
            "IPv4 in IPv4, options outside and inside",
            ip(4, dip, rip, ip(6, client, vip, tcp(), options: 3), options: 2), dip
        ),
        ("IPv6 in IPv4", ip(41, dip, rip, syn6), dip),
        ("IPv4 in IPv6", ip(4, dip6, rip6, syn), dip6),
        ("IPv6 in IPv6", ip(41, dip6, rip6, syn6), dip6),
        ("IPv6 in IPv6 with the encapsulation limit", ip(60, dip6, rip6, [41, 0, 4, 1, 4, 1, 0, 0] + syn6), dip6),
        ("GRE", ip(47, dip, rip, [0, 0, 8, 0] + syn), dip),
        ("GRE with a checksum", ip(47, dip, rip, [0x80, 0, 0x86, 0xDD, 1, 2, 0, 0] + syn6), dip),
        ("GRE in IPv6", ip(47, dip6, rip6, [0, 0, 8, 0] + syn), dip6),
        ("GUE", ip(17, dip, rip, udp(6080, [0, 4, 0, 0] + syn)), dip),
        (
            "GUE with private data",
            ip(17, dip, rip, udp(6080, [2, 41, 0, 0] + [UInt8](repeating: 9, count: 8) + syn6)), dip
        ),
        ("GUE in IPv6", ip(17, dip6, rip6, udp(6080, [0, 41, 0, 0] + syn6)), dip6),
        ("GUE, variant 1", ip(17, dip, rip, udp(6080, syn)), dip),
    ]

    /// What is none.
    static let others: [(name: String, packet: [UInt8])] = [
        ("an ACK", ip(6, client, vip, tcp(flags: 0x10))),
        ("a SYN-ACK", ip(6, client, vip, tcp(flags: 0x12))),
        ("a FIN", ip(6, client6, vip6, tcp(flags: 0x11))),
        ("to another address", ip(6, client, rip, tcp())),
        ("to another IPv6 address", ip(6, client6, rip6, tcp())),
        ("an IPv6 address with the same last word", ip(6, client6, IPAddress("2001:db8:9::10"), tcp())),
        ("a later fragment", ip(6, client, vip, tcp(), fragment: 100)),
        ("UDP", ip(17, client, vip, tcp())),
        ("an ACK in IPv4", ip(4, dip, rip, ip(6, client, vip, tcp(flags: 0x10)))),
        ("to another address in IPv4", ip(4, dip, rip, ip(6, client, rip, tcp()))),
        ("an ACK in GRE", ip(47, dip, rip, [0, 0, 8, 0] + ip(6, client, vip, tcp(flags: 0x10)))),
        ("GRE with a key", ip(47, dip, rip, [0x20, 0, 8, 0, 0, 0, 0, 1] + syn)),
        ("an ACK in GUE", ip(17, dip, rip, udp(6080, [0, 4, 0, 0] + ip(6, client, vip, tcp(flags: 0x10))))),
        ("GUE on another port", ip(17, dip, rip, udp(6081, [0, 4, 0, 0] + syn))),
        ("GUE of an unknown variant", ip(17, dip, rip, udp(6080, [0x80, 4, 0, 0] + syn))),
        ("something else inside", ip(4, dip, rip, [0xFF] + syn)),
    ]
}

@Suite("What the arrival tap reads")
struct ArrivalFrameTests {
    private static func read(_ bytes: [UInt8]) -> ArrivalFrame? {
        bytes.withUnsafeBytes { ArrivalFrame(frame: $0) }
    }

    @Test("a SYN is read in every form directors send it in")
    func forms() throws {
        for (name, packet, outer) in Wire.arrivals {
            let frame = try #require(Self.read(Wire.frame(packet)), "\(name)")
            #expect(frame.mac == Wire.director, "\(name)")
            #expect(frame.outerSource == outer, "\(name)")
            #expect([Wire.vip, Wire.vip6].contains(frame.destination), "\(name)")
            #expect([Wire.client, Wire.client6].contains(frame.source), "\(name)")
            #expect(frame.port == 80 && frame.sourcePort == 0x1234, "\(name)")
        }
    }

    @Test("a frame that is cut off anywhere, or has any byte changed, is read or not, and nothing else happens")
    func malformed() {
        var generator = SystemRandomNumberGenerator()
        for (name, packet, _) in Wire.arrivals {
            let frame = Wire.frame(packet)
            for length in 0..<(frame.count - 6) {
                #expect(Self.read(Array(frame.prefix(length))) == nil, "\(name) \(length)")
            }
            for index in frame.indices {
                var changed = frame
                changed[index] = .random(in: 0...255, using: &generator)
                _ = Self.read(changed)
            }
        }
    }

    @Test("who sent it: by the tunnel's end, else by the MAC, as far as the neighbours tell")
    func origin() throws {
        let plain = try #require(Self.read(Wire.frame(Wire.syn)))
        let wrapped = try #require(Self.read(Wire.frame(Wire.arrivals[4].packet)))
        let (one, two) = (Wire.dip, IPAddress("10.0.0.2"))
        let other = MACAddress(rawValue: 0x0200_0000_0002)
        let cases: [(ArrivalFrame, [IPAddress], [IPAddress: MACAddress], ArrivalOrigin?)] = [
            (plain, [one, two], [one: Wire.director, two: other], .director(one)),
            (plain, [two], [two: other, one: Wire.director], nil),
            (plain, [one], [:], nil),
            (plain, [one, two], [one: Wire.director, two: Wire.director], nil),
            (wrapped, [one, two], [two: Wire.director], .director(one)),
            (wrapped, [two], [two: Wire.director], nil),
        ]
        for (frame, directors, neighbors, expected) in cases {
            let origin = ArrivalOrigin(of: frame, directors: directors, neighbors: neighbors)
            if let expected {
                #expect(origin == expected)
            } else {
                guard case .stranger(let words) = origin else {
                    Issue.record("\(origin)")
                    continue
                }
                #expect(words.contains("02:00:00:00:00:01") || words.contains("10.0.0.1"))
            }
        }
    }

    @Test("every jump of the filter reaches its end, with as many addresses as it compares and with more")
    func size() {
        for count in [0, 1, ArrivalFilter.maximumAddresses, 1_000] {
            let words = (0..<count).map(UInt32.init)
            let filter = ArrivalFilter(ipv4: words, ipv6: words, guePorts: Array(6080..<6090))
            #expect(filter.instructions.count < 4_096)
        }
    }
}

@Suite(
    "The arrival tap, on a wire of its own", .enabled(if: FreshNamespace.isAvailable && Capability.hasRawPackets))
struct ArrivalTapTests {
    /// A wire whose near end, `eth0`, has the VIPs' host behind it; `body` gets a way to put a frame on its far end.
    private static func onWire(_ body: @escaping @Sendable (ArrivalTap, ([UInt8]) -> Void) throws -> Void) throws {
        try FreshNamespace.run {
            for scope in ["all", "default"] { try Sysctl.set("net.ipv6.conf.\(scope).disable_ipv6=1") }
            try Command.require("ip link set lo up")
            try Command.require("ip link add eth0 address \(Wire.own) type veth peer name peer0")
            for name in ["eth0", "peer0"] { try Command.require("ip link set \(name) up") }
            try Command.require("ip neigh add 10.0.0.1 lladdr \(Wire.director) dev eth0 nud permanent")
            let sender = try SentinelTap(addresses: [])
            let peer = Int32(if_nametoindex("peer0"))
            let tap = ArrivalTap(directors: [Wire.dip], guePorts: [6080])
            #expect(try tap.sightings(lookingFor: [Wire.vip, Wire.vip6]).isEmpty)
            try body(tap) { frame in
                let isSent = sender.send(frame, by: peer)
                #expect(isSent)
            }
        }
    }

    @Test("the kernel lets through each SYN to the VIPs, and names the director; nothing else gets by")
    func filter() throws {
        try Self.onWire { tap, send in
            for (name, packet, outer) in Wire.arrivals {
                send(Wire.frame(packet))
                var seen: [ArrivalTap.Sighting] = []
                try Deadline.block(until: name) {
                    seen += try tap.sightings(lookingFor: [Wire.vip, Wire.vip6])
                    return !seen.isEmpty
                }
                #expect(seen.count == 1, "\(name)")
                if outer == nil || outer == Wire.dip {
                    #expect(seen[0].origin == .director(Wire.dip), "\(name)")
                } else {
                    #expect(
                        seen[0].origin == .stranger("tunnel source fd00::1, which is no configured director's,"),
                        "\(name)")
                }
            }
            // Frames of one wire arrive in order: what is behind the last of these was behind all.
            for (_, packet) in Wire.others { send(Wire.frame(packet)) }
            send(Wire.frame(Wire.syn, to: MACAddress(rawValue: 0x0200_0000_0099)))
            send(Wire.frame(Wire.syn6))
            var seen: [ArrivalTap.Sighting] = []
            try Deadline.block(until: "the last") {
                seen += try tap.sightings(lookingFor: [Wire.vip, Wire.vip6])
                return seen.contains { $0.destination == Wire.vip6 }
            }
            #expect(seen.count == 1, "\(seen)")
        }
    }

    @Test("what is none is dropped by the filter itself: open connections cost nothing while a drain is watched")
    func strict() throws {
        try Self.onWire { _, send in
            let words = [Wire.vip6].map { UInt32(truncatingIfNeeded: $0.v6?.low ?? 0) }
            let filter = ArrivalFilter(ipv4: [Wire.vip.v4?.rawValue ?? 0], ipv6: words, guePorts: [6080])
            let descriptor = try SentinelTap.openSocket(filter.instructions)
            defer { close(descriptor) }
            // The rest of an IPv6 address is compared later.
            for (name, packet) in Wire.others where !name.contains("same last word") { send(Wire.frame(packet)) }
            send(Wire.frame(Wire.syn, to: MACAddress(rawValue: 0x0200_0000_0099)))
            let marker = Wire.frame(Wire.syn6)
            send(marker)
            var passed: [[UInt8]] = []
            try Deadline.block(until: "the marker") {
                var buffer = [UInt8](repeating: 0, count: 256)
                let count = recv(descriptor, &buffer, buffer.count, 0)
                if count > 0 { passed.append(Array(buffer[..<count])) }
                return passed.last == marker
            }
            #expect(passed.count == 1, "\(passed)")
        }
    }

    @Test("looking for other addresses gives what was seen of the old ones; for none, it closes")
    func change() throws {
        try Self.onWire { tap, send in
            send(Wire.frame(Wire.syn))
            var seen: [ArrivalTap.Sighting] = []
            try Deadline.block(until: "the SYN, though it no longer looks for it") {
                seen += try tap.sightings(lookingFor: seen.isEmpty ? [Wire.vip, Wire.vip6] : [Wire.vip6])
                return !seen.isEmpty
            }
            _ = try tap.sightings(lookingFor: [Wire.vip6])
            send(Wire.frame(Wire.syn))
            send(Wire.frame(Wire.syn6))
            seen = []
            try Deadline.block(until: "the other") {
                seen += try tap.sightings(lookingFor: [Wire.vip6])
                return !seen.isEmpty
            }
            #expect(seen.map(\.destination) == [Wire.vip6])
            #expect(tap.isOpen)
            #expect(try tap.sightings(lookingFor: []).isEmpty)
            #expect(!tap.isOpen)
        }
    }

    @Test("a flood is one connection each, and a bounded number of them")
    func flood() throws {
        try Self.onWire { tap, send in
            for port in 0..<6_000 {
                var packet = Wire.syn
                packet.replaceSubrange(20..<22, with: [UInt8(port >> 8), UInt8(port & 255)])
                send(Wire.frame(packet))
                if port == 0 { for _ in 0..<10 { send(Wire.frame(packet)) } }
            }
            let seen = try tap.sightings(lookingFor: [Wire.vip, Wire.vip6])
            #expect(seen.count <= ArrivalTap.batch)
            #expect(Set(seen).count == seen.count)
        }
    }
}
