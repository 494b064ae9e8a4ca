import NetworkAddress

/// Which connections are open over TCP, and who must go when one more comes. A value: it closes nothing itself.
///
/// Each kind of caller has room of its own, which nobody else can fill, and one address has only a part of it. Where either is
/// full, a connection on which nothing is being answered makes way: the oldest on which nothing was ever asked, or, where there
/// is none, the one that has been idle longest. Where all are being answered, the newcomer does.
/// So somebody who only sits there always loses to somebody who asks, also in between two questions.
struct ConnectionTable: Sendable {
    /// How many connections may be open.
    struct Room: Sendable, Equatable {
        /// Of all callers of the kind.
        var all: Int
        /// From one address.
        var perAddress: Int
    }

    /// A connection, by the order in which it came.
    typealias ID = UInt64

    private struct Entry {
        var caller: Caller
        var address: IPAddress?
        var isIdle: Bool
        /// Grows with time, and begins anew where something was asked: the lowest makes way first.
        var standing: UInt64
    }

    /// Every standing of a connection on which something was asked is above this one, and no other is.
    private static let hasAsked = UInt64(1) << 63

    private let rooms: [Caller: Room]
    private var entries: [ID: Entry] = [:]
    private var next: ID = 0
    private var turn: UInt64 = hasAsked

    /// 1,024 connections in all. A director needs one, HAProxy and keepalived one for each service and check; strangers are
    /// only told that they may not ask.
    static let rooms: [Caller: Room] = [
        .director: Room(all: 256, perAddress: 64), .host: Room(all: 128, perAddress: 128),
        .guest: Room(all: 576, perAddress: 64), .stranger: Room(all: 64, perAddress: 4),
    ]

    /// An empty table.
    init(rooms: [Caller: Room] = Self.rooms) {
        self.rooms = rooms
    }

    /// How many connections are open, by who holds them.
    func count(of caller: Caller) -> Int { entries.values.count { $0.caller == caller } }

    /// Takes a connection in, idle at first.
    ///
    /// - Returns: its number and the one to close for it, or nil where there is no room: it is to be closed itself.
    mutating func admit(_ caller: Caller, from address: IPAddress?) -> (id: ID, closing: ID?)? {
        let room = rooms[caller] ?? Room(all: 0, perAddress: 0)
        var (all, fromThere) = (0, 0)
        var (first, firstFromThere): ((id: ID, standing: UInt64)?, (id: ID, standing: UInt64)?) = (nil, nil)
        for (id, entry) in entries where entry.caller == caller {
            all += 1
            let isFromThere = entry.address == address
            if isFromThere { fromThere += 1 }
            guard entry.isIdle else { continue }
            if entry.standing < first?.standing ?? .max { first = (id, entry.standing) }
            if isFromThere, entry.standing < firstFromThere?.standing ?? .max { firstFromThere = (id, entry.standing) }
        }
        var closing: ID?
        if fromThere >= room.perAddress {
            guard let firstFromThere else { return nil }
            closing = firstFromThere.id
        } else if all >= room.all {
            guard let first else { return nil }
            closing = first.id
        }
        if let closing { entries[closing] = nil }
        next += 1
        entries[next] = Entry(caller: caller, address: address, isIdle: true, standing: next)
        return (next, closing)
    }

    /// Whether nothing is being answered on a connection. A held poll is being answered.
    mutating func setIdle(_ isIdle: Bool, _ id: ID) {
        turn += 1
        entries[id]?.isIdle = isIdle
        entries[id]?.standing = turn
    }

    /// A connection is closed.
    mutating func remove(_ id: ID) {
        entries[id] = nil
    }
}
