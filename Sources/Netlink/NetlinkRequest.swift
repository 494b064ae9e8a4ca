internal import CNetlink
internal import Glibc
internal import NetworkAddress

/// A netlink message in the making: a fixed header and attributes behind it. Owned, and freed when it goes out of scope.
struct NetlinkRequest: ~Copyable {
    /// What it asks for, as an operator would say it.
    let operation: String
    let message: OpaquePointer
    /// The first error met while it was put together; sending throws it.
    private(set) var code: Int32 = 0

    /// A request of `type` with `header` as its fixed part (`ifinfomsg`, `genlmsghdr`), which must be a C struct.
    init<Header: BitwiseCopyable>(
        _ operation: String, type: Int32, flags: Int32 = 0, header: Header
    ) throws(NetlinkError) {
        guard let message = nlmsg_alloc_simple(type, flags) else { throw NetlinkError(operation, code: NLE_NOMEM) }
        self.operation = operation
        self.message = message
        append(header)
    }

    deinit { nlmsg_free(message) }

    /// Adds bytes that are no attribute: a fixed header, padded to 4 bytes.
    mutating func append<Header: BitwiseCopyable>(_ header: Header) {
        var header = header
        let size = MemoryLayout<Header>.size
        note(nlmsg_append(message, &header, size, 4))
    }

    /// Adds a number in the host's byte order.
    mutating func put<Value: FixedWidthInteger & BitwiseCopyable>(_ type: Int, _ value: Value) {
        var value = value
        note(nla_put(message, Int32(type), Int32(MemoryLayout<Value>.size), &value))
    }

    /// Adds bytes as they are.
    mutating func put(_ type: Int, _ bytes: [UInt8]) { note(nla_put(message, Int32(type), Int32(bytes.count), bytes)) }

    /// Adds text with its NUL.
    mutating func put(_ type: Int, _ text: String) { note(nla_put_string(message, Int32(type), text)) }

    /// Adds an address, 4 or 16 bytes.
    mutating func put(_ type: Int, _ address: IPAddress) {
        switch address {
        case .v4(let address): put(type, address.rawValue.bigEndian)
        case .v6(let address):
            var words = (address.high.bigEndian, address.low.bigEndian)
            note(nla_put(message, Int32(type), 16, &words))
        }
    }

    /// Adds an attribute without content, which says yes by being there.
    mutating func putFlag(_ type: Int) { note(nla_put_flag(message, Int32(type))) }

    /// Adds an attribute that holds what `content` adds.
    mutating func nest(_ type: Int, _ content: (inout NetlinkRequest) -> Void) {
        guard let start = nla_nest_start(message, Int32(type)) else { return note(-NLE_NOMEM) }
        content(&self)
        note(nla_nest_end(message, start))
    }

    private mutating func note(_ outcome: Int32) {
        if outcome < 0, code == 0 { code = outcome }
    }
}
