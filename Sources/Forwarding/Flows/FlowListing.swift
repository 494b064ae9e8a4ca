import NetworkAddress

/// How far a listing got: which record comes next. Good for the forwarder it began with.
public struct ListingPlace: Hashable, Sendable {
    fileprivate enum Table { case v4, v6, templates }

    fileprivate var table = Table.v4
    fileprivate var record: UInt32 = 0

    /// Where a listing begins.
    public static let start = ListingPlace()
}

extension Forwarder {
    /// A slice of what is remembered, flows first and then templates: of the next `budget` records those that hold something
    /// that has not expired. What is there from the first slice to the last is told exactly once, however packets change it in
    /// between; what comes or goes meanwhile may be told or not.
    ///
    /// - Parameter budget: how many records are looked at, 1 or more: it bounds the time this takes.
    /// - Returns: what was found, and where the next slice begins; nil: that was the last.
    public func connections(from place: ListingPlace, budget: Int) -> (found: [Connection], next: ListingPlace?) {
        var found: [Connection] = []
        var place = place
        var left = UInt32(clamping: max(1, budget))
        while true {
            let count = UInt32(capacity(of: place.table))
            let end = place.record + min(left, count - min(count, place.record))
            for record in place.record..<end {
                if let connection = connection(record, in: place.table) { found.append(connection) }
            }
            left -= end - place.record
            place.record = end
            guard end >= count else { return (found, place) }
            guard let table = place.table.next else { return (found, nil) }
            place = ListingPlace(table: table)
            guard left > 0 else { return (found, place) }
        }
    }

    private func capacity(of table: ListingPlace.Table) -> Int {
        switch table {
        case .v4: v4.capacity
        case .v6: v6.capacity
        case .templates: board.templates.capacity
        }
    }

    private func connection(_ record: UInt32, in table: ListingPlace.Table) -> Connection? {
        switch table {
        case .v4: board.connection(record, in: v4)
        case .v6: board.connection(record, in: v6)
        case .templates: board.template(record)
        }
    }
}

extension ListingPlace.Table {
    fileprivate var next: Self? {
        switch self {
        case .v4: .v6
        case .v6: .templates
        case .templates: nil
        }
    }
}

extension Switchboard {
    fileprivate func connection<Key: FlowKey>(_ record: UInt32, in flows: borrowing FlowTable<Key>) -> Connection? {
        guard flows.isTaken(record) else { return nil }
        let flow = flows[record].pointee
        guard flow.deadline > clock else { return nil }
        let client = Connection.End(address: Key.wide(flow.key.client).narrow, port: flow.key.clientPort)
        // Not `inside`, which is of the client's family: a tunnel may lead to a server of the other.
        let server = flow.isOutbound ? Key.wide(flow.inside) : servers[flow.server].pointee.identity.address
        let inside = Connection.End(address: server.narrow, port: flow.insidePort)
        let (left, timeout) = (flow.deadline - clock, flows.timeouts.of(flow.state))
        return Connection(
            transport: flow.key.transport, state: flow.state.name, expires: left,
            idle: timeout - min(left, timeout),
            source: flow.isOutbound ? inside : client,
            virtual: Connection.End(address: Key.wide(flow.key.vip).narrow, port: flow.key.port),
            destination: flow.isOutbound ? client : inside)
    }

    fileprivate func template(_ record: UInt32) -> Connection? {
        guard let (key, template) = templates.entry(record), template.deadline > clock || template.controls > 0 else {
            return nil
        }
        let server = servers[template.server].pointee
        let port = server.port(for: key.port)
        return Connection(
            transport: key.transport, state: FlowState.tcp(.none).name, isTemplate: true,
            expires: template.deadline > clock ? template.deadline - clock : 0, idle: 0,
            source: .init(address: key.network.narrow, port: 0),
            virtual: .init(address: key.vip.narrow, port: key.port),
            destination: .init(address: server.identity.address.narrow, port: port))
    }
}
