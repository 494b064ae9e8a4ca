/// The director's packet path: a frame in, a verdict and the rewritten frame out. It makes no system calls and reads no
/// clock, so a capture drives it just as a network does.
///
/// ```
///  frame ─► for a VIP? ─► headers sound? ─► flow known? ──────────────────────────► its server ─┐
///            no: notOurs   no: drop          no: a SYN for a service? ─► scheduler ─► server ────┤
///                                                no: drop                none: unreachable       ▼
///                                                    state, timeout, counters, new MACs, TTL − 1: transmit
/// ```
///
/// One value belongs to one thread; it may be moved to another. All memory that packets use is allocated in ``init`` and
/// ``apply(_:now:)``: ``forward(_:now:)`` allocates nothing.
///
/// A flood of SYNs neither grows the memory nor costs an established flow its place: when the table is full, a new flow
/// takes the place of an expired one, else of the oldest in SYN_RECV, else of the oldest in CLOSE, else it is dropped.
public struct Forwarder: ~Copyable {
    /// How many packets were not forwarded, and why.
    public private(set) var drops = DropCounters()

    var flows: FlowTable
    var servers = ServerTable()
    var services = ServiceTable()
    /// What the operator calls each of `services`.
    var names: [String] = []
    private var clock: UInt64 = 0
    private let isSloppy: Bool
    /// Where schedulers that draw at random start.
    let seed: UInt64

    /// A forwarder without services: everything is ``Verdict/notOurs`` until ``apply(_:now:)``.
    ///
    /// - Parameters:
    ///   - flowCapacity: how many flows are remembered at most, 1 to 2³¹. Each takes ``bytesPerFlow`` at most, allocated here.
    ///   - seed: the key of the flow table's hash, and where schedulers that draw at random start. It must be random and secret,
    ///     or clients can choose addresses and ports that slow the table down; a fixed one makes a test or a replay repeatable.
    ///   - sloppy: whether any packet but a RST may open a flow, as after a takeover from another director (IPVS's
    ///     `sloppy_tcp`). Otherwise only a SYN does.
    public init(flowCapacity: Int, seed: UInt64, sloppy: Bool = false) {
        flows = FlowTable(capacity: flowCapacity, seed: seed)
        isSloppy = sloppy
        self.seed = seed
    }

    /// How many bytes of memory one flow takes at most.
    public static var bytesPerFlow: Int { FlowTable.bytesPerFlow }

    /// How many flows there is room for.
    public var flowCapacity: Int { flows.capacity }

    /// How many flows are remembered now, expired ones included that ``expire(now:budget:)`` has not met yet.
    public var flowCount: Int { flows.count }

    /// Judges one frame, and rewrites it where the verdict is ``Verdict/transmit(egress:)``.
    ///
    /// - Parameters:
    ///   - frame: the whole Ethernet frame as captured, received for us (`PACKET_HOST`) and not cut short. It may be padded,
    ///     may be a super-packet of up to 64 KiB, and its TCP checksum may be a partial one.
    ///   - now: the time. Should it run backwards, the latest time seen counts.
    public mutating func forward(_ frame: UnsafeMutableRawBufferPointer, now: Ticks) -> Verdict {
        advance(to: now)
        guard let vip = Segment.destination(of: UnsafeRawBufferPointer(frame)), services.owns(vip) else {
            return .notOurs
        }
        do throws(DropReason) {
            let verdict = try judge(frame)
            if verdict == .unreachable { drops.unreachable += 1 }
            if verdict == .timeExceeded { drops.timeExceeded += 1 }
            return verdict
        } catch {
            drops[error] += 1
            return .drop(error)
        }
    }

    /// Forgets flows whose timeout has come, at most `budget` of them: to be called now and then, so that the counters of
    /// active and inactive connections come down without traffic. A flow that has expired is never used, swept or not.
    public mutating func expire(now: Ticks, budget: Int) {
        advance(to: now)
        var left = budget
        while left > 0, let flow = flows.expired(now: clock) {
            forget(flow)
            left -= 1
        }
    }

