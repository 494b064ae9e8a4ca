internal import Glibc
internal import NetworkAddress
internal import Testing

@testable internal import PacketIO

@Suite("sockets that share an interface", .enabled(if: NetworkNamespace.isPermitted, NetworkNamespace.skipReason))
struct FanoutTests {
    static let vip = IPv4Address(192, 0, 2, 10)
    static let vip6 = IPv6Address(high: 0x2001_0DB8 << 32, low: 10)
    static let server = IPv4Address(10, 0, 0, 11)

    /// A frame with a packet that carries nothing but this protocol's first bytes.
    static func frame(
        _ source: IPv4Address, _ destination: IPv4Address, protocol number: UInt8 = 17, fragment: UInt16 = 0,
        to station: MACAddress, _ body: [UInt8] = [0, 1, 0, 2, 0, 0, 0, 0]
    ) -> [UInt8] {
        let header: [UInt8] = [
            0x45, 0, 0, UInt8(20 + body.count), 0, 0, UInt8(fragment >> 8), UInt8(fragment & 255), 64, number, 0, 0,
        ]
        return link(station, [8, 0]) + header + octets(source.rawValue) + octets(destination.rawValue) + body
    }

    static func frame(
        _ source: IPv6Address, _ destination: IPv6Address, next: UInt8 = 17, to station: MACAddress,
        _ body: [UInt8] = [0, 1, 0, 2, 0, 0, 0, 0]
    ) -> [UInt8] {
        let addresses = [source.high, source.low, destination.high, destination.low]
        return link(station, [0x86, 0xDD]) + [0x60, 0, 0, 0, 0, UInt8(body.count), next, 64]
            + addresses.flatMap { half in (0..<8).map { UInt8(truncatingIfNeeded: half >> (56 - 8 * $0)) } } + body
    }

    static func link(_ station: MACAddress, _ type: [UInt8]) -> [UInt8] {
        (0..<6).map { UInt8(truncatingIfNeeded: station.rawValue >> (40 - 8 * $0)) } + [2, 0, 0, 0, 0, 99] + type
    }

