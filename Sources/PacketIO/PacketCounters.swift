/// What went through one packet socket since it was opened.
public struct PacketCounters: Hashable, Sendable {
    /// Frames the kernel gave us, as counted by the kernel, those it dropped for want of room included.
    public var received: UInt64 = 0
    /// Frames the kernel dropped because the ring was full: we were too slow.
    public var ringDrops: UInt64 = 0
    /// Frames sent.
    public var transmitted: UInt64 = 0
    /// Bytes of frames sent.
    public var transmittedBytes: UInt64 = 0
    /// Frames the kernel refused to send.
    public var refused: UInt64 = 0
    /// The errno of the last refusal; 0: there was none.
    public var lastRefusal: CInt = 0

    /// All zero.
    public init() {}

    /// Counts what went through another socket, later, as well.
    public mutating func add(_ later: PacketCounters) {
        received &+= later.received
        ringDrops &+= later.ringDrops
        transmitted &+= later.transmitted
        transmittedBytes &+= later.transmittedBytes
        refused &+= later.refused
        if later.lastRefusal != 0 { lastRefusal = later.lastRefusal }
    }
}
