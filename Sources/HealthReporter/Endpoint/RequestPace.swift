/// How long a caller may take over what it does: a state machine over one connection, without a clock of its own.
///
/// A connection that never asks anything whole, sends a request byte for byte, does not read its answer, or only sits there is
/// to be closed. One whose request is being answered, a held poll say, is not: that takes as long as it takes.
struct RequestPace: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// What a request may take: from the connection's first moment, TLS handshake included, or the request's first byte,
    /// to its last. Also how long a caller may keep a connection open that has been answered for the last time.
    static let requestLimit = Duration.seconds(5)
    /// How long nothing need be asked on a connection on which something was.
    static let idleLimit = Duration.seconds(90)
    /// How long an answer may wait to be read.
    static let readingLimit = Duration.seconds(10)

    private var idleSince: Instant
    private var hasAsked = false
    private var requestSince: Instant?
    private var inProgress = 0
    private var closingSince: Instant?
    private var stalledSince: Instant?

    /// A connection is open.
    init(at now: Instant) {
        idleSince = now
    }

    /// Whether nothing is being answered.
    var isIdle: Bool { inProgress == 0 }

    /// When to close the connection unless something happens before; nil: not by the clock.
    var deadline: Instant? {
        if let closingSince { return closingSince + Self.requestLimit }
        if let stalledSince { return stalledSince + Self.readingLimit }
        if let requestSince { return requestSince + Self.requestLimit }
        guard inProgress == 0 else { return nil }
        return idleSince + (hasAsked ? Self.idleLimit : Self.requestLimit)
    }

    /// Bytes came in.
    mutating func receive(at now: Instant) {
        // Until the first whole request the connection's own beginning counts.
        if requestSince == nil { requestSince = hasAsked ? now : idleSince }
    }

    /// A request's head is complete.
    mutating func beginAnswering() {
        hasAsked = true
        inProgress += 1
    }

    /// A request is complete, its body included.
    mutating func endRequest() {
        requestSince = nil
    }

    /// A request was answered; for the last time on this connection where `isLast`.
    mutating func endAnswering(isLast: Bool, at now: Instant) {
        inProgress = max(0, inProgress - 1)
        idleSince = now
        if requestSince != nil { requestSince = now }
        if isLast { closingSince = now }
    }

    /// The caller reads its answers, or has stopped to.
    mutating func setReading(_ isReading: Bool, at now: Instant) {
        stalledSince = isReading ? nil : stalledSince ?? now
    }
}
