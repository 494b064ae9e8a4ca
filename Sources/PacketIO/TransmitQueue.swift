internal import CLinux
internal import Glibc

/// Frames waiting for one system call: pointers to frames that lie elsewhere, and the headers to go in front of them.
struct TransmitQueue: ~Copyable {
    /// How many frames go out with one system call at most.
    static let capacity = 64

    private let messages: UnsafeMutablePointer<clinux_message>
    private let vectors: UnsafeMutablePointer<iovec>
    private let headers: UnsafeMutableRawPointer
    private(set) var count = 0

    init() {
        messages = .allocate(capacity: Self.capacity)
        vectors = .allocate(capacity: 2 * Self.capacity)
        headers = .allocate(byteCount: Self.capacity * VirtioNetHeader.byteCount, alignment: 8)
        for index in 0..<Self.capacity {
            let header = headers + index * VirtioNetHeader.byteCount
            vectors[2 * index] = iovec(iov_base: header, iov_len: VirtioNetHeader.byteCount)
            vectors[2 * index + 1] = iovec(iov_base: nil, iov_len: 0)
            var message = msghdr()
            message.msg_iov = vectors + 2 * index
            message.msg_iovlen = 2
            messages[index] = clinux_message(header: message, length: 0)
        }
    }

    deinit {
        messages.deallocate()
        vectors.deallocate()
        headers.deallocate()
    }

    var isFull: Bool { count == Self.capacity }

    /// Adds a frame; there must be room.
    @inline(__always)
    mutating func append(_ frame: UnsafeMutableRawBufferPointer, _ header: VirtioNetHeader) {
        header.store(to: headers + count &* VirtioNetHeader.byteCount)
        vectors[2 &* count &+ 1].iov_base = frame.baseAddress
        vectors[2 &* count &+ 1].iov_len = frame.count
        count &+= 1
    }

    /// Sends everything. A frame the kernel refuses is left out and those behind it go on.
    mutating func flush(to descriptor: CInt, _ counters: inout PacketCounters) {
        var sent = 0
        while sent < count {
            let taken = clinux_send_messages(
                descriptor, messages + sent, CUnsignedInt(count - sent), CInt(MSG_DONTWAIT))
            if taken > 0 {
                for index in sent..<sent + Int(taken) {
                    counters.transmittedBytes &+= UInt64(vectors[2 * index + 1].iov_len)
                }
                counters.transmitted &+= UInt64(taken)
                sent += Int(taken)
            } else if errno != EINTR {
                counters.refused &+= 1
                counters.lastRefusal = errno
                sent += 1
            }
        }
        count = 0
    }
}
