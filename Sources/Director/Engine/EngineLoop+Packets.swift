internal import Forwarding
internal import PacketIO

// Packets: each batch from the ring, group by group through the forwarder, and out.
extension EngineLoop {
    func receive(on port: EnginePort) {
        let ports = self.ports
        var turns = Self.batchesInTurn
        while turns > 0, var batch = port.receive() {
            turns -= 1
            let now = self.now()
            forward(&batch, from: port, to: ports, now: now)
            // Frames queued lie in the batch: send them all before giving it back.
            ports.flush()
            port.release(batch)
            for port in ports { for neighbor in port.takeWanted() { ask(for: neighbor, on: port, now: now) } }
        }
        // More may be waiting than one turn takes: come back at once instead of waiting for the next block.
        if turns == 0 { mailbox.wakeUp.signal() }
    }

    /// Group by group. What is not forwarded is looked at in its turn.
    private func forward(_ batch: inout FrameBatch, from port: EnginePort, to ports: [EnginePort], now: Ticks) {
        while true {
            let ending = group.gather(from: &batch, ingress: port.slot, isShared: port.isNotice)
            forwardGroup(to: ports, now: now)
            switch ending {
            case .full: break
            case .aside(let frame): receive(aside: frame, on: port, now: now)
            case .end: return
            }
        }
    }

    private func forwardGroup(to ports: [EnginePort], now: Ticks) {
        var index = 0
        var judged = 0
        while index < group.count {
            if index == judged { judged = group.judge(from: index, by: &path.forwarder, now: now) }
            var next = index + 1
            switch group.verdict(index) {
            case .transmit(let egress):
                let run = group.run(from: index, before: judged, by: egress)
                if ports[egress].socket?.transmit(group, run) == nil { path.undeliverable &+= UInt64(run.count) }
                next = run.upperBound
            case let verdict:
                path.obey(verdict, about: group.frame(index), group.header(index), to: ports, now: now)
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

    /// Sends what is in the scratch buffer, now: it is used again.
    func transmit(length: Int, on port: EnginePort) {
        _ = port.transmit(UnsafeMutableRawBufferPointer(rebasing: scratch[..<length]), .none)
        port.flush()
    }
}
