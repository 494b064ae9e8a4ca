import ConfigurationFile
import Logging
import NetworkAddress

extension ReportStore {
    /// Takes services out of rotation, or down, by hand.
    ///
    /// A drain does not take the place of a maint: who took the service down wants it down. Where all services are meant, those
    /// in maint stay as they are.
    ///
    /// - Throws: `ReporterError` for a name no service has, for a drain of what is in maint, or where the state cannot be
    ///   written. Nothing has changed then.
    func ask(
        for mode: AdminMode, _ request: ControlRequest, at now: Timestamp = .now(), instant: DrainBook.Instant = .now
    ) async throws(ReporterError) -> ControlAnswer {
        if mode != .drain, request.ttlSeconds != nil {
            throw ReporterError(
                .badRequest, operation: "limit \(mode.rawValue) in time", cause: "only a drain ends by itself",
                cure: "leave `ttl_seconds` out")
        }
        var names = try resolve(request.services)
        try await changeAdmin(at: now, instant: instant) { generation throws(ReporterError) in
            if mode == .drain { names = try drainable(names, areAll: request.services.isEmpty) }
            return admin.asking(
                for: mode, of: names, reason: request.reason, until: request.ttlSeconds.map { now.adding(seconds: $0) },
                now: now, generation: generation)
        }
        return controlAnswer(about: names)
    }

    /// Those of `names` that a drain can be asked for: not those in maint.
    private func drainable(_ names: [String], areAll: Bool) throws(ReporterError) -> [String] {
        let down = names.filter { admin.services[$0]?.mode == .maint }
        if !areAll || down == names, let name = down.first {
            throw ReporterError(
                .conflict, operation: "drain \(name)",
                cause: "it is down by hand (\(admin.services[name]?.words ?? "")), which a drain does not change",
                cure: "leave it, for it gets no new connections, or undrain it first")
        }
        return names.filter { !down.contains($0) }
    }

    /// Gives services back to their checks.
    ///
    /// - Throws: as `ask`.
    func undrain(
        _ request: ControlRequest, at now: Timestamp = .now(), instant: DrainBook.Instant = .now
    ) async throws(ReporterError) -> ControlAnswer {
        let names = try resolve(request.services)
        try await changeAdmin(at: now, instant: instant) { _ throws(ReporterError) in admin.withdrawing(names) }
        return controlAnswer(about: names)
    }

    /// The services meant, all of which are drained.
    ///
    /// - Throws: `ReporterError` for a name no service has, or one that is not drained.
    func drained(_ request: ControlRequest) throws(ReporterError) -> [String] {
        let names = try resolve(request.services)
        if let name = names.first(where: { admin.services[$0]?.mode != .drain }) {
            throw ReporterError(
                .conflict, operation: "end the connections of \(name)", cause: "it is not drained",
                cure: "drain it first, or name those that are")
        }
        return names
    }

    /// Ends the drains whose time is up. Where that cannot be written, they go on, and the next call tries again. Where the
    /// wall clock was set, the ends that are on record follow it: see `DrainDeadlines`.
    func endExpiredDrains(at now: Timestamp = .now(), instant: DrainBook.Instant = .now) async {
        if drains.deadlines.corrected(admin, now: now, instant: instant) != nil {
            do {
                try await changeAdmin(at: now, instant: instant) { _ throws(ReporterError) in
                    drains.deadlines.corrected(admin, now: now, instant: instant) ?? admin
                }
                logger.notice("the clock was set: the recorded ends of drains follow it")
            } catch {
                logger.debug("the clock was set, and the recorded ends of drains do not follow it: \(error)")
            }
        }
        var names = drains.deadlines.expired(at: instant)
        guard !names.isEmpty else { return }
        do {
            try await changeAdmin(at: now, instant: instant) { _ throws(ReporterError) in
                names = drains.deadlines.expired(at: instant)
                return admin.withdrawing(names)
            }
            failures.succeeded("end of drain")
            guard !names.isEmpty else { return }
            logger.notice("the time of the drain is up", metadata: ["services": "\(names.joined(separator: ", "))"])
        } catch {
            failures.failed("end of drain", "the time of the drain is up, and it goes on: \(error)", level: .error)
        }
    }

    /// The directors, and what is asked for by hand for these services; nil: for all.
    func controlAnswer(about names: [String]? = nil) -> ControlAnswer {
        let administered = checked.map(\.configuration).compactMap { service -> AdministeredService? in
            let name = service.name
            guard names?.contains(name) ?? true, let entry = admin.services[name] else { return nil }
            let waitingFor = ledger.uninformed(of: name, generation: entry.generation)
            let unconcerned = ledger.unconcerned(with: name)
            return AdministeredService(
                name: name, mode: entry.mode, reason: entry.reason, since: entry.since, until: entry.until,
                generation: entry.generation,
                acknowledgedBy: ledger.addresses.filter { !waitingFor.contains($0) && !unconcerned.contains($0) },
                waitingFor: waitingFor, unconcerned: unconcerned, testimony: ledger.testimony(on: name),
                settling: drains.settling[name] ?? [], alarms: drains.alarms[name] ?? [],
                secondsLeft: entry.mode == .drain ? timeLeft(of: service)?.wholeSeconds : nil)
        }
        let weights = checked.map(\.configuration.name).compactMap { name in
            names?.contains(name) ?? true ? admin.weights[name] : nil
        }
        return ControlAnswer(
            generation: generation, directors: directorStatuses, administered: administered, weights: weights,
            joins: joins)
    }

    /// The service of that name as it is now.
    ///
    /// - Throws: `ReporterError` naming those there are.
    func service(named name: String) throws(ReporterError) -> Report.Service {
        guard let service = services.first(where: { $0.name == name }) else { throw unknown(name) }
        return service
    }

    private func resolve(_ names: [String]) throws(ReporterError) -> [String] {
        let known = services.map(\.name)
        if let stranger = names.first(where: { !known.contains($0) }) { throw unknown(stranger) }
        return known.filter { names.isEmpty || names.contains($0) }
    }

    private func unknown(_ name: String) -> ReporterError {
        ReporterError(
            .unknownService, operation: "find service \(name)", cause: "there is none of that name",
            cure: "known are \(services.map(\.name).joined(separator: ", "))")
    }
}
