import NetworkAddress

extension Forwarder {
    /// Writes what a client is to be told of an ICMP error about a packet of its that went through a tunnel: to be called for
    /// a frame with ``Verdict/tunnelError``. From now on the tunnel's server is sent nothing that is longer than the error says,
    /// for ten minutes (RFC 1191 §6.3).
    ///
    /// - Parameters:
    ///   - frame: the frame with the error, unchanged.
    ///   - buffer: where the client's goes, ``ICMPError/longestFrame`` bytes to be safe.
    /// - Returns: its length and the interface to send it through; nil: there is nothing to tell, or nobody to tell it to.
    public mutating func explain(
        _ frame: Frame, into buffer: UnsafeMutableRawBufferPointer, now: Ticks
    ) -> (length: Int, egress: Int)? {
        board.advance(to: now)
        let bytes = UnsafeRawBufferPointer(frame.bytes)
        guard let quoted = QuotedPacket(bytes) else { return nil }
        for slot in 0..<UInt32(board.servers.count) {
            guard case .tunnel(let tunnel) = board.servers[slot].pointee.method,
                let inner = quoted.inner(of: tunnel, in: bytes)
            else { continue }
            let station =
                inner.header.isIPv6
                ? board.noteTunnelError(quoted, inner, slot, v6) : board.noteTunnelError(quoted, inner, slot, v4)
            guard let station else { continue }
            let length = inner.write(lessOverhead: tunnel.overhead, about: bytes, to: station, into: buffer)
            return length.map { ($0, station.egress) }
        }
        return nil
    }
}
