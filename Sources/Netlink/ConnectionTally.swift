internal import CLinux
public import NetworkAddress

/// Where connections of one kind end on this host.
public struct LocalEnds: Hashable, Sendable {
    /// The addresses.
    public var addresses: Set<IPAddress>
    /// The ports; empty: all.
    public var ports: Set<UInt16>
    /// Whose connections are no client's besides: directors that only check.
    public var checkers: Set<IPAddress>

    /// Addresses, each with every one of the ports.
    public init(addresses: Set<IPAddress>, ports: Set<UInt16>, checkers: Set<IPAddress> = []) {
        (self.addresses, self.ports, self.checkers) = (addresses, ports, checkers)
    }

    /// Whether a connection that ends on one of the addresses is a client's: on one of the ports, and neither from one of the
    /// addresses themselves, as this host's own checks are, nor a director's check.
    func isClients(_ connection: TCPConnection) -> Bool {
        (ports.isEmpty || ports.contains(connection.localPort)) && !addresses.contains(connection.remote)
            && !checkers.contains(connection.remote)
    }
}

/// Counts a list of connections for many `LocalEnds` at once.
struct ConnectionTally {
    private let ends: [LocalEnds]
    /// Which of `ends` have an address.
    private let places: [IPAddress: [Int]]

    init(of ends: [LocalEnds]) {
        self.ends = ends
        var places: [IPAddress: [Int]] = [:]
        for (place, end) in ends.enumerated() {
            for address in end.addresses { places[address, default: []].append(place) }
        }
        self.places = places
    }

    /// Adds a connection to the count of each that it is a client's connection to.
    func count(_ connection: TCPConnection, into counts: inout [Int]) {
        for place in places[connection.local] ?? [] where ends[place].isClients(connection) { counts[place] += 1 }
    }
}

/// Keeps connections to other ports out of a dump: on a busy host the kernel would otherwise write them all down, to be
/// thrown away here. Only that: whoever reads the dump still looks for itself.
struct PortFilter: Hashable {
    /// With more runs of ports than this the kernel would be at it longer than whoever reads.
    static let mostRuns = 64

    /// For `INET_DIAG_REQ_BYTECODE`: a program of jumps forward, checked by `inet_diag_bc_audit` and run for each connection
    /// by `inet_diag_bc_run` (net/ipv4/inet_diag.c). To jump to its end is to keep the connection, 4 bytes further to drop it.
    let bytecode: [UInt8]

    /// Nil where there is nothing to leave out: one of them has all ports, or they have too many.
    init?(_ ends: [LocalEnds]) {
        guard !ends.isEmpty, ends.allSatisfy({ !$0.ports.isEmpty }) else { return nil }
        var runs: [ClosedRange<UInt16>] = []
        for port in Set(ends.flatMap(\.ports)).sorted() {
            if let last = runs.last, Int(last.upperBound) + 1 == Int(port) {
                runs[runs.count - 1] = last.lowerBound...port
            } else {
                runs.append(port...port)
            }
        }
        guard runs.count <= Self.mostRuns else { return nil }

        // Each run: not below its first port (else to the next run), not above its last (else to the next run), to the end.
        // A comparison is two words, the second of which holds the port.
        let word = MemoryLayout<inet_diag_bc_op>.size
        var left = runs.count * 5 * word
        var operations: [inet_diag_bc_op] = []
        func append(_ code: Int, _ port: UInt16, words: Int, no: Int) {
            operations.append(inet_diag_bc_op(code: UInt8(code), yes: UInt8(words * word), no: UInt16(no)))
            if words == 2 { operations.append(inet_diag_bc_op(code: 0, yes: 0, no: port)) }
            left -= words * word
        }
        for (index, run) in runs.enumerated() {
            // Behind the last run nothing follows: drop.
            let next = index == runs.count - 1 ? 6 * word : 5 * word
            append(Int(INET_DIAG_BC_S_GE), run.lowerBound, words: 2, no: next)
            append(Int(INET_DIAG_BC_S_LE), run.upperBound, words: 2, no: next - 2 * word)
            append(Int(INET_DIAG_BC_JMP), 0, words: 1, no: left)
        }
        bytecode = operations.withUnsafeBytes { [UInt8]($0) }
    }
}
