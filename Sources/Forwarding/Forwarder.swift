import NetworkAddress

/// The director's packet path: a frame in, a verdict and the rewritten frame out. It makes no system calls and reads no
/// clock, so a capture drives it just as a network does.
///
/// ```
///  frame ─► to a VIP? ─► headers sound? ─► flow known? ──────────────────────────► its server ─┐
///            │ no         no: drop          no: a SYN for a service? ─► scheduler ─► server ────┤
///            │                                  no: drop                none: unreachable       ▼
///            │            state, timeout, counters, new MACs (and address, and port), TTL − 1: transmit
///            ▼
///           from a VIP or a server? ─► flow known? ─► the VIP's address again, back where the client's packets came from
///            no: notOurs                no: to the world, from an outbound network? ─► a flow of its own, the outbound address
///                                           no: notOurs
/// ```
///
/// One value belongs to one thread; it may be moved to another. All memory that packets use is allocated in ``init`` and
/// ``apply(_:now:)``: ``forward(_:now:)`` allocates nothing.
///
/// A flood of SYNs neither grows the memory nor costs an established flow its place: when the table is full, a new flow
/// takes the place of an expired one, else of the oldest in SYN_RECV, else in CLOSE, else of UDP, else it is dropped.
public struct Forwarder: ~Copyable {
    var v4: FlowTable<IPv4FlowKey>
    /// Made with its full size once there is a service for it.
    var v6: FlowTable<IPv6FlowKey>
    var board: Switchboard
    var ahead4 = LookAhead<IPv4FlowKey>()
    var ahead6 = LookAhead<IPv6FlowKey>()
    /// See ``share(_:)``.
    var isResponsible: (@Sendable (IPAddress?) -> Bool)?
    private let seed: UInt64
    private let timeouts: FlowTimeouts
    /// How many flows of each address family there is room for.
    public let flowCapacity: Int

    /// A forwarder without services: everything is ``Verdict/notOurs`` until ``apply(_:now:)``.
    ///
    /// - Parameters:
    ///   - flowCapacity: how many flows of each address family are remembered at most, 1 to 2³¹. Each of IPv4 takes
    ///     ``bytesPerFlow`` at most, allocated here; those of IPv6 are allocated with the first service, or rule of source NAT, that needs them.
    ///   - seed: the key of the flow table's hash. It must be random and secret, or clients can choose addresses and ports
    ///     that slow the table down; a fixed one makes a test or a replay repeatable.
    ///   - timeouts: for how long flows are remembered.
    ///   - loads: where the servers' connections are counted, together with those of other forwarders that are given the same.
    public init(
        flowCapacity: Int, seed: UInt64, timeouts: FlowTimeouts = FlowTimeouts(), loads: LoadBook = LoadBook()
    ) {
        self.flowCapacity = flowCapacity
        self.seed = seed
        self.timeouts = timeouts
        v4 = FlowTable(capacity: flowCapacity, seed: seed, timeouts: timeouts)
        v6 = FlowTable(capacity: 1, seed: seed, timeouts: timeouts)
        board = Switchboard(seed: seed, templateCapacity: max(1, min(flowCapacity / 4, 1 << 18)), loads: loads)
    }

    /// How many bytes of memory one flow of IPv4 takes at most, in a table of a thousand or more.
    public static var bytesPerFlow: Int { FlowTable<IPv4FlowKey>.bytesPerFlow }

    /// How many flows are remembered now, expired ones included that ``expire(now:budget:)`` has not met yet.
    public var flowCount: Int { v4.count + v6.count }

    /// Whether nothing is remembered of any client.
    public var isIdle: Bool { flowCount == 0 && board.templates.count == 0 }

    /// How many packets were not forwarded, and why.
    public var drops: DropCounters { board.drops }

    /// Tells how long a packet each interface takes, in bytes of IP, in the caller's order (``LinkStation/egress``): answers to
    /// clients that are longer are refused, or cut. Until then none is.
    public mutating func setLinkMTUs(_ mtus: [Int]) {
        board.linkMTUs = mtus
    }

    /// Judges one frame, and rewrites it where the verdict is ``Verdict/transmit(egress:)``.
    ///
    /// - Parameters:
    ///   - frame: the whole Ethernet frame as captured, received for us (`PACKET_HOST`) and not cut short. It may be padded,
    ///     may be a super-packet of up to 64 KiB, and its transport checksum may be a partial one.
    ///   - now: the time. Should it run backwards, the latest time seen counts.
    public mutating func forward(_ frame: inout Frame, now: Ticks) -> Verdict {
        board.advance(to: now)
        guard let ends = Packet.ends(of: UnsafeRawBufferPointer(frame.bytes)),
            let way = board.way(UnsafeRawBufferPointer(frame.bytes), ends.source, ends.destination)
        else { return .notOurs }
        if way == .toTunnelEnd { return .tunnelError }
        do throws(DropReason) {
            let packet = try Packet.read(UnsafeRawBufferPointer(frame.bytes))
            let verdict =
                packet.header.isIPv6
                ? try board.judge(&frame, packet, way, &v6) : try board.judge(&frame, packet, way, &v4)
            board.drops.note(verdict)
            return verdict
        } catch {
            // What a server sends that is no answer of a flow's is none of our business, sound or not, unless it leaves.
            guard way == .toVIP || way == .leaving || error == .answerExpired || error == .impostor else {
                return .notOurs
            }
            guard !frame.isShared || isOurs(frame, way) else { return .notOurs }
            board.drops[error] += 1
            return .drop(error)
        }
    }

    /// Forgets flows whose timeout has come, at most `budget` of them: to be called now and then, so that the counters of
    /// active and inactive connections come down without traffic. A flow that has expired is never used, swept or not.
    public mutating func expire(now: Ticks, budget: Int) {
        board.advance(to: now)
        board.expire(&v4, budget: budget)
        board.expire(&v6, budget: budget)
        board.expireTemplates(budget: budget)
    }

    /// Makes room for flows of IPv6.
    mutating func makeRoomForIPv6() {
        guard v6.capacity < flowCapacity else { return }
        v6 = FlowTable(capacity: flowCapacity, seed: seed, timeouts: timeouts)
    }
}

/// It owns its memory, which is reached through this one value only: whoever holds the value may use it, on any thread.
extension Forwarder: @unchecked Sendable {}
