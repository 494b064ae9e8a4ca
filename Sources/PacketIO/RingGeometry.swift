/// How much the kernel may hold for us on one interface (packet_mmap.rst, TPACKET_V3).
public struct RingGeometry: Hashable, Sendable {
    /// Bytes of one block: a power of two, a multiple of the page size. A frame must fit into one block, so that
    /// 64 KiB super-packets need at least 128 KiB.
    public var blockSize: Int
    /// How many blocks. A block goes over to us when full or when `retireMilliseconds` are up, so that this many
    /// milliseconds are about how long we may be away on a quiet interface.
    public var blockCount: Int
    /// After how many milliseconds a block that is not full is handed over: 1 or more. The kernel's example uses 60,
    /// which each packet of a slow exchange would wait for.
    public var retireMilliseconds: Int

    /// Creates a geometry.
    public init(blockSize: Int, blockCount: Int, retireMilliseconds: Int) {
        self.blockSize = blockSize
        self.blockCount = blockCount
        self.retireMilliseconds = retireMilliseconds
    }

    /// 32 MiB for each interface: 128 blocks of 256 KiB, handed over after one millisecond.
    public static let standard = RingGeometry(blockSize: 256 << 10, blockCount: 128, retireMilliseconds: 1)

    /// For what comes seldom, but then may come from ten thousand servers at once: 4 MiB. A block goes over after a millisecond with however
    /// little is in it, and there are as many milliseconds to be away as there are blocks.
    public static let small = RingGeometry(blockSize: 128 << 10, blockCount: 32, retireMilliseconds: 1)

    /// For each of so many that share an interface's packets: together as much as the standard, but 4 MiB at least, since
    /// the shares are not equal.
    public static func share(of members: Int) -> RingGeometry {
        var geometry = standard
        geometry.blockCount = max(16, standard.blockCount / members)
        return geometry
    }

    /// Bytes of the whole ring.
    var byteCount: Int { blockSize * blockCount }
}
