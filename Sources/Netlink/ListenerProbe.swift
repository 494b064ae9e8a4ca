internal import CLinux
internal import CNetlink
internal import Glibc
public import NetworkAddress
internal import Synchronization

/// Looks for listeners of the network namespace of the thread that made it, again and again on one socket (sock_diag(7)).
/// May be used from any thread. Needs no capability.
public final class ListenerProbe: Sendable {
    /// Where a SYN could be sent to.
    public struct Place: Hashable, Sendable {
        /// An address of this host.
        public var address: IPAddress
        /// A TCP port.
        public var port: UInt16

        /// An address and a port.
        public init(address: IPAddress, port: UInt16) {
            (self.address, self.port) = (address, port)
        }
    }

    private let conversation: Mutex<DiagnosticConversation>

    /// Connects to socket diagnostics.
    public init() throws(NetlinkError) {
        conversation = Mutex(try DiagnosticConversation())
    }

    /// Whether a SYN to `address`:`port` would find a listener on this host, bound to the address or to all of them.
    /// Equivalent to: `ss -tln 'src ADDRESS and sport PORT'`, wildcards included.
    public func hasTCPListener(_ address: IPAddress, port: UInt16) throws(NetlinkError) -> Bool {
        try listeners(at: [Place(address: address, port: port)])[0].get()
    }

    /// The same of many places, in their order: whether there is a listener, or what the look-up failed with. One look-up in
    /// the kernel's table for each, whatever the number of sockets (`inet_diag_find_one_icsk`, net/ipv4/inet_diag.c), and two
    /// system calls for all.
    public func listeners(at places: [Place]) -> [Result<Bool, NetlinkError>] {
        conversation.withLock { conversation in
            stride(from: 0, to: places.count, by: DiagnosticConversation.batch).flatMap { start in
                conversation.ask(about: places[start..<min(start + DiagnosticConversation.batch, places.count)])
            }
        }
    }
}

/// A socket to ask on, with room for the answers, which is the same each time.
///
/// Without libnl, which sends one question at a time and reads an answer in two system calls.
private struct DiagnosticConversation: ~Copyable {
    /// How many are asked about at once: their answers wait in the socket's queue, which has room for 200 KB
    /// (net.core.rmem_default), and take less than 2 KB each.
    static let batch = 64
    /// No answer's header is longer, and the rest of it is not needed.
    private static let answerSize = 64

    /// `struct nlmsghdr` (netlink(7)): CLinux and CNetlink both have it, and a module can see only one of them.
    private struct Header {
        var length: UInt32 = 0
        var type: UInt16 = 0
        var flags: UInt16 = 0
        var sequence: UInt32 = 0
        var port: UInt32 = 0
    }

    private struct Question {
        var header = Header()
        var request = inet_diag_req_v2()
    }

    private let descriptor: Int32
    private var sequence: UInt32 = 0
    private let answers: UnsafeMutableRawBufferPointer
    private let parts: UnsafeMutablePointer<iovec>
    private let messages: UnsafeMutablePointer<clinux_message>

    init() throws(NetlinkError) {
        let descriptor = socket(AF_NETLINK, Int32(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue), NETLINK_SOCK_DIAG)
        guard descriptor >= 0 else { throw NetlinkRefusal(number: errno).error("connect to socket diagnostics") }
        self.descriptor = descriptor
        answers = .allocate(byteCount: Self.batch * Self.answerSize, alignment: MemoryLayout<Header>.alignment)
        parts = .allocate(capacity: Self.batch)
        messages = .allocate(capacity: Self.batch)
        for index in 0..<Self.batch {
            (parts + index).initialize(
                to: iovec(iov_base: answers.baseAddress! + index * Self.answerSize, iov_len: Self.answerSize))
            (messages + index).initialize(to: clinux_message())
            messages[index].header.msg_iov = parts + index
            messages[index].header.msg_iovlen = 1
        }
    }

    deinit {
        close(descriptor)
        messages.deallocate()
        parts.deallocate()
        answers.deallocate()
    }

    /// Asks about at most `batch` places.
    mutating func ask(about places: ArraySlice<ListenerProbe.Place>) -> [Result<Bool, NetlinkError>] {
        // Numbers that no earlier question had: what one of those left behind is told by its number.
        let first = sequence &+ 1
        sequence &+= UInt32(places.count)
        let questions = places.enumerated().map { Self.question(about: $1, sequence: first &+ UInt32($0)) }
        let sent = questions.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, 0) }
        // The kernel answers while it is asked: what has not come then does not come (ENOBUFS: no room for it).
        var outcomes = [Int32](repeating: sent < 0 ? errno : ENOBUFS, count: places.count)
        var missing = sent < 0 ? 0 : places.count
        while missing > 0 {
            let count = clinux_receive_messages(descriptor, messages, UInt32(Self.batch), Int32(MSG_DONTWAIT))
            // The first error may be the mark of an overrun, behind which there is more to read.
            if count < 0, errno == ENOBUFS || errno == EINTR { continue }
            guard count > 0 else { break }
            for index in 0..<Int(count) where messages[index].length >= MemoryLayout<Header>.size {
                let answer = answers.baseAddress! + index * Self.answerSize
                let header = answer.loadUnaligned(as: Header.self)
                let place = Int(header.sequence &- first)
                guard outcomes.indices.contains(place) else { continue }
                missing -= 1
                let isError = Int32(header.type) == NLMSG_ERROR
                outcomes[place] = isError ? -(answer + MemoryLayout<Header>.size).loadUnaligned(as: Int32.self) : 0
            }
        }
        return zip(places, outcomes).map { place, outcome in
            switch outcome {
            case 0: .success(true)
            case ENOENT: .success(false)
            default:
                .failure(
                    NetlinkRefusal(number: outcome).error("look for a listener on \(place.address) port \(place.port)"))
            }
        }
    }

    private static func question(about place: ListenerProbe.Place, sequence: UInt32) -> Question {
        var question = Question()
        question.header.length = UInt32(MemoryLayout<Question>.size)
        question.header.type = UInt16(SOCK_DIAG_BY_FAMILY)
        question.header.flags = UInt16(NLM_F_REQUEST)
        question.header.sequence = sequence
        question.request.sdiag_family = UInt8(place.address.v4 != nil ? AF_INET : AF_INET6)
        question.request.sdiag_protocol = UInt8(IPPROTO_TCP)
        question.request.idiag_states = UInt32.max
        question.request.id.idiag_sport = place.port.bigEndian
        switch place.address {
        case .v4(let address): question.request.id.idiag_src.0 = address.rawValue.bigEndian
        case .v6(let address):
            let word = { (half: UInt64, shift: UInt64) in UInt32(truncatingIfNeeded: half >> shift).bigEndian }
            question.request.id.idiag_src = (
                word(address.high, 32), word(address.high, 0), word(address.low, 32), word(address.low, 0)
            )
        }
        // INET_DIAG_NOCOOKIE: any socket that matches.
        question.request.id.idiag_cookie = (UInt32.max, UInt32.max)
        return question
    }
}
