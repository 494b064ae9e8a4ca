/// A flow: which server a client's connection was given to, and how long that is remembered.
///
/// What every packet needs comes first, and lies in one line of the processor's cache more often than the whole would.
struct Flow<Key: FlowKey> {
    /// When it is forgotten, in ``Ticks`` milliseconds.
    var deadline: UInt64 = 0
    var key: Key
    var state: FlowState
    /// Whether the server was heard, or with source NAT the world: only where answers pass here.
    var isAnswered = false
    /// Source NAT: opened by a server, whose own end is ``inside``. The key's client is who it talks to, its VIP what stands for
    /// the server there.
    var isOutbound = false
    /// A slot of the ``ServerTable``; with source NAT its rule's.
    var server: UInt32
    /// Where answers to the client go, an index of the ``StationTable``; ``StationTable/none``: they do not pass here.
    var station = StationTable.none
    /// NAT: the other end as it really is: the server's address and port where the key has the VIP's.
    var insidePort: UInt16
    var inside: Key.Address
    /// The next flow in the same bucket of each chain; in a free record the first leads to the next free one.
    var next: InlineArray<2, UInt32> = [FlowTable<Key>.none, FlowTable<Key>.none]
    /// Its neighbours among the flows in the same state, by age. A free record is its own elder.
    var older = FlowTable<Key>.none
    var newer = FlowTable<Key>.none
    /// The persistence template it was scheduled by, an index of the ``TemplateTable``, or none.
    var template = FlowTable<Key>.none

    /// How many bytes from its beginning on most packets need: all but how it hangs together with other records.
    static var sizeOfItsOwn: Int { MemoryLayout<Self>.size - 5 * MemoryLayout<UInt32>.size }

    /// What an answer of this flow is found by.
    var answerKey: Key { key.with(vip: inside, port: insidePort) }
}

/// How flows are found: by the client's side of them, or by what the server answers.
enum FlowChain: Int {
    case byKey, byAnswer
}
