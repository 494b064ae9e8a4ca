internal import ConfigurationFile

extension DirectorConfiguration {
    /// How many leading bits of an IPv4 client's address say which thread its packets go to: a network whose clients stay with one
    /// server together is one thread's.
    var clientPrefix4: Int { services.compactMap { $0.persistence?.prefixLength }.min() ?? 32 }

    /// The same of IPv6.
    var clientPrefix6: Int { services.compactMap { $0.persistence?.prefixLengthV6 }.min() ?? 128 }
}
