/// The expressions and statements of which our rules are made (libnftables-json(5)).
enum Expression {
    /// The flags byte of a TCP header.
    static let tcpFlags = payload("tcp", "flags")
    /// The maximum segment size, an option of a TCP header (RFC 9293 §3.7.1).
    static let segmentSize: JSON = ["tcp option": ["name": "maxseg", "field": "size"]]
    /// Ends a packet's way.
    static let drop: JSON = ["drop": .null]

    /// A field of a header; in a rule it also matches only packets that have the header.
    static func payload(_ header: JSON, _ field: JSON) -> JSON {
        ["payload": ["protocol": header, "field": field]]
    }

    /// What the kernel knows of a packet.
    static func meta(_ key: JSON) -> JSON { ["meta": ["key": key]] }

    /// Goes on with the rule only where the comparison holds.
    static func match(_ left: JSON, _ operation: JSON, _ right: JSON) -> JSON {
        ["match": ["op": operation, "left": left, "right": right]]
    }

    /// A test for membership; `op` is `==` or `!=`.
    static func match(_ left: JSON, _ operation: JSON, set: String) -> JSON {
        match(left, operation, .string("@" + set))
    }

    /// Counts the packet in a named counter.
    static func count(_ counter: String) -> JSON { ["counter": .string(counter)] }
}
