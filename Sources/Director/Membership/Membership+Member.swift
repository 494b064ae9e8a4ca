internal import ConfigurationFile
internal import HealthReporter

extension Membership {
    /// An agent to be polled.
    struct Agent: Equatable, Sendable, Identifiable {
        /// `http://HOST:PORT` or `https://HOST:PORT`.
        var url: String
        /// What it is shown.
        var access: DirectorConfiguration.AgentAccess

        var id: String { url }
    }

    /// One server of one service.
    struct Member: Sendable {
        private(set) var configuration: DirectorConfiguration.Server
        /// What its agent, or a check, said last.
        var evidence = Evidence.none
        /// Whether it is drained at the director.
        var isDrained = false
        private(set) var standing: Standing
        /// Whether it is among those the director started with, and nothing has been heard of it: then it need not come up
        /// slowly.
        private var isUnheard: Bool
        private var silence: Silence?
        private var slowStart: SlowStart?

        /// An agent that fell silent, and has not answered often enough since.
        private struct Silence: Sendable {
            var reason: String
            /// Until when its last word is believed; nil: it gave none, or it is not.
            var end: Instant?
            /// Whether it answers again.
            var isEnding = false
        }

        /// Whether nothing was heard of it yet, neither good nor bad: it may be about to come up.
        var isAwaited: Bool { standing.isAwaited }

        init(
            _ configuration: DirectorConfiguration.Server, of service: DirectorConfiguration.Service, isOfTheStart: Bool
        ) {
            self.configuration = configuration
            isUnheard = isOfTheStart
            // One that comes later was not there before.
            let first = evidence.standing(of: configuration, in: service)
            standing = isOfTheStart ? first : .down("added just now")
        }

        /// The same server with another configuration. Of another agent nothing is known.
        func reconfigured(
            _ configuration: DirectorConfiguration.Server, in service: DirectorConfiguration.Service
        ) -> Self {
            var result = self
            if configuration.agent != self.configuration.agent {
                result = Self(configuration, of: service, isOfTheStart: false)
                result.isDrained = isDrained
            } else if configuration.checks.isEmpty, configuration.agent == nil {
                result.evidence = .none
            }
            result.configuration = configuration
            return result
        }
    }
}

extension Membership.Member {
    /// Its agent answered.
    mutating func hear(_ evidence: Evidence, _ hearing: Membership.Hearing) {
        self.evidence = evidence
        silence?.isEnding = true
        if hearing.answers >= configuration.rise { silence = nil }
    }

    /// Its agent did not answer.
    mutating func miss(
        _ hearing: Membership.Hearing, reason: String, lastWord: Duration, now: Membership.Instant
    ) {
        silence?.isEnding = false
        guard silence == nil, hearing.misses >= configuration.fall else { return }
        let isKept = lastWord > .zero && evidence != .none
        // The first reason stays, lest each poll be news.
        silence = Silence(
            reason: String(reason.prefix(Membership.Standing.longestReason)), end: isKept ? now + lastWord : nil)
    }

    /// Puts its standing right.
    mutating func judge(in service: DirectorConfiguration.Service, now: Membership.Instant) {
        var new = word(in: service, now: now)
        if isDrained, new.state == .up {
            new.state = .draining
            new.weight = 0
            new = new.explained("drained at the director")
        }
        if new.state != .up {
            slowStart = nil
        } else if standing.state != .up, !isUnheard, service.slowStart > .zero {
            slowStart = SlowStart(start: now, duration: service.slowStart)
        }
        if let start = slowStart {
            if start.nextStep(after: now) == nil || service.slowStart == .zero {
                slowStart = nil
            } else {
                new.weight = start.share(of: new.weight, at: now)
                new = new.explained("slow start")
            }
        }
        if evidence != .none || silence != nil || configuration.agent == nil { isUnheard = false }
        standing = new
    }

    /// When it is to be judged again.
    func deadline(after now: Membership.Instant) -> Membership.Instant? {
        let end = silence?.end.flatMap { $0 > now ? $0 : nil }
        return [end, slowStart?.nextStep(after: now)].compactMap(\.self).min()
    }

    /// What follows from who was asked, before the director's own wishes.
    private func word(
        in service: DirectorConfiguration.Service, now: Membership.Instant
    ) -> Membership.Standing {
        let told = evidence.standing(of: configuration, in: service)
        guard let silence, let agent = configuration.agent else { return told }
        let reason = "agent \(agent): \(silence.reason)"
        if let end = silence.end, now < end { return told.explained("\(reason), its last word still holds") }
        guard silence.isEnding else { return .down(reason) }
        return .down("agent \(agent) answers again: up after \(configuration.rise) answers in a row")
    }
}
