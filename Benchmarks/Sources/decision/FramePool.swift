import Forwarding
import Glibc

/// Frames one after the other in memory as they lie in the receive ring, each behind room for headers. They are written anew
/// for each round, for whoever judges them rewrites them.
struct FramePool: ~Copyable {
    /// As many as a few blocks of the ring hold.
    static let count = 4096
    private static let headroom = 64
    private static let slot = 192

    let frames = UnsafeMutableBufferPointer<Frame>.allocate(capacity: Self.count)
    let verdicts = UnsafeMutableBufferPointer<Verdict>.allocate(capacity: Self.count)
    private let memory = UnsafeMutableRawPointer.allocate(byteCount: Self.count * Self.slot, alignment: 64)

    init() {
        memset(memory, 0, Self.count * Self.slot)
        frames.initialize(repeating: Frame(bytes: UnsafeMutableRawBufferPointer(start: nil, count: 0)))
        verdicts.initialize(repeating: .notOurs)
    }

    deinit {
        frames.deallocate()
        verdicts.deallocate()
        memory.deallocate()
    }

    /// Packets of these flows.
    func write(_ packet: PacketTemplate, of flow: (Int) -> Int) {
        for index in 0..<Self.count {
            let place = memory + index * Self.slot + Self.headroom
            packet.write(flow: flow(index), to: place)
            frames[index] = Frame(
                bytes: UnsafeMutableRawBufferPointer(start: place, count: packet.length), headroom: Self.headroom)
        }
    }

    /// Has all of them judged, in the groups that the engine makes.
    func judgeInGroups(by forwarder: inout Forwarder, now: Ticks) -> Cost {
        let before = Cost.soFar
        for index in stride(from: 0, to: Self.count, by: Forwarder.groupSize) {
            let group = index..<index + Forwarder.groupSize
            forwarder.forward(
                UnsafeMutableBufferPointer(rebasing: frames[group]),
                into: UnsafeMutableBufferPointer(rebasing: verdicts[group]), now: now)
        }
        return Cost.soFar - before
    }

    /// Has all of them judged, each by itself.
    func judgeAlone(by forwarder: inout Forwarder, now: Ticks) -> Cost {
        let before = Cost.soFar
        for index in 0..<Self.count { verdicts[index] = forwarder.forward(&frames[index], now: now) }
        return Cost.soFar - before
    }

    /// Ends the program unless all of them are to be sent.
    func requireAllSent(_ what: String) {
        if let other = verdicts.first(where: { if case .transmit = $0 { false } else { true } }) {
            print("\(what): not forwarded but \(other)")
            exit(1)
        }
    }
}
