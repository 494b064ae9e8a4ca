import Logging
import NetworkAddress

/// What is answered to whom.
struct Endpoint: Sendable {
    let store: ReportStore
    let connections: ConnectionCounter
    /// What the servers have done, for `/metrics`; nil where there is none over TCP.
    var gate: Gate?
    /// The steady clock.
    var clock: @Sendable () -> ContinuousClock.Instant = { .now }

    /// The paths there are, for who asks for another.
    static let paths =
        "/v1/report, /v1/services/NAME, /health, /health/NAME, /weight/NAME, /livez, /readyz, /metrics; "
        + "on the control socket also /v1/directors, and POST to /v1/drain, /v1/undrain, /v1/maint, /v1/cut, "
        + "/v1/weight"

    /// The answer to a question that changes nothing, or nil where there is no such path.
    ///
    /// - Parameter hold: waits, with the store, until the generation is another one or the time is up.
    func answer(
        _ question: Question, hold: (UInt64, Duration) async throws(ReporterError) -> Void
    ) async throws(ReporterError) -> Answer? {
        switch question.path.count {
        case 1:
            switch question.path[0] {
            case "health": try await health(of: nil, question)
            case "livez": .text("ok\n")
            case "metrics": await metrics()
            case "readyz": await readiness(verbose: question.query["verbose"] != nil)
            default: nil
            }
        case 2:
            switch (question.path[0], question.path[1]) {
            case ("v1", "report"): try await report(question, hold)
            case ("v1", "directors") where question.caller == .control: .json(await store.controlAnswer())
            case ("health", let name): try await health(of: String(name), question)
            case ("weight", let name): try await weight(of: String(name), question)
            default: nil
            }
        case 3 where question.path[0] == "v1" && question.path[1] == "services":
            try await service(String(question.path[2]), question)
        default: nil
        }
    }

    private func report(
        _ question: Question, _ hold: (UInt64, Duration) async throws(ReporterError) -> Void
    ) async throws(ReporterError) -> Answer {
        let (since, wait, name) = (try question.since, try question.wait, try question.director)
        await store.recordPoll(
            from: question.caller.address, name: name, since: since, isHeld: since != nil && wait > .zero,
            instant: clock())
        if let since {
            await store.recordHold(of: question.caller.address)
            do throws(ReporterError) {
                try await hold(since, wait)
            } catch {
                await store.recordEndOfHold(of: question.caller.address)
                throw error
            }
            await store.recordEndOfHold(of: question.caller.address)
        } else {
            // Without `since` this is a plain answer like any other.
            await recordTold(await store.services.map(\.name), question)
        }
        return Answer(status: 200, contentType: "application/json", body: await store.reportBody())
    }

    private func service(_ name: String, _ question: Question) async throws(ReporterError) -> Answer {
        _ = try await store.service(named: name)
        if question.caller == .control {
            await store.record(connections: await connections.connections(of: name), of: name)
        }
        await recordTold([name], question)
        return .json(try await store.service(named: name))
    }

    private func weight(of name: String, _ question: Question) async throws(ReporterError) -> Answer {
        _ = try await store.service(named: name)
        await recordTold([name], question)
        return .text("\(try await store.service(named: name).weight)\n")
    }

    /// Whoever asks is about to be told of these services.
    ///
    /// - Parameter isRefused: whether with a status other than 200 where they are drained.
    func recordTold(_ names: [String], _ question: Question, isRefused: Bool = false) async {
        await store.recordTold(
            question.caller.address, of: names, by: question.plain(isRefused: isRefused), instant: clock())
    }

    private func readiness(verbose: Bool) async -> Answer {
        let conditions = await store.readiness
        let isReady = conditions.allSatisfy(\.met)
        let details = verbose ? conditions.map { "[\($0.met ? "+" : "-")] \($0.condition)\n" }.joined() : ""
        return .text(details + (isReady ? "ready\n" : "not ready\n"), status: isReady ? 200 : 503)
    }
}

extension Endpoint {
    /// The changes there are, by the last part of their path.
    enum Change: String {
        case drain, undrain, maint, weight
        /// Ends the connections that are still open to services that are drained.
        case cut
    }

    /// A change that was made, for the answer and for the log.
    private struct Made {
        var answer: ControlAnswer
        var subject: String
        var reason: String
    }

    /// Makes a change, and answers once it is on the disk.
    func change(_ change: Change, body: [UInt8], uid: UInt32?, logger: Logger) async -> Answer {
        let caller = uid.map { "\($0)" } ?? "unknown"
        do {
            if change == .cut {
                return .json(try await cut(try controlRequest(change, body), caller: caller, logger: logger))
            }
            let made = if change == .weight { try await setWeight(body) } else { try await administer(change, body) }
            logger.notice(
                "\(change.rawValue) \(made.subject)",
                metadata: [
                    "uid": "\(caller)", "reason": "\(made.reason)", "generation": "\(made.answer.generation)",
                ])
            return .json(made.answer)
        } catch {
            logger.warning("\(change.rawValue) refused: \(error)", metadata: ["uid": "\(caller)"])
            return .refusal(error)
        }
    }

    private func administer(_ change: Change, _ body: [UInt8]) async throws(ReporterError) -> Made {
        let request = try controlRequest(change, body)
        let answer =
            switch change {
            case .undrain: try await store.undrain(request)
            case .maint: try await store.ask(for: .maint, request)
            default: try await store.ask(for: .drain, request)
            }
        return Made(
            answer: answer,
            subject: request.services.isEmpty ? "all services" : request.services.joined(separator: ", "),
            reason: request.reason)
    }

    private func controlRequest(_ change: Change, _ body: [UInt8]) throws(ReporterError) -> ControlRequest {
        body.isEmpty
            ? ControlRequest()
            : try JSON.decode(ControlRequest.self, from: body, operation: "read what to \(change.rawValue)")
    }

    private func setWeight(_ body: [UInt8]) async throws(ReporterError) -> Made {
        let request = try JSON.decode(WeightRequest.self, from: body, operation: "read which weight to set")
        let weight = request.weight.map(String.init) ?? "auto"
        return Made(answer: try await store.setWeight(request), subject: "\(request.service): \(weight)", reason: "")
    }

    /// Ends what is open to services that are drained, and to no others: what is in rotation is never cut.
    private func cut(_ request: ControlRequest, caller: String, logger: Logger) async throws(ReporterError) -> CutAnswer
    {
        var total = 0
        for name in try await store.drained(request) {
            let count = try await connections.cut(name)
            total += count
            logger.warning("ended \(count) open connections of \(name)", metadata: ["uid": "\(caller)"])
        }
        return CutAnswer(connections: total)
    }
}
