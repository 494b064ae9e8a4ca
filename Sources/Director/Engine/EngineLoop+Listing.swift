internal import Forwarding

/// Some of the flows, and where the next are.
struct FlowSlice: Sendable {
    var found: [Connection]
    /// Nil: there are no more.
    var next: ListingPlace?
}

extension EngineLoop {
    /// How many records are looked at in one go, so that packets wait no longer than for that.
    static let listingBudget = 4096

    func slice(from place: ListingPlace) -> FlowSlice {
        let (found, next) = path.forwarder.connections(from: place, budget: Self.listingBudget)
        return FlowSlice(found: found, next: next)
    }
}
