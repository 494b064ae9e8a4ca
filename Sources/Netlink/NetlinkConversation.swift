internal import CNetlink
internal import Glibc

/// Why the kernel refused a request, in its own words.
struct NetlinkRefusal {
    /// The system's error number, positive. libnl's codes fold many of them into one.
    var number: Int32
    /// What the kernel says about it (`NLMSGERR_ATTR_MSG`, Linux 4.12), or nil.
    var text: String?

    /// As an error. Where libnl has no code of its own for the number, or the kernel said more, that stands by the operation.
    func error(_ operation: String) -> NetlinkError {
        let code = nl_syserr2nlerr(number)
        let reason = text ?? (code == NLE_FAILURE ? String(cString: strerror(number)) : nil)
        return NetlinkError(reason.map { "\(operation) (\($0))" } ?? operation, code: code)
    }
}

extension NetlinkSocket {
    /// Asks for a change, and waits until it is made or refused.
    func change(_ request: consuming NetlinkRequest) throws(NetlinkError) {
        let operation = request.operation
        if let refusal = try converse(request, { _ in }) { throw refusal.error(operation) }
    }

    /// Lists what `parse` makes of each message, which it gets from the fixed header on and which is gone when it returns:
    /// what is not wanted takes no memory. Asks again where something changed meanwhile (`NLM_F_DUMP_INTR`).
    ///
    /// `isFiltered`: the kernel is to apply what the request's header and attributes name (`NETLINK_GET_STRICT_CHK`, Linux
    /// 4.20). An older one sends all there is, so `parse` must look for itself. A filter for what is not there gives nothing.
    func list<Value>(
        isFiltered: Bool = false, _ makeRequest: () throws(NetlinkError) -> NetlinkRequest,
        _ parse: ([UInt8]) -> Value?
    ) throws(NetlinkError) -> [Value] {
        var isStrict = isFiltered && setOption(NETLINK_GET_STRICT_CHK, true)
        // libnl's own dumps have shorter headers than a strict kernel takes.
        defer { if isFiltered { setOption(NETLINK_GET_STRICT_CHK, false) } }
        var last: NetlinkError?
        for _ in 0..<Self.dumpAttempts {
            var values: [Value] = []
            let request = try makeRequest()
            let operation = request.operation
            var refusal: NetlinkRefusal?
            do throws(NetlinkError) {
                refusal = try converse(request) { message in
                    if let value = parse(message) { values.append(value) }
                }
            } catch {
                guard error.code == NLE_DUMP_INTR else { throw error }
                last = error
                continue
            }
            guard let refusal else { return values }
            if isStrict, refusal.number == ENOENT { return [] }
            guard isStrict, refusal.number == EINVAL else { throw refusal.error(operation) }
            isStrict = false
            setOption(NETLINK_GET_STRICT_CHK, false)
        }
        throw last ?? NetlinkError("list", code: NLE_DUMP_INTR)
    }

    /// Sends a request, hands every message of the answer to `visit`, from its fixed header on, and returns the refusal if
    /// the kernel refused. Returns with nothing left in the socket that belongs to this request.
    func converse(
        _ request: borrowing NetlinkRequest, _ visit: ([UInt8]) -> Void
    ) throws(NetlinkError) -> NetlinkRefusal? {
        guard request.code >= 0 else { throw NetlinkError(request.operation, code: request.code) }
        guard let callbacks = nl_cb_alloc(NL_CB_DEFAULT) else {
            throw NetlinkError(request.operation, code: NLE_NOMEM)
        }
        defer { nl_cb_put(callbacks) }
        // Reasons in words; a kernel that has none to give refuses the option, and is asked all the same.
        setOption(NETLINK_EXT_ACK, true)
        let sent = nl_send_auto(handle, request.message)
        guard sent >= 0 else { throw NetlinkError(request.operation, code: sent) }
        var refusal: NetlinkRefusal?
        let outcome = withoutActuallyEscaping(visit) { visit -> Int32 in
            let conversation = Conversation(visit)
            let outcome = withExtendedLifetime(conversation) {
                let pointer = Unmanaged.passUnretained(conversation).toOpaque()
                nl_cb_set(callbacks, NL_CB_VALID, NL_CB_CUSTOM, Conversation.took, pointer)
                nl_cb_set(callbacks, NL_CB_FINISH, NL_CB_CUSTOM, Conversation.finished, pointer)
                nl_cb_set(callbacks, NL_CB_ACK, NL_CB_CUSTOM, Conversation.acknowledged, pointer)
                nl_cb_err(callbacks, NL_CB_CUSTOM, Conversation.refused, pointer)
                // A look-up's answer and the acknowledgement behind it come in two datagrams.
                var outcome: Int32 = 0
                while !conversation.isOver, outcome >= 0 { outcome = nl_recvmsgs(handle, callbacks) }
                return outcome
            }
            refusal = conversation.refusal
            return outcome
        }
        if let refusal { return refusal }
        guard outcome >= 0 else { throw NetlinkError(request.operation, code: outcome) }
        return nil
    }

