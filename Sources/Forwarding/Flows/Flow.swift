import NetworkAddress

/// A flow: which server a client's connection was given to, and how long that is remembered. What its packets need, and no more: of
/// IPv4 it is 32 bytes, so that it never lies across two lines of the processor's cache.
struct Flow<Key: FlowKey> {
    var key: Key
    var state: FlowState
    /// The upper bits of the deadline, and three flags.
    private var upper: UInt16 = 0
    /// A slot of the ``ServerTable``; with source NAT its rule's.
    var server: UInt32
    private var lower: UInt32 = 0
    /// NAT: the other end as it really is: the server's address and port where the key has the VIP's.
    var inside: Key.Address
    var insidePort: UInt16
    /// Where answers to the client go, an index of the ``StationTable``; ``StationTable/none``: they do not pass here.
    var station = StationTable.none

    init(key: Key, state: FlowState, server: UInt32, insidePort: UInt16, inside: Key.Address) {
        self.key = key
        self.state = state
        self.server = server
        self.insidePort = insidePort
        self.inside = inside
    }

    /// When it is forgotten, in ``Ticks`` milliseconds. A thousand years are all the time there is.
    var deadline: UInt64 {
        @inline(__always) get { UInt64(upper & Self.upperTime) &<< 32 | UInt64(lower) }
        @inline(__always) set {
            let time = min(newValue, UInt64(Self.upperTime) &<< 32 | UInt64(UInt32.max))
            upper = upper & ~Self.upperTime | UInt16(truncatingIfNeeded: time &>> 32)
            lower = UInt32(truncatingIfNeeded: time)
        }
    }

    /// Whether the server was heard, or with source NAT the world: only where answers pass here.
    var isAnswered: Bool {
        @inline(__always) get { upper & Self.answered != 0 }
        @inline(__always) set { upper = newValue ? upper | Self.answered : upper & ~Self.answered }
    }

    /// Source NAT: opened by a server, whose own end is ``inside``. The key's client is who it talks to, its VIP what stands for
    /// the server there.
    var isOutbound: Bool {
        @inline(__always) get { upper & Self.outbound != 0 }
        @inline(__always) set { upper = newValue ? upper | Self.outbound : upper & ~Self.outbound }
    }

    /// Whether it is the one that its server's answers lead to; the table sets it.
    var hasAnswers: Bool {
        @inline(__always) get { upper & Self.led != 0 }
        @inline(__always) set { upper = newValue ? upper | Self.led : upper & ~Self.led }
    }

    private static var upperTime: UInt16 { 0x1FFF }
    private static var led: UInt16 { 0x2000 }
    private static var answered: UInt16 { 0x4000 }
    private static var outbound: UInt16 { 0x8000 }

    /// What an answer of this flow is found by.
    var answerKey: Key { key.with(vip: inside, port: insidePort) }
}

/// How a flow hangs together with others: what few of its packets need.
struct FlowLinks {
    /// Its neighbours among the flows in the same state, by age. A free record is its own elder, and its ``newer`` is the next free one.
    var older: UInt32
    var newer: UInt32
    /// The persistence template it was scheduled by, an index of the ``TemplateTable``, or none.
    var template: UInt32
}

/// How flows are found: by the client's side of them, or by what the server answers.
enum FlowLookup {
    case byKey, byAnswer
}
