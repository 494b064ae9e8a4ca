import CLinux

// What ``LookAhead`` fetches, before it is needed.
extension FlowTable {
    /// The bucket of this key's flow; to be followed by the key's hash.
    @inline(__always)
    func fetchBucket(_ lookup: FlowLookup, _ key: Key) -> UInt64 {
        let hash = key.hash(hash)
        clinux_prefetch(lookup == .byKey ? byKey.bucket(of: hash) : byAnswer.bucket(of: hash))
        return hash
    }

    /// The record of the flow with this hash, so far as its bucket tells.
    @inline(__always)
    func fetchCandidate(_ lookup: FlowLookup, _ hash: UInt64) -> UInt32 {
        let index = lookup == .byKey ? byKey.candidate(for: hash) : byAnswer.candidate(for: hash)
        guard index != Self.none else { return index }
        let record = UnsafeRawPointer(flows + Int(index))
        clinux_prefetch(record)
        // One of IPv6 lies in two lines.
        if MemoryLayout<Flow<Key>>.size > 32 { clinux_prefetch(record + MemoryLayout<Flow<Key>>.size - 1) }
        return index
    }

    /// The links of a flow.
    @inline(__always)
    func fetchLinks(_ index: UInt32) { clinux_prefetch(links + Int(index)) }

    /// Those of its neighbours by age.
    @inline(__always)
    func fetchNeighbours(_ index: UInt32) {
        let (older, newer) = (links[Int(index)].older, links[Int(index)].newer)
        if older != Self.none { fetchLinks(older) }
        if newer != Self.none { fetchLinks(newer) }
    }
}
