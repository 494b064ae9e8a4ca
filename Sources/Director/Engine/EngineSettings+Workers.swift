internal import CLinux
internal import ConfigurationFile

extension DirectorConfiguration {
    /// How many threads forward packets where the file does not say: one for each core that this process may run on
    /// (sched_getaffinity(2)), but no more than it may ask for.
    static var workersByDefault: Int { min(64, Int(clinux_allowed_processors())) }

    /// How many threads forward packets.
    var workerCount: Int { workers ?? Self.workersByDefault }

    /// How many leading bits of an IPv4 client's address say which thread its packets go to: a network whose clients stay with one
    /// server together is one thread's.
    var clientPrefix4: Int { services.compactMap { $0.persistence?.prefixLength }.min() ?? 32 }

    /// The same of IPv6.
    var clientPrefix6: Int { services.compactMap { $0.persistence?.prefixLengthV6 }.min() ?? 128 }
}