    static func octets(_ word: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: word >> (24 - 8 * $0)) } }

    /// Three sockets that share what arrives at `vb`, one for what concerns all, and one that sends on `va`.
    struct Sockets: ~Copyable {
        var sender: PacketSocket
        var first: PacketSocket
        var second: PacketSocket
        var third: PacketSocket
        var notices: PacketSocket

        init(_ steering: Steering) throws {
            let sender = try PacketSocket(interface: "va")
            let first = try PacketSocket(interface: "vb", ring: .small, taking: .share(of: nil))
            let second = try PacketSocket(interface: "vb", ring: .small, taking: .share(of: first.group))
            let third = try PacketSocket(interface: "vb", ring: .small, taking: .share(of: first.group))
            let notices = try PacketSocket(interface: "vb", ring: .small, taking: .notices)
            try first.steer(by: steering)
            self.sender = sender
            self.first = first
            self.second = second
            self.third = third
            self.notices = notices
        }

        /// Sends these frames, and says which sockets got each: 0 to 2, and 3 for what concerns all.
        mutating func receivers(of frames: [[UInt8]]) throws -> [[Int]] {
            for (index, frame) in frames.enumerated() {
                // Ethernet's padding tells them apart.
                FanoutTests.send(frame + [UInt8](repeating: UInt8(index), count: 100 - frame.count), on: &sender)
            }
            var found = [[Int]](repeating: [], count: frames.count)
            let end = time(nil) + 10
            var total = 0
            while total < frames.count, time(nil) <= end {
                usleep(2000)
                total += FanoutTests.take(&first) { found[$0].append(0) }
                total += FanoutTests.take(&second) { found[$0].append(1) }
                total += FanoutTests.take(&third) { found[$0].append(2) }
                total += FanoutTests.take(&notices) { found[$0].append(3) }
            }
            return found
        }
    }

    static func send(_ frame: [UInt8], on socket: inout PacketSocket) { PacketSocketTests.send(frame, on: &socket) }

    /// Takes what is there; returns how many frames that is.
    static func take(_ socket: inout PacketSocket, _ found: (Int) -> Void) -> Int {
        var count = 0
        while var batch = socket.receive() {
            while let frame = batch.nextFrame() {
                // What the host itself sends is not ours.
                guard frame.bytes[6] == 2, frame.bytes[11] == 99 else { continue }
                found(Int(frame.bytes[frame.bytes.count - 1]))
                count += 1
            }
            socket.release(batch)
        }
        return count
    }

    @Test("all that a client sends and is sent reaches one of them, IPv4 and IPv6, and each has its clients")
    func oneForEach() throws {
        try PacketSocketTests.withPair {
            var sockets = try Sockets(Steering(ends: [.v4(Self.vip), .v6(Self.vip6)]))
            let station = sockets.first.address
            let clients = (1...40).map { IPv4Address(198, 51, UInt8($0 * 5), UInt8($0)) }
            let clients6 = (1...40).map { IPv6Address(high: 0x2001_0DB8_0000_0000 | UInt64($0 * 77), low: UInt64($0)) }
            let server6 = IPv6Address(high: 0x2001_0DB8 << 32, low: 0x11)
            let to = try sockets.receivers(of: clients.map { Self.frame($0, Self.vip, to: station) })
            let from = try sockets.receivers(of: clients.map { Self.frame(Self.server, $0, to: station) })
            let later = try sockets.receivers(
                of: clients.map { Self.frame($0, Self.vip, fragment: 0x00B9, to: station) })
            let echo = try sockets.receivers(
                of: clients.map { Self.frame($0, Self.vip, protocol: 1, to: station, [8, 0, 0, 0]) })
            #expect(to.allSatisfy { $0.count == 1 && $0[0] < 3 })
            #expect(to == from && to == later && to == echo)
            #expect(Set(to.flatMap { $0 }) == [0, 1, 2])
            let to6 = try sockets.receivers(of: clients6.map { Self.frame($0, Self.vip6, to: station) })
            let from6 = try sockets.receivers(of: clients6.map { Self.frame(server6, $0, to: station) })
            #expect(to6.allSatisfy { $0.count == 1 && $0[0] < 3 } && to6 == from6)
            #expect(Set(to6.flatMap { $0 }) == [0, 1, 2])
        }
    }

    @Test("clients of a network belong together where they are to, and steering can be changed")
    func networks() throws {
        try PacketSocketTests.withPair {
            var sockets = try Sockets(Steering(ends: [.v4(Self.vip)], prefix4: 24))
            let station = sockets.first.address
            let neighbours = (1...30).map { Self.frame(IPv4Address(198, 51, 100, $0), Self.vip, to: station) }
            #expect(Set(try sockets.receivers(of: neighbours)).count == 1)
            try sockets.second.steer(by: Steering(ends: [.v4(Self.vip)]))
            #expect(Set(try sockets.receivers(of: neighbours)).count == 3)
        }
    }

    @Test("ARP, Neighbor Discovery and ICMP errors go to the one for notices alone")
    func notices() throws {
        try PacketSocketTests.withPair {
            var sockets = try Sockets(Steering(ends: [.v4(Self.vip), .v6(Self.vip6)]))
            let station = sockets.first.address
            let client = IPv4Address(198, 51, 100, 7)
            let client6 = IPv6Address(high: 0x2001_0DB8 << 32, low: 7)
            var frames = [UInt8(3), 4, 5, 11, 12].map {
                Self.frame(client, Self.vip, protocol: 1, to: station, [$0, 0, 0, 0])
            }
            frames += [UInt8(1), 2, 3, 4, 133, 134, 135, 136, 137].map {
                Self.frame(client6, Self.vip6, next: 58, to: station, [$0, 0, 0, 0])
            }
            frames.append(Self.link(station, [8, 6]) + [UInt8](repeating: 0, count: 28))
            #expect(try sockets.receivers(of: frames).allSatisfy { $0 == [3] })
            // Neither are echo, a later piece that begins like an error, nor a datagram whose port does.
            frames = [
                Self.frame(client, Self.vip, protocol: 1, to: station, [8, 0, 0, 0]),
                Self.frame(client, Self.vip, protocol: 1, fragment: 0x00B9, to: station, [3, 4, 0, 0]),
                Self.frame(client, Self.vip, to: station, [3, 4, 0, 0, 0, 0, 0, 0]),
                Self.frame(client6, Self.vip6, next: 58, to: station, [128, 0, 0, 0]),
                Self.frame(client6, Self.vip6, to: station, [135, 0, 0, 0, 0, 0, 0, 0]),
            ]
            #expect(try sockets.receivers(of: frames).allSatisfy { $0.count == 1 && $0[0] < 3 })
        }
    }

    @Test("as many VIPs as a program has room for are taken by the kernel, and more are known to be too many")
    func length() throws {
        try PacketSocketTests.withPair {
            let many = { (count: Int) in
                Steering(ends: (0..<count).map { .v4(IPv4Address(rawValue: 0x0A00_0000 + UInt32($0))) })
            }
            let socket = try PacketSocket(interface: "vb", ring: .small, taking: .share(of: nil))
            #expect(many(2000).isShortEnough && !many(2100).isShortEnough)
            try socket.steer(by: many(2000))
            #expect(throws: PacketIOError.self) { try socket.steer(by: many(2100)) }
            let v6 = Steering(ends: (0..<300).map { .v6(IPv6Address(high: 1, low: UInt64($0))) })
            #expect(v6.isShortEnough)
            try socket.steer(by: v6)
        }
    }
}
