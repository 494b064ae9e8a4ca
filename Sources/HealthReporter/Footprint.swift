internal import CLinux
internal import NIOCore

/// What a process of this kind takes of a machine, whatever the machine has.
public enum Footprint {
    /// How many threads answer and check: one can answer more than ten thousand times a second, and needs nobody else's
    /// wake-up.
    static let eventLoops = 1
    /// How many threads do what blocks.
    static let blockingThreads = 2
    /// How many parts the memory allocator keeps (mallopt(3), M_ARENA_MAX): each holds on to memory of its own. By default
    /// there may be eight for every core.
    static let arenas: Int32 = 2

    /// Keeps threads and memory few. To be called before anything is started.
    public static func limit() {
        NIOSingletons.groupLoopCountSuggestion = eventLoops
        NIOSingletons.blockingPoolThreadCountSuggestion = blockingThreads
        clinux_limit_arenas(arenas)
    }
}
