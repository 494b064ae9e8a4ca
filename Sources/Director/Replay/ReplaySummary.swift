internal import Forwarding
internal import NetworkAddress
internal import PacketIO

/// What came of a replay.
public struct ReplaySummary: Sendable {
    /// Where packets for a server went.
    struct Server: Sendable {
        var address: IPAddress
        var station: (mac: MACAddress, source: CaptureSurvey.Source)
        /// Where a tunnel to it begins, and whether the capture shows that this is the director's address; nil: there is none.
        var tunnel: (begin: IPAddress, isSeen: Bool)?
    }

    /// What became of a frame of the capture.
    enum Fate: String, Sendable, CaseIterable {
        case forwarded = "forwarded"
        case cut = "cut into pieces, each judged by itself"
        case dropped = "dropped"
        case answered = "answered with an ICMP error"
        case tunnelError = "an ICMP error about a tunnel's packet"
        case notOurs = "for the director, and of no service"
        case neighbor = "ARP or Neighbor Discovery"
        case sentByDirector = "sent by the director itself"
        case elsewhere = "for other stations"
        case cutShort = "cut short by the capture: not forwarded (`tcpdump -s 0` keeps them whole)"
    }

    let input: String
    let output: String
    /// The director's MAC; nil: no frame shows it.
    let director: MACAddress?
    /// Whether that was told and not found.
    let isDirectorTold: Bool
    /// Whether the configuration has source NAT, which is not replayed: its ways and its neighbours are the host's.
    let isOutboundLeftOut: Bool
    /// Whether servers may have joined, whom no file has.
    let isJoinLeftOut: Bool
    var servers: [Server] = []
    /// How many frames of the capture were read.
    private(set) var frames = 0
    /// How many milliseconds passed in it.
    var duration: UInt64 { latest - (first ?? 0) }
    private(set) var fates: [Fate: Int] = [:]
    /// The forwarder's counters, by reason.
    var drops: [String: UInt64] = [:]
    var services: [ServiceStatistics] = []
    /// How many frames were sent.
    var sent = 0
    /// Why the capture ended before its end, in words; nil: it did not.
    public internal(set) var flaw: String?
    private var first: UInt64?
    private var latest: UInt64 = 0

    init(
        input: String, output: String, director: MACAddress?, isDirectorTold: Bool, isOutboundLeftOut: Bool,
        isJoinLeftOut: Bool
    ) {
        (self.input, self.output, self.director, self.isDirectorTold) = (input, output, director, isDirectorTold)
        self.isOutboundLeftOut = isOutboundLeftOut
        self.isJoinLeftOut = isJoinLeftOut
    }

    /// Counts a frame; returns when it came, from the first one on.
    mutating func note(_ frame: CaptureReader.Captured, at milliseconds: UInt64) -> Ticks {
        frames += 1
        let start = first ?? milliseconds
        first = start
        // A clock that was set back while the capture ran stands still here.
        latest = max(latest, start, milliseconds)
        return Ticks(milliseconds: latest - start)
    }

    /// Whether the director's packet path would have been given this frame; if not, it is counted for what it is.
    mutating func isForDirector(_ frame: CaptureReader.Captured, _ director: MACAddress) -> Bool {
        let bytes = UnsafeRawBufferPointer(frame.bytes)
        let fate: Fate? =
            if frame.isCutShort {
                .cutShort
            } else if bytes.count < 14 {
                .elsewhere
            } else if NeighborMessage.isCarried(by: bytes) {
                .neighbor
            } else if Self.mac(bytes, at: 0) == director {
                nil
            } else {
                Self.mac(bytes, at: 6) == director ? .sentByDirector : .elsewhere
            }
        if let fate { fates[fate, default: 0] += 1 }
        return fate == nil
    }

    /// Counts what became of a frame.
    mutating func count(_ verdict: Verdict) {
        let fate: Fate =
            switch verdict {
            case .notOurs: .notOurs
            case .transmit: .forwarded
            case .drop, .unresolved: .dropped
            case .unreachable, .timeExceeded, .tooBig: .answered
            case .split: .cut
            case .tunnelError: .tunnelError
            }
        fates[fate, default: 0] += 1
    }

    private static func mac(_ frame: UnsafeRawBufferPointer, at offset: Int) -> MACAddress {
        MACAddress(rawValue: frame[offset..<offset + 6].reduce(0) { $0 << 8 | UInt64($1) })
    }
}
