internal import NetworkAddress
internal import PacketIO

/// Where the packet path puts what is to be sent: a director's interfaces, or a file.
protocol FrameOutlet {
    /// Takes a frame to be sent through this interface. It stays where it is until the next flush.
    ///
    /// - Returns: false where the interface is lost and the frame with it.
    func transmit(_ frame: UnsafeMutableRawBufferPointer, _ header: VirtioNetHeader, egress: Int) -> Bool

    /// Sends what was taken: the memory that it lies in is used again.
    func flush()

    /// A packet was lost because nobody knows where this neighbour is on the interface's link: who does is to be asked.
    func ask(for neighbor: IPAddress, egress: Int)
}

extension [EnginePort]: FrameOutlet {
    @inline(__always)
    func transmit(_ frame: UnsafeMutableRawBufferPointer, _ header: VirtioNetHeader, egress: Int) -> Bool {
        self[egress].transmit(frame, header)
    }

    @inline(__always)
    func flush() {
        for port in self { port.flush() }
    }

    func ask(for neighbor: IPAddress, egress: Int) { self[egress].note(wanted: neighbor) }
}
