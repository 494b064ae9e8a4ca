internal import Glibc
internal import NetworkAddress
internal import Testing

@testable internal import PacketIO

@Suite("a packet socket", .enabled(if: NetworkNamespace.isPermitted, NetworkNamespace.skipReason))
struct PacketSocketTests {
    /// Both ends of a veth pair in one namespace: what is sent on `va` arrives on `vb`.
    static func withPair(_ body: @escaping @Sendable () throws -> Void) throws {
        try NetworkNamespace.run {
            try NetworkNamespace.quiet()
            try NetworkNamespace.sh("ip link add va type veth peer name vb && ip link set va up && ip link set vb up")
            try body()
        }
    }

    /// The frames that arrive until there are `count` or five seconds passed.
    static func frames(
        _ count: Int, on socket: inout PacketSocket, _ look: (ReceivedFrame) -> Void
    ) throws -> Int {
        var set = PollSet(slots: 1, wakeUp: try WakeUp())
        set.watch(socket.pollDescriptor, slot: 0)
        var seen = 0
        let deadline = time(nil) + 5
        while seen < count, time(nil) <= deadline {
            set.wait(milliseconds: 100)
            while var batch = socket.receive() {
                while let frame = batch.nextFrame() {
                    look(frame)
                    seen += 1
                }
                socket.release(batch)
            }
        }
        return seen
    }

    /// A frame with a made-up EtherType (IEEE 802 local experimental) and `mark` as its payload.
    static func frame(to: MACAddress, from: MACAddress, type: [UInt8] = [0x88, 0xB5], mark: UInt8) -> [UInt8] {
        let octets = { (address: MACAddress) in
            (0..<6).map { UInt8(truncatingIfNeeded: address.rawValue >> (40 - 8 * $0)) }
        }
        return octets(to) + octets(from) + type + [UInt8](repeating: mark, count: 60)
    }

    static func send(_ frame: [UInt8], on socket: inout PacketSocket) {
        var frame = frame
        frame.withUnsafeMutableBytes {
            socket.transmit($0, .none)
            socket.flush()
        }
    }

    @Test("what one end sends, the other gets, byte for byte, and not its own frames")
    func bothEnds() throws {
        try Self.withPair {
            var a = try PacketSocket(interface: "va")
            var b = try PacketSocket(interface: "vb")
            #expect(a.address != b.address && a.address.isUnicast)
            let sent = Self.frame(to: b.address, from: a.address, mark: 1)
            Self.send(sent, on: &a)
            var got: [[UInt8]] = []
            _ = try Self.frames(1, on: &b) { got.append(Array($0.bytes)) }
            #expect(got == [sent])
            // The answer is the barrier: had `a` been given its own frame, it would have come before it.
            let answer = Self.frame(to: a.address, from: b.address, mark: 2)
            Self.send(answer, on: &b)
            got = []
            _ = try Self.frames(1, on: &a) { got.append(Array($0.bytes)) }
            #expect(got == [answer])
            #expect(b.statistics().received == 1 && b.statistics().transmitted == 1)
        }
    }

    @Test("frames for this host, for everyone and for another station are told apart")
    func destinations() throws {
        try Self.withPair {
            var a = try PacketSocket(interface: "va")
            var b = try PacketSocket(interface: "vb")
            let stranger = try #require(MACAddress("02:00:00:00:00:77"))
            for target in [b.address, .broadcast, stranger] {
                Self.send(Self.frame(to: target, from: a.address, mark: 0), on: &a)
            }
            var got: [ReceivedFrame.Destination] = []
            _ = try Self.frames(3, on: &b) { got.append($0.destination) }
            #expect(got == [.host, .group, .other])
        }
    }

    @Test("a VLAN tag is reported, not left in the frame")
    func vlan() throws {
        try Self.withPair {
            var a = try PacketSocket(interface: "va")
            var b = try PacketSocket(interface: "vb")
            let tagged = Self.frame(
                to: b.address, from: a.address, type: [0x81, 0x00, 0x00, 0x2A, 0x88, 0xB5], mark: 3)
            Self.send(tagged, on: &a)
            Self.send(Self.frame(to: b.address, from: a.address, mark: 4), on: &a)
            let urgent = Self.frame(
                to: b.address, from: a.address, type: [0x81, 0x00, 0xE0, 0x00, 0x88, 0xB5], mark: 5)
            Self.send(urgent, on: &a)
            var got: [(vlan: UInt16?, isVLANs: Bool, bytes: [UInt8])] = []
            _ = try Self.frames(3, on: &b) { got.append(($0.vlan, $0.isVLANs, Array($0.bytes[12..<15]))) }
            #expect(got.map(\.vlan) == [42, nil, 0xE000])
            #expect(got.map(\.isVLANs) == [true, false, false], "a priority is no VLAN")
            #expect(got.map(\.bytes) == [[0x88, 0xB5, 3], [0x88, 0xB5, 4], [0x88, 0xB5, 5]])
        }
    }

