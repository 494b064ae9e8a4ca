import NetworkAddress

/// One server of a service, as a scheduler sees it.
struct Member: Equatable {
    /// What every director knows this server by: its address, IPv4 in IPv4-mapped form, and the port it is reached at.
    struct Identity: Hashable, Comparable {
        var address: IPv6Address
        var port: UInt16

        static func < (left: Self, right: Self) -> Bool {
            (left.address, left.port) < (right.address, right.port)
        }
    }

    /// The weights there are (ipvsadm(8), `--weight`). The bound keeps every product of a weight and a load within an `Int`.
    static let weights = 0...65_535

    /// Its slot in the ``ServerTable``.
    let server: UInt32
    /// Its share of new connections, within ``weights``; 0 also while the server's MAC address is not known.
    let weight: Int
    /// The same, whether its MAC address is known or not: what `mh` shares its cells out by.
    let assigned: Int
    /// Whether no client is its own any more, or nobody knows that yet: then it holds no slots or cells, and its weight is 0.
    let isOut: Bool
    let identity: Identity

    /// A member with that weight, or the nearest one there is.
    init(server: UInt32, weight: Int, isResolved: Bool = true, isOut: Bool = false, identity: Identity) {
        self.server = server
        assigned = isOut ? 0 : min(max(weight, Self.weights.lowerBound), Self.weights.upperBound)
        self.weight = isResolved ? assigned : 0
        self.isOut = isOut
        self.identity = identity
    }
}

extension ServerTable {
    /// Whether a member may get a new connection: it has a weight and has not reached its upper threshold.
    func mayServe(_ member: Member) -> Bool {
        member.weight > 0 && !self[member.server].pointee.isOverloaded
    }

    /// What a member's connections cost it, an active one as much as 256 inactive ones (`ip_vs_dest_conn_overhead` in
    /// `include/net/ip_vs.h`).
    func overhead(of member: Member) -> Int {
        let server = self[member.server]
        let load = server.pointee.load
        return load.pointee.active << 8 + load.pointee.inactive
    }

    /// How many active connections a member has.
    func active(on member: Member) -> Int {
        self[member.server].pointee.load.pointee.active
    }
}
