internal import Forwarding

/// Some of the flows, and where the next are.
struct FlowSlice: Sendable {
    var found: [Connection]
    /// Nil: there are no more.
    var next: ListingPlace?
}

extension Engine {
    /// Hands everything that is remembered to `take`, slice by slice: packets pass between any two. A million flows are some
    /// 250 slices. Ends early where `take` wants no more.
    func list(_ take: (FlowSlice) -> Bool) async {
        var place: ListingPlace? = .start
        while let from = place {
            let slice = await withCheckedContinuation { continuation in
                mailbox.leave(.list(from: from) { continuation.resume(returning: $0) })
            }
            guard take(slice) else { return }
            place = slice.next
        }
    }
}

extension EngineLoop {
    /// How many records are looked at in one go, so that packets wait no longer than for that.
    static let listingBudget = 4096

    func slice(from place: ListingPlace) -> FlowSlice {
        let (found, next) = path.forwarder.connections(from: place, budget: Self.listingBudget)
        return FlowSlice(found: found, next: next)
    }
}
