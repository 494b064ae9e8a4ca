internal import CLinux
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
        options words: Int = 0, to station: MACAddress, _ body: [UInt8] = [0, 1, 0, 2, 0, 0, 0, 0]
    ) -> [UInt8] {
        let length = UInt8(20 + 4 * words + body.count)
        let header: [UInt8] = [
            0x45 + UInt8(words), 0, 0, length, 0, 0, UInt8(fragment >> 8), UInt8(fragment & 255), 64, number, 0, 0,
        ]
        // Options that are no operation (RFC 791).
        return link(station, [8, 0]) + header + octets(source.rawValue) + octets(destination.rawValue)
            + [UInt8](repeating: 1, count: 4 * words) + body
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
            try first.admit(true)
            try second.admit(true)
            try third.admit(true)
            self.sender = sender
            self.first = first
            self.second = second
            self.third = third
            self.notices = notices
        }

        /// Sends these frames, filled up to this length, and says which sockets got each: 0 to 2, and 3 for what concerns all.
        mutating func receivers(
            of frames: [[UInt8]], length: Int = 200, _ header: VirtioNetHeader = .none
        ) throws -> [[Int]] {
            var found = [[Int]](repeating: [], count: frames.count)
            for (index, frame) in frames.enumerated() {
                // Ethernet's padding tells them apart.
                FanoutTests.send(
                    frame + [UInt8](repeating: UInt8(index), count: length - frame.count), header, on: &sender)
                // Each millisecond may take up a block of a ring that has few.
                take(into: &found)
            }
            let end = time(nil) + 10
            while found.contains([]), time(nil) <= end {
                usleep(2000)
                take(into: &found)
            }
            return found
        }

        /// Takes what has come.
        private mutating func take(into found: inout [[Int]]) {
            FanoutTests.take(&first) { found[$0].append(0) }
            FanoutTests.take(&second) { found[$0].append(1) }
            FanoutTests.take(&third) { found[$0].append(2) }
            FanoutTests.take(&notices) { found[$0].append(3) }
        }
    }

    static func send(_ frame: [UInt8], _ header: VirtioNetHeader, on socket: inout PacketSocket) {
        var frame = frame
        frame.withUnsafeMutableBytes {
            socket.transmit($0, header)
            socket.flush()
        }
    }

    /// Takes what is there.
    static func take(_ socket: inout PacketSocket, _ found: (Int) -> Void) {
        while var batch = socket.receive() {
            while let frame = batch.nextFrame() {
                // What the host itself sends is not ours.
                guard frame.bytes[6] == 2, frame.bytes[11] == 99 else { continue }
                found(Int(frame.bytes[frame.bytes.count - 1]))
            }
            socket.release(batch)
        }
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

    /// What a packet in pieces of its own memory begins with, of both families: with and without options, errors and other things.
    static func various(to station: MACAddress) -> [[UInt8]] {
        let clients = (1...20).map { IPv4Address(198, 51, UInt8($0 * 5), UInt8($0)) }
        let clients6 = (1...20).map { IPv6Address(high: 0x2001_0DB8_0000_0000 | UInt64($0 * 77), low: UInt64($0)) }
        return clients.map { frame($0, vip, to: station) } + clients.map { frame($0, vip, options: 3, to: station) }
            + clients.map { frame(server, $0, to: station) } + clients6.map { frame($0, vip6, to: station) }
            + clients.map { frame($0, vip, protocol: 1, options: 10, to: station, [3, 4, 0, 0]) }
            + clients6.map { frame($0, vip6, next: 60, to: station, [58, 0, 1, 4, 0, 0, 0, 0, 2, 0, 0, 0]) }
    }

    @Test("a packet of which only the Ethernet header is in one piece is steered as any other is")
    func scattered() throws {
        try PacketSocketTests.withPair {
            try NetworkNamespace.sh("ip link set va mtu 9000 && ip link set vb mtu 9000")
            var sockets = try Sockets(Steering(ends: [.v4(Self.vip), .v6(Self.vip6)]))
            let frames = Self.various(to: sockets.first.address)
            let whole = try sockets.receivers(of: frames)
            // The kernel lays out a frame longer than a page as the header says (`packet_alloc_skb`).
            let scattered = try sockets.receivers(of: frames, length: 8000, VirtioNetHeader(headerLength: 14))
            #expect(scattered == whole && whole.allSatisfy { $0.count == 1 })
            #expect(Set(whole[..<80].flatMap { $0 }) == [0, 1, 2] && whole[80...].allSatisfy { $0 == [3] })
        }
    }

    @Test("a super-packet is steered as a small one of its connection is, IPv4 with options too, and IPv6")
    func superPackets() throws {
        try PacketSocketTests.withPair {
            var sockets = try Sockets(Steering(ends: [.v4(Self.vip), .v6(Self.vip6)]))
            let station = sockets.first.address
            let segment = [UInt8](repeating: 0, count: 12) + [0x50, 0x10, 0xFF, 0xFF, 0, 0, 0, 0]
            let clients = (1...20).map { IPv4Address(198, 51, UInt8($0 * 5), UInt8($0)) }
            for words in [0, 5] {
                let frames = clients.map {
                    Self.frame($0, Self.vip, protocol: 6, options: words, to: station, segment)
                }
                let start = 34 + 4 * words
                let found = try sockets.receivers(
                    of: frames, length: 30_000,
                    VirtioNetHeader(
                        flags: 1, segmentationType: 1, headerLength: UInt16(start + 20), segmentSize: 1400,
                        checksumStart: UInt16(start), checksumOffset: 16))
                #expect(try sockets.receivers(of: frames) == found && Set(found) == [[0], [1], [2]])
            }
            let frames = (1...20).map {
                Self.frame(
                    IPv6Address(high: 0x2001_0DB8_0000_0000 | UInt64($0 * 77), low: 1), Self.vip6, next: 6, to: station,
                    segment)
            }
            let found = try sockets.receivers(
                of: frames, length: 30_000,
                VirtioNetHeader(
                    flags: 1, segmentationType: 4, headerLength: 74, segmentSize: 1400, checksumStart: 54,
                    checksumOffset: 16))
            #expect(try sockets.receivers(of: frames) == found && Set(found) == [[0], [1], [2]])
        }
    }

    @Test("what a program looks at in a packet is found from its start, wherever its memory is")
    func absolute() throws {
        let programs = [
            Steering(ends: [.v4(Self.vip), .v6(Self.vip6)]).program, try #require(Portion.notices.filter),
            try #require(Portion.share(of: nil).filter),
        ]
        for program in programs {
            // BPF_LD with BPF_ABS or BPF_IND; beside the packet there are the ancillary numbers only (`SKF_AD_OFF`).
            let loads = program.instructions.filter { [0x20, 0x40].contains($0.code & 0xE7) }
            #expect(!loads.isEmpty && loads.allSatisfy { $0.k < 64 || (0xFFFF_F000...0xFFFF_F100).contains($0.k) })
        }
    }

    @Test("an ICMP error is for all behind whatever options and extension headers, and what else is behind them is not")
    func noticesBehindHeaders() throws {
        try PacketSocketTests.withPair {
            var sockets = try Sockets(Steering(ends: [.v4(Self.vip), .v6(Self.vip6)]))
            let station = sockets.first.address
            let client = IPv4Address(198, 51, 100, 7)
            let client6 = IPv6Address(high: 0x2001_0DB8 << 32, low: 7)
            // Each header names the next one: hop by hop (0), routing (43), destination options (60), authentication (51, in words of
            // 4), and the fragment header of a packet in one piece (44).
            let headers: [(UInt8, (UInt8) -> [UInt8])] = [
                (0, { [$0, 0, 1, 4, 0, 0, 0, 0] }), (43, { [$0, 0, 0, 0, 0, 0, 0, 0] }),
                (60, { [$0, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] }),
                (51, { [$0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1] }), (44, { [$0, 0, 0, 0, 0, 0, 0, 9] }),
            ]
            func behind(_ chain: [Int], _ last: UInt8, _ body: [UInt8]) -> [UInt8] {
                let numbers = chain.map { headers[$0].0 } + [last]
                let bytes = chain.enumerated().flatMap { headers[$1].1(numbers[$0 + 1]) }
                return Self.frame(client6, Self.vip6, next: numbers[0], to: station, bytes + body)
            }
            let chains = [[0], [1], [2], [3], [4], [0, 2, 1, 3, 4, 2], [0, 0, 1, 1, 3, 3, 4, 0]]
            let tooBig: [UInt8] = [2, 0, 0, 0, 0, 0, 5, 0]
            let errors =
                [1, 5, 10].map {
                    Self.frame(client, Self.vip, protocol: 1, options: $0, to: station, [3, 4, 0, 0, 0, 0, 0, 0])
                } + chains.map { behind($0, 58, tooBig) }
            #expect(try sockets.receivers(of: errors).allSatisfy { $0 == [3] })

            let others =
                [1, 10].map { Self.frame(client, Self.vip, protocol: 1, options: $0, to: station, [8, 0, 0, 0]) }
                + [1, 10].map { Self.frame(client, Self.vip, options: $0, to: station, tooBig) }
                // An error's first fragment and a later one, which nobody maps, and a large echo's, which one follows.
                + [0x2000, 0x2010, 0x0010].map {
                    Self.frame(client, Self.vip, protocol: 1, fragment: $0, to: station, [3, 4, 0, 0])
                }
            let of4 = try sockets.receivers(of: others)
            #expect(Set(of4).count == 1 && of4[0].count == 1 && of4[0] != [3], "all are one's, the client's own")
            let others6 =
                chains.map { behind($0, 58, [128, 0, 0, 0]) } + chains.map { behind($0, 17, tooBig) }
                + [[44, 0, 0, 0, 58, 0, 0, 1], [58, 0, 0, 8, 0, 0, 0, 9], [58, 0, 0, 1, 0, 0, 0, 9]].map {
                    Self.frame(client6, Self.vip6, next: 44, to: station, $0 + tooBig)
                }
                // One more than are walked past.
                + [behind([0, 0, 1, 1, 3, 3, 4, 0, 0], 58, tooBig)]
            let of6 = try sockets.receivers(of: others6)
            #expect(Set(of6).count == 1 && of6[0].count == 1 && of6[0] != [3])
        }
    }

    @Test("a member takes nothing before it is admitted, and nothing any more once it is not")
    func admission() throws {
        try PacketSocketTests.withPair {
            var sender = try PacketSocket(interface: "va")
            var member = try PacketSocket(interface: "vb", ring: .small, taking: .share(of: nil))
            let station = member.address
            func send(_ mark: UInt8) {
                let frame = Self.frame(Self.server, Self.vip, to: station)
                Self.send(frame + [UInt8](repeating: mark, count: 100 - frame.count), .none, on: &sender)
            }
            send(1)
            try member.admit(true)
            send(2)
            try member.admit(false)
            send(3)
            try member.admit(true)
            send(4)
            var found: [Int] = []
            let end = time(nil) + 10
            while !found.contains(4), time(nil) <= end {
                usleep(2000)
                Self.take(&member) { found.append($0) }
            }
            #expect(found == [2, 4])
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
