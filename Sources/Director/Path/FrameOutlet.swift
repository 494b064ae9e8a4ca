internal import PacketIO

/// Where the packet path puts what is to be sent: a director's interfaces, or a file.
protocol FrameOutlet {
    /// Takes a frame to be sent through this interface. It stays where it is until the next flush.
    ///
    /// - Returns: false where the interface is lost and the frame with it.
    func transmit(_ frame: UnsafeMutableRawBufferPointer, _ header: VirtioNetHeader, egress: Int) -> Bool

    /// Sends what was taken: the memory that it lies in is used again.
    func flush()
}

extension [EnginePort]: FrameOutlet {
    @inline(__always)
    func transmit(_ frame: UnsafeMutableRawBufferPointer, _ header: VirtioNetHeader, egress: Int) -> Bool {
        self[egress].socket?.transmit(frame, header) != nil
    }

    @inline(__always)
    func flush() {
        for port in self { port.socket?.flush() }
    }
}
