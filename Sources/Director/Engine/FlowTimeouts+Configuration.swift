internal import ConfigurationFile
internal import Forwarding

extension FlowTimeouts {
    /// As the file says.
    init(_ timeouts: DirectorConfiguration.Timeouts) {
        self.init(
            established: Self.milliseconds(timeouts.tcp), finWait: Self.milliseconds(timeouts.tcpFin),
            udp: Self.milliseconds(timeouts.udp))
    }

    private static func milliseconds(_ duration: Duration) -> UInt64 {
        let (seconds, attoseconds) = duration.components
        return UInt64(seconds) * 1000 + UInt64(attoseconds / 1_000_000_000_000_000)
    }
}