    /// Turns a socket option of netlink(7) on or off; whether the kernel has it.
    @discardableResult
    private func setOption(_ option: Int32, _ isOn: Bool) -> Bool {
        var value: Int32 = isOn ? 1 : 0
        let size = socklen_t(MemoryLayout<Int32>.size)
        return setsockopt(nl_socket_get_fd(handle), SOL_NETLINK, option, &value, size) == 0
    }
}

/// `SOL_NETLINK` of linux/socket.h, which Glibc's module lacks.
let SOL_NETLINK: Int32 = 270

/// What libnl's callbacks share during one `nl_recvmsgs`.
private final class Conversation {
    let visit: ([UInt8]) -> Void
    var refusal: NetlinkRefusal?
    /// Whether the kernel has said its last word: acknowledged, refused, or ended the list.
    var isOver = false

    init(_ visit: @escaping ([UInt8]) -> Void) { self.visit = visit }

    static func of(_ argument: UnsafeMutableRawPointer) -> Conversation {
        Unmanaged<Conversation>.fromOpaque(argument).takeUnretainedValue()
    }

    typealias MessageCallback = @convention(c) (OpaquePointer?, UnsafeMutableRawPointer?) -> Int32
    typealias ErrorCallback =
        @convention(c) (UnsafeMutablePointer<sockaddr_nl>?, UnsafeMutablePointer<nlmsgerr>?, UnsafeMutableRawPointer?)
        -> Int32

    static let took: MessageCallback = { message, argument in
        guard let message, let argument, let header = nlmsg_hdr(message), let data = nlmsg_data(header) else {
            return Int32(NL_SKIP.rawValue)
        }
        let payload = UnsafeRawBufferPointer(start: data, count: Int(nlmsg_datalen(header)))
        Conversation.of(argument).visit([UInt8](payload))
        return Int32(NL_OK.rawValue)
    }

    static let acknowledged: MessageCallback = { _, argument in
        if let argument { Conversation.of(argument).isOver = true }
        return Int32(NL_STOP.rawValue)
    }

    /// A list that fails after its beginning says so in the message that ends it, which libnl takes for success.
    static let finished: MessageCallback = { message, argument in
        guard let argument else { return Int32(NL_OK.rawValue) }
        Conversation.of(argument).isOver = true
        guard let message, let header = nlmsg_hdr(message), let data = nlmsg_data(header), nlmsg_datalen(header) >= 4
        else { return Int32(NL_OK.rawValue) }
        let number = data.loadUnaligned(as: Int32.self)
        if number < 0 { Conversation.of(argument).refusal = NetlinkRefusal(number: -number) }
        return Int32(NL_OK.rawValue)
    }

    static let refused: ErrorCallback = { _, error, argument in
        guard let error, let argument else { return Int32(NL_STOP.rawValue) }
        Conversation.of(argument).isOver = true
        // libnl hands over the content; the flags are in the message's header right before it.
        let content = UnsafeRawPointer(error)
        let header = (content - MemoryLayout<nlmsghdr>.size).loadUnaligned(as: nlmsghdr.self)
        var text: String?
        if Int32(header.nlmsg_flags) & NLM_F_ACK_TLVS != 0 {
            // Behind the error comes the request, unless it was left out, and then what the kernel has to say.
            let isCapped = Int32(header.nlmsg_flags) & NLM_F_CAPPED != 0
            let asked = isCapped ? 0 : Int(error.pointee.msg.nlmsg_len) - MemoryLayout<nlmsghdr>.size
            let message = UnsafeRawBufferPointer(
                start: content, count: Int(header.nlmsg_len) - MemoryLayout<nlmsghdr>.size)
            let attributes = NetlinkAttributes([UInt8](message), behind: MemoryLayout<nlmsgerr>.size + max(asked, 0))
            text = attributes.string(Int(NLMSGERR_ATTR_MSG.rawValue))
        }
        Conversation.of(argument).refusal = NetlinkRefusal(number: abs(error.pointee.error), text: text)
        return Int32(NL_STOP.rawValue)
    }
}
