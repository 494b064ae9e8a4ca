internal import Forwarding

// Connections that outlive the director.
extension EngineLoop {
    /// Takes over what the director before this one remembered. In the same breath as the first services, so that no packet
    /// comes in between.
    func resumeSavedFlows() {
        guard let saved = savedFlows else { return }
        savedFlows = nil
        guard let moment = BootMoment.now else {
            return report(.notResumed("the kernel does not tell its boot_id"))
        }
        do throws(SavedFlowsError) {
            let outcome = try path.forwarder.resume(saved, interfaces: settings.interfaces, at: moment, now: now())
            report(.resumed(outcome))
        } catch {
            report(.notResumed(error.cause))
        }
    }

    /// What is to outlive it; nil: there is nothing. Only once it has stopped.
    func flowsToSave() -> [UInt8]? {
        // Stopped before it was given services: the next one may have better luck.
        if let saved = savedFlows { return saved }
        path.forwarder.expire(now: now(), budget: .max)
        guard !path.forwarder.isIdle, let moment = BootMoment.now else { return nil }
        return path.forwarder.save(interfaces: settings.interfaces, at: moment)
    }
}
