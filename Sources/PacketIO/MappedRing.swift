internal import CLinux
internal import Glibc

/// The receive ring in our address space, unmapped with its owner.
struct MappedRing: ~Copyable {
    let base: UnsafeMutableRawPointer
    let geometry: RingGeometry
    /// The block the kernel hands over next: blocks come strictly in turn.
    private var current = 0

    /// Maps the ring that `PACKET_RX_RING` made on `descriptor`.
    init(_ descriptor: borrowing FileDescriptor, geometry: RingGeometry, interface: String) throws(PacketIOError) {
        let address = mmap(
            nil, geometry.byteCount, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor.rawValue, 0)
        guard let address, address != MAP_FAILED else {
            throw PacketIOError.last("mmap of the receive ring", interface)
        }
        base = address
        self.geometry = geometry
    }

    deinit {
        munmap(base, geometry.byteCount)
    }

    /// The next block if the kernel has handed it over.
    @inline(__always)
    mutating func take() -> UnsafeMutableRawPointer? {
        let block = base + current &* geometry.blockSize
        // Acquire: the frames must not be read before the status that says they are there.
        guard clinux_load_acquire(block + Self.statusOffset) & UInt32(TP_STATUS_USER) != 0 else { return nil }
        current = current &+ 1 == geometry.blockCount ? 0 : current &+ 1
        return block
    }

    /// Gives a block back to the kernel.
    @inline(__always)
    func give(_ block: UnsafeMutableRawPointer) {
        // Release: we must be done with the frames before the kernel may write over them.
        clinux_store_release(block + Self.statusOffset, UInt32(TP_STATUS_KERNEL))
    }

    /// `tpacket_block_desc.hdr.bh1.block_status`: behind `version` and `offset_to_priv`.
    private static let statusOffset = 8
}
