public import NetworkAddress

// Several forwarders with clients of their own, all of which are given the ICMP errors: whom one is about, only what it quotes tells.
extension Forwarder {
    /// Tells which clients are this forwarder's. A frame that all are given (``Frame/isShared``) is forwarded by the one that has its
    /// flow; where it is dropped, the one whose client it is about counts that, and to the others it is ``Verdict/notOurs``.
    ///
    /// - Parameter isResponsible: whether this client is this forwarder's, as of exactly one of them; nil: a frame that does not tell.
    public mutating func share(_ isResponsible: @escaping @Sendable (IPAddress?) -> Bool) {
        self.isResponsible = isResponsible
    }

    /// Whether a frame that everybody was given, and that is dropped here, is about a client of this forwarder's.
    func isOurs(_ frame: Frame, _ way: Switchboard.Way) -> Bool {
        guard let isResponsible else { return true }
        let quoted = QuotedPacket(UnsafeRawBufferPointer(frame.bytes))
        // What is told to a VIP is about a packet from there to its client, and anything else about one of the client's.
        return isResponsible(quoted.map { (way == .toVIP ? $0.header.destination : $0.header.source).narrow })
    }
}
