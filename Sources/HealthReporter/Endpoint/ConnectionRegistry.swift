import NIOCore
import NetworkAddress
import Synchronization

/// The open TCP connections of all servers together: keeps `ConnectionTable` true, and closes who must go.
final class ConnectionRegistry: Sendable {
    /// A connection that was taken in.
    struct Ticket: Sendable {
        let id: ConnectionTable.ID
        let caller: Caller
    }

    private struct State {
        var table: ConnectionTable
        var channels: [ConnectionTable.ID: any Channel] = [:]
        var pace = EvictionPace(at: .now)
    }

    private let state: Mutex<State>
    private let counters: EndpointCounters

    init(_ table: ConnectionTable = ConnectionTable(), counters: EndpointCounters) {
        state = Mutex(State(table: table))
        self.counters = counters
    }

    /// Takes a connection in, and closes another one for it where there is no room; nil: there is none for this one.
    func admit(_ channel: any Channel, of caller: Caller, from address: IPAddress?) -> Ticket? {
        let (id, evicted): (ConnectionTable.ID?, (any Channel)?) = state.withLock { state in
            guard let admitted = state.table.admit(caller, from: address) else {
                state.pace.take(at: .now)
                return (nil, nil)
            }
            let evicted = admitted.closing.flatMap { state.channels.removeValue(forKey: $0) }
            if evicted != nil { state.pace.take(at: .now) }
            state.channels[admitted.id] = channel
            return (admitted.id, evicted)
        }
        if let evicted {
            counters.count(.evicted, of: caller)
            evicted.close(promise: nil)
        }
        guard let id else {
            counters.count(.turnedAway, of: caller)
            return nil
        }
        channel.closeFuture.whenComplete { _ in self.remove(id) }
        return Ticket(id: id, caller: caller)
    }

    /// Whether nothing is being answered on a connection.
    func setIdle(_ isIdle: Bool, _ ticket: Ticket) {
        state.withLock { $0.table.setIdle(isIdle, ticket.id) }
    }

    /// How long to take no newcomers in; nil: there is no need to wait.
    func pause() -> Duration? { state.withLock { $0.pace.pause(at: .now) } }

    /// How many are open, by who holds them.
    var open: [Caller: Int] {
        state.withLock { state in
            Dictionary(uniqueKeysWithValues: Caller.allCases.map { ($0, state.table.count(of: $0)) })
        }
    }

    private func remove(_ id: ConnectionTable.ID) {
        state.withLock { state in
            state.table.remove(id)
            state.channels[id] = nil
        }
    }
}
