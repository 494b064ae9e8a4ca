internal import Forwarding
internal import PacketIO

// Packets: each batch from the ring, group by group through the forwarder, and out.
extension EngineLoop {
    func receive(on port: EnginePort) {
        var turns = Self.batchesInTurn
        while turns > 0, port.socket != nil, var batch = port.socket?.receive() {
            turns -= 1
            let now = self.now()
            forward(&batch, from: port, now: now)
            // Frames queued lie in the batch: send them all before giving it back.
            for other in ports { other.socket?.flush() }
            port.socket?.release(batch)
        }
        // More may be waiting than one turn takes: come back at once instead of waiting for the next block.
        if turns == 0 { mailbox.wakeUp.signal() }
    }

    /// Group by group. What is not forwarded is looked at in its turn.
    private func forward(_ batch: inout FrameBatch, from port: EnginePort, now: Ticks) {
        while true {
            let ending = group.gather(from: &batch, ingress: port.slot)
            forwardGroup(now: now)
            switch ending {
            case .full: break
            case .aside(let frame): receive(aside: frame, on: port, now: now)
            case .end: return
            }
        }
    }

    private func forwardGroup(now: Ticks) {
        group.judge(by: &forwarder, now: now)
        var index = 0
        while index < group.count {
            var next = index + 1
            switch group.verdict(index) {
            case .transmit(let egress):
                let run = group.run(from: index, by: egress)
                if ports[egress].socket?.transmit(group, run) == nil { undeliverable &+= UInt64(run.count) }
                next = run.upperBound
            case .split(let limit):
                split(group.frame(index), limit: limit, at: 0, now: now)
            case let verdict:
                obey(verdict, about: group.frame(index), now: now)
            }
            index = next
        }
    }

    private func receive(aside frame: ReceivedFrame, on port: EnginePort, now: Ticks) {
        guard !frame.isTruncated else {
            truncated &+= 1
            return
        }
        if let message = NeighborMessage(frame: UnsafeRawBufferPointer(frame.bytes)) {
            receive(message, on: port, now: now)
        }
    }

    /// Does what the forwarder says of one frame, which is still in the ring, or complete in `pieces`.
    private func obey(_ verdict: Verdict, about packet: Frame, now: Ticks) {
        switch verdict {
        case .notOurs, .drop, .split: break
        case .transmit(let egress):
            if ports[egress].socket?.transmit(packet.bytes, .none) == nil { undeliverable &+= 1 }
        case .unreachable: answer(.portUnreachable, about: packet, now: now)
        case .timeExceeded: answer(.timeExceeded, about: packet, now: now)
        case .tooBig(let mtu): answer(.tooBig(mtu: mtu), about: packet, now: now)
        case .unresolved(let egress, let destination): ask(for: destination, on: ports[egress], now: now)
        case .tunnelError:
            guard answers.take(now: now), let told = forwarder.explain(packet, into: scratch, now: now) else { return }
            transmit(length: told.length, on: ports[told.egress])
        }
    }

    /// Cuts a frame into pieces behind `offset` in their buffer, which lie there until they are sent, and has each judged.
    private func split(_ packet: Frame, limit: Int, at offset: Int, now: Ticks) {
        guard var splitter = Splitter(packet, limit: limit) else {
            unsplittable &+= 1
            return
        }
        var place = offset
        while true {
            if place + splitter.bufferLength > pieces.count {
                // Full: send what is there. Pieces of a piece lie behind it, and have no more room than that.
                for port in ports { port.socket?.flush() }
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
                split(piece, limit: limit, at: place, now: now)
                // What it was cut into lies where the next piece goes.
                for port in ports { port.socket?.flush() }
            } else {
                obey(verdict, about: piece, now: now)
            }
        }
        // The buffer is used again for the next frame.
        if offset == 0 { for port in ports { port.socket?.flush() } }
    }

    private func answer(_ error: ICMPError, about packet: Frame, now: Ticks) {
        guard answers.take(now: now),
            let length = error.write(
                about: UnsafeRawBufferPointer(packet.bytes), from: forwarder.answerer(of: packet), into: scratch)
        else { return }
        transmit(length: length, on: ports[packet.ingress])
    }

    /// Sends what is in the scratch buffer, now: it is used again.
    func transmit(length: Int, on port: EnginePort) {
        port.socket?.transmit(UnsafeMutableRawBufferPointer(rebasing: scratch[..<length]), .none)
        port.socket?.flush()
    }
}
