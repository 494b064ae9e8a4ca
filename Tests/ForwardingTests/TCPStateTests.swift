import Testing

@testable import Forwarding

@Suite("TCP states")
struct TCPStateTests {
    /// The input-only rows of `tcp_states` in the kernel's own notation.
    static let columns = "NO ES SS SR FW TW CL CW LA LI SA"
    static let rows: [(TCPFlags, String)] = [
        (.syn, "SR ES ES SR SR SR SR SR SR SR SR"),
        (.fin, "CL FW SS TW FW TW CL CW LA LI TW"),
        (.ack, "ES ES SS ES FW TW CL CW CL LI ES"),
        (.rst, "CL CL CL SR CL CL CL CL LA LI CL"),
    ]

    static func states(_ names: String) -> [TCPState] {
        let byName = Dictionary(uniqueKeysWithValues: zip(columns.split(separator: " "), TCPState.allCases))
        return names.split(separator: " ").compactMap { byName[$0] }
    }

    @Test("each state follows each flag as in IPVS's input-only table", arguments: rows.indices)
    func table(row: Int) {
        let (flags, names) = Self.rows[row]
        let expected = Self.states(names)
        #expect(expected.count == TCPState.allCases.count)
        #expect(TCPState.allCases.map { $0.next(after: flags) } == expected)
    }

    @Test("RST counts before SYN, SYN before FIN, FIN before ACK, and none of them closes")
    func priority() {
        for bits in UInt8(0)...UInt8.max {
            let flags = TCPFlags(rawValue: bits)
            let first = [TCPFlags.rst, .syn, .fin, .ack].first { flags.contains($0) }
            for state in TCPState.allCases {
                #expect(state.next(after: flags) == first.map { state.next(after: $0) } ?? .close)
            }
        }
    }

    @Test("only a SYN without ACK and RST opens a connection")
    func opening() {
        for bits in UInt8(0)...UInt8.max {
            #expect(TCPFlags(rawValue: bits).opensConnection == (bits & 0b10110 == 0b00010))
        }
    }

    @Test("timeouts and active states are IPVS's")
    func timeouts() {
        let seconds = TCPState.allCases.map { $0.timeout / 1000 }
        #expect(seconds == [2, 900, 120, 60, 120, 120, 10, 60, 30, 120, 120])
        #expect(TCPState.allCases.filter(\.isActive) == [.established, .synSent, .synReceived, .synAck])
        #expect(TCPState.allCases.filter(\.allowsReuse) == [.finWait, .timeWait, .close])
    }
}