    @Test("a frame the kernel refuses is counted and those behind it go out")
    func refusal() throws {
        try Self.withPair {
            var a = try PacketSocket(interface: "va")
            var b = try PacketSocket(interface: "vb")
            // Longer than the MTU, and no header that allows it.
            var long = Self.frame(to: b.address, from: a.address, mark: 5) + [UInt8](repeating: 0, count: 4000)
            var short = Self.frame(to: b.address, from: a.address, mark: 6)
            long.withUnsafeMutableBytes { long in
                short.withUnsafeMutableBytes { short in
                    a.transmit(long, .none)
                    a.transmit(short, .none)
                    a.flush()
                }
            }
            var got: [UInt8?] = []
            _ = try Self.frames(1, on: &b) { got.append($0.bytes.last) }
            #expect(got == [6])
            let counters = a.statistics()
            #expect(counters.refused == 1 && counters.lastRefusal == EMSGSIZE && counters.transmitted == 1)
        }
    }

    @Test("more frames than one queue and one block hold all arrive, in order")
    func manyFrames() throws {
        try Self.withPair {
            var a = try PacketSocket(interface: "va")
            var b = try PacketSocket(
                interface: "vb", ring: RingGeometry(blockSize: 1 << 17, blockCount: 8, retireMilliseconds: 1))
            var marks: [UInt8] = []
            for round in 0..<20 {
                let frames = (0..<150).map {
                    UnsafeMutableRawBufferPointer.copy(
                        Self.frame(
                            to: b.address, from: a.address, mark: UInt8(truncatingIfNeeded: round * 150 + $0)))
                }
                for frame in frames { a.transmit(frame, .none) }
                a.flush()
                _ = try Self.frames(150, on: &b) { marks.append($0.bytes[20]) }
                for frame in frames { frame.deallocate() }
            }
            #expect(marks == (0..<3000).map { UInt8(truncatingIfNeeded: $0) })
            #expect(b.statistics().ringDrops == 0)
        }
    }

    @Test("an interface that goes down is reported as down, and opens again once it is up")
    func downAndUp() throws {
        try Self.withPair {
            var b = try PacketSocket(interface: "vb")
            var set = PollSet(slots: 1, wakeUp: try WakeUp())
            set.watch(b.pollDescriptor, slot: 0)
            try NetworkNamespace.sh("ip link set vb down")
            set.wait(milliseconds: 5000)
            let failed = set.hasFailed(slot: 0)
            #expect(failed)
            #expect(b.failure()?.cause == .interfaceDown)
            #expect(throws: PacketIOError(operation: "bind", interface: "vb", cause: .interfaceDown)) {
                _ = try PacketSocket(interface: "vb")
            }
            try NetworkNamespace.sh("ip link set vb up")
            b = try PacketSocket(interface: "vb")
            var a = try PacketSocket(interface: "va")
            Self.send(Self.frame(to: .broadcast, from: a.address, mark: 9), on: &a)
            #expect(try Self.frames(1, on: &b) { _ in } == 1)
        }
    }

    @Test("an interface that vanishes is reported, and its name is then unknown")
    func vanishes() throws {
        try Self.withPair {
            let b = try PacketSocket(interface: "vb")
            var set = PollSet(slots: 1, wakeUp: try WakeUp())
            set.watch(b.pollDescriptor, slot: 0)
            try NetworkNamespace.sh("ip link del va")
            set.wait(milliseconds: 5000)
            let failed = set.hasFailed(slot: 0)
            #expect(failed)
            #expect(b.failure()?.isInterfaceLoss == true)
            #expect(throws: PacketIOError(operation: "open", interface: "vb", cause: .noSuchInterface)) {
                _ = try PacketSocket(interface: "vb")
            }
        }
    }

    @Test("a group that is joined is let through by the card, and reported to the switch, until the socket is closed")
    func groups() throws {
        try NetworkNamespace.run {
            try NetworkNamespace.sh("ip link add va type veth peer name vb && ip link set va up && ip link set vb up")
            let address = try #require(IPv6Address("2001:db8::12:3456"))
            // The host has no such address: nobody else joins its group.
            let (card, host) = ("grep -q 3333ff123456 /proc/net/dev_mcast", "grep -q ff1234560* /proc/net/igmp6")
            try NetworkNamespace.sh("! \(card) && ! \(host)")
            do {
                var socket = try PacketSocket(interface: "va")
                try socket.join(address.solicitedNodeGroup)
                try socket.join(.allNodes)
                try NetworkNamespace.sh("\(card) && \(host)")
                extendLifetime(socket)
            }
            try NetworkNamespace.sh("! \(card) && ! \(host)")
        }
    }

    @Test("where the interface has no IPv6 a group is still let through by the card")
    func groupsWithoutIPv6() throws {
        try Self.withPair {
            var socket = try PacketSocket(interface: "va")
            let address = try #require(IPv6Address("2001:db8::12:3456"))
            try socket.join(address.solicitedNodeGroup)
            try NetworkNamespace.sh("grep -q 3333ff123456 /proc/net/dev_mcast")
            extendLifetime(socket)
        }
    }

    @Test("loopback is refused: its frames have no MACs to rewrite")
    func loopback() throws {
        try NetworkNamespace.run {
            try NetworkNamespace.sh("ip link set lo up")
            #expect(throws: PacketIOError(operation: "bind", interface: "lo", cause: .notEthernet(772))) {
                _ = try PacketSocket(interface: "lo")
            }
        }
    }
}

extension UnsafeMutableRawBufferPointer {
    /// A copy of `bytes` the caller deallocates.
    fileprivate static func copy(_ bytes: [UInt8]) -> UnsafeMutableRawBufferPointer {
        let copy = allocate(byteCount: bytes.count, alignment: 1)
        copy.copyBytes(from: bytes)
        return copy
    }
}
