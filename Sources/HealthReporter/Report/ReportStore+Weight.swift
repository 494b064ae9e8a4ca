import ConfigurationFile
import Logging

extension ReportStore {
    /// What the services' weights follow from, besides what is asked for by hand.
    struct Weights: Sendable {
        typealias Instant = WeightGovernor.Instant

        /// In the order of the configuration, as all that is by a service's place.
        var governors: [WeightGovernor]
        /// Figures of commands that no governor has had yet.
        var commandFigures: [Int: LoadReading] = [:]
        /// Which services have their whole weight, on the disk; nil where no service starts slowly.
        let record: StateFile?
        /// What stands there as far as is known; nil: that is not known.
        var recorded: WarmServices?
        /// Whether it is being written.
        var isRecording = false

        /// Reads what the last run left of services that start slowly.
        init(_ configuration: AgentConfiguration, boot: String, logger: Logger, at now: Instant) {
            let startsSlowly = configuration.services.contains { $0.slowStart > .zero }
            let record = startsSlowly ? WarmServices.file(in: configuration.stateDirectory) : nil
            var warm: Set<String> = []
            do throws(ReporterError) {
                warm = try record.flatMap(WarmServices.load)?.warm(inBoot: boot, uptime: WarmServices.uptime()) ?? []
            } catch {
                logger.warning("\(error); services that are up start slowly")
            }
            governors = configuration.services.map {
                WeightGovernor($0, wasWarm: warm.contains($0.name), at: now)
            }
            self.record = record
        }
    }

    /// Gives services that are up the weight they have by hand, or that their governors make of it; tells the governors which
    /// are up; adds what weights cannot follow to the warnings.
    func weigh(_ services: [Report.Service], at now: Weights.Instant = .now) -> [Report.Service] {
        services.enumerated().map { index, assessed in
            var service = assessed
            if isJudged(service, at: index) {
                weights.governors[index].serviceIs(up: service.state == .up, at: now)
            }
            let governor = weights.governors[index]
            service.setup.warnings += governor.warnings
            guard service.state == .up else { return service }
            if let byHand = admin.weights[service.name] {
                service.weight = byHand.weight
                service.reason = "weight \(byHand.weight) by hand"
            } else {
                service.weight = governor.weight
                service.reason = governor.reason
            }
            return service
        }
    }

    /// Whether the state is the service's own: not just that the agent has not looked at everything yet, nor that it stops. An
    /// agent that starts or stops says nothing about how warm a service is.
    private func isJudged(_ service: Report.Service, at index: Int) -> Bool {
        switch service.state {
        case .up, .maint, .drained: true
        case .draining: admin.services[service.name] != nil
        case .down:
            admin.services[service.name] != nil || setup?[service.name]?.isEmpty == false
                || checked[index].histories.contains { $0.hasVerdict && !$0.ok }
        }
    }

    /// Takes one look at the host's load into account, and the time that has passed since the last.
    func record(load readings: [LoadMeasure: LoadReading], at now: Weights.Instant = .now) {
        let before = services
        load = LoadFigures(cpu: readings[.cpu]?.value, memory: readings[.memory]?.value)
        for index in checked.indices {
            var readings = readings
            readings[.connections] = checked[index].connections.map { .figure(Double($0)) }
            readings[.command] = weights.commandFigures.removeValue(forKey: index)
            weights.governors[index].take(readings, at: now)
        }
        refresh()
        for (old, new) in zip(before, services) {
            if old.weight != new.weight, old.state == new.state {
                logger.info(
                    "the weight of \(new.name) is \(new.weight)",
                    metadata: ["was": "\(old.weight)", "reason": "\(new.reason)"])
            }
            for warning in new.setup.warnings where !old.setup.warnings.contains(warning) {
                logger.warning("service \(new.name): \(warning)")
            }
        }
    }

    /// Takes what a service's command printed into account, with the next look.
    func record(commandFigure reading: LoadReading, service: Int) {
        weights.commandFigures[service] = reading
    }

    /// Sets a weight by hand, or gives it back to the load rules.
    ///
    /// - Throws: `ReporterError` for a name no service has, or where the state cannot be written. Nothing has changed then.
    func setWeight(
        _ request: WeightRequest, at now: Timestamp = .now(), instant: DrainBook.Instant = .now
    ) async throws(ReporterError) -> ControlAnswer {
        let service = try service(named: request.service)
        try await changeAdmin(at: now, instant: instant) { _ throws(ReporterError) in
            admin.weighing(service.name, request.weight, now: now)
        }
        return controlAnswer(about: [service.name])
    }

    /// Puts on record which services have their whole weight, where that has changed; see `WarmServices`. A disk that cannot
    /// be written to costs a slow start too many. Does nothing while an earlier call is still at it.
    ///
    /// - Parameter isEnding: whether the agent ends now: nothing is recorded after that.
    func keepWarmServices(isEnding: Bool = false) async {
        guard let record = weights.record, isEnding || !isStopping && !weights.isRecording else { return }
        let names = zip(checked, weights.governors).filter(\.1.isWarm).map(\.0.configuration.name)
        let next = WarmServices(
            boot: identity.boot, services: names.sorted(), stopped: isEnding ? WarmServices.uptime() : nil)
        guard next != weights.recorded else { return }
        (weights.recorded, weights.isRecording) = (next, true)
        defer { weights.isRecording = false }
        do throws(ReporterError) {
            try await disk.write(next.content, to: record)
            failures.succeeded("warm services")
        } catch {
            weights.recorded = nil
            failures.failed("warm services", "\(error); after a restart, services that are up start slowly")
        }
    }
}
