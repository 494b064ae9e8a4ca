import NetworkAddress

extension Forwarder {
    /// How many frames are best judged together.
    public static var groupSize: Int { LookAhead<IPv4FlowKey>.capacity }

    /// Judges frames that came one after the other, as ``forward(_:now:)`` does each, but has the memory of the next ones fetched while it judges.
    ///
    /// - Parameters:
    ///   - frames: at most ``groupSize``. No two of them share memory.
    ///   - verdicts: where the verdict on each goes; there is room for as many.
    /// - Returns: how many were judged, from the first on: all, or up to the first that must be cut. What becomes of its pieces comes
    ///   before what is behind it: fragments follow the first one of their packet.
    @discardableResult
    public mutating func forward(
        _ frames: UnsafeMutableBufferPointer<Frame>, into verdicts: UnsafeMutableBufferPointer<Verdict>, now: Ticks
    ) -> Int {
        precondition(frames.count <= Self.groupSize && frames.count <= verdicts.count, "too many frames at once")
        ahead4.begin()
        ahead6.begin()
        // What was found is for this group alone.
        defer {
            v4.expectNothing()
            v6.expectNothing()
        }
        // The first ones' memory is waited for. What the others need comes while those before them are judged.
        seekFlows(of: frames, from: 0)
        fetchFlows()
        fetchLinks(now: now.milliseconds)
        for index in frames.indices {
            switch index % Self.stride {
            case 0:
                fetchNeighbours()
                seekFlows(of: frames, from: index + Self.stride)
            case Self.stride / 3: fetchFlows()
            case Self.stride * 2 / 3: fetchLinks(now: now.milliseconds)
            default: break
            }
            ahead4.tell(&v4, of: index)
            ahead6.tell(&v6, of: index)
            verdicts[index] = forward(&frames[index], now: now)
            if case .split = verdicts[index] { return index + 1 }
        }
        return frames.count
    }

    /// For how many packets each step of looking ahead is done at once: more of them, and the processor has more memory to wait for than
    /// it can ask for at a time; fewer, and what was asked for last is not there yet.
    private static var stride: Int { 8 }

    @inline(__always)
    private mutating func seekFlows(of frames: UnsafeMutableBufferPointer<Frame>, from start: Int) {
        for index in min(frames.count, start)..<min(frames.count, start + Self.stride) {
            seekFlow(of: UnsafeRawBufferPointer(frames[index].bytes), index)
        }
    }

    @inline(__always)
    private mutating func fetchFlows() {
        ahead4.fetchFlows(from: v4)
        ahead6.fetchFlows(from: v6)
    }

    @inline(__always)
    private mutating func fetchLinks(now: UInt64) {
        ahead4.fetchLinks(from: v4, now: now)
        ahead6.fetchLinks(from: v6, now: now)
    }

    @inline(__always)
    private mutating func fetchNeighbours() {
        ahead4.fetchNeighbours(from: v4)
        ahead6.fetchNeighbours(from: v6)
    }

    /// Has the flow of a packet looked for, where its key is plain to see: no options, no extension headers, no fragment. Nothing is judged
    /// here, and nothing but its length believed of the frame.
    @inline(__always)
    private mutating func seekFlow(of frame: UnsafeRawBufferPointer, _ index: Int) {
        guard let ends = Packet.ends(of: frame), let base = frame.baseAddress else { return }
        let isIPv6 = base.word(at: 12) == InternetHeader.etherTypeIPv6
        let ip = base + InternetHeader.ethernet
        let length = isIPv6 ? 40 : 20
        let transport = ip.byte(at: isIPv6 ? 6 : 9)
        guard frame.count >= InternetHeader.ethernet + length + 4, isIPv6 || ip.byte(at: 0) == 0x45,
            transport == InternetHeader.tcp || transport == InternetHeader.udp
        else { return }
        let isQuestion = board.services.owns(ends.destination)
        guard isQuestion || board.services.mayAnswer(ends.source) else { return }
        let lookup: FlowLookup = isQuestion || board.services.owns(ends.source) ? .byKey : .byAnswer
        let (first, second) = (ip.word(at: length), ip.word(at: length + 2))
        let (client, other) = isQuestion ? (ends.source, ends.destination) : (ends.destination, ends.source)
        let (clientPort, port) = isQuestion ? (first, second) : (second, first)
        if isIPv6 {
            let key = IPv6FlowKey(client: client, vip: other, clientPort: clientPort, port: port, transport: transport)
            ahead6.seek(key, lookup, of: index, in: v6)
        } else {
            let key = IPv4FlowKey(
                client: client.low32, vip: other.low32, clientPort: clientPort, port: port, transport: transport)
            ahead4.seek(key, lookup, of: index, in: v4)
        }
    }
}
