internal import Forwarding
internal import PacketIO

/// What is done with an IP packet for the director, from the frame that came to those that leave: the forwarder's verdict, and
/// what it asks for. The engine drives it from its sockets, `rsdirector replay` from a capture. Nothing is allocated per packet.
struct PacketPath: ~Copyable {
    var forwarder: Forwarder
    /// Frames for a lost interface: not the forwarder's to count.
    var undeliverable: UInt64 = 0
    /// Frames too long for a tunnel that could not be cut.
    private(set) var unsplittable: UInt64 = 0
    private var answers: TokenBucket
    private let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: ICMPError.longestFrame, alignment: 8)
    /// Where frames are cut into pieces.
    private let pieces = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 8)

    /// - Parameter answerRate: how many ICMP errors a second packets may provoke.
    init(_ forwarder: consuming Forwarder, answerRate: Int = EngineSettings.answerRate) {
        self.forwarder = forwarder
        answers = TokenBucket(rate: answerRate, burst: EngineSettings.answerBurst)
    }

    deinit {
        scratch.deallocate()
        pieces.deallocate()
    }

    /// Judges a frame and does what the verdict asks for. What is sent of the frame itself lies where it was until `outlet` is
    /// flushed, which is the caller's to do before the memory is used again.
    ///
    /// - Returns: the verdict on the frame as it came; of pieces the forwarder's counters tell.
    @inline(__always)
    @discardableResult
    mutating func forward(
        _ frame: Frame, _ header: VirtioNetHeader, to outlet: borrowing some FrameOutlet, now: Ticks
    ) -> Verdict {
        var packet = frame
        let verdict = forwarder.forward(&packet, now: now)
        obey(verdict, about: packet, header.grown(by: frame.headroom - packet.headroom), to: outlet, now: now)
        return verdict
    }

    /// Does what the forwarder says of a frame that is still where it came. `header` is what is to be sent in front of it.
    @inline(__always)
    mutating func obey(
        _ verdict: Verdict, about packet: Frame, _ header: VirtioNetHeader, to outlet: borrowing some FrameOutlet,
        now: Ticks
    ) {
        if case .split(let limit) = verdict {
            split(packet, limit: limit, at: 0, to: outlet, now: now)
        } else {
            obeyWhole(verdict, about: packet, header, to: outlet, now: now)
        }
    }

    /// Does what the forwarder says of a frame that is still where it came, or in `pieces`, and is not to be cut.
    @inline(__always)
    private mutating func obeyWhole(
        _ verdict: Verdict, about packet: Frame, _ header: VirtioNetHeader, to outlet: borrowing some FrameOutlet,
        now: Ticks
    ) {
        switch verdict {
        case .notOurs, .drop, .split: break
        case .transmit(let egress):
            if !outlet.transmit(packet.bytes, header, egress: egress) { undeliverable &+= 1 }
        case .unreachable: answer(.portUnreachable, about: packet, to: outlet, now: now)
        case .timeExceeded: answer(.timeExceeded, about: packet, to: outlet, now: now)
        case .tooBig(let mtu): answer(.tooBig(mtu: mtu), about: packet, to: outlet, now: now)
        case .unresolved(let egress, let destination): outlet.ask(for: destination, egress: egress)
        case .tunnelError:
            guard answers.take(now: now), let told = forwarder.explain(packet, into: scratch, now: now) else { return }
            send(length: told.length, to: outlet, egress: told.egress)
        }
    }

    /// Cuts a frame into pieces behind `offset` in their buffer, which lie there until they are sent, and has each judged.
    private mutating func split(
        _ packet: Frame, limit: Int, at offset: Int, to outlet: borrowing some FrameOutlet, now: Ticks
    ) {
        guard var splitter = Splitter(packet, limit: limit) else {
            unsplittable &+= 1
            return
        }
        var place = offset
        while true {
            if place + splitter.bufferLength > pieces.count {
                // Full: send what is there. Pieces of a piece lie behind it, and have no more room than that.
                outlet.flush()
                guard offset == 0, splitter.bufferLength <= pieces.count else {
                    unsplittable &+= 1
                    return
                }
                place = 0
            }
            guard var piece = splitter.next(into: UnsafeMutableRawBufferPointer(rebasing: pieces[place...])) else {
                break
            }
            place += (splitter.bufferLength + 7) & ~7
            let verdict = forwarder.forward(&piece, now: now)
            if case .split(let limit) = verdict, offset == 0 {
                split(piece, limit: limit, at: place, to: outlet, now: now)
                // What it was cut into lies where the next piece goes.
                outlet.flush()
            } else {
                obeyWhole(verdict, about: piece, .none, to: outlet, now: now)
            }
        }
        // The buffer is used again for the next frame.
        if offset == 0 { outlet.flush() }
    }

    private mutating func answer(
        _ error: ICMPError, about packet: Frame, to outlet: borrowing some FrameOutlet, now: Ticks
    ) {
        guard answers.take(now: now),
            let length = error.write(
                about: UnsafeRawBufferPointer(packet.bytes), from: forwarder.answerer(of: packet), into: scratch)
        else { return }
        send(length: length, to: outlet, egress: packet.ingress)
    }

    /// Sends what is in the scratch buffer, now: it is used again.
    private mutating func send(length: Int, to outlet: borrowing some FrameOutlet, egress: Int) {
        _ = outlet.transmit(UnsafeMutableRawBufferPointer(rebasing: scratch[..<length]), .none, egress: egress)
        outlet.flush()
    }
}

extension PacketPath {
    /// Packets not forwarded, by why; only what occurred.
    var drops: [String: UInt64] {
        var drops: [String: UInt64] = [:]
        for reason in DropReason.allCases where forwarder.drops[reason] > 0 {
            drops["\(reason)"] = forwarder.drops[reason]
        }
        let others = [
            ("unreachable", forwarder.drops.unreachable), ("timeExceeded", forwarder.drops.timeExceeded),
            ("tooBig", forwarder.drops.tooBig), ("interfaceLost", undeliverable), ("unsplittable", unsplittable),
        ]
        for (name, count) in others where count > 0 { drops[name] = count }
        return drops
    }
}