    /// `ip_vs_in` in `net/netfilter/ipvs/ip_vs_core.c`, but for the TTL: it is looked at before anything changes, so that
    /// flows and counters tell of packets that servers get.
    private mutating func judge(_ frame: UnsafeMutableRawBufferPointer) throws(DropReason) -> Verdict {
        let segment = try Segment(UnsafeRawBufferPointer(frame))
        let opens = isSloppy ? !segment.flags.contains(.rst) : segment.flags.opensConnection

        // 1. The flow, unless its time has come.
        var known = flows.find(segment.key)
        if let flow = known, flows[flow].deadline <= clock {
            forget(flow)
            known = nil
        }

        // 2. A packet of a flow goes where the flow goes; a SYN may be the start of another connection.
        if let flow = known {
            let server = flows[flow].server
            let isWanted = servers[server].pointee.service != nil
            // A SYN that was never answered is sent again: while its server takes no new connections, that is one.
            let isUnanswered = flows[flow].state == .synReceived && servers[server].pointee.weight == 0
            if !(segment.flags.opensConnection && (!isWanted || isUnanswered || flows[flow].state.allowsReuse)) {
                guard isWanted else { throw .serverRemoved }
                guard let station = servers[server].pointee.station else { throw .serverUnresolved }
                guard segment.timeToLive > 1 else { return .timeExceeded }
                advance(flow, of: server, past: segment)
                return transmit(frame, segment, to: server, at: station)
            }
        }

        // 3. Otherwise it must open one.
        guard let service = services.find(segment.key.vip, segment.key.port) else { throw .noService }
        guard opens else { throw .noFlow }
        guard segment.timeToLive > 1 else { return .timeExceeded }
        if let flow = known { forget(flow) }
        let victim = flows.isFull ? try leastWanted() : nil
        let question = ScheduleQuestion(
            source: mapped(segment.key.client), sourcePort: segment.key.clientPort,
            destination: mapped(segment.key.vip), destinationPort: segment.key.port)
        guard let server = services.schedule(service, for: question, servers: servers, now: clock),
            let station = servers[server].pointee.station
        else { return .unreachable }
        if let victim { forget(victim) }
        let state = TCPState.none.next(after: segment.flags)
        flows.add(segment.key, server: server, state: state, now: clock)
        count(1, in: state, on: server)
        servers[server].pointee.updateOverload()
        servers[server].pointee.connections += 1
        services[service].pointee.connections += 1
        return transmit(frame, segment, to: server, at: station)
    }

    private mutating func transmit(
        _ frame: UnsafeMutableRawBufferPointer, _ segment: Segment, to server: UInt32, at station: LinkStation
    ) -> Verdict {
        let bytes = UInt64(segment.totalLength)
        servers[server].pointee.packets += 1
        servers[server].pointee.bytes += bytes
        if let service = servers[server].pointee.service {
            services[service].pointee.packets += 1
            services[service].pointee.bytes += bytes
        }
        station.address(frame)
        return .transmit(egress: station.egress)
    }

    private mutating func advance(_ flow: UInt32, of server: UInt32, past segment: Segment) {
        let old = flows[flow].state
        let new = old.next(after: segment.flags)
        flows.renew(flow, state: new, now: clock)
        if old.isActive != new.isActive {
            count(-1, in: old, on: server)
            count(1, in: new, on: server)
        }
    }

    /// The flow whose place a new one takes when the table is full. Only what has expired, was never more than a SYN, or was
    /// reset may go: whatever else a flood brings, connections that carry data stay.
    private mutating func leastWanted() throws(DropReason) -> UInt32 {
        guard
            let flow = flows.expired(now: clock) ?? flows.oldest(in: .synReceived) ?? flows.oldest(in: .close)
        else { throw .tableFull }
        return flow
    }

    private mutating func forget(_ flow: UInt32) {
        let (server, state) = (flows[flow].server, flows[flow].state)
        flows.remove(flow)
        count(-1, in: state, on: server)
        servers[server].pointee.updateOverload()
        servers.forgetIfUnused(server)
    }

    private mutating func count(_ change: Int, in state: TCPState, on server: UInt32) {
        if state.isActive {
            servers[server].pointee.active += change
        } else {
            servers[server].pointee.inactive += change
        }
    }

    private mutating func advance(to now: Ticks) {
        clock = max(clock, now.milliseconds)
    }
}

/// It owns its memory, which is reached through this one value only: whoever holds the value may use it, on any thread.
extension Forwarder: @unchecked Sendable {}
