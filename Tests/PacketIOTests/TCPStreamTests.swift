internal import Glibc
internal import Synchronization
internal import Testing

@testable internal import PacketIO

/// ```
///  sender's netns            the wire's netns              receiver's netns
///   s0 10.9.0.1 ──veth── w0  PacketSocket ⇄ PacketSocket  w1 ──veth── r0 10.9.0.2
/// ```
@Suite("frames from one interface to another", .enabled(if: NetworkNamespace.isPermitted, NetworkNamespace.skipReason))
struct TCPStreamTests {
    /// What the wire saw of the frames it carried.
    struct Seen {
        var partial = 0
        var superPackets = 0
        var longest = 0
        var counters = [PacketCounters(), PacketCounters()]
    }

    @Test("a TCP stream of partial checksums and super-packets passes whole", .timeLimit(.minutes(2)))
    func streamPassesWhole() throws {
        let size = 24 << 20
        let (wire, listening) = (Meeting<String>(), Meeting<Bool>())
        let (received, seen) = (Meeting<Int>(), Meeting<Seen>())
        let stop = Atomic(false)
        let linked = [Meeting<Bool>(), Meeting<Bool>()]
        // An end that goes takes its link along, and the last frames to it would be refused.
        let (ended, released) = ([Meeting<Bool>(), Meeting<Bool>()], [Meeting<Bool>(), Meeting<Bool>()])
        let wireThread = try NetworkNamespace.start {
            try NetworkNamespace.quiet()
            wire.leave(try NetworkNamespace.threadID)
            for side in linked { _ = try side.take() }
            // Frames are meant for the other end, not for the wire.
            try NetworkNamespace.sh("ip link set w0 up promisc on && ip link set w1 up promisc on")
            let result = try Self.carry(between: "w0", "w1") { stop.load(ordering: .acquiring) }
            seen.leave(result)
        }
        let receiverThread = try NetworkNamespace.start {
            let peer = try wire.take()
            try NetworkNamespace.quiet()
            try NetworkNamespace.sh("ip link add r0 type veth peer name w1 netns \(peer)")
            try NetworkNamespace.sh("ip addr add 10.9.0.2/24 dev r0 && ip link set r0 up")
            linked[0].leave(true)
            defer { ended[0].leave(true) }
            received.leave(try StreamEnds.receive(port: 8000) { listening.leave(true) })
            ended[0].leave(true)
            _ = try released[0].take(within: 90)
        }
        let senderThread = try NetworkNamespace.start {
            let peer = try wire.take()
            try NetworkNamespace.quiet()
            try NetworkNamespace.sh("ip link add s0 type veth peer name w0 netns \(peer)")
            try NetworkNamespace.sh("ip addr add 10.9.0.1/24 dev s0 && ip link set s0 up")
            linked[1].leave(true)
            _ = try listening.take()
            defer { ended[1].leave(true) }
            try StreamEnds.send(to: 0x0A09_0002, port: 8000, count: size)
            ended[1].leave(true)
            _ = try released[1].take(within: 90)
        }
        for end in ended { _ = try end.take(within: 90) }
        stop.store(true, ordering: .releasing)
        try wireThread.join()
        for end in released { end.leave(true) }
        let outcomes = [senderThread, receiverThread].map { thread in Result { try thread.join() } }
        for outcome in outcomes { try outcome.get() }
        #expect(try received.take() == size)
        let carried = try seen.take()
        #expect(carried.partial > 0, "veth hands over partial checksums: if none came, nothing was proven")
        #expect(carried.superPackets > 0)
        #expect(carried.longest > 1514)
        #expect(carried.counters.map(\.refused) == [0, 0], "errno \(carried.counters.map(\.lastRefusal))")
        #expect(carried.counters[1].transmittedBytes > UInt64(size))
    }

    /// Carries frames both ways until told to stop.
    static func carry(between first: String, _ second: String, until isDone: () -> Bool) throws -> Seen {
        var left = try PacketSocket(interface: first)
        var right = try PacketSocket(interface: second)
        var set = PollSet(slots: 2, wakeUp: try WakeUp())
        set.watch(left.pollDescriptor, slot: 0)
        set.watch(right.pollDescriptor, slot: 1)
        var seen = Seen()
        while !isDone() {
            set.wait(milliseconds: 50)
            pass(from: &left, to: &right, &seen)
            pass(from: &right, to: &left, &seen)
        }
        seen.counters = [left.statistics(), right.statistics()]
        return seen
    }

    private static func pass(from: inout PacketSocket, to: inout PacketSocket, _ seen: inout Seen) {
        while var batch = from.receive() {
            while let frame = batch.nextFrame() {
                if frame.header.needsChecksum { seen.partial += 1 }
                if frame.header.isSuperPacket { seen.superPackets += 1 }
                seen.longest = max(seen.longest, frame.bytes.count)
                if !frame.isTruncated { to.transmit(frame.bytes, frame.header) }
            }
            to.flush()
            from.release(batch)
        }
    }
}
