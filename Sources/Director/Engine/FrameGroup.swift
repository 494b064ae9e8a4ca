internal import Forwarding
internal import PacketIO

/// Frames of one batch that are judged together, so that the memory of the next ones' flows is fetched while others are judged
/// (`Forwarder.forward(_:into:now:)`). They stay where they are, in the ring.
///
/// Held apart from the engine's loop, and gone through here, because each look at a property of a class is checked for exclusivity at
/// run time: it is looked at once for a group and not for each frame.
struct FrameGroup: ~Copyable {
    /// Why no more frames were gathered.
    enum Ending {
        case full
        /// The frame that came next is not to be forwarded, but read: ARP, Neighbor Discovery, or one cut short.
        case aside(ReceivedFrame)
        /// The batch has no more.
        case end
    }

    private let frames: UnsafeMutableBufferPointer<Frame>
    /// What the kernel said of each frame.
    private let headers: UnsafeMutableBufferPointer<VirtioNetHeader>
    private let verdicts: UnsafeMutableBufferPointer<Verdict>
    private(set) var count = 0

    init() {
        frames = .allocate(capacity: Forwarder.groupSize)
        frames.initialize(repeating: Frame(bytes: UnsafeMutableRawBufferPointer(start: nil, count: 0)))
        headers = .allocate(capacity: Forwarder.groupSize)
        headers.initialize(repeating: .none)
        verdicts = .allocate(capacity: Forwarder.groupSize)
        verdicts.initialize(repeating: .notOurs)
    }

    deinit {
        frames.deallocate()
        headers.deallocate()
        verdicts.deallocate()
    }

    /// Takes the next frames of a batch that may be ours to forward, in place of those before. `isShared`: other workers have them,
    /// too.
    mutating func gather(from batch: inout FrameBatch, ingress: Int, isShared: Bool) -> Ending {
        count = 0
        while count < frames.count {
            guard let frame = batch.nextFrame() else { return .end }
            // A tagged frame is for the VLAN's own interface. What a switch flooded to us is on its way already.
            guard !frame.isVLANs, frame.destination != .other, frame.bytes.count >= 14 else { continue }
            guard !frame.isTruncated, !NeighborMessage.isCarried(by: UnsafeRawBufferPointer(frame.bytes)) else {
                return .aside(frame)
            }
            guard frame.destination == .host else { continue }
            frames[count] = Frame(
                bytes: frame.bytes, headroom: ReceivedFrame.headroom, isPartial: frame.header.needsChecksum,
                segmentSize: frame.header.isSuperPacket ? Int(frame.header.segmentSize) : 0, ingress: ingress,
                isShared: isShared)
            headers[count] = frame.header
            count &+= 1
        }
        return .full
    }

    /// Has those from `start` on judged, and rewritten; returns where the next ones begin, which are to be judged once these have
    /// gone their ways.
    func judge(from start: Int, by forwarder: inout Forwarder, now: Ticks) -> Int {
        guard start < count else { return count }
        return start
            + forwarder.forward(
                UnsafeMutableBufferPointer(rebasing: frames[start..<count]),
                into: UnsafeMutableBufferPointer(rebasing: verdicts[start...]), now: now)
    }

    /// What the forwarder said of a frame.
    func verdict(_ index: Int) -> Verdict { verdicts[index] }

    /// The frame as it is after that.
    func frame(_ index: Int) -> Frame { frames[index] }

    /// What is to be sent in front of it.
    func header(_ index: Int) -> VirtioNetHeader {
        headers[index].grown(by: ReceivedFrame.headroom - frames[index].headroom)
    }

    /// The frames from `start` on, but before `limit`, that leave by the same interface as that one.
    func run(from start: Int, before limit: Int, by egress: Int) -> Range<Int> {
        var end = start + 1
        while end < limit, case .transmit(egress) = verdicts[end] { end += 1 }
        return start..<end
    }
}

extension PacketSocket {
    /// Queues these frames of a group.
    mutating func transmit(_ group: borrowing FrameGroup, _ frames: Range<Int>) {
        for index in frames { transmit(group.frame(index).bytes, group.header(index)) }
    }
}
